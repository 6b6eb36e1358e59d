"""What is told of cases, problems, runs and missed due times: facts to look them up with, never the data of a row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from runner.cases.announcing import News, announce
from runner.core.clock import iso
from runner.core.nouns import ActVerb, Event, OccurrenceState, Priority
from runner.store.models import Act, Bot, Case, Occurrence, Problem, Run


def case_facts(case: Case) -> dict[str, Any]:
    """A case, its `problem` fetched."""
    return {
        "case": case.pk,
        "status": case.status,
        "kind": case.kind,
        "queue": case.queue or None,
        "item": case.key or None,
        "bot": case.bot,
        "run": case.run_id,
        "problem": case.problem_id,
        "problem_title": case.problem.title,
        "assignee": case.assignee,
        "priority": Priority(case.priority).name.lower(),
        "opened": iso(case.opened),
        "due": iso(case.due) if case.due else None,
        "times_opened": case.times_opened,
        "version": case.version,
    }


def run_facts(run: Run) -> dict[str, Any]:
    """A run that has ended."""
    return {
        "run": run.pk,
        "bot": run.bot,
        "status": run.status,
        "schedule": run.schedule,
        "requested_by": run.requested_by,
        "started": iso(run.started) if run.started else None,
        "finished": iso(run.finished) if run.finished else None,
        "items": {"total": run.total, "done": run.done, "exceptions": run.exceptions, "pending": run.pending},
    }


def problem_facts(problem: Problem) -> dict[str, Any]:
    """A problem."""
    return {
        "problem": problem.pk,
        "title": problem.title,
        "kind": problem.kind,
        "bot": problem.bot,
        "status": problem.status,
        "owner": problem.owner,
        "regressions": problem.regressions,
    }


def case_told(case_id: str) -> dict[str, Any]:
    """The facts of the case of that id."""
    return case_facts(Case.objects.select_related("problem").get(pk=case_id))


def problem_told(problem_id: str) -> dict[str, Any]:
    """The facts of the problem of that id."""
    return problem_facts(Problem.objects.get(pk=problem_id))


def announce_decision(act: Act, process: str) -> None:
    """Tell of an act on a case, where it is more than a comment; the caller holds the transaction."""
    if act.verb != ActVerb.COMMENT:
        more = {"decision": act.verb, "by": act.by, "note": act.note, "act": act.pk}
        announce(News(Event.CASE_DECIDED, act.pk, act.at, process, lambda: case_told(act.subject) | more))


def announce_run(run_id: str, at: datetime) -> None:
    """Tell that a run has ended; the caller holds the transaction."""
    process = Run.objects.values_list("process", flat=True).get(pk=run_id)
    announce(News(Event.RUN_FINISHED, run_id, at, process, lambda: run_facts(Run.objects.get(pk=run_id))))


def announce_missed(rows: Iterable[Occurrence], bots: Mapping[str, str]) -> None:
    """Tell of due times that did not run; `bots` gives the bot of each schedule."""
    missed = [row for row in rows if row.state == OccurrenceState.MISSED]
    if not missed:
        return
    processes = dict(Bot.objects.filter(pk__in=set(bots.values())).values_list("name", "process"))
    for row in missed:
        told = {"schedule": row.schedule, "due": iso(row.due), "reason": row.reason, "case": row.case or None}
        process = processes.get(bots.get(row.schedule, ""), "")
        key = f"{row.schedule} {iso(row.due)}"
        announce(News(Event.SCHEDULE_MISSED, key, row.recorded, process, told))
