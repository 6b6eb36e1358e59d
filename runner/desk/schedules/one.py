"""The page of one schedule: its rule and state, what comes, what became of its due times, its runs, and its settings."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import F, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from runner.cases.schedule_acts import SCHEDULE
from runner.cases.schedule_requests import missed_of
from runner.cases.trigger_urls import trigger_urls
from runner.core.bot_sources import is_recorded
from runner.core.clock import now
from runner.desk import lists
from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.planned import plan
from runner.desk.queue.asked import presets
from runner.desk.runs.strips import strip_of
from runner.desk.runs.views import read_moment
from runner.desk.schedules.coming import coming_of
from runner.desk.schedules.listing import rows_of
from runner.desk.schedules.policy_words import SHIFT, policies_of
from runner.desk.schedules.reasons import told
from runner.desk.schedules.seen import bot_of, process_of_schedule
from runner.desk.words import choices, word
from runner.store.bot_health import PastRun
from runner.store.models import Act, Bot, Occurrence, Run
from runner.timetable.due_times import Planned

_HISTORY: Final = 12
_MOST_MISSED: Final = 50
_ACTS: Final = 10


@page("schedules.see", process_of=process_of_schedule)
def schedule(request: DeskRequest, name: str) -> HttpResponse:
    """One schedule; of one that is no longer in the file, what is left of it."""
    found, at = plan(), now()
    planned = found.timetable.of(name) if found.timetable is not None else None
    context: dict[str, Any] = {
        "name": name, "errors": found.errors, "history": recent(Occurrence.objects.filter(schedule=name)),
        "acts": list(Act.objects.filter(subject_kind=SCHEDULE, subject=name).order_by("-at", "-pk")[:_ACTS]),
        "strip": strip_of(_last_runs(name)),
    }  # fmt: skip
    if planned is None or found.outlook is None:
        return render(request, "schedules/gone.html", context)
    (listed,) = rows_of(found.outlook, [name], at)
    process = listed.process
    return render(request, "schedules/one.html", {
        **context, "planned": planned, "schedule": planned.schedule, "listed": listed, "row": listed.row, "bot": bot_of(planned),
        "process": process, "coming": coming_of(planned, found.outlook, at, listed.row.pause), "missed": _missed(name) if listed.missed else [],
        "policies": policies_of(planned.schedule), "shift": SHIFT[planned.schedule.shift], "facts": _facts(planned),
        "urls": trigger_urls(name) if request.access.may("schedules.urls", process) else None,
        "may": {verb: request.access.may(f"schedules.{verb}", process) for verb in ("run", "pause", "edit", "promote")},
        "presets": presets(at),
    })  # fmt: skip


def recent(rows: QuerySet[Occurrence], most: int = _HISTORY) -> list[Occurrence]:
    """The latest due times, each with its reason in words (`why`) and its run."""
    return with_runs(list(rows.order_by("-due", "schedule")[:most]))


def with_runs(rows: list[Occurrence]) -> list[Occurrence]:
    """Due times with what a row shows: `why` in words, and `its_run`. One query."""
    runs = Run.objects.in_bulk([row.run for row in rows if row.run])
    for row in rows:
        shown: Any = row
        shown.why, shown.its_run = told(row.reason), runs.get(row.run or "")
    return rows


def _missed(name: str) -> list[dict[str, Any]]:
    return [
        {"due": row.due, "key": row.due.isoformat(), "why": told(row.reason)}
        for row in missed_of(name)[:_MOST_MISSED]
    ]


def _last_runs(name: str) -> list[PastRun]:
    rows = Run.objects.filter(schedule=name).order_by(F("due").desc(nulls_last=True))[:20]
    return [PastRun(one.pk, one.status, one.started, one.finished, one.exceptions) for one in reversed(rows)]


def _facts(planned: Planned) -> dict[str, Any]:
    """What is known of the bot that it runs."""
    bot = Bot.objects.filter(pk=bot_of(planned)).first()
    return {"bot": bot, "is_recording": bool(bot and is_recorded(bot.file))}


def _on_day(rows: QuerySet[Occurrence], value: str) -> QuerySet[Occurrence]:
    return rows.filter(due__gte=read_moment(value))


def _up_to(rows: QuerySet[Occurrence], value: str) -> QuerySet[Occurrence]:
    return rows.filter(due__lte=read_moment(value))


HISTORY: Final = lists.ListOf(
    "due-times",
    (
        lists.Col("due", _("Due"), "due", "what", lambda one: one.due),
        lists.Col("state", _("Became"), "", "", lambda one: word("occurrence", one.state)),
        lists.Col("why", _("Reason"), "", "opt", lambda one: told(one.reason)),
        lists.Col("run", _("Run"), "", "", lambda one: one.run),
        lists.Col("by", _("Decided by"), "", "opt", lambda one: one.decided_by),
        lists.Col("recorded", _("Recorded"), "", "opt", lambda one: one.recorded),
    ),
    (
        lists.field_filter("state", _("Became"), "state", lambda: choices("occurrence")),
        lists.Filter("from", _("From (date)"), _on_day),
        lists.Filter("until", _("Until (date)"), _up_to),
        lists.field_filter("by", _("Decided by"), "decided_by"),
    ),
    usual="-due",
)


@page("schedules.see", process_of=process_of_schedule)
def history(request: DeskRequest, name: str) -> HttpResponse:
    """Every due time of a schedule that was recorded, with what became of it and why."""
    rows = Occurrence.objects.filter(schedule=name)
    if lists.wants_export(request):
        return lists.export(request, HISTORY, rows)
    shown = lists.show(request, HISTORY, rows)
    with_runs(shown.rows)
    return render(request, "schedules/history.html", {"shown": shown, "name": name})
