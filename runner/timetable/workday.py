"""The trigger `workday`: the nth working day, from the beginning or the end, of a week, month, quarter or year."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from runner.core.schedules_model import Period
from runner.timetable.calendar_days import WorkDays
from runner.timetable.walk import walk
from runner.timetable.zones import local_of, settle

_DAY: Final = timedelta(days=1)
_MOST_PERIODS: Final = 130  # ten years of months: a period can have fewer working days than asked for


@dataclass(frozen=True)
class Workday:
    """Due at `times` on the `nth` working day of each period; negative counts from the end.

    A period with fewer working days has no due time.
    """

    nth: int
    of: Period
    times: tuple[time, ...]
    zone: ZoneInfo
    days: WorkDays

    def next_after(self, instant: datetime) -> datetime | None:
        """Return the first due time strictly after an aware instant, in UTC; None where ten years have none."""
        first = period_start(local_of(instant, self.zone).date() - _DAY, self.of)
        for _ in range(_MOST_PERIODS):
            after = next_period(first, self.of)
            due = [at for at in self._due_in(first, after - _DAY) if at > instant.astimezone(UTC)]
            if due:
                return min(due)
            first = after
        return None

    def between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Yield the due times in ``[start, end)``, in order, in UTC."""
        return walk(self, start, end)

    def _due_in(self, first: date, last: date) -> Iterator[datetime]:
        working = list(self.days.working_days(first, last))
        place = self.nth - 1 if self.nth > 0 else self.nth
        if -len(working) <= place < len(working):
            for at in self.times:
                due = settle(datetime.combine(working[place], at), self.zone)
                if due is not None:
                    yield due


def period_start(day: date, of: Period) -> date:
    """Return the first day of the period that holds `day`; weeks begin on Monday."""
    if of is Period.WEEK:
        return day - day.weekday() * _DAY
    month = {Period.MONTH: day.month, Period.QUARTER: (day.month - 1) // 3 * 3 + 1, Period.YEAR: 1}[of]
    return day.replace(month=month, day=1)


def next_period(first: date, of: Period) -> date:
    """Return the first day of the period after the one that begins at `first`."""
    if of is Period.WEEK:
        return first + 7 * _DAY
    months = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}[of]
    year, month = divmod(first.month - 1 + months, 12)
    return first.replace(year=first.year + year, month=month + 1)
