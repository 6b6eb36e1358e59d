"""Runs as a list: what waits, what goes on, what ended how."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext_lazy as _

from runner.core.clock import now
from runner.core.nouns import RunStatus
from runner.desk import lists
from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.live import live
from runner.desk.words import choices
from runner.store.models import Run
from runner.store.run_lists import counts_now

_SPANS: Final = {
    "1h": (_("the last hour"), timedelta(hours=1)),
    "24h": (_("the last 24 hours"), timedelta(days=1)),
    "7d": (_("the last 7 days"), timedelta(days=7)),
    "30d": (_("the last 30 days"), timedelta(days=30)),
}


def _within(rows: QuerySet[Run], value: str) -> QuerySet[Run]:
    if value not in _SPANS:
        raise ValueError(value)
    return rows.filter(queued__gte=now() - _SPANS[value][1])


def _from(rows: QuerySet[Run], value: str) -> QuerySet[Run]:
    return rows.filter(queued__gte=read_moment(value))


def _until(rows: QuerySet[Run], value: str) -> QuerySet[Run]:
    end = read_moment(value)
    return rows.filter(queued__lt=end + timedelta(days=1) if len(value) == 10 else end)


def read_moment(text: str) -> datetime:
    """A day (``2026-11-24``) or a time on the reader's clock. Raises ValueError."""
    day = parse_date(text) if len(text) == 10 else None
    found = datetime(day.year, day.month, day.day) if day else parse_datetime(text)  # noqa: DTZ001 (made aware below)
    if found is None:
        raise ValueError(text)
    return found if found.tzinfo else timezone.make_aware(found)


RUNS: Final = lists.ListOf(
    "runs",
    (
        lists.Col("bot", _("Bot"), "", "what", lambda one: one.bot),
        lists.Col("status", _("State"), "", "", lambda one: one.status),
        lists.Col("started", _("Started"), "started", "", lambda one: one.started),
        lists.Col("took", _("Took"), "", "num opt", None),
        lists.Col("done", _("Done"), "", "num opt", lambda one: one.done),
        lists.Col("exceptions", _("Exceptions"), "", "num", lambda one: one.exceptions),
        lists.Col("pending", _("Pending"), "", "num opt", lambda one: one.pending),
        lists.Col("by", _("Asked for by"), "", "opt", lambda one: one.requested_by),
        lists.Col("queued", _("Asked for"), "queued", "opt", lambda one: one.queued),
    ),
    (
        lists.field_filter("status", _("State"), "status", lambda: choices("run")),
        lists.field_filter("bot", _("Bot"), "bot"),
        lists.field_filter("schedule", _("Schedule"), "schedule"),
        lists.field_filter("process", _("Process"), "process"),
        lists.Filter(
            "within", _("Time"), _within, lambda: [(key, words) for key, (words, _span) in _SPANS.items()]
        ),
        lists.Filter("from", _("From (date)"), _from),
        lists.Filter("until", _("Until (date)"), _until),
        lists.field_filter("by", _("Asked for by"), "requested_by"),
        lists.field_filter("worker", _("Worker"), "worker"),
        lists.field_filter("version", _("Version"), "bot_version"),
    ),
    usual="-queued",
)


def _version(request: DeskRequest) -> object:  # noqa: ARG001 (what `live` asks with)
    """What changes when the list may: what goes on, how far its journals were taken in, and the newest run."""
    open_ones = Run.objects.filter(status__in=[RunStatus.QUEUED, RunStatus.RUNNING]).order_by("queued")[:200]
    newest = Run.objects.order_by("-queued").values_list("pk", "status").first()
    return list(open_ones.values_list("pk", "status", "offset", "lease_until")), newest


@page("runs.see")
@live(_version)
def runs(request: DeskRequest) -> HttpResponse:
    """All runs; htmx gets the rows alone."""
    rows = request.access.limit(Run.objects.all(), "runs.see")
    if lists.wants_export(request):
        return lists.export(request, RUNS, rows)
    shown = lists.show(request, RUNS, rows)
    _count(shown.rows)
    part = request.htmx and request.htmx.target == "runs"
    return render(request, "runs/rows.html" if part else "runs/list.html", {"shown": shown, "tab": "list"})


def _count(rows: list[Run]) -> None:
    """Give runs that go on the counts of this moment: those in their rows are of their end."""
    going_on = [row.pk for row in rows if row.status == RunStatus.RUNNING]
    for pk, counts in counts_now(going_on).items():
        row: Any = next(one for one in rows if one.pk == pk)
        row.done, row.exceptions, row.pending = counts["done"], counts["exceptions"], counts["pending"]
