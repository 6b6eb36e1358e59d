"""A run that failed is started again where its schedule says so: after a wait, a number of times, as the same occurrence."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from runner.cases.queued import queue_run, row_of
from runner.core.clock import iso
from runner.core.ids import uuid7
from runner.core.nouns import RunStatus
from runner.journal import Line
from runner.store.models import Run

RETRIED: Final = (RunStatus.FAILED, RunStatus.LOST)


def tries_left(policy: dict[str, Any]) -> int:
    """How often a run with this policy may still be started again."""
    return int((policy.get("retry") or {}).get("times") or 0) - int(policy.get("tried") or 0)


def wait_of(policy: dict[str, Any]) -> timedelta:
    """How long the next try waits: `wait`, doubled with each one before, at most `longest_wait`."""
    rule, tried = policy.get("retry") or {}, int(policy.get("tried") or 0)
    longest = float(rule.get("longest_wait") or 0)
    return timedelta(seconds=min(float(rule.get("wait") or 0) * 2**tried, longest))


def try_again(line: Line) -> str | None:
    """Queue the next try of the run whose end `line` tells; its id, or None where no try is left.

    The id follows from the line, so that a rebuild queues the same run.
    """
    run = Run.objects.get(pk=line.run)
    if tries_left(run.policy) <= 0:
        return None
    again = uuid7(line.time, seed=f"{run.pk} again")
    queue_run(again, _row(run, line.time), line.time)
    return again


def _row(run: Run, at: datetime) -> dict[str, Any]:
    tried = int(run.policy.get("tried") or 0) + 1
    return {
        **row_of(run, run.requested_by),
        "schedule": run.schedule,
        "due": iso(run.due) if run.due else None,
        "priority": run.priority,
        "time_limit": run.time_limit,
        "policy": {**run.policy, "tried": tried, "retry_of": run.policy.get("retry_of") or run.pk},
        "not_before": iso(at + wait_of(run.policy)),
    }
