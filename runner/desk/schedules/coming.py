"""The due times of a schedule that come, each with how it will probably go: start, end, lateness, and what it waits for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from runner.cases.outlook import Forecast, Outlook, why_held
from runner.cases.schedule_acts import Pause
from runner.desk.schedules.reasons import told, waits_for
from runner.desk.schedules.seen import reader_zone
from runner.timetable.deadlines import deadline_of, jitter_of
from runner.timetable.due_times import DueTime, Held, Planned
from runner.timetable.zones import local_of

AHEAD: Final = timedelta(days=8)  # as far as waiting for places and resources is worked out
_WINDOWS: Final = (timedelta(days=2), timedelta(days=60), timedelta(days=800), timedelta(days=3660))
_MOST_SHOWN: Final = 30
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Coming:
    """One due time to come. `why` says why it will not run, `moved_from` the day from which a holiday moved it.

    `worst` is where nine of ten runs have ended, `late` by how much it misses its deadline then (at all: `surely` too),
    `waits` how long it waits after its due time, and `waits_for` what for. `there` is the due time on the schedule's own clock,
    where the reader's is another.
    """

    due: datetime
    moved_from: datetime | None = None
    why: str = ""
    start: datetime | None = None
    end: datetime | None = None
    worst: datetime | None = None
    deadline: datetime | None = None
    late: timedelta = timedelta()
    surely: bool = False
    waits: timedelta = timedelta()
    waits_for: str = ""
    there: str = ""


def coming_of(
    one: Planned, outlook: Outlook, at: datetime, pause: Pause | None, count: int = 10
) -> list[Coming]:
    """The next due times until `count` of them run, those that are skipped between them too, at most 30.

    `pause` is the one that holds now.
    """
    if not one.schedule.enabled or not one.schedule.is_timed:
        return []
    if pause is not None:
        one = Held(one.schedule, one.trigger, one.days, pause.until, why_held(pause))
    found = list(islice(_next(one, at, count), _MOST_SHOWN))
    near = [due for due in found if due.due <= at + AHEAD]
    known = {}
    if near:
        ahead = outlook.forecast(at, full_hour(at + AHEAD))
        known = {told.due: told for told in ahead if told.schedule == one.schedule.id}
    loads = outlook.durations(at).get(one.schedule.id)
    coming = [_coming(one, due, known.get(due.due), loads) for due in found]
    if one.zone.key == reader_zone().key:
        return coming
    name = one.zone.key
    return [replace(due, there=f"{local_of(due.due, one.zone):%Y-%m-%d %H:%M} {name}") for due in coming]


def full_hour(at: datetime) -> datetime:
    """The next full hour: what is foreseen up to it serves all pages of this hour."""
    return at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def _next(one: Planned, at: datetime, count: int) -> Iterator[DueTime]:
    runs, left = 0, at
    for window in _WINDOWS:
        for due in one.due_times(left, at + window):
            runs += due.skip is None
            yield due
            if runs == count:
                return
        left = at + window


def _coming(
    one: Planned, due: DueTime, ahead: Forecast | None, loads: tuple[timedelta, timedelta] | None
) -> Coming:
    moved = due.planned if due.planned != due.due else None
    if due.skip is not None:
        return Coming(due.due, moved, told(f"{due.skip}: {due.reason}"))
    if ahead is not None and ahead.skip:
        return Coming(due.due, moved, told(ahead.skip))
    start = due.due + jitter_of(one.schedule, due.due)
    deadline = deadline_of(one.schedule, due.due)
    if ahead is not None and ahead.start is not None:
        held = ahead.waits if ahead.collides else timedelta()
        return Coming(
            due.due, moved, "", ahead.start, ahead.end if loads else None, ahead.worst_end if loads else None, deadline,
            ahead.late_at_worst if loads else timedelta(), ahead.late > timedelta(), held, waits_for(ahead.collides),
        )  # fmt: skip
    if loads is None:
        return Coming(due.due, moved, "", start, deadline=deadline)
    end, worst = start + loads[0], start + loads[1]
    late = max(worst - deadline, timedelta()) if deadline is not None else timedelta()
    return Coming(due.due, moved, "", start, end, worst, deadline, late, bool(deadline and end > deadline))
