"""The timetable that is in force, read again only when schedules.yaml has changed."""

from __future__ import annotations

import threading
from collections.abc import Collection
from datetime import datetime
from typing import Final

from runner.cases.schedule_acts import standings
from runner.core.clock import now
from runner.core.errors import ErrorReport
from runner.desk.outside import place
from runner.timetable.due_times import Planned
from runner.timetable.loading import Timetable, load

MOST: Final = 200  # schedules whose next due time is worked out for one page
_reading: Final = threading.Lock()
_known: dict[tuple[str, int, int], Timetable] = {}


def timetable() -> Timetable | None:
    """The project's timetable; None while there is no file, or while it can't be read. What it gives is shared: don't change it."""
    path = place().settings.schedules
    try:
        facts = path.stat()
    except OSError:
        return None
    stamp = (str(path), facts.st_mtime_ns, facts.st_size)
    with _reading:
        if stamp not in _known:
            try:
                found = load(path, None, now())
            except ErrorReport:
                return None
            _known.clear()
            _known[stamp] = found
        return _known[stamp]


def in_force(bots: Collection[str] | None = None) -> list[Planned]:
    """The schedules that run now (of these bots; None: of all): switched on, and not paused. One query."""
    found = timetable()
    chosen = [
        one
        for one in (found.planned if found else ())
        if one.schedule.enabled and (bots is None or (one.schedule.bot or one.schedule.recording) in bots)
    ][:MOST]
    at = now()
    standing = standings([one.schedule.id for one in chosen]) if chosen else {}
    known = (standing.get(one.schedule.id) for one in chosen)
    return [
        one for one, how in zip(chosen, known, strict=True) if how is None or how.pause_at(at, at) is None
    ]


def next_due(bots: Collection[str]) -> dict[str, tuple[datetime, str]]:
    """When each of these bots runs next, and by which schedule."""
    at = now()
    found: dict[str, tuple[datetime, str]] = {}
    for one in in_force(bots):
        coming = one.next_run(at)
        bot = one.schedule.bot or one.schedule.recording or ""
        if coming is not None and (bot not in found or coming.due < found[bot][0]):
            found[bot] = (coming.due, one.schedule.id)
    return found
