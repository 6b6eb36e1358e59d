"""How often a schedule is due on each of many days, without walking where a sum will do."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from typing import Final
from zoneinfo import ZoneInfo

from runner.timetable.due_times import Planned
from runner.timetable.triggers import Every
from runner.timetable.zones import settle

_TICK: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)


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
    found: list[list[tuple[datetime, str]]] = [[] for _ in bounds[1:]]
    for at in one.due_times(bounds[0] - _TICK, bounds[-1] - _TICK):
        why = "" if at.skip is None else f"{at.skip}: {at.reason}"
        found[bisect_right(bounds, at.due) - 1].append((at.due, why))
    return [_summed(one.schedule.id, dues) if dues else None for dues in found]


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
