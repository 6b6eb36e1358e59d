"""The log of a run: the journals of all its lanes merged by time, followed while it goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any, Final

from rich.cells import cell_len
from rich.text import Text

from runner.cli.printing import clean, console, warn
from runner.cli.tongue import in_chinese, language, said, told_message
from runner.core.clock import iso
from runner.core.contract import JOURNAL_FILE, SUPERVISOR_LANE
from runner.core.journal_words import message_in
from runner.core.nouns import RunStatus
from runner.journal import Fault, Line, read_journal
from runner.store.models import Run

LEVELS: Final = ("TRACE", "DEBUG", "INFO", "SUCCESS", "WARNING", "ERROR", "CRITICAL")
_LOOK: Final = 0.3  # seconds between two looks at the journals
_AGAIN: Final = 5  # looks after which the store is asked whether the run still goes on
_STYLES: Final[Mapping[str, str]] = {
    "ERROR": "red",
    "CRITICAL": "bold red",
    "WARNING": "yellow",
    "DEBUG": "dim",
}
_UNFINISHED: Final = "the last line is not complete"


@dataclass(slots=True)
class LaneLog:
    """How far the journal of one lane has been read."""

    path: Path
    lane: int
    offset: int = 0
    seq: int = 0
    fault: Fault | None = None

    def read(self) -> tuple[Line, ...]:
        """The lines that are new since the last call. Past a fault nothing is read, except past a line being written."""
        if self.fault is not None and self.fault.reason != _UNFINISHED:
            return ()
        reading = read_journal(self.path, self.offset, self.seq)
        self.offset, self.fault = reading.end, reading.fault
        if reading.lines:
            self.seq = reading.lines[-1].seq
        return reading.lines


@dataclass(slots=True)
class RunLog:
    """All journals of one run; lanes that start later are found when they are there."""

    folder: Path
    lanes: dict[int, LaneLog] = field(default_factory=dict)
    ended: bool = False

    def new_lines(self) -> list[Line]:
        """The lines that came since the last call, by time; the lines of one lane stay in their order."""
        for lane, path in _journals(self.folder):
            self.lanes.setdefault(lane, LaneLog(path, lane))
        found = [line for lane in self.lanes.values() for line in _in_order(lane.read())]
        lines = [line for _, line in sorted(found, key=lambda pair: (pair[0], pair[1].lane, pair[1].seq))]
        self.ended = self.ended or any(
            line.event == "run.finished" and line.lane == SUPERVISOR_LANE for line in lines
        )
        return lines


def show_log(runs: Path, run_id: str, *, follow: bool, level: str, item: str, as_json: bool) -> int:
    """Print the log of a run; with `follow` go on until the run has ended. Returns 1 when a journal is damaged."""
    run = Run.objects.get(pk=run_id)
    log = RunLog(_folder(runs, run))
    lowest = _rank(level)
    printer = _Printer(as_json=as_json)
    for line in _lines(log, run_id, runs, follow=follow):
        if _rank(line.level) >= lowest and item in ("", line.item):
            printer.show(line)
    return _tell_faults(log, goes_on=not RunStatus(_status(run_id)).is_final)


def _rank(level: str) -> int:
    name = level.upper()
    return LEVELS.index(name if name in LEVELS else "INFO")


def _lines(log: RunLog, run_id: str, runs: Path, *, follow: bool) -> Iterator[Line]:
    looks = 0
    while True:
        over = (
            not follow or log.ended or (looks % _AGAIN == _AGAIN - 1 and RunStatus(_status(run_id)).is_final)
        )
        yield from log.new_lines()
        if over:
            return
        looks += 1
        time.sleep(_LOOK)
        if not log.lanes:
            log.folder = _folder(runs, Run.objects.get(pk=run_id))


def _status(run_id: str) -> str:
    return str(Run.objects.values_list("status", flat=True).get(pk=run_id))


def _folder(runs: Path, run: Run) -> Path:
    return runs / (run.folder or f"{run.queued:%Y/%m/%d}/{run.pk}")


def _journals(folder: Path) -> Iterator[tuple[int, Path]]:
    yield SUPERVISOR_LANE, folder / JOURNAL_FILE
    for path in folder.glob(f"lane-*/{JOURNAL_FILE}"):
        number = path.parent.name.removeprefix("lane-")
        if number.isdigit():
            yield int(number), path


def _in_order(lines: Iterable[Line]) -> Iterator[tuple[Any, Line]]:
    """Pair each line with a time that never goes back: a lane's own order stands above its clock."""
    latest = None
    for line in lines:
        latest = line.time if latest is None else max(latest, line.time)
        yield latest, line


def _tell_faults(log: RunLog, *, goes_on: bool) -> int:
    faults = [
        lane for lane in log.lanes.values()
        if lane.fault is not None and not (goes_on and lane.fault.reason == _UNFINISHED)
    ]  # fmt: skip
    for lane in faults:
        assert lane.fault is not None
        warn(
            f"{lane.path.relative_to(log.folder)}: JOURNAL_DAMAGED: reading stops at byte {lane.fault.offset}: "
            f"{lane.fault.reason} - what follows can't be believed and is not shown - look at the file itself"
        )
    return 1 if faults else 0


class _Printer:
    """Prints lines: one JSON object each, or a line for people with a heading for each day."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._day: date | None = None
        self._console = console()

    def show(self, line: Line) -> None:
        if self._as_json:
            print(json.dumps(_line_json(line), ensure_ascii=False, default=str), flush=True)
            return
        at = line.time.astimezone()
        if at.date() != self._day:
            self._day = at.date()
            day = said(f"{at:%a}") if in_chinese() else f"{at:%A}"
            head = said("{day} (times are UTC{offset})", day=f"{day} {at:%Y-%m-%d}", offset=f"{at:%z}")
            self._console.print(Text(head, style="bold"))
        self._console.print(_for_people(line, f"{at:%H:%M:%S}.{at.microsecond // 1000:03}"), soft_wrap=True)


def _for_people(line: Line, at: str) -> Text:
    lane = said("lane {number}", number=line.lane) if line.lane else said("worker")
    subject = f"{line.item} ({line.attempt}) " if line.item else ""
    return Text.assemble(
        (at, "dim"),
        f"  {lane}{' ' * ((8 if in_chinese() else 7) - cell_len(lane))} ",
        (f"{line.level.upper():<8} ", _STYLES.get(line.level.upper(), "")),
        (clean(subject), "cyan"),
        clean(_words(line)),
    )


def _words(line: Line) -> str:
    took = f" ({line.ms:.0f} ms)" if line.ms is not None else ""
    why = (line.error or {}).get("message", "")
    error = line.error or {}

    def told_why(text: str) -> str:
        return told_message(error, text) if in_chinese() else text

    message = line.message if line.event == "log" else message_in(language(), line.message, told_why)
    what = f"{message}{took}"
    if why and why not in line.message:
        what = f"{what}: {told_why(why)}"
    return what if not line.evidence else f"{what} [{line.evidence}]"


def _line_json(line: Line) -> dict[str, Any]:
    values = {one.name: getattr(line, one.name) for one in fields(line)}
    return {
        name: iso(value) if name == "time" else value
        for name, value in values.items()
        if value is not None and not (name == "data" and not value)
    }
