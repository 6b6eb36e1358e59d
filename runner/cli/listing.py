"""Runs and cases as the command line lists them (to be replaced by the store's own lists)."""

from __future__ import annotations

from typing import Any

from runner.core.clock import iso
from runner.store.models import Act, Case, Run


def run_json(run: Run) -> dict[str, Any]:
    """A run with its documented fields."""
    return {
        "id": run.pk,
        "bot": run.bot,
        "schedule": run.schedule,
        "status": run.status,
        "started": run.started and iso(run.started),
        "finished": run.finished and iso(run.finished),
        "queued": iso(run.queued),
        "items": {"total": run.total, "done": run.done, "exceptions": run.exceptions, "pending": run.pending},
        "parameters": run.parameters,
        "outputs": run.outputs,
        "error": run.error,
        "requested_by": run.requested_by,
        "folder": run.folder,
    }


def case_json(case: Case) -> dict[str, Any]:
    """A case with its documented fields."""
    item = case.item
    acts = Act.objects.filter(subject_kind="case", subject=case.pk).order_by("at", "id")
    return {
        "id": case.pk,
        "kind": case.kind,
        "status": case.status,
        "queue": item.queue_id if item else None,
        "item": item.key if item else None,
        "run": case.run_id,
        "bot": case.bot,
        "problem": case.problem_id,
        "message": case.message,
        "error_type": (case.error or {}).get("type", ""),
        "opened": iso(case.opened),
        "due": case.due and iso(case.due),
        "assignee": case.assignee,
        "history": [
            {"at": iso(a.at), "by": a.by, "verb": a.verb, "note": a.note, "machine": a.machine} for a in acts
        ],
        "data": item.data if item else None,
        "step": case.step,
        "evidence": case.evidence,
        "version": case.version,
        "error": case.error,
    }
