"""A person ends a run: one that waits is cancelled at once, one that runs is asked to stop by its worker."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction

from runner.cases.audit import record_act
from runner.cases.case_news import announce_run
from runner.core.errors import ConflictError
from runner.core.ids import uuid7
from runner.core.nouns import RUN_MOVES, RunStatus, sources
from runner.store.models import Act, Run

CANCEL: Final = "cancel"  # the verb of the act, on the subject kind `run`


def cancel_run(run_id: str, *, by: str, at: datetime, note: str = "") -> str:
    """Cancel the run, or ask the worker that has it to end it; returns the run's status, which says which of the two.

    Raises ConflictError when it has ended already.
    """
    with transaction.atomic():
        waiting = Run.objects.filter(pk=run_id, status=RunStatus.QUEUED)
        if not waiting.update(status=RunStatus.CANCELLED, finished=at, stop_asked_by=by):
            running = Run.objects.filter(pk=run_id, status__in=sources(RUN_MOVES, RunStatus.CANCELLED))
            if not running.update(stop_asked_by=by):
                raise _has_ended(run_id)
        record_act(
            Act(pk=uuid7(at), at=at, by=by, subject_kind="run", subject=run_id, verb=CANCEL, note=note)
        )
        status = str(Run.objects.values_list("status", flat=True).get(pk=run_id))
        if status == RunStatus.CANCELLED:
            announce_run(run_id, at)
        return status


def apply_cancel(act: Act) -> None:
    """In a rebuild: a run that was cancelled while it waited left no journal, so that this act alone tells of its end."""
    waiting = Run.objects.filter(pk=act.subject, status=RunStatus.QUEUED)
    waiting.update(status=RunStatus.CANCELLED, finished=act.at, stop_asked_by=act.by)


def _has_ended(run_id: str) -> ConflictError:
    run = Run.objects.get(pk=run_id)
    return ConflictError(
        f"the run has ended already: {run.status}",
        expected="a run that waits or runs",
        hint="see: runner runs list --status running",
        where=f"run {run_id}",
        code="STATE",
    )
