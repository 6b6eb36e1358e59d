"""Records due times: what becomes of each, decided by pure rules and written once, with its run, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from runner.cases.queued import queue_run
from runner.core.clock import iso
from runner.core.ids import uuid7
from runner.core.nouns import OccurrenceState, RunStatus
from runner.core.schedules_model import Missed, Overlap, Schedule
from runner.journal.write import Journal

_ACTIVE: Final = (RunStatus.QUEUED, RunStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What becomes of one due time, and why."""

    due: datetime
    state: OccurrenceState
    reason: str = ""


def rule(dues: Sequence[datetime], at: datetime, schedule: Schedule) -> list[Ruling]:
    """What becomes of the due times that have come since the last look, by the schedule's `missed` and `grace`.

    A due time within the grace is on time and runs. Later ones were missed: with `run_once` the latest of them stands
    for the others unless one is on time anyway, with `run_all` each runs (the latest `max_catchup` of them), with
    `skip` none does.
    """
    on_time = [due for due in dues if at - due <= schedule.grace]
    late = [due for due in dues if at - due > schedule.grace]
    rulings = [_late_ruling(due, late, on_time, at, schedule) for due in late]
    return rulings + [Ruling(due, OccurrenceState.RAN) for due in on_time]


def _late_ruling(
    due: datetime, late: Sequence[datetime], on_time: Sequence[datetime], at: datetime, schedule: Schedule
) -> Ruling:
    waited = _rounded(at - due)
    if schedule.missed is Missed.SKIP:
        return Ruling(due, OccurrenceState.MISSED, f"noticed {waited} late, and missed: skip")
    if schedule.missed is Missed.RUN_ALL:
        if due in late[-schedule.max_catchup :]:
            return Ruling(due, OccurrenceState.RAN, f"caught up {waited} late")
        return Ruling(
            due, OccurrenceState.MISSED, f"more than {schedule.max_catchup} due times were to be caught up"
        )
    stands = (on_time or late)[-1]
    if due == stands:
        return Ruling(due, OccurrenceState.RAN, f"caught up {waited} late")
    return Ruling(due, OccurrenceState.COALESCED, f"covered by the run due {iso(stands)}")


def _rounded(span: timedelta) -> timedelta:
    return timedelta(seconds=round(span.total_seconds()))


def record(ruling: Ruling, schedule: Schedule, at: datetime, journal: Journal) -> Ruling:
    """Write one due time down, with its run where it runs; returns the ruling as it came out.

    The journal line comes first, then occurrence and run in one transaction that is unique on (schedule, due): a crash
    in between, or a second scheduler, leads to the same one run, whose id follows from schedule and due time.
    """
    from django.db import transaction

    from runner.store.models import Occurrence

    with transaction.atomic():
        if Occurrence.objects.filter(schedule=schedule.id, due=ruling.due).exists():
            return ruling
        ruling = _by_overlap(ruling, schedule)
        run = uuid7(ruling.due, f"{schedule.id}@{iso(ruling.due)}")
        runs = ruling.state is OccurrenceState.RAN
        row = _run_row(schedule, at)
        data = {
            "schedule": schedule.id,
            "due": iso(ruling.due),
            "state": ruling.state,
            "reason": ruling.reason,
            "run": run if runs else None,
            "run_row": row if runs else None,
            "recorded": iso(at),
        }
        journal.event(
            "occurrence", f"{schedule.id} due {iso(ruling.due)}: {ruling.state}", sync=True, data=data
        )
        Occurrence.objects.create(
            schedule=schedule.id,
            due=ruling.due,
            state=ruling.state,
            reason=ruling.reason,
            run=run if runs else None,
            recorded=at,
        )
        if runs:
            queue_run(run, {**row, "schedule": schedule.id, "due": iso(ruling.due)}, at)
    return ruling


def _run_row(schedule: Schedule, at: datetime) -> dict[str, Any]:
    limit = schedule.time_limit
    return {
        "bot": schedule.bot,
        "parameters": schedule.parameters,
        "priority": schedule.priority,
        "time_limit": limit.total_seconds() if limit else None,
        "requested_by": f"schedule {schedule.id}",
        "queued": iso(at),
    }


def _by_overlap(ruling: Ruling, schedule: Schedule) -> Ruling:
    """Look at runs of the schedule that have not ended, and do what `overlap` says."""
    from runner.store.models import Run

    active = Run.objects.filter(schedule=schedule.id, status__in=_ACTIVE)
    if ruling.state is not OccurrenceState.RAN or schedule.overlap is Overlap.QUEUE or not active.exists():
        return ruling
    if schedule.overlap is Overlap.SKIP:
        return Ruling(ruling.due, OccurrenceState.SKIPPED, "overlap: the last run had not ended")
    active.filter(status=RunStatus.RUNNING).update(stop_asked_by=f"schedule {schedule.id} (overlap: replace)")
    return ruling
