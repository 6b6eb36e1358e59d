"""What every trigger is: something that knows its next due time; and the walk over the due times of a stretch."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Trigger(Protocol):
    """Due times as a pure function of time. All instants are aware; what comes out is UTC."""

    def next_after(self, instant: datetime) -> datetime | None:
        """Return the first due time strictly after `instant`, or None where there is none."""

    def between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Yield the due times in ``[start, end)``, in order."""


def walk(trigger: Trigger, start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the due times of `trigger` in ``[start, end)`` by asking for the next again and again."""
    due = trigger.next_after(start - timedelta(microseconds=1))
    while due is not None and due < end:
        yield due
        due = trigger.next_after(due)


def due_between(trigger: Trigger, after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the due times in ``(after, until]``: what a scheduler that last looked at `after` must handle at `until`."""
    tick = timedelta(microseconds=1)
    return trigger.between(after.astimezone(UTC) + tick, until.astimezone(UTC) + tick)
