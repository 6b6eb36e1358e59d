"""The part of a journal that is about one attempt: found by its time, without reading what comes before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final

from runner.core.contract import JOURNAL_FILE, SUPERVISOR_LANE, lane_folder
from runner.journal import Line
from runner.journal.read import parse_line

MOST: Final = 400  # lines; more are not read by anybody, and the run's own page has all
_NEAR: Final = 65_536  # bytes that are read through rather than halved further
_FARTHEST: Final = 8_000_000  # bytes after the start in which the attempt's lines are looked for


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Lines of a journal in their order. `more`: there were more than fit; `fault`: why reading stopped early."""

    lines: tuple[Line, ...]
    more: bool = False
    fault: str = ""


def journal_of(folder: Path, lane: int) -> Path:
    """The journal of a lane in a run's folder."""
    return folder / JOURNAL_FILE if lane == SUPERVISOR_LANE else folder / lane_folder(lane) / JOURNAL_FILE


def attempt_lines(
    journal: Path, *, queue: str, item: str, attempt: int, since: datetime, until: datetime | None
) -> Excerpt:
    """The lines about one attempt at an item. A line that can't be believed ends it; a file that is gone is empty."""
    last = until + timedelta(seconds=5) if until else None
    kept: list[Line] = []
    try:
        with journal.open("rb") as file:
            file.seek(_offset_of(file, since))
            for parsed in _lines(file):
                if isinstance(parsed, str):
                    return Excerpt(tuple(kept), fault=parsed)
                if last is not None and parsed.time > last:
                    break
                if (parsed.queue, parsed.item, parsed.attempt) != (queue, item, attempt):
                    continue
                if len(kept) == MOST:
                    return Excerpt(tuple(kept), more=True)
                kept.append(parsed)
    except FileNotFoundError:
        return Excerpt(())
    return Excerpt(tuple(kept))


def last_lines(journal: Path, count: int = 60) -> Excerpt:
    """The last lines of a journal, for what is about a whole run."""
    try:
        with journal.open("rb") as file:
            size = file.seek(0, 2)
            start = max(0, size - count * 2000)
            file.seek(start)
            if start:
                file.readline()
            found = list(_lines(file))
    except FileNotFoundError:
        return Excerpt(())
    fault = next((one for one in found if isinstance(one, str)), "")
    lines = [one for one in found if isinstance(one, Line)]
    return Excerpt(tuple(lines[-count:]), more=bool(start) or len(lines) > count, fault=fault)


@dataclass(frozen=True, slots=True)
class Retrying:
    """Where an item stands that is tried again by itself: tries made and left, when the next begins (None: now)."""

    made: int
    left: int
    next_try: datetime | None

    @property
    def of(self) -> int:
        """How many tries there are in all."""
        return self.made + self.left


def retrying(journal: Path, queue: str, item: str) -> Retrying | None:
    """What the end of a journal says about the tries at an item; None where it says nothing of it."""
    left, made, next_try = -1, 0, None
    for line in last_lines(journal, 200).lines:
        if (line.queue, line.item) != (queue, item):
            continue
        if line.event == "attempt.started":
            made, next_try = line.attempt or made + 1, None
            left = max(left - 1, 0) if left >= 0 else left
        elif line.event == "retry" and line.attempt is not None:
            made, left = line.attempt, int(line.data.get("tries_left") or 0)
            next_try = line.time + timedelta(seconds=float(line.data.get("wait") or 0))
    return Retrying(made, left, next_try) if left >= 0 else None


def _lines(file: BinaryIO) -> Iterator[Line | str]:
    """The lines from here on, up to the first that can't be believed (then the reason); one being written is left out."""
    read = 0
    for raw in file:
        read += len(raw)
        if not raw.endswith(b"\n") or read > _FARTHEST:
            return
        parsed = parse_line(raw[:-1])
        yield parsed
        if isinstance(parsed, str):
            return


def _offset_of(file: BinaryIO, since: datetime) -> int:
    """Where a line begins that is not later than `since`, near it: halved by time, as a journal's times do not go back."""
    low, high = 0, file.seek(0, 2)
    while high - low > _NEAR:
        middle = (low + high) // 2
        file.seek(middle)
        file.readline()
        begins = file.tell()
        parsed = parse_line(file.readline().rstrip(b"\n"))
        if begins >= high or isinstance(parsed, str) or parsed.time >= since:
            high = middle
        else:
            low = begins
    return low
