"""How often a schedule is due on each of many days, without walking where a sum will do."""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from typing import Final
from zoneinfo import ZoneInfo

from runner.core.schedules_model import Shift
from runner.timetable.cron import Cron
from runner.timetable.due_times import Planned, SkipKind
from runner.timetable.triggers import At, Every
from runner.timetable.zones import local_of, next_shift, offset_at, settle

_TICK: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class DayDue:
    """The due times of one schedule on one day: how many run and are skipped, the first and last, why the first skip."""

    schedule: str
    runs: int
    skipped: int
    first: datetime
    last: datetime
    why: str = ""


def day_bounds(first: date, last: date, zone: ZoneInfo) -> list[datetime]:
    """The instants at which the days from `first` to `last` begin in `zone`, and at which the last one ends."""
    days = (first + number * _DAY for number in range((last - first).days + 2))
    return [_beginning(day, zone) for day in days]


def day_dues(one: Planned, bounds: Sequence[datetime]) -> list[DayDue | None]:
    """What is due between each two of `bounds` (the first instant of a day counts for it); None where nothing is."""
    trigger = one.trigger
    if isinstance(trigger, Every) and not one.days.calendars:
        return [_evenly(one, trigger, start, end) for start, end in itertools.pairwise(bounds)]
    minutes = minutes_of(one)
    if minutes is not None and isinstance(trigger, Cron | At):
        grid = DayGrid(one, trigger, minutes)
        return [grid.of(start, end) for start, end in itertools.pairwise(bounds)]
    return walked(one, bounds)


def walked(one: Planned, bounds: Sequence[datetime]) -> list[DayDue | None]:
    """`day_dues` by walking from due time to due time: what the shorter ways must agree with."""
    found: list[list[tuple[datetime, str]]] = [[] for _ in bounds[1:]]
    for at in one.due_times(bounds[0] - _TICK, bounds[-1] - _TICK):
        why = "" if at.skip is None else f"{at.skip}: {at.reason}"
        found[bisect_right(bounds, at.due) - 1].append((at.due, why))
    return [_summed(one.schedule.id, dues) if dues else None for dues in found]


def minutes_of(one: Planned) -> list[int] | None:
    """The minutes at which it is due on each of its days; None where no such grid says so.

    It does not for ``L`` and ``#``, for dates and seconds, and where a day off moves a due time to another day.
    """
    if one.schedule.shift is not Shift.SKIP and one.days.calendars:
        return None
    if isinstance(one.trigger, At):
        times = [at for at in one.trigger.times if isinstance(at, time_of_day) and not at.second]
        return (
            sorted({at.hour * 60 + at.minute for at in times})
            if len(times) == len(one.trigger.times)
            else None
        )
    if not isinstance(one.trigger, Cron):
        return None
    cron = one.trigger.text
    if cron.special_days or cron.special_weekdays:
        return None
    return sorted(hour * 60 + minute for hour in cron.hours for minute in cron.minutes)


class DayGrid:
    """The due times of a rule by days: the same minutes on each day that it names."""

    def __init__(self, one: Planned, trigger: Cron | At, minutes: Sequence[int]) -> None:
        self._one, self._zone, self._minutes = one, trigger.zone, minutes
        self._cron = trigger.text if isinstance(trigger, Cron) else None

    def of(self, start: datetime, end: datetime) -> DayDue | None:
        """What is due from an instant up to another, a day or so later; walked where clocks or windows make a difference."""
        left, right = local_of(start, self._zone), local_of(end - _TICK, self._zone)
        days = [left.date() + number * _DAY for number in range((right.date() - left.date()).days + 1)]
        calm = next_shift(self._zone, start - 2 * _DAY, end + 2 * _DAY) is None
        if not calm or any(self._needs_walk(day) for day in days):
            return walked(self._one, [start, end])[0]
        offset = offset_at(start, self._zone)
        parts = [self._of_day(day, offset, start, end) for day in days if self._names(day)]
        return _joined([part for part in parts if part is not None])

    def _of_day(self, day: date, offset: timedelta, start: datetime, end: datetime) -> DayDue | None:
        midnight = datetime.combine(day, time_of_day(), UTC) - offset
        low, high = ((at - midnight) / _MINUTE for at in (start, end))
        first, last = bisect_left(self._minutes, low), bisect_left(self._minutes, high)
        if first == last:
            return None
        reason = self._one.days.why_off(day) if self._one.days.calendars else ""
        count = last - first
        return DayDue(
            self._one.schedule.id, 0 if reason else count, count if reason else 0, midnight + self._minutes[first] * _MINUTE,
            midnight + self._minutes[last - 1] * _MINUTE, f"{SkipKind.CALENDAR}: {reason}" if reason else "",
        )  # fmt: skip

    def _names(self, day: date) -> bool:
        cron = self._cron
        if cron is None:
            return True
        by_date, by_weekday = day.day in cron.days, day.isoweekday() % 7 in cron.weekdays
        fits = by_date or by_weekday if cron.either_day else by_date and by_weekday
        return day.month in cron.months and fits

    def _needs_walk(self, day: date) -> bool:
        """Whether a day has hours of its own: a half day, or a window in which nothing starts."""
        days = self._one.days
        if days.end_of_half_day(day) is not None:
            return True
        return any(window.touches(day) for calendar in days.calendars for window in calendar.blackouts)


def _joined(parts: Sequence[DayDue]) -> DayDue | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    why = next((part.why for part in parts if part.why), "")
    runs, skipped = sum(part.runs for part in parts), sum(part.skipped for part in parts)
    return DayDue(parts[0].schedule, runs, skipped, parts[0].first, parts[-1].last, why)


def _evenly(one: Planned, trigger: Every, start: datetime, end: datetime) -> DayDue | None:
    begin = max(start, trigger.anchor)
    first = trigger.next_after(begin - _TICK)
    if first is None or first >= end:
        return None
    count = -((first - end) // trigger.period)
    return DayDue(one.schedule.id, count, 0, first, first + (count - 1) * trigger.period)


def _summed(schedule: str, dues: Sequence[tuple[datetime, str]]) -> DayDue:
    skipped = [why for _, why in dues if why]
    return DayDue(
        schedule,
        len(dues) - len(skipped),
        len(skipped),
        dues[0][0],
        dues[-1][0],
        skipped[0] if skipped else "",
    )


def _beginning(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a local day; the next one where clocks skip its midnight, or the whole day."""
    for ahead in range(3):
        at = settle(datetime.combine(day + ahead * _DAY, time_of_day()), zone)
        if at is not None:
            return at
    raise ValueError(f"{day} has no beginning in {zone.key}")
