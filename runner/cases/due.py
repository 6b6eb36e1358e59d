"""When a case has to be decided."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

ONE_WORKING_DAY: Final = timedelta(days=1)


def due_time(opened: datetime, sla: timedelta = ONE_WORKING_DAY) -> datetime:
    """The time by which a case opened at `opened` (aware UTC) has to be decided, `sla` later.

    Saturday and Sunday (UTC) don't count. A process's own working hours and holidays are not known here yet.
    """
    at, left = opened, sla
    while True:
        if at.weekday() >= 5:
            at = _midnight_after(at)
            continue
        day_left = _midnight_after(at) - at
        if left < day_left or (left == day_left and at.weekday() < 4):
            return at + left
        at, left = at + day_left, left - day_left


def _midnight_after(at: datetime) -> datetime:
    return (at + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
