"""The journals of one run for people to read: all lanes merged by time, narrowed by level, lane, item and words, in pages.

Every line is judged by its checksum, but only the lines that are shown are taken apart: a page of a journal of 100,000
lines does not cost 100,000 lines of JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from runner.core.clock import iso
from runner.core.contract import JOURNAL_FILE, SUPERVISOR_LANE, run_folder
from runner.journal import Line
from runner.journal.read import parse_line, seal_fault
from runner.store.models import Run

LEVELS: Final = ("trace", "debug", "info", "success", "warning", "error", "critical")
LARGEST: Final = 64 * 1024 * 1024  # bytes of one journal that are looked through
_LEVEL: Final = re.compile(rb'"level":"([a-z]+)"')
_TIME: Final = re.compile(rb'"time":"([^"]+)"')
_UNFINISHED: Final = "the last line is not complete"


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which lines; what is empty asks for nothing. `level` is the lowest, `text` words that all stand in the line."""

    level: str = ""
    text: str = ""
    item: str = ""
    lane: int | None = None


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some of the lines that fit, and which: from number `first` (0 is the oldest) of `total`.

    `faults`: lanes whose journal can't be read to its end, with the reason. `cut`: a journal is so long that its end was
    not looked through.
    """

    lines: tuple[Line, ...]
    first: int
    total: int
    size: int
    faults: tuple[tuple[int, str], ...] = ()
    cut: bool = False

    @property
    def last(self) -> int:
        """The number of the last line that is shown, from 1."""
        return self.first + len(self.lines)

    @property
    def earlier(self) -> int | None:
        """Where the part before begins; None where this is the first."""
        return max(0, self.first - self.size) if self.first else None

    @property
    def later(self) -> int | None:
        """Where the part after begins; None where this is the last."""
        return self.last if self.last < self.total else None


@dataclass(frozen=True, slots=True)
class _Found:
    time: bytes
    lane: int
    raw: bytes


def read_log(runs: Path, run: Run, wanted: LogFilter, first: int | None = None, size: int = 100) -> LogPage:
    """The lines from number `first` on; None: the last ones. A run without a journal has none.

    Reading ends, lane by lane, at the first line that is torn or damaged, and `faults` says so; a last line that is
    still being written is no fault.
    """
    found: list[_Found] = []
    faults: list[tuple[int, str]] = []
    is_cut = False
    for lane, path in journals_of(runs, run):
        if wanted.lane is not None and lane != wanted.lane:
            continue
        lines, fault, too_long = _fitting(path, lane, wanted)
        found += lines
        is_cut = is_cut or too_long
        if fault and fault != _UNFINISHED:
            faults.append((lane, fault))
    found.sort(key=lambda one: one.time)  # stable: the lines of a lane stay in their order
    total = len(found)
    begin = max(0, total - size) if first is None else max(0, min(first, total))
    shown = (parse_line(one.raw) for one in found[begin : begin + size])
    lines_shown = tuple(line for line in shown if isinstance(line, Line))
    return LogPage(lines_shown, begin, total, size, tuple(faults), is_cut)


def log_stamp(runs: Path, run: Run) -> str:
    """Something that changes whenever a journal of the run has grown; costs no reading."""
    sizes = []
    for lane, path in journals_of(runs, run):
        try:
            sizes.append(f"{lane}:{path.stat().st_size}")
        except OSError:
            continue
    return " ".join(sizes)


def line_json(line: Line) -> dict[str, Any]:
    """A line as its journal has it (docs/journal.md), without format version and checksum."""
    told = {name: getattr(line, name) for name in line.__slots__}
    return {name: value for name, value in told.items() if value is not None} | {"time": iso(line.time)}


def folder_of(runs: Path, run: Run) -> Path:
    """The run's folder."""
    return runs / (run.folder or run_folder(run.pk, run.queued))


def journals_of(runs: Path, run: Run) -> list[tuple[int, Path]]:
    """The journals of a run by lane; lane 0 is the worker's own."""
    folder = folder_of(runs, run)
    lanes = [
        (int(path.parent.name.removeprefix("lane-")), path)
        for path in folder.glob(f"lane-*/{JOURNAL_FILE}")
        if path.parent.name.removeprefix("lane-").isdigit()
    ]
    return [(SUPERVISOR_LANE, folder / JOURNAL_FILE), *sorted(lanes)]


def _fitting(path: Path, lane: int, wanted: LogFilter) -> tuple[list[_Found], str, bool]:
    """The lines of one journal that fit, why reading ended early (or nothing), and whether it was longer than is read."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        return [], "", False
    except OSError as error:
        return [], error.strerror or str(error), False
    too_long = len(data) > LARGEST
    lines = data[:LARGEST].split(b"\n")
    torn = lines.pop()
    levels = frozenset(one.encode() for one in LEVELS[_rank(wanted.level) :]) if wanted.level else None
    words = [word.casefold() for word in wanted.text.split()]
    found: list[_Found] = []
    latest = b""
    for raw in lines:
        fault = seal_fault(raw)
        if fault:
            return found, fault, too_long
        time = _TIME.search(raw)
        latest = max(latest, time[1]) if time else latest
        if levels is not None and not ((level := _LEVEL.search(raw)) and level[1] in levels):
            continue
        if (words or wanted.item) and not _has(raw, words, wanted.item):
            continue
        found.append(_Found(latest, lane, raw))
    return found, _UNFINISHED if torn and not too_long else "", too_long


def _has(raw: bytes, words: list[str], item: str) -> bool:
    """Whether all words stand in what the line says; the raw text is looked at first, because most lines end there."""
    rough = raw.decode("utf-8", "replace").casefold()
    if not all(_plain(word) in rough for word in words):
        return False
    line = parse_line(raw)
    if isinstance(line, str) or (item and line.item != item):
        return False
    text = "\n".join(_said(line)).casefold()
    return all(word in text for word in words)


def _plain(word: str) -> str:
    """The longest part of a word that JSON writes as it is."""
    return max(re.split(r'["\\\x00-\x1f/]', word), key=len)


def _said(line: Line) -> Iterator[str]:
    yield line.message
    yield line.event
    yield from (text for text in (line.queue, line.item, line.step) if text)
    for mapping in (line.data, line.error or {}):
        yield from (str(value) for value in mapping.values() if value is not None)


def _rank(level: str) -> int:
    name = level.lower()
    return LEVELS.index(name) if name in LEVELS else LEVELS.index("info")
