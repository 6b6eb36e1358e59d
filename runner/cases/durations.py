"""What the past says: how long the runs of schedules take."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from runner.core.nouns import RunStatus
from runner.store.models import Run
from runner.timetable.simulation import durations_of

_LAST: Final = 50
_THROUGH: Final = (RunStatus.DONE, RunStatus.EXCEPTIONS)


def durations(schedule: str) -> tuple[timedelta, timedelta]:
    """P50 and P90 of the schedule's last 50 runs that went through; one minute each where there is none."""
    through = Run.objects.filter(schedule=schedule, status__in=_THROUGH)
    times = (
        through.exclude(started=None).exclude(finished=None).order_by(F("due").desc(nulls_last=True))[:_LAST]
    )
    pairs = times.values_list("started", "finished")
    return durations_of((end - start).total_seconds() for start, end in pairs if start and end)


def durations_by_schedule(schedules: Iterable[str] | None = None) -> dict[str, tuple[timedelta, timedelta]]:
    """`durations` of many schedules (all: None) in one query; those without a run that went through are left out."""
    through = Run.objects.filter(schedule__isnull=False, status__in=_THROUGH)
    if schedules is not None:
        through = through.filter(schedule__in=list(schedules))
    place = Window(RowNumber(), partition_by=[F("schedule")], order_by=F("due").desc(nulls_last=True))
    ranked = (
        through.exclude(started=None).exclude(finished=None).annotate(place=place).filter(place__lte=_LAST)
    )
    seconds: dict[str, list[float]] = defaultdict(list)
    for schedule, start, end in ranked.values_list("schedule", "started", "finished"):
        if schedule and start and end:
            seconds[schedule].append((end - start).total_seconds())
    return {schedule: durations_of(found) for schedule, found in seconds.items()}
