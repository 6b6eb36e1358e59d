"""Deadlines: by when a run must be finished, whether its own history says that it will be, and jitter."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from runner.core.clock import iso
from runner.core.schedules_model import Schedule
from runner.core.schedules_pilot import read_deadline
from runner.timetable.zones import instants_of, local_of

_DAY = timedelta(days=1)


def deadline_of(schedule: Schedule, due: datetime) -> datetime | None:
    """Return by when the run of this due time must be finished (UTC), or None where the schedule says nothing.

    A time of day is the first one after the due time, in the schedule's zone; a length counts from the due time.
    """
    if schedule.deadline is None:
        return None
    read = read_deadline(schedule.deadline)
    if isinstance(read, timedelta):
        return due + read
    zone = ZoneInfo(schedule.timezone)
    day = local_of(due, zone).date()
    for ahead in range(3):
        for at in instants_of(datetime.combine(day + ahead * _DAY, read), zone):
            if at > due:
                return at.astimezone(UTC)
    return due + _DAY


@dataclass(frozen=True, slots=True)
class Foresight:
    """A run that will probably not be finished in time: `surely` when half of the past runs would have been late."""

    deadline: datetime
    expected: datetime
    surely: bool

    @property
    def text(self) -> str:
        """``may be late: finished by 17:00, nine of ten runs end by 17:20 UTC``."""
        how, which = (
            ("will probably", "half of the runs end") if self.surely else ("may", "nine of ten runs end")
        )
        return (
            f"{how} be late: must be finished by {self.deadline:%Y-%m-%d %H:%M}Z, {which} by"
            f" {self.expected:%Y-%m-%d %H:%M}Z"
        )


def foresee(
    schedule: Schedule, due: datetime, start: datetime, p50: timedelta, p90: timedelta
) -> Foresight | None:
    """Return what its history says of a run that starts at `start`, where that is later than its deadline."""
    deadline = deadline_of(schedule, due)
    if deadline is None or start + p90 <= deadline:
        return None
    surely = start + p50 > deadline
    return Foresight(deadline, start + (p50 if surely else p90), surely)


def jitter_of(schedule: Schedule, due: datetime) -> timedelta:
    """Return how long after its due time the run starts: 0 to `jitter`, always the same for one due time."""
    if schedule.jitter is None:
        return timedelta()
    digest = hashlib.blake2b(f"{schedule.id}@{iso(due)}".encode(), digest_size=8).digest()
    return schedule.jitter * (int.from_bytes(digest, "big") / 2**64)
