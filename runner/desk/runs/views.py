"""Runs: the newest first."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from runner.desk import lists
from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.words import choices
from runner.store.models import Run

RUNS: Final = lists.ListOf(
    "runs",
    (
        lists.Col("bot", _("Bot"), "bot", "what", lambda one: one.bot),
        lists.Col("status", _("State"), "status", "", lambda one: one.status),
        lists.Col("started", _("Started"), "started", "", lambda one: one.started),
        lists.Col("took", _("Took"), "", "num opt", None),
        lists.Col("done", _("Done"), "", "num", lambda one: one.done),
        lists.Col("exceptions", _("Exceptions"), "", "num opt", lambda one: one.exceptions),
        lists.Col("queued", _("Asked for"), "queued", "opt", lambda one: one.queued),
    ),
    (
        lists.field_filter("status", _("State"), "status", lambda: choices("run")),
        lists.field_filter("bot", _("Bot"), "bot"),
        lists.field_filter("schedule", _("Schedule"), "schedule"),
    ),
    usual="-queued",
)


@page("runs.see")
def runs(request: DeskRequest) -> HttpResponse:
    """All runs."""
    rows = request.access.limit(Run.objects.all(), "runs.see")
    if lists.wants_export(request):
        return lists.export(request, RUNS, rows)
    return render(request, "runs/list.html", {"shown": lists.show(request, RUNS, rows)})
