"""The triggers `every` and `at`: a fixed period from an anchor, and times of day or dates that are written out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from runner.timetable.walk import walk
from runner.timetable.zones import local_of, settle

_DAY: Final = timedelta(days=1)
_MONDAY: Final = datetime(2024, 1, 1)  # noqa: DTZ001 - local midnight of a Monday, in whichever zone


@dataclass(frozen=True, slots=True)
class Every:
    """Due at ``anchor + n × period``, in real time: no drift, and a change of the clocks doesn't move it."""

    period: timedelta
    anchor: datetime

    def next_after(self, instant: datetime) -> datetime | None:
        """Return the first due time strictly after an aware instant, in UTC; there is none before the anchor."""
        anchor = self.anchor.astimezone(UTC)
        if instant < anchor:
            return anchor
        return anchor + ((instant - anchor) // self.period + 1) * self.period

    def between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Yield the due times in ``[start, end)``, in order, in UTC."""
        return walk(self, start, end)


@dataclass(frozen=True, slots=True)
class At:
    """Due at each of `times`: a `time` comes every day, a naive `datetime` once, an aware one exactly then.

    On days when clocks change the rules for fixed times hold: see `settle`.
    """

    times: tuple[time | datetime, ...]
    zone: ZoneInfo

    def next_after(self, instant: datetime) -> datetime | None:
        """Return the first due time strictly after an aware instant, in UTC; None when all dates are past."""
        found = [due for due in self._dates() if due > instant]
        daily = [at for at in self.times if isinstance(at, time)]
        day = local_of(instant, self.zone).date() - _DAY if daily else None
        for ahead in range(5):  # a day can be missing from a calendar, hardly two; a gap moves a time forward
            if day is not None:
                settled = (settle(datetime.combine(day + ahead * _DAY, at), self.zone) for at in daily)
                found.extend(due for due in settled if due is not None and due > instant)
        return min(found, default=None)

    def between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Yield the due times in ``[start, end)``, in order, in UTC."""
        return walk(self, start, end)

    def _dates(self) -> Iterator[datetime]:
        for at in self.times:
            if isinstance(at, datetime):
                due = at.astimezone(UTC) if at.tzinfo else settle(at, self.zone)
                if due is not None:
                    yield due


def default_anchor(zone: ZoneInfo) -> datetime:
    """Return the anchor of an `every` that names none: midnight of a Monday in the schedule's zone.

    So ``15m`` is due at :00, :15, :30 and :45, ``1d`` at midnight and ``7d`` on Mondays.
    """
    return _MONDAY.replace(tzinfo=zone).astimezone(UTC)
