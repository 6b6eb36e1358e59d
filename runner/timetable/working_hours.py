"""Working hours: the clock by which a process's deadline (SLA) runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from runner.timetable.blackouts import read_days, read_hours, wrong
from runner.timetable.calendar_days import MONDAY_TO_FRIDAY, WorkDays
from runner.timetable.zones import local_of, settle

_DAY: Final = timedelta(days=1)
_FARTHEST: Final = 3660
Stretches = dict[int, tuple[tuple[time, time], ...]]


@dataclass(frozen=True)
class WorkingHours:
    """When people work: stretches of local time by weekday (Monday 0), on the working days of some calendars.

    A make-up workday on a weekend has the hours of the first weekday that has any; without any hours every minute counts.
    """

    stretches: Stretches
    zone: ZoneInfo
    days: WorkDays = MONDAY_TO_FRIDAY

    def due_after(self, start: datetime, length: timedelta) -> datetime:
        """Return the instant (UTC) at which `length` of working time has passed since `start`.

        Raises ValueError where ten years don't hold that much working time.
        """
        if not self.stretches:
            return start.astimezone(UTC) + length
        left = length
        for begin, end in self._from(start):
            if end - begin >= left:
                return begin + left
            left -= end - begin
        raise ValueError(f"{length} of working time does not pass within ten years of {start:%Y-%m-%d}")

    def worked(self, start: datetime, end: datetime) -> timedelta:
        """Return how much working time lies between two instants."""
        if not self.stretches:
            return max(end - start, timedelta())
        total = timedelta()
        for begin, stop in self._from(start):
            if begin >= end:
                break
            total += min(stop, end) - begin
        return total

    def is_working(self, instant: datetime) -> bool:
        """Whether people work at an instant."""
        return self.worked(instant, instant + timedelta(seconds=1)) > timedelta()

    def _from(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the working stretches from `start` on, in order, in UTC, the first cut off at `start`."""
        at = start.astimezone(UTC)
        first = local_of(at, self.zone).date()
        for number in range(_FARTHEST):
            for begin, end in self._on(first + number * _DAY):
                if end > at:
                    yield max(begin, at), end

    def _on(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        if self.days.why_off(day) if self.days.calendars else day.weekday() not in self.stretches:
            return
        hours = self.stretches.get(day.weekday()) or self.stretches[min(self.stretches)]
        cut = self.days.end_of_half_day(day)
        for left, right in hours:
            end = min(right, cut) if cut is not None else right
            begin, stop = (
                settle(datetime.combine(day, left), self.zone),
                settle(datetime.combine(day, end), self.zone),
            )
            if left < end and begin is not None and stop is not None and begin < stop:
                yield begin, stop


def read_working_hours(text: str) -> Stretches:
    """Read ``Mon-Fri 09:00-12:00, 13:00-18:00; Sat 09:00-12:00``; an empty text means every minute (no stretches).

    Raises ConfigurationError SCHED_CALENDAR.
    """
    found: Stretches = {}
    for part in (part.strip() for part in text.replace("；", ";").split(";")):
        if not part:
            continue
        split = next((index for index, sign in enumerate(part) if sign.isdigit()), 0)
        if split == 0:
            raise wrong(
                f"working hours '{part}'", "days and hours, as in 'Mon-Fri 09:00-17:30'", "write both"
            )
        hours = tuple(sorted(read_hours(stretch) for stretch in part[split:].split(",")))
        if any(begin >= end for begin, end in hours):
            raise wrong(
                f"working hours '{part}' go over midnight",
                "hours of one day",
                "split them at 24:00 into two days",
            )
        for day in read_days(part[:split].strip()):
            found[day] = hours
    return found
