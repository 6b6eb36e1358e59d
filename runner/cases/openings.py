"""What a run's outcome does to cases and problems: opened, opened again, given back, resolved; each with an act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import F

from runner.cases.announcing import News, announce
from runner.cases.case_news import case_told, problem_told
from runner.cases.case_rows import SETTLED, before_of, change_case, insert_case, settle_problem
from runner.cases.due import due_of
from runner.cases.fingerprint import Failure, Fingerprint, fingerprint_of
from runner.cases.grouping import failure_facts, problem_of, rules_for
from runner.cases.recurrence import Recurrence, seen_again
from runner.core.ids import short_id, uuid7
from runner.core.nouns import ActVerb, CaseStatus, Event, FailureKind, ProblemStatus
from runner.journal import Line
from runner.store.models import Act, Case, Item, Problem, Run

MACHINE: Final = "runner"  # the name under which the machine's own acts stand in a history


@dataclass(frozen=True, slots=True)
class Opening:
    """A failure that a person has to follow up. `item` is None for a failed run, `run` for what no run did."""

    case_id: str
    line: Line
    kind: FailureKind
    why: str
    error: Mapping[str, Any]
    step: str = ""
    run: Run | None = None
    item: Item | None = None
    evidence: list[dict[str, Any]] = field(default_factory=list)

    @property
    def process(self) -> str:
        """The process that its run works for."""
        return self.run.process if self.run else ""

    @property
    def bot_version(self) -> str:
        """The version of the bot that failed."""
        return self.run.bot_version if self.run else ""


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
    mark = failure_fingerprint(opening, message)
    problem = _problem(opening, mark, message)
    values: dict[str, Any] = {
        "kind": opening.kind,
        "why": opening.why,
        "status": CaseStatus.OPEN,
        "bot": line.bot,
        "bot_version": opening.bot_version,
        "process": opening.process,
        "run_id": line.run or None,
        "problem_id": problem,
        "fingerprint": mark.value,
        "message": message,
        "error": dict(opening.error),
        "step": opening.step,
        "evidence": opening.evidence,
        "changed": at,
        "resolved": None,
        "resolution": "",
        "snoozed_until": None,
    }
    known = before_of(opening.case_id)
    if known is None:
        of_item = (
            {"item": opening.item, "queue": opening.item.queue_id, "key": opening.item.key}
            if opening.item
            else {}
        )
        insert_case(pk=opening.case_id, opened=at, due=due_of(opening.process, at), **of_item, **values)
    else:
        if known.status in SETTLED:
            values |= {"opened": at, "decided": None, "due": due_of(opening.process, at)}
        change_case(known, times_opened=F("times_opened") + 1, **values)
        if known.problem != problem:
            settle_problem(known.problem)
    record(opening.case_id, line, "reopened" if known else "opened", message)
    key = f"{opening.case_id} {line.run} {line.lane} {line.seq}"
    announce(News(Event.CASE_OPENED, key, at, opening.process, lambda: case_told(opening.case_id)))
    return opening.case_id


def resolve_case(case_id: str, line: Line, resolution: str, note: str) -> None:
    """The outcome of a new attempt settles the case; nothing happens where there is none, or it is settled."""
    known = before_of(case_id)
    if known is None or known.status in SETTLED:
        return
    change_case(
        known,
        status=CaseStatus.RESOLVED,
        resolution=resolution,
        resolved=line.time,
        changed=line.time,
        snoozed_until=None,
    )
    record(case_id, line, "resolved", note)
    settle_problem(known.problem)


def give_back(case_id: str, line: Line, verb: str, note: str) -> None:
    """The item will be tried again without a person's decision: its case waits for that attempt."""
    known = before_of(case_id)
    if known is not None and known.status not in SETTLED:
        change_case(known, status=CaseStatus.RETRYING, changed=line.time, snoozed_until=None)
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


def _problem(opening: Opening, mark: Fingerprint, message: str) -> str:
    """The problem of a failure, by its fingerprint and people's grouping rules; it has been seen again, or is made."""
    line = opening.line
    rules = rules_for(mark.value)
    if rules:
        facts = failure_facts(
            opening.item.data if opening.item else {},
            opening.error,
            message=message,
            step=opening.step,
            bot_version=opening.bot_version,
            page_error=_shown(opening),
        )
        problem_id = problem_of(mark.value, facts)
    else:
        problem_id = short_id("problem", mark.value)
    known = Problem.objects.select_for_update().filter(pk=problem_id).first()
    if known is not None:
        started = opening.run.started if opening.run else None
        seen_again(known, Recurrence(line.time, started or line.time, opening.bot_version))
        return problem_id
    Problem.objects.create(
        pk=problem_id,
        fingerprint=mark.value,
        title=mark.title,
        explanation=mark.explanation,
        parts=dict(mark.parts),
        kind=opening.kind,
        bot=line.bot,
        process=opening.process,
        status=ProblemStatus.OPEN,
        first_seen=line.time,
        last_seen=line.time,
        changed=line.time,
    )
    announce(
        News(
            Event.PROBLEM_OPENED,
            problem_id,
            line.time,
            opening.process,
            lambda: problem_told(problem_id),
        )
    )
    return problem_id


def _shown(opening: Opening) -> str:
    """What the page itself said."""
    return str(next((e["page_error"] for e in opening.evidence if e.get("page_error")), ""))


def failure_fingerprint(opening: Opening, message: str) -> Fingerprint:
    """The fingerprint of a failure as its journal line and evidence tell it."""
    error = opening.error
    first: dict[str, str] = next(
        iter(error.get("errors") or ()), {}
    )  # of a bad row with several errors the first one counts
    return fingerprint_of(
        Failure(
            kind=opening.kind,
            code=str(error.get("code") or ""),
            type=str(error.get("type") or ""),
            message=" - ".join(filter(None, (first.get("what"), first.get("expected")))) or message,
            bot=opening.line.bot,
            step=opening.step,
            where=str(error.get("where") or ""),
            page_error=_shown(opening),
            why=opening.why,
        )
    )
