"""What a run's outcome does to cases and problems: opened, opened again, given back, resolved; each with an act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import F

from runner.cases.due import due_time
from runner.cases.fingerprint import Failure, Fingerprint, fingerprint_of
from runner.core.ids import short_id, uuid7
from runner.core.nouns import ActVerb, CaseStatus, FailureKind, ProblemStatus
from runner.journal import Line
from runner.store.models import Act, Case, Item, Problem

MACHINE: Final = "runner"  # the name under which the machine's own acts stand in a history
SETTLED: Final = (CaseStatus.RESOLVED, CaseStatus.CLOSED)


@dataclass(frozen=True, slots=True)
class Opening:
    """A failure that a person has to follow up. `item` is None for a failed run."""

    case_id: str
    line: Line
    kind: FailureKind
    why: str
    error: Mapping[str, Any]
    step: str = ""
    process: str = ""
    item: Item | None = None
    evidence: list[dict[str, Any]] = field(default_factory=list)


def item_case_id(queue: str, key: str) -> str:
    """The id of the one case that an item has all its life."""
    return short_id("item", queue, key)


def run_case_id(run: str) -> str:
    """The id of the case of a failed run."""
    return short_id("run", run)


def open_case(opening: Opening) -> str:
    """Open the case, or open it again with the new failure; its problem comes back with it. Gives the case's id."""
    line = opening.line
    at = line.time
    message = str(opening.error.get("message") or line.message)
    problem = _problem(opening, message)
    values: dict[str, Any] = {
        "kind": opening.kind,
        "why": opening.why,
        "status": CaseStatus.OPEN,
        "bot": line.bot,
        "process": opening.process,
        "run_id": line.run or None,
        "problem_id": problem,
        "message": message,
        "error": dict(opening.error),
        "step": opening.step,
        "evidence": opening.evidence,
        "changed": at,
        "resolved": None,
        "resolution": "",
        "snoozed_until": None,
    }
    known = Case.objects.filter(pk=opening.case_id).values("status", "problem_id").first()
    if known is None:
        Case.objects.create(pk=opening.case_id, item=opening.item, opened=at, due=due_time(at), **values)
    else:
        if known["status"] in SETTLED:
            values |= {"opened": at, "due": due_time(at)}
        Case.objects.filter(pk=opening.case_id).update(
            times_opened=F("times_opened") + 1, version=F("version") + 1, **values
        )
        if known["problem_id"] != problem:
            settle_problem(known["problem_id"])
    record(opening.case_id, line, "reopened" if known else "opened", message)
    return opening.case_id


def resolve_case(case_id: str, line: Line, resolution: str, note: str) -> None:
    """The outcome of a new attempt settles the case; nothing happens where there is none, or it is settled."""
    case = Case.objects.filter(pk=case_id).exclude(status__in=SETTLED).only("problem_id").first()
    if case is None:
        return
    Case.objects.filter(pk=case_id).update(
        status=CaseStatus.RESOLVED,
        resolution=resolution,
        resolved=line.time,
        changed=line.time,
        snoozed_until=None,
        version=F("version") + 1,
    )
    record(case_id, line, "resolved", note)
    settle_problem(case.problem_id)


def give_back(case_id: str, line: Line, verb: str, note: str) -> None:
    """The item will be tried again without a person's decision: its case waits for that attempt."""
    changed = (
        Case.objects.filter(pk=case_id)
        .exclude(status__in=SETTLED)
        .update(status=CaseStatus.RETRYING, changed=line.time, snoozed_until=None, version=F("version") + 1)
    )
    if changed:
        record(case_id, line, verb, note)


def run_case_of(run_id: str) -> str | None:
    """The open case of an earlier run that a person answered by asking for the run `run_id`."""
    waiting = Case.objects.filter(status=CaseStatus.RETRYING, item=None).values_list("pk", flat=True)
    acts = Act.objects.filter(
        machine=False, subject_kind="case", verb=ActVerb.RETRY, subject__in=list(waiting)
    )
    for subject, data in acts.values_list("subject", "data"):
        if data.get("run") == run_id:
            return subject
    return None


def settle_run_retry(line: Line) -> None:
    """The run that a person asked for in place of a failed one went through: the failed one's case is resolved."""
    case_id = run_case_of(line.run)
    if case_id is not None:
        resolve_case(case_id, line, "retried", f"run {line.run} went through")


def record(case_id: str, line: Line, verb: str, note: str) -> None:
    """Write the machine's act; its id follows from the journal line, so a rebuild writes the same one."""
    Act.objects.create(
        pk=uuid7(line.time, seed=f"{case_id} {verb} {line.run} {line.lane} {line.seq}"),
        at=line.time,
        by=MACHINE,
        machine=True,
        subject_kind="case",
        subject=case_id,
        verb=verb,
        note=note,
        data={"run": line.run},
    )


def settle_problem(problem_id: str) -> None:
    """A problem whose cases are all settled is resolved; one with an unsettled case is open."""
    unsettled = Case.objects.filter(problem_id=problem_id).exclude(status__in=SETTLED).exists()
    if not unsettled:
        Problem.objects.filter(pk=problem_id, status=ProblemStatus.OPEN).update(status=ProblemStatus.RESOLVED)


def _problem(opening: Opening, message: str) -> str:
    line = opening.line
    mark = failure_fingerprint(opening, message)
    problem_id = short_id("problem", mark.value)
    values = {"status": ProblemStatus.OPEN, "last_seen": line.time}
    if not Problem.objects.filter(pk=problem_id).update(**values):
        Problem.objects.create(
            pk=problem_id,
            fingerprint=mark.value,
            title=mark.title,
            explanation=mark.explanation,
            parts=dict(mark.parts),
            kind=opening.kind,
            bot=line.bot,
            process=opening.process,
            first_seen=line.time,
            **values,
        )
    return problem_id


def failure_fingerprint(opening: Opening, message: str) -> Fingerprint:
    """The fingerprint of a failure as its journal line and evidence tell it."""
    error = opening.error
    first: dict[str, str] = next(
        iter(error.get("errors") or ()), {}
    )  # of a bad row with several errors the first one counts
    shown = next((e["page_error"] for e in opening.evidence if e.get("page_error")), "")
    return fingerprint_of(
        Failure(
            kind=opening.kind,
            code=str(error.get("code") or ""),
            type=str(error.get("type") or ""),
            message=" - ".join(filter(None, (first.get("what"), first.get("expected")))) or message,
            bot=opening.line.bot,
            step=opening.step,
            where=str(error.get("where") or ""),
            page_error=str(shown),
            why=opening.why,
        )
    )
