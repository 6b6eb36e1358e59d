"""Records due times: each decision of the timetable once, with its run, in one transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from runner.cases.queued import queue_run
from runner.core.clock import iso
from runner.core.ids import uuid7
from runner.core.nouns import OccurrenceState, RunStatus
from runner.core.schedules_model import Schedule
from runner.journal.write import Journal
from runner.timetable.dates import render
from runner.timetable.due_times import Planned
from runner.timetable.policies import Cause, Decision, OverlapMove, decide_overlap

_ACTIVE: Final = (RunStatus.QUEUED, RunStatus.RUNNING)


def record(decision: Decision, planned: Planned, at: datetime, journal: Journal) -> Decision | None:
    """Write one due time down, with its run where it runs; returns what came of it, None where it was known already.

    The journal line comes first, then occurrence and run in one transaction that is unique on (schedule, due): a crash
    in between, or a second scheduler, leads to the same one run, whose id follows from schedule and due time.
    """
    from django.db import transaction

    from runner.store.models import Occurrence

    schedule, due = planned.schedule, decision.due.due
    with transaction.atomic():
        if Occurrence.objects.filter(schedule=schedule.id, due=due).exists():
            return None
        decision = _by_overlap(decision, schedule)
        run = uuid7(due, f"{schedule.id}@{iso(due)}") if decision.runs else None
        row = _run_row(planned, due, at) if decision.runs else None
        data = {
            "schedule": schedule.id,
            "due": iso(due),
            "state": decision.state,
            "reason": decision.reason,
            "run": run,
            "run_row": row,
        }
        journal.event("occurrence", f"{schedule.id} due {iso(due)}: {decision.state}", sync=True, data=data)
        Occurrence.objects.create(
            schedule=schedule.id, due=due, state=decision.state, reason=decision.reason, run=run, recorded=at
        )
        if run is not None and row is not None:
            queue_run(run, {**row, "schedule": schedule.id, "due": iso(due)}, at)
    return decision


def _run_row(planned: Planned, due: datetime, at: datetime) -> dict[str, Any]:
    schedule = planned.schedule
    limit, tries = schedule.time_limit, schedule.item_retry
    return {
        "bot": schedule.bot,
        "parameters": render(schedule.parameters, due, planned.zone, planned.days),
        "priority": schedule.priority,
        "time_limit": limit.total_seconds() if limit else None,
        "item_retry": {
            "times": tries.times,
            "wait": tries.wait.total_seconds(),
            "longest_wait": tries.longest_wait.total_seconds(),
        }
        if tries
        else None,
        "requested_by": f"schedule {schedule.id}",
        "queued": iso(at),
    }


def _by_overlap(decision: Decision, schedule: Schedule) -> Decision:
    """Look at runs of the schedule that have not ended, and do what `overlap` says."""
    from runner.store.models import Run

    if not decision.runs:
        return decision
    active = Run.objects.filter(schedule=schedule.id, status__in=_ACTIVE)
    running = active.filter(status=RunStatus.RUNNING)
    waiting = active.filter(status=RunStatus.QUEUED)
    cause = decision.cause or Cause.ON_TIME
    move = decide_overlap(running.count(), waiting.count(), cause, schedule.overlap)
    if move is OverlapMove.LEAVE_OUT:
        return Decision(decision.due, OccurrenceState.SKIPPED, "overlap: the last run had not ended")
    if move is OverlapMove.CANCEL_EARLIER:
        by = f"schedule {schedule.id} (overlap: replace)"
        running.update(stop_asked_by=by)
    return decision
