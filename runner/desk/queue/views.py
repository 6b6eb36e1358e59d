"""The exception queue: open problems, and the cases that wait for a person."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from runner.desk import lists
from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.words import choices
from runner.store.case_lists import WAITING_FOR_PEOPLE
from runner.store.models import Case, Problem

PROBLEMS: Final = lists.ListOf(
    "problems",
    (
        lists.Col("title", _("What"), "title", "what", lambda one: one.title),
        lists.Col("kind", _("Kind"), "kind", "", lambda one: one.kind),
        lists.Col("bot", _("Bot"), "bot", "opt", lambda one: one.bot),
        lists.Col("first", _("First seen"), "first_seen", "opt", lambda one: one.first_seen),
        lists.Col("last", _("Last seen"), "last_seen", "", lambda one: one.last_seen),
    ),
    (
        lists.field_filter("kind", _("Kind"), "kind", lambda: choices("kind")),
        lists.field_filter("status", _("State"), "status", lambda: choices("problem")),
        lists.field_filter("bot", _("Bot"), "bot"),
    ),
    usual="-last_seen",
)
CASES: Final = lists.ListOf(
    "cases",
    (
        lists.Col("item", _("What"), "", "what", lambda one: one.item.key if one.item else one.message),
        lists.Col("kind", _("Kind"), "kind", "", lambda one: one.kind),
        lists.Col("status", _("State"), "status", "", lambda one: one.status),
        lists.Col("due", _("Due"), "due", "", lambda one: one.due),
        lists.Col("opened", _("Opened"), "opened", "opt", lambda one: one.opened),
        lists.Col("owner", _("Owner"), "assignee", "opt", lambda one: one.assignee),
    ),
    (
        lists.field_filter("kind", _("Kind"), "kind", lambda: choices("kind")),
        lists.field_filter("status", _("State"), "status", lambda: choices("case")),
        lists.field_filter("bot", _("Bot"), "bot"),
        lists.field_filter("owner", _("Owner"), "assignee"),
    ),
    usual="opened",
)


@page("problems.see")
def problems(request: DeskRequest) -> HttpResponse:
    """The front page: causes that are open."""
    rows = request.access.limit(Problem.objects.exclude(status="closed"), "problems.see")
    if lists.wants_export(request):
        return lists.export(request, PROBLEMS, rows)
    return render(request, "queue/problems.html", {"shown": lists.show(request, PROBLEMS, rows)})


@page("cases.see")
def cases(request: DeskRequest) -> HttpResponse:
    """What waits for a person."""
    waiting = Case.objects.filter(status__in=WAITING_FOR_PEOPLE).select_related("item")
    rows = request.access.limit(waiting, "cases.see")
    if lists.wants_export(request):
        return lists.export(request, CASES, rows)
    return render(request, "queue/cases.html", {"shown": lists.show(request, CASES, rows)})
