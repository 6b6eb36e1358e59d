"""Problems as lists and as JSON values (fields: docs/json.md)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from django.db.models import CharField, Count, F, Q, QuerySet
from django.db.models.functions import Cast, Substr

from runner.core.clock import iso
from runner.core.nouns import ProblemStatus
from runner.store.case_lists import iso_or_none
from runner.store.models import Case, CorrectiveAction, GroupingRule, Problem
from runner.store.paging import Page, page_of

SORTS: Final = {
    "waiting": "waiting",
    "cases": "total",
    "first_seen": "first_seen",
    "last_seen": "last_seen",
    "oldest_due": "oldest_due",
    "kind": "kind",
    "bot": "bot",
    "owner": "owner",
    "status": "status",
}
TREND_DAYS: Final = 14
AT_REST: Final = tuple(status for status in ProblemStatus if status.is_at_rest)


@dataclass(frozen=True, slots=True)
class ProblemFilter:
    """Which problems; an empty field asks for nothing.

    `live`: those with a case that waits, or that somebody is working on. Problems that are part of another one are left
    out unless `merged` or `id` asks for them.
    """

    id: str = ""
    status: tuple[str, ...] = ()
    kind: str = ""
    bot: str = ""
    process: str = ""
    owner: str = ""
    text: str = ""
    live: bool = False
    merged: bool = False


@dataclass(frozen=True, slots=True)
class ActionFilter:
    """Which corrective actions; an empty field asks for nothing."""

    problem: str = ""
    owner: str = ""
    is_open: bool = False
    overdue: bool = False


def filtered_problems(wanted: ProblemFilter) -> QuerySet[Problem]:
    """The problems of a filter, in no order yet."""
    exact = {
        "pk": wanted.id, "kind": wanted.kind, "bot": wanted.bot, "process": wanted.process, "owner": wanted.owner,
    }  # fmt: skip
    rows = Problem.objects.filter(**{name: value for name, value in exact.items() if value})
    if not (wanted.merged or wanted.id):
        rows = rows.filter(merged_into=None)
    if wanted.live:
        rows = rows.filter(Q(waiting__gt=0) | ~Q(status__in=AT_REST))
    if wanted.status:
        rows = rows.filter(status__in=wanted.status)
    for word in wanted.text.split():
        rows = rows.filter(Q(title__icontains=word) | Q(id__istartswith=word) | Q(owner__icontains=word))
    return rows


def list_problems(
    wanted: ProblemFilter, page: Page | None = None, *, trend_until: datetime | None = None
) -> list[dict[str, Any]]:
    """The problems of a filter as JSON values, those that keep most people waiting first. Two queries.

    With `trend_until` each has a `trend` as of `trends`, for one query more.
    """
    found = list(page_of(filtered_problems(wanted), page or Page(), SORTS, "-waiting"))
    return problems_json(found, trend_until=trend_until)


def problems_json(found: Sequence[Problem], *, trend_until: datetime | None = None) -> list[dict[str, Any]]:
    """These problems as JSON values, with a `trend` where `trend_until` is given. One query, or two."""
    keys = [problem.pk for problem in found]
    states = _states(keys)
    listed = [_problem_json(problem, states[problem.pk]) for problem in found]
    if trend_until is not None:
        trend = trends(keys, trend_until)
        for one in listed:
            one["trend"] = trend[one["id"]]
    return listed


def trends(problem_ids: list[str], until: datetime, days: int = TREND_DAYS) -> dict[str, list[int]]:
    """How many cases of each problem were opened on each of the last `days` days (UTC), the oldest first. One query."""
    last = until.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first = last - timedelta(days=days - 1)
    rows = (
        Case.objects.filter(problem_id__in=problem_ids, opened__gte=first, opened__lte=until)
        .order_by()
        .annotate(day=Substr(Cast("opened", CharField()), 1, 10))  # in the index as it is stored, in UTC
        .values_list("problem_id", "day")
        .annotate(count=Count("*"))  # of a column it would have to look into every row
    )
    found = {problem: [0] * days for problem in problem_ids}
    for problem, day, count in rows:
        found[problem][(date.fromisoformat(day) - first.date()).days] = count
    return found


def _problem_json(problem: Problem, states: dict[str, int]) -> dict[str, Any]:
    return {
        "id": problem.pk,
        "fingerprint": problem.fingerprint,
        "title": problem.title,
        "explanation": problem.explanation,
        "parts": problem.parts,
        "kind": problem.kind,
        "bot": problem.bot,
        "process": problem.process,
        "status": problem.status,
        "owner": problem.owner,
        "cases": problem.total,
        "waiting": problem.waiting,
        "unsettled": problem.unsettled,
        "by_status": states,
        "first_seen": iso(problem.first_seen),
        "last_seen": iso(problem.last_seen),
        "changed": iso_or_none(problem.changed),
        "oldest_due": iso_or_none(problem.oldest_due),
        "whys": problem.whys,
        "causes": problem.causes,
        "root_cause": problem.root_cause,
        "fixed_at": iso_or_none(problem.fixed_at),
        "closed_how": problem.closed_how,
        "regressions": problem.regressions,
        "regressed_at": iso_or_none(problem.regressed_at),
        "canary": problem.canary,
        "merged_into": problem.merged_into_id,
        "version": problem.version,
    }


def _states(problem_ids: list[str]) -> defaultdict[str, dict[str, int]]:
    """How many cases of each problem are in each state; counted on the index of (problem, status)."""
    states: defaultdict[str, dict[str, int]] = defaultdict(dict)
    rows = (
        Case.objects.filter(problem_id__in=problem_ids).values_list("problem_id", "status").order_by("status")
    )
    for problem, status, count in rows.annotate(count=Count("*")):
        states[problem][status] = count
    return states


def list_rules() -> list[dict[str, Any]]:
    """What people said about which cases belong together, as JSON values, in that order. Two queries."""
    rules = list(GroupingRule.objects.order_by("at", "id"))
    sources = Problem.objects.filter(fingerprint__in=[rule.fingerprint for rule in rules])
    by_fingerprint = dict(sources.values_list("fingerprint", "pk"))
    return [
        {
            "id": rule.pk,
            "kind": rule.kind,
            "source": by_fingerprint.get(rule.fingerprint),
            "field": rule.field,
            "value": rule.value,
            "where": f"{rule.field} = {rule.value}" if rule.field else "",
            "target": rule.target,
            "by": rule.by,
            "at": iso(rule.at),
            "note": rule.note,
            "active": rule.active,
        }
        for rule in rules
    ]


def list_actions(wanted: ActionFilter, *, now: datetime, limit: int = 200) -> list[dict[str, Any]]:
    """Corrective actions as JSON values, those that are due first. One query."""
    found = CorrectiveAction.objects.select_related("problem").filter(dropped=False)
    exact = {"problem_id": wanted.problem, "owner": wanted.owner}
    found = found.filter(**{name: value for name, value in exact.items() if value})
    if wanted.is_open or wanted.overdue:
        found = found.filter(done=None)
    if wanted.overdue:
        found = found.filter(due__lt=now)
    return [
        {
            "id": one.pk,
            "problem": one.problem_id,
            "problem_title": one.problem.title,
            "text": one.text,
            "owner": one.owner,
            "due": iso_or_none(one.due),
            "done": iso_or_none(one.done),
            "done_by": one.done_by,
            "overdue": one.done is None and one.due is not None and one.due < now,
        }
        for one in found.order_by(F("due").asc(nulls_last=True), "id")[:limit]
    ]
