"""Puts a run into the queue of runs, from a decision or from what the scheduler wrote down."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from runner.core.clock import from_iso
from runner.core.contract import run_folder
from runner.core.nouns import RunStatus
from runner.store.models import Run


def queue_run(run_id: str, row: Mapping[str, Any], at: datetime) -> Run:
    """The run `run_id`, made as a queued one where there is none yet.

    `row` holds JSON values: bot, and where known bot_file, process, parameters, schedule, due, lanes_wanted,
    priority, time_limit (seconds), item_retry (`times, wait, longest_wait`, seconds), requested_by, queued,
    policy (as in `Run`), not_before.
    """
    run, _ = Run.objects.get_or_create(pk=run_id, defaults=run_values(run_id, row, at))
    return run


def run_values(run_id: str, row: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """The columns of the queued run that `row` describes."""
    due = row.get("due")
    queued = from_iso(row["queued"]) if row.get("queued") else at
    return {
        "bot": row["bot"],
        "bot_file": row.get("bot_file") or "",
        "process": row.get("process") or "",
        "parameters": row.get("parameters") or {},
        "schedule": row.get("schedule"),
        "due": from_iso(due) if due else None,
        "lanes_wanted": row.get("lanes_wanted") or 1,
        "priority": row.get("priority") or 0,
        "time_limit": row.get("time_limit"),
        "item_retry": row.get("item_retry"),
        "policy": row.get("policy") or {},
        "not_before": from_iso(row["not_before"]) if row.get("not_before") else None,
        "requested_by": row.get("requested_by") or "",
        "queued": queued,
        "folder": run_folder(run_id, queued),
        "status": RunStatus.QUEUED,
    }


def row_of(run: Run, requested_by: str) -> dict[str, Any]:
    """What `queue_run` needs to ask for the same bot with the same parameters again."""
    return {
        "bot": run.bot,
        "bot_file": run.bot_file,
        "process": run.process,
        "parameters": run.parameters,
        "lanes_wanted": run.lanes_wanted,
        "item_retry": run.item_retry,
        "requested_by": requested_by,
    }
