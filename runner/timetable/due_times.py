"""Due times of a schedule with its calendars: which run, which are moved to another day, which are skipped and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from runner.core.schedules_model import Schedule, Shift
from runner.timetable.calendar_days import MONDAY_TO_FRIDAY, WorkDays
from runner.timetable.walk import Trigger, due_between
from runner.timetable.zones import local_of, settle

_DAY: Final = timedelta(days=1)
_TICK: Final = timedelta(microseconds=1)
_FARTHEST: Final = 60
_HORIZON: Final = timedelta(days=3653)
_WINDOWS: Final = (timedelta(days=2), timedelta(days=40), timedelta(days=400), timedelta(days=4000))


class SkipKind(StrEnum):
    """Why a due time does not run. `PAUSED` comes from people, the others from the timetable alone."""

    CALENDAR = "calendar"
    BLACKOUT = "blackout"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class DueTime:
    """One due time (UTC). `planned` differs from `due` where a holiday moved it; `skip` is None where it runs."""

    due: datetime
    planned: datetime
    skip: SkipKind | None = None
    reason: str = ""
    by: str = ""  # who paused it


@dataclass(frozen=True, slots=True)
class Planned:
    """A schedule, the trigger that its text means, and its calendars."""

    schedule: Schedule
    trigger: Trigger
    days: WorkDays = MONDAY_TO_FRIDAY

    @property
    def zone(self) -> ZoneInfo:
        """The schedule's time zone."""
        return ZoneInfo(self.schedule.timezone)

    def due_times(self, after: datetime, until: datetime) -> Iterator[DueTime]:
        """Yield each due time in ``(after, until]`` once, in order, the skipped ones with their reason."""
        if not self.days.calendars:
            for due in due_between(self.trigger, after, until):
                yield DueTime(due, due)
        elif self.schedule.shift is Shift.SKIP:
            for due in due_between(self.trigger, after, until):
                yield self._judged(due, due)
        else:
            yield from self._shifted(after, until)

    def next_after(self, instant: datetime) -> datetime | None:
        """Return the next due time as calendars leave it, skipped ones included: when to wake and look.

        So a `Planned` is a trigger itself, for whoever keeps the ledger of due times.
        """
        if self.schedule.shift is Shift.SKIP or not self.days.calendars:
            return self.trigger.next_after(instant)
        left = instant.astimezone(UTC)
        for window in _WINDOWS:
            found = next(self.due_times(left, left + window), None)
            if found is not None:
                return found.due
            left += window
        return None

    def between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Yield the due times in ``[start, end)`` as calendars leave them, skipped ones included."""
        return (at.due for at in self.due_times(start - _TICK, end - _TICK))

    def next_run(self, after: datetime) -> DueTime | None:
        """Return the first due time after an instant that is not skipped, or None where ten years have none."""
        if self.schedule.shift is Shift.SKIP or not self.days.calendars:
            return self._next_unmoved(after)
        left = after
        for window in _WINDOWS:
            runs = (at for at in self.due_times(left, left + window) if at.skip is None)
            found = next(runs, None)
            if found is not None:
                return found
            left += window
            if self.trigger.next_after(left - _FARTHEST * _DAY) is None:
                return None
        return None

    def _next_unmoved(self, after: datetime) -> DueTime | None:
        """Go from due time to due time, over a whole day off in one step."""
        due = self.trigger.next_after(after)
        while due is not None and due - after < _HORIZON:
            at = self._judged(due, due)
            if at.skip is None:
                return at
            local = local_of(due, self.zone)
            if at.skip is SkipKind.CALENDAR and self.days.why_off(local.date()):
                midnight = settle(datetime.combine(local.date() + _DAY, time()), self.zone)
                due = max(due, (midnight or due + _DAY) - _TICK)
            due = self.trigger.next_after(due)
        return None

    def _judged(self, due: datetime, planned: datetime) -> DueTime:
        if not self.days.calendars:
            return DueTime(due, planned)
        local = local_of(due, self.zone)
        reason = self.days.why_not(local)
        if reason:
            return DueTime(due, planned, SkipKind.CALENDAR, reason)
        blackout = self.days.blackout_at(local)
        return DueTime(due, planned, SkipKind.BLACKOUT, blackout) if blackout else DueTime(due, planned)

    def _shifted(self, after: datetime, until: datetime) -> Iterator[DueTime]:
        """Move each planned time off a holiday; several that meet are one due time, the unmoved one first."""
        first, last = after, until
        if self.schedule.shift is Shift.NEXT:
            first = after - _idle_run(local_of(after, self.zone).date(), self.days, -1) * _DAY
        else:
            last = until + _idle_run(local_of(until, self.zone).date(), self.days, 1) * _DAY
        found: dict[datetime, DueTime] = {}
        for planned in due_between(self.trigger, first, last):
            moved = self._moved(planned)
            if after < moved.due <= until and (moved.due not in found or moved.planned == moved.due):
                found[moved.due] = moved
        for due in sorted(found):
            yield found[due]

    def _moved(self, planned: datetime) -> DueTime:
        local = local_of(planned, self.zone)
        reason = self.days.why_not(local)
        if not reason:
            return self._judged(planned, planned)
        step = _DAY if self.schedule.shift is Shift.NEXT else -_DAY
        for ahead in range(1, _FARTHEST):
            other = local + ahead * step
            due = settle(other, self.zone) if not self.days.why_not(other) else None
            if due is not None:
                return self._judged(due, planned)
        return DueTime(
            planned, planned, SkipKind.CALENDAR, f"{reason}, and no working day within {_FARTHEST} days"
        )


@dataclass(frozen=True, slots=True)
class Held(Planned):
    """A schedule that somebody has paused up to `until` (None: for good): its due times up to then are skipped."""

    until: datetime | None = None
    why: str = ""

    def due_times(self, after: datetime, until: datetime) -> Iterator[DueTime]:
        """Yield each due time as ever, those that the pause covers with its reason."""
        for at in Planned.due_times(self, after, until):
            covered = at.skip is None and (self.until is None or at.due < self.until)
            yield replace(at, skip=SkipKind.PAUSED, reason=self.why) if covered else at


def _idle_run(day: date, days: WorkDays, step: int) -> int:
    """Count the days from `day` on, going by `step`, until work has been done for a whole day."""
    for ahead in range(1, _FARTHEST):
        other = day + step * ahead * _DAY
        if not days.why_off(other) and days.end_of_half_day(other) is None:
            return ahead + 1
    return _FARTHEST
