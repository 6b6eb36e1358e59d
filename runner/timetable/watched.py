"""The timetable of a file that people edit: read again when the file, or a calendar file of it, changes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from runner.core.errors import ErrorReport, RunnerError
from runner.timetable.calendar_reading import RowsOf
from runner.timetable.loading import Timetable, load

Stamp = tuple[tuple[str, int, int], ...]


def stamp_of(paths: Iterable[Path]) -> Stamp:
    """What tells whether one of these files has changed: name, date and size of each that is there."""
    found = []
    for path in paths:
        try:
            facts = path.stat()
        except OSError:
            continue
        found.append((str(path), facts.st_mtime_ns, facts.st_size))
    return tuple(found)


def calendar_files(timetable: Timetable) -> list[Path]:
    """The files of days that the calendars of a timetable read."""
    folder = timetable.file.path.parent
    return [folder / entry.file for entry in timetable.file.calendars.values() if entry.file is not None]


class WatchedTimetable:
    """The last good timetable of a file, for pages that look at it again and again. Threads may share it.

    `errors` has what is wrong with the file as it is now; `timetable` is then the version before, or None at the start.
    """

    def __init__(self, path: Path, rows_of: RowsOf | None = None) -> None:
        self._path = path
        self._rows_of = rows_of
        self._lock = threading.Lock()
        self._stamp: Stamp | None = None
        self.timetable: Timetable | None = None
        self.errors: tuple[RunnerError, ...] = ()

    def look(self, now: datetime, changed: Callable[[Timetable], None] = lambda _: None) -> Timetable | None:
        """The timetable as it is now; `changed` is called with each new one."""
        with self._lock:
            if self._stamp is None or self._stamp != self._now():
                self._read(now, changed)
            return self.timetable

    def _read(self, now: datetime, changed: Callable[[Timetable], None]) -> None:
        try:
            self.timetable = load(self._path, None, now, self._rows_of)
        except ErrorReport as report:
            self.errors = report.errors
        else:
            self.errors = ()
            changed(self.timetable)
        self._stamp = self._now()

    def _now(self) -> Stamp:
        days = calendar_files(self.timetable) if self.timetable is not None else []
        return stamp_of([self._path, *days])
