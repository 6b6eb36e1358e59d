"""Problems as lists and as JSON values (fields: docs/json.md)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, Min, Q

from runner.core.clock import iso
from runner.store.case_lists import WAITING_FOR_PEOPLE, iso_or_none
from runner.store.models import Case, Problem
from runner.store.paging import Page, page_of

SORTS: Final = {
    "waiting": "waiting",
    "cases": "case_count",
    "first_seen": "first_seen",
    "last_seen": "last_seen",
    "oldest_due": "oldest_due",
    "kind": "kind",
    "bot": "bot",
    "status": "status",
}
_WAITING: Final = Q(cases__status__in=WAITING_FOR_PEOPLE)


@dataclass(frozen=True, slots=True)
class ProblemFilter:
    """Which problems; an empty field asks for nothing."""

    id: str = ""
    status: tuple[str, ...] = ()
    kind: str = ""
    bot: str = ""
    text: str = ""


def list_problems(wanted: ProblemFilter, page: Page | None = None) -> list[dict[str, Any]]:
    """The problems of a filter as JSON values, those that keep most people waiting first. Three queries."""
    exact = {"pk": wanted.id, "kind": wanted.kind, "bot": wanted.bot}
    rows = Problem.objects.filter(**{name: value for name, value in exact.items() if value})
    if wanted.status:
        rows = rows.filter(status__in=wanted.status)
    for word in wanted.text.split():
        rows = rows.filter(Q(title__icontains=word) | Q(id__istartswith=word))
    counted = rows.annotate(
        case_count=Count("cases"),
        waiting=Count("cases", filter=_WAITING),
        oldest_due=Min("cases__due", filter=_WAITING),
    )
    found = list(page_of(counted, page or Page(), SORTS, "-waiting"))
    keys = [problem.pk for problem in found]
    states, due = _states(keys), _oldest_due(keys)
    return [
        {
            "id": problem.pk,
            "fingerprint": problem.fingerprint,
            "title": problem.title,
            "explanation": problem.explanation,
            "kind": problem.kind,
            "bot": problem.bot,
            "process": problem.process,
            "status": problem.status,
            "cases": sum(states[problem.pk].values()),
            "waiting": sum(states[problem.pk].get(status, 0) for status in WAITING_FOR_PEOPLE),
            "by_status": states[problem.pk],
            "first_seen": iso(problem.first_seen),
            "last_seen": iso(problem.last_seen),
            "oldest_due": iso_or_none(due[problem.pk]),
        }
        for problem in found
    ]


def _states(problem_ids: list[str]) -> defaultdict[str, dict[str, int]]:
    states: defaultdict[str, dict[str, int]] = defaultdict(dict)
    rows = (
        Case.objects.filter(problem_id__in=problem_ids).values_list("problem_id", "status").order_by("status")
    )
    for problem, status, count in rows.annotate(count=Count("pk")):
        states[problem][status] = count
    return states


def _oldest_due(problem_ids: list[str]) -> defaultdict[str, datetime | None]:
    waiting = Case.objects.filter(problem_id__in=problem_ids, status__in=WAITING_FOR_PEOPLE)
    rows = waiting.values_list("problem_id").annotate(oldest=Min("due"))
    return defaultdict(lambda: None, rows)
