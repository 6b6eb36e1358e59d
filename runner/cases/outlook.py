"""What the days ahead will bring, from the timetable and from how long runs took: computed once, asked for by many pages."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from runner.cases.durations import durations_by_schedule
from runner.cases.loads import predict
from runner.cases.schedule_acts import Pause, standings
from runner.timetable.day_dues import DayDue, day_bounds, day_dues
from runner.timetable.deadlines import deadline_of
from runner.timetable.due_times import DueTime, Held, Planned
from runner.timetable.loading import Timetable
from runner.timetable.simulation import Predicted

_FRESH: Final = timedelta(seconds=60)  # as long as a forecast counts as new
_DURATIONS_FRESH: Final = timedelta(minutes=10)
_MOST_DAYS: Final = 120


@dataclass(frozen=True, slots=True)
class Forecast:
    """One due time as it will probably go. `late` says by how much it ends after its deadline: expected, and at worst.

    `collides` names what it waits for: a resource, the run before it, a free slot.
    """

    schedule: str
    bot: str
    due: datetime
    start: datetime | None
    end: datetime | None
    worst_end: datetime | None
    deadline: datetime | None
    late: timedelta
    late_at_worst: timedelta
    waits: timedelta
    collides: tuple[str, ...]
    skip: str


class Outlook:
    """One version of the timetable with what follows from it. Make a new one when the file has changed; threads may share it."""

    def __init__(self, timetable: Timetable, slots: int) -> None:
        self.timetable = timetable
        self._slots = slots
        self._lock = threading.Lock()
        self._days: dict[tuple[datetime, datetime], dict[str, DayDue]] = {}
        self._next: dict[str, DueTime | None] = {}
        self._loads: tuple[datetime, dict[str, tuple[timedelta, timedelta]]] | None = None
        self._forecast: tuple[datetime, datetime, list[Forecast]] | None = None
        self._pauses: dict[str, Pause] = {}

    def next_of(self, one: Planned, now: datetime) -> DueTime | None:
        """The next due time that runs, looked for again when it has passed; None for a schedule that is off or waits."""
        if not one.schedule.enabled or not one.schedule.is_timed:
            return None
        name = one.schedule.id
        known = self._next.get(name)
        if name not in self._next or (known is not None and known.due <= now):
            known = self._next[name] = one.next_run(now)
        return known

    def durations(self, now: datetime) -> dict[str, tuple[timedelta, timedelta]]:
        """P50 and P90 of every schedule that has run, at most ten minutes old."""
        with self._lock:
            if self._loads is None or not timedelta() <= now - self._loads[0] < _DURATIONS_FRESH:
                self._loads = (now, durations_by_schedule())
            return self._loads[1]

    def dues_on(self, first: date, last: date, zone: ZoneInfo, after: datetime) -> list[dict[str, DayDue]]:
        """For each day what is due after an instant, by schedule; days that are whole are kept."""
        bounds = day_bounds(first, last, zone)
        spans = list(itertools.pairwise(bounds))
        with self._lock:
            whole = [span for span in spans if span[0] > after and span not in self._days]
            if whole:
                edges = [whole[0][0], *(end for _, end in whole)]
                if [end for _, end in whole[:-1]] == [start for start, _ in whole[1:]]:
                    self._keep(whole, self._count(edges))
                else:
                    for span in whole:
                        self._keep([span], self._count(list(span)))
            return [self._of_day(span, after) for span in spans]

    def forecast(self, now: datetime, until: datetime) -> list[Forecast]:
        """Every due time up to `until` as it will probably go, by due time; at most a minute old, or a pause."""
        loads, pauses = self.durations(now), pauses_at(now)
        with self._lock:
            kept = self._forecast
            is_old = kept is None or not timedelta() <= now - kept[0] < _FRESH or kept[1] < until
            if kept is None or is_old or self._pauses != pauses:
                self._pauses = pauses
                kept = self._forecast = (now, until, self._simulated(now, until, loads))
            return [one for one in kept[2] if now < one.due <= until]

    def _simulated(
        self, now: datetime, until: datetime, durations: dict[str, tuple[timedelta, timedelta]]
    ) -> list[Forecast]:
        planned = [_held(one, self._pauses.get(one.schedule.id)) for one in self.timetable.planned]
        found = predict(planned, self._slots, (now, until), durations)
        by_name = {one.schedule.id: one for one in planned}
        return [_told(one, by_name[one.schedule]) for one in found]

    def _count(self, edges: Sequence[datetime]) -> list[dict[str, DayDue]]:
        days: list[dict[str, DayDue]] = [{} for _ in edges[1:]]
        for one in self.timetable.planned:
            if one.schedule.enabled and one.schedule.is_timed:
                for day, due in zip(days, day_dues(one, edges), strict=True):
                    if due is not None:
                        day[one.schedule.id] = due
        return days

    def _keep(self, spans: Sequence[tuple[datetime, datetime]], days: Sequence[dict[str, DayDue]]) -> None:
        self._days.update(zip(spans, days, strict=True))
        for span in list(self._days)[: max(len(self._days) - _MOST_DAYS, 0)]:
            del self._days[span]

    def _of_day(self, span: tuple[datetime, datetime], after: datetime) -> dict[str, DayDue]:
        start, end = span
        if end <= after:
            return {}
        if start > after:
            return self._days[span] if span in self._days else self._count([start, end])[0]
        return self._count([after + timedelta(microseconds=1), end])[0]


def pauses_at(now: datetime) -> dict[str, Pause]:
    """The pauses that hold now, by schedule. One query."""
    found = {name: how.pause_at(now, now) for name, how in standings().items()}
    return {name: pause for name, pause in found.items() if pause is not None}


def why_held(pause: Pause) -> str:
    """The reason of a due time that a pause covers, as the scheduler will write it."""
    return f"by {pause.by}: {pause.reason}"


def _held(one: Planned, pause: Pause | None) -> Planned:
    if pause is None:
        return one
    return Held(one.schedule, one.trigger, one.days, pause.until, why_held(pause))


def _told(one: Predicted, planned: Planned) -> Forecast:
    schedule = planned.schedule
    deadline = deadline_of(schedule, one.due) if not one.skip else None
    late, worst = (
        max(end - deadline, timedelta()) if deadline is not None and end is not None else timedelta()
        for end in (one.end, one.late_end)
    )
    return Forecast(
        one.schedule, schedule.bot or schedule.recording or "", one.due, one.start, one.end, one.late_end, deadline,
        late, worst, one.lateness, one.waits_for if one.lateness > timedelta() else (), one.skip,
    )  # fmt: skip
