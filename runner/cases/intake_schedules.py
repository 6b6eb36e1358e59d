"""Takes in what schedulers wrote down: how due times ended, and that the clock has jumped."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from runner.cases.batch import Batch
from runner.cases.openings import Opening, open_case
from runner.cases.queued import queue_run
from runner.core.clock import from_iso
from runner.core.ids import short_id
from runner.core.nouns import FailureKind
from runner.journal import Line
from runner.store.models import Occurrence

MISSED = "missed"
CLOCK_STEP = "clock_step"


def occurrence(_batch: Batch, line: Line) -> None:
    """A due time ended so; `run_row` brings back a run that has not started, `case` asks for a person."""
    data = line.data
    due = from_iso(data["due"])
    values = {
        "state": data["state"],
        "reason": data.get("reason") or "",
        "run": data.get("run"),
        "decided_by": data.get("by") or "",
        "recorded": _recorded(line),
        "case": data.get("missed_case") or "",
    }
    key = data.get("key") or ""
    if key:  # written again after a crash, it may have another due time; the key is what counts
        mark = {"schedule": data["schedule"], "key": key}
        Occurrence.objects.update_or_create(**mark, defaults={"due": due, **values})
    else:
        Occurrence.objects.update_or_create(schedule=data["schedule"], due=due, defaults=values)
    if data.get("run") and data.get("run_row"):
        queue_run(
            data["run"], {"schedule": data["schedule"], "due": data["due"], **data["run_row"]}, line.time
        )
    if data.get("case"):
        missed_case(line)


def missed_case(line: Line) -> str:
    """Open the one case of due times that were missed together; gives its id, which follows from the first of them."""
    data = line.data
    message = str(data["case"]["message"])
    return open_case(
        Opening(
            case_id=missed_case_id(data["schedule"], data["due"]),
            line=replace(line, time=_recorded(line), bot=data["case"].get("bot") or ""),
            kind=FailureKind.APPLICATION,
            why=MISSED,
            error={"type": "", "code": "SCHED_MISSED", "message": message},
        )
    )


def missed_case_id(schedule: str, first_due: str) -> str:
    """The id of the case for due times that were missed together; `first_due` is that of the first of them."""
    return short_id(MISSED, schedule, first_due)


def clock_step(_batch: Batch, line: Line) -> None:
    """The clock has jumped and a scheduler holds: a person must say that the time is right."""
    open_case(
        Opening(
            case_id=line.data["case"],
            line=replace(line, time=_recorded(line)),
            kind=FailureKind.APPLICATION,
            why=CLOCK_STEP,
            error={"type": "", "code": "SCHED_CLOCK_STEP", "message": line.message},
        )
    )


def _recorded(line: Line) -> datetime:
    text = line.data.get("recorded")
    return from_iso(text) if text else line.time
