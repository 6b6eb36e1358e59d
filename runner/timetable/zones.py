"""Where a zone's clocks are changed, and which instant a local time means on such a day.

The rules are Debian cron's: a forward change of less than three hours moves the times in the gap to the first instant
after it; a time that comes twice means its first pass; a larger change is a correction of the calendar, and the times
that it leaves out did not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

CORRECTION: Final = timedelta(hours=3)
_SAMPLE: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Shift:
    """One change of a zone's offset: from `at` (UTC) on, local time is UTC + `after`."""

    at: datetime
    before: timedelta
    after: timedelta

    @property
    def gap(self) -> timedelta:
        """How much local time is left out; negative where local time is repeated."""
        return self.after - self.before

    @property
    def is_daylight_saving(self) -> bool:
        """Whether cron's rules for fixed times apply, as they do below three hours."""
        return abs(self.gap) < CORRECTION


def offset_at(instant: datetime, zone: ZoneInfo) -> timedelta:
    """Return the zone's offset from UTC at an aware instant."""
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def local_of(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return the naive local time that clocks of `zone` show at `instant`."""
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


@lru_cache(maxsize=4096)
def shifts_of_year(zone: ZoneInfo, year: int) -> tuple[Shift, ...]:
    """Return the zone's shifts in one UTC year, in order."""
    found: list[Shift] = []
    left = datetime(year, 1, 1, tzinfo=UTC)
    end = datetime(year + 1, 1, 1, tzinfo=UTC)
    before = offset_at(left, zone)
    while left < end:
        right = min(left + _SAMPLE, end)
        after = offset_at(right, zone)
        if after != before:
            found.append(Shift(_first_with_another_offset(left, right, zone), before, after))
        left, before = right, after
    return tuple(found)


def next_shift(zone: ZoneInfo, after: datetime, until: datetime) -> Shift | None:
    """Return the first shift in ``(after, until]``, or None."""
    for year in range(after.year, until.year + 1):
        for shift in shifts_of_year(zone, year):
            if after < shift.at <= until:
                return shift
    return None


def is_second_pass(instant: datetime, zone: ZoneInfo) -> bool:
    """Whether local time at `instant` has been shown once before because clocks went back (by less than 3 h)."""
    local = instant.astimezone(zone)
    if not local.fold:
        return False
    first, second = local.replace(fold=0).utcoffset(), local.utcoffset()
    return first is not None and second is not None and first - second < CORRECTION


def instants_of(local: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Return the instants (UTC) at which clocks of `zone` show the naive time `local`: none, one or two, in order."""
    found = {local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return tuple(sorted(at for at in found if local_of(at, zone) == local))


def settle(local: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the instant (UTC) at which something planned for the naive time `local` is due.

    First pass where the time comes twice; the first instant after the gap where it does not come; None where the gap is
    a correction of three hours or more.
    """
    instants = instants_of(local, zone)
    if instants:
        return instants[0]
    shift = shift_around(local, zone)
    return shift.at if shift is not None and shift.is_daylight_saving else None


def shift_around(local: datetime, zone: ZoneInfo) -> Shift | None:
    """Return the shift whose gap holds the naive time `local`; None where that time is shown."""
    day = timedelta(days=1)
    around = local.replace(tzinfo=UTC)
    shift = next_shift(zone, around - 2 * day, around + 2 * day)
    while shift is not None and not (shift.at + shift.before <= around < shift.at + shift.after):
        shift = next_shift(zone, shift.at, around + 2 * day)
    return shift


def _first_with_another_offset(left: datetime, right: datetime, zone: ZoneInfo) -> datetime:
    before = offset_at(left, zone)
    low, high = int(left.timestamp()), int(right.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if offset_at(datetime.fromtimestamp(middle, UTC), zone) == before:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)
