"""Takes in what journals say about runs, lanes, steps and due times."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from runner.cases.batch import Batch
from runner.cases.case_news import announce_run
from runner.cases.openings import Opening, open_case, run_case_id, run_case_of, settle_run_retry
from runner.cases.run_retry import RETRIED, try_again
from runner.core.clock import from_iso
from runner.core.contract import SUPERVISOR_LANE, run_folder
from runner.core.nouns import FailureKind, OccurrenceState, RunStatus
from runner.journal import Line
from runner.store.models import Lane, Occurrence, Queue, Run, Step

STEP_RUNNING = "running"
STEP_LOST = "lost"  # its process ended before it did
_LANE_ENDS = {
    "crashed": RunStatus.LOST,
    "time_limit": RunStatus.FAILED,
    "cancelled": RunStatus.CANCELLED,
    "stopped": RunStatus.CANCELLED,
}


def ensure_run(run_id: str, bot: str, at: datetime) -> None:
    """Make a bare row for a run that only its journal knows; what is missing comes with `run.started`."""
    values = {"bot": bot, "queued": at, "status": RunStatus.RUNNING, "folder": run_folder(run_id, at)}
    Run.objects.get_or_create(pk=run_id, defaults=values)


def ensure_lane(run_id: str, lane: int, bot: str, at: datetime) -> None:
    """Make the rows that a lane's journal hangs on, where they are missing."""
    ensure_run(run_id, bot, at)
    if lane != SUPERVISOR_LANE:
        Lane.objects.get_or_create(run_id=run_id, number=lane)


def run_started(batch: Batch, line: Line) -> None:
    """The run, or one of its lanes, began."""
    if line.lane == SUPERVISOR_LANE:
        _run_started(line)
        batch.forget_run(line.run)
        return
    ensure_lane(line.run, line.lane, line.bot, line.time)
    Lane.objects.filter(run_id=line.run, number=line.lane).update(
        pid=line.data.get("pid"),
        host=line.data.get("host") or "",
        started=line.time,
        status=RunStatus.RUNNING,
    )
    run = batch.run(line.run)
    for queue in line.data.get("queues") or ():
        values = {
            "key": queue.get("key") or "",
            "fields": queue.get("fields") or {},
            "group": queue.get("group") or "",
            "bot": line.bot,
            "bot_file": run.bot_file if run else "",
        }
        Queue.objects.update_or_create(name=queue["name"], defaults=values)


def _run_started(line: Line) -> None:
    data = line.data
    due = _time(data.get("due"))
    queued = _time(data.get("queued")) or line.time
    values: dict[str, Any] = {
        "bot": line.bot,
        "bot_file": data.get("bot_file") or "",
        "bot_version": data.get("bot_version") or "",
        "process": data.get("process") or "",
        "parameters": data.get("parameters") or {},
        "schedule": data.get("schedule"),
        "due": due,
        "requested_by": data.get("requested_by") or "",
        "lanes_wanted": data.get("lanes") or 1,
        "item_retry": data.get("item_retry"),
        "policy": data.get("policy") or {},
        "queued": queued,
        "folder": run_folder(line.run, queued),
        "started": line.time,
        "status": RunStatus.RUNNING,
        "worker": data.get("worker") or "",
    }
    values |= {"priority": data["priority"]} if "priority" in data else {}
    values |= {"time_limit": data["own_limit"]} if "own_limit" in data else {}
    Run.objects.update_or_create(pk=line.run, defaults=values)
    if data.get("schedule") and due:
        found, made = Occurrence.objects.get_or_create(
            schedule=data["schedule"],
            due=due,
            defaults={"state": OccurrenceState.RAN, "run": line.run, "recorded": queued},
        )
        if not made and (found.state, found.run) != (OccurrenceState.RAN, line.run):
            Occurrence.objects.filter(pk=found.pk).update(state=OccurrenceState.RAN, run=line.run)


def run_finished(batch: Batch, line: Line) -> None:
    """The run, or one of its lanes, ended."""
    if line.lane != SUPERVISOR_LANE:
        Lane.objects.filter(run_id=line.run, number=line.lane).update(
            status=line.data.get("status") or RunStatus.DONE, finished=line.time
        )
        return
    ensure_run(line.run, line.bot, line.time)
    items = line.data.get("items") or {}
    status = line.data.get("status") or RunStatus.FAILED
    Run.objects.filter(pk=line.run).update(
        status=status,
        finished=line.time,
        total=items.get("total", 0),
        done=items.get("done", 0),
        exceptions=items.get("exceptions", 0),
        pending=items.get("pending", 0),
        outputs=line.data.get("outputs") or {},
        error=line.error,
        lease_until=None,
    )
    announce_run(line.run, line.time)
    batch.forget_run(line.run)
    case = line.data.get("case")
    if status in RETRIED and try_again(line):
        return
    if case:
        _open_run_case(batch, line, case)
    elif status in {RunStatus.DONE, RunStatus.EXCEPTIONS}:
        settle_run_retry(line)


def _open_run_case(batch: Batch, line: Line, case: dict[str, Any]) -> None:
    run = batch.run(line.run)
    retried = run_case_of(line.run)
    why = case.get("why") or "error"
    error = dict(line.error or {"type": "", "code": f"RUN_{why.upper()}", "message": line.message})
    open_case(
        Opening(
            case_id=retried or run_case_id(line.run),
            line=line,
            kind=FailureKind(case.get("kind") or error.get("kind") or FailureKind.APPLICATION),
            why=why,
            error=error,
            step=line.step or "",
            run=run,
            evidence=list(run.evidence) if run else [],
        )
    )


def lane_ended(batch: Batch, line: Line) -> None:
    """The worker saw a lane's process end; what it left open is marked as lost."""
    number = int(line.data["lane"])
    reason = line.data.get("reason") or ""
    ensure_lane(line.run, number, line.bot, line.time)
    lane = Lane.objects.get(run_id=line.run, number=number)
    status = _LANE_ENDS.get(reason, lane.status)
    if status == RunStatus.RUNNING:
        status = RunStatus.DONE if line.data.get("exit_code") == 0 else RunStatus.FAILED
    Lane.objects.filter(pk=lane.pk).update(
        exit_code=line.data.get("exit_code"),
        reason=reason,
        status=status,
        finished=lane.finished or line.time,
    )
    batch.steps.write()
    Step.objects.filter(run_id=line.run, lane=number, status=STEP_RUNNING).update(status=STEP_LOST)


def step_started(batch: Batch, line: Line) -> None:
    """A step began."""
    step = Step(
        run_id=line.run,
        lane=line.lane,
        seq=line.seq,
        parent=line.parent,
        name=line.step or "",
        queue=line.queue,
        item=line.item,
        attempt=line.attempt,
        status=STEP_RUNNING,
        started=line.time,
    )
    batch.steps.keep((line.run, line.lane, line.seq), step)


def step_finished(batch: Batch, line: Line) -> None:
    """A step ended; where its beginning is not known there is nothing to end."""
    key = (line.run, line.lane, int(line.data.get("started") or 0))
    if batch.steps.find(key, run_id=line.run, lane=line.lane, seq=key[2]) is not None:
        batch.steps.change(key, status=line.data.get("status") or "done", ms=line.ms, error=line.error)


def _time(text: str | None) -> datetime | None:
    return from_iso(text) if text else None
