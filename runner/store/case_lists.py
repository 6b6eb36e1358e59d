"""Cases as lists and as JSON values (fields: docs/json.md), for the command line and the desk alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet

from runner.core.clock import iso
from runner.core.nouns import CaseStatus, Priority
from runner.store.models import Act, Case
from runner.store.paging import Page, page_of
from runner.store.words import with_words, words_of

WAITING_FOR_PEOPLE: Final = tuple(status for status in CaseStatus if status.needs_a_person)
SORTS: Final = {
    "opened": "opened",
    "due": "due",
    "changed": "changed",
    "status": "status",
    "kind": "kind",
    "bot": "bot",
    "queue": "queue",
    "item": "key",
    "assignee": "assignee",
    "priority": "priority",
    "problem": "problem_id",
}


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases; an empty field asks for nothing. `status` holds states, `problem` an id, `text` words anywhere.

    `since` is the earliest time at which they were opened. `overdue_at`: those that wait and were due before that time.
    `unassigned`: those that nobody has; `at_least` the lowest priority.
    """

    queue: str = ""
    kind: str = ""
    status: tuple[str, ...] = ()
    problem: str = ""
    bot: str = ""
    assignee: str = ""
    run: str = ""
    text: str = ""
    since: datetime | None = None
    process: str = ""
    overdue_at: datetime | None = None
    unassigned: bool = False
    at_least: int | None = None


def filtered_cases(wanted: CaseFilter) -> QuerySet[Case]:
    """The cases of a filter, in no order yet."""
    exact = {
        "queue": wanted.queue,
        "process": wanted.process,
        "kind": wanted.kind,
        "problem_id": wanted.problem,
        "bot": wanted.bot,
        "assignee": wanted.assignee,
        "run_id": wanted.run,
    }
    found = Case.objects.filter(**{name: value for name, value in exact.items() if value})
    if set(wanted.status) == set(WAITING_FOR_PEOPLE):
        # Not `waits=True`, which Django writes without a comparison: SQLite then finds no index for it.
        found = found.filter(waits=True)
    elif wanted.status:
        found = found.filter(status__in=wanted.status)
    if wanted.overdue_at:
        found = found.filter(waits=True, due__lt=wanted.overdue_at)
    if wanted.unassigned:
        found = found.filter(assignee="")
    if wanted.at_least is not None:
        found = found.filter(priority__gte=wanted.at_least)
    if wanted.since:
        found = found.filter(opened__gte=wanted.since)
    return with_words(found, words_of(wanted.text))


def list_cases(wanted: CaseFilter, page: Page | None = None) -> list[dict[str, Any]]:
    """The cases of a filter as JSON values, the oldest first where `page` asks for nothing else. Four queries."""
    # Fetched apart: with a join SQLite may begin at the problems and sort all of their cases.
    rows = filtered_cases(wanted).prefetch_related("item", "problem")
    return cases_json(page_of(rows, page or Page(), SORTS, "opened"))


def cases_json(rows: Iterable[Case]) -> list[dict[str, Any]]:
    """These cases as JSON values, each with its history. One query beside what fetches items and problems."""
    found = list(rows)
    history = _histories(case.pk for case in found)
    return [_case_json(case, history[case.pk]) for case in found]


def case_json(case_id: str) -> dict[str, Any]:
    """One case as a JSON value. Raises Case.DoesNotExist for an id that is none."""
    case = Case.objects.select_related("item", "problem").get(pk=case_id)
    return _case_json(case, _histories([case_id])[case_id])


def _case_json(case: Case, history: list[dict[str, Any]]) -> dict[str, Any]:
    item, error = case.item, case.error or {}
    return {
        "id": case.pk,
        "kind": case.kind,
        "why": case.why,
        "status": case.status,
        "queue": item.queue_id if item else None,
        "item": item.key if item else None,
        "run": case.run_id,
        "bot": case.bot,
        "process": case.process,
        "problem": case.problem_id,
        "problem_title": case.problem.title,
        "explanation": case.problem.explanation,
        "message": case.message,
        "error_type": error.get("type") or "",
        "error_code": error.get("code") or "",
        "error": case.error,
        "step": case.step,
        "data": item.data if item else None,
        "original": item.original if item else None,
        "output": item.output if item else None,
        "source": item.source if item else "",
        "attempts": item.attempts_made if item else None,
        "evidence": case.evidence,
        "opened": iso(case.opened),
        "changed": iso(case.changed),
        "due": iso_or_none(case.due),
        "resolved": iso_or_none(case.resolved),
        "resolution": case.resolution,
        "assignee": case.assignee,
        "priority": Priority(case.priority).name.lower(),
        "bot_version": case.bot_version,
        "snoozed_until": iso_or_none(case.snoozed_until),
        "times_opened": case.times_opened,
        "version": case.version,
        "history": history,
    }


def iso_or_none(at: datetime | None) -> str | None:
    """The instant as JSON has it, or null."""
    return None if at is None else iso(at)


def _histories(case_ids: Iterable[str]) -> defaultdict[str, list[dict[str, Any]]]:
    histories: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    acts = Act.objects.filter(subject_kind="case", subject__in=list(case_ids)).order_by("at", "id")
    for act in acts:
        histories[act.subject].append(
            {
                "id": act.pk,
                "at": iso(act.at),
                "by": act.by,
                "machine": act.machine,
                "verb": act.verb,
                "note": act.note,
                "data": act.data,
            }
        )
    return histories
