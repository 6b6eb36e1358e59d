"""The lists of the exception queue: open problems in front, the cases by what they need, what is being tried again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.db.models import Max, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language

from runner.cases.fingerprint import explain
from runner.cases.mentions import mentions_of
from runner.core.clock import now
from runner.desk import lists
from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.live import live
from runner.desk.queue import rows
from runner.desk.queue.lists import CASES, PROBLEMS, PROBLEMS_AT_REST, SETTLED
from runner.desk.queue.tabs import tabs_of
from runner.store.models import Case, Problem
from runner.store.problem_lists import trends

_FEW: Final = 3  # cases of a problem that are told one by one
_MOST_TOLD: Final = 150
_OF: Final[dict[str, tuple[lists.ListOf, Callable[[DeskRequest], QuerySet[Problem]]]]] = {
    "": (PROBLEMS, lambda request: rows.live_problems(request.access)),
    "settled": (PROBLEMS_AT_REST, lambda request: rows.settled_problems(request.access)),
    "closed": (PROBLEMS_AT_REST, lambda request: rows.closed_problems(request.access)),
}
_CASE_TABS: Final[dict[str, Callable[[DeskRequest], QuerySet[Case]]]] = {
    "cases": lambda request: rows.waiting_cases(request.access),
    "overdue": lambda request: rows.overdue_cases(request.access, now()),
    "mine": lambda request: rows.cases_of(request.access, request.person.username),
    "waiting": lambda request: rows.put_aside_cases(request.access),
    "closed": lambda request: rows.settled_cases(request.access),
}


def _newest(_request: DeskRequest, **_parts: object) -> object:
    """What tells that a case or a problem has moved since: the newest change, of each of the two, along an index."""
    waiting = Case.objects.filter(waits=True).aggregate(Max("changed"))
    settled = Case.objects.filter(waits=False).aggregate(Max("changed"))
    return [*waiting.values(), *settled.values(), Problem.objects.aggregate(Max("changed"), Max("last_seen"))]


@page("problems.see")
def problems(request: DeskRequest) -> HttpResponse:
    """The front page: causes that are open."""
    if lists.wants_export(request):
        spec, found = _OF[_which(request)]
        return lists.export(request, spec, found(request))
    return render(request, "queue/problems.html", _problems(request))


@page("problems.see")
@live(_newest)
def problems_live(request: DeskRequest) -> HttpResponse:
    """The same list as it is now, for a page that is open."""
    return render(request, "queue/problems_part.html", _problems(request))


@page("cases.see")
def cases(request: DeskRequest, tab: str = "cases") -> HttpResponse:
    """Cases: those that wait for a person, or the part of them that a tab names."""
    spec, found = _cases_of(request, tab)
    if lists.wants_export(request):
        return lists.export(request, spec, found)
    return render(request, "queue/cases.html", _cases(request, tab))


@page("cases.see")
@live(_newest)
def cases_live(request: DeskRequest, tab: str) -> HttpResponse:
    """The same list as it is now, for a page that is open."""
    return render(request, "queue/cases_part.html", _cases(request, tab))


def _problems(request: DeskRequest) -> dict[str, Any]:
    which = _which(request)
    spec, found = _OF[which]
    shown = lists.show(request, spec, found(request))
    trend = trends([one.pk for one in shown.rows], now())
    language = get_language() or "en"
    listed: list[Any] = list(shown.rows)
    for one in listed:
        one.trend, one.why = trend[one.pk], explain(one.parts, language) if one.parts else one.explanation
    _tell_few(request, listed)
    return {
        "which": which,
        "settled": rows.settled_problems(request.access).count(),
        "shown": shown,
        "tabs": tabs_of(request, "problems"),
        "path": "/live/problems",
        "oldest": rows.waiting_cases(request.access)
        .order_by("due", "pk")
        .values_list("due", flat=True)
        .first(),
        "may_bulk": request.access.may("cases.bulk") and not which,
    }


def _which(request: DeskRequest) -> str:
    """Which problems: those that are open, ``settled`` (their cases are, nobody has looked for the cause), ``closed``."""
    which = request.GET.get("of", "")
    return which if which in _OF else ""


def _tell_few(request: DeskRequest, problems: list[Any]) -> None:
    """Where a problem keeps only a few cases waiting, the page says what each of them is about. One query."""
    few = {one.pk: one for one in problems if 0 < one.waiting <= _FEW}
    for one in problems:
        one.few = []
    if few:
        waiting = rows.waiting_cases(request.access).filter(problem__in=few).defer("evidence")
        for case in waiting.order_by("due", "pk")[:_MOST_TOLD]:
            few[case.problem_id].few.append(case)


def _cases_of(request: DeskRequest, tab: str) -> tuple[lists.ListOf, QuerySet[Case]]:
    if tab not in _CASE_TABS:
        raise Http404(tab)
    found = _CASE_TABS[tab](request).prefetch_related("problem").defer("evidence")
    return SETTLED if tab == "closed" else CASES, found


def _cases(request: DeskRequest, tab: str) -> dict[str, Any]:
    spec, found = _cases_of(request, tab)
    return {
        "shown": lists.show(request, spec, found),
        "tabs": tabs_of(request, tab),
        "tab": tab,
        "mentions": mentions_of(request.person.username, unseen=True, limit=20) if tab == "mine" else (),
        "path": f"/live/cases/{tab}",
        "may_decide": request.access.may("cases.bulk") and tab != "closed",
    }
