"""What the past says: how long a schedule's runs take."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from runner.core.nouns import RunStatus
from runner.timetable.simulation import durations_of

_LAST: Final = 50


def durations(schedule: str) -> tuple[timedelta, timedelta]:
    """P50 and P90 of the schedule's last 50 runs that went through; one minute each where there is none."""
    from runner.store.models import Run

    through = Run.objects.filter(schedule=schedule, status__in=[RunStatus.DONE, RunStatus.EXCEPTIONS])
    times = through.exclude(started=None).exclude(finished=None).order_by("-finished")[:_LAST]
    pairs = times.values_list("started", "finished")
    return durations_of((end - start).total_seconds() for start, end in pairs if start and end)
