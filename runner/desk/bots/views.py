"""Bots: all of them with how they are doing, and one with its signature, versions, schedules and locators."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.db.models import Max, QuerySet, Sum
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from runner.core.clock import now
from runner.desk import lists
from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.bots.run_form import RunForm
from runner.desk.planned import next_due, timetable
from runner.desk.runs.strips import strip_of
from runner.store.bot_health import bot_health
from runner.store.bot_lists import last_good_version
from runner.store.models import Bot, BotVersion, LocatorDay, Run
from runner.timetable.describe import describe_planned

LOCATORS_OVER: Final = timedelta(days=30)
_MOST_LOCATORS: Final = 50
_MOST_VERSIONS: Final = 20


def _named(rows: QuerySet[Bot], value: str) -> QuerySet[Bot]:
    for one in value.split():
        rows = rows.filter(name__icontains=one) | rows.filter(description__icontains=one)
    return rows


BOTS: Final = lists.ListOf(
    "bots",
    (
        lists.Col("name", _("Bot"), "name", "what", lambda one: one.pk),
        lists.Col("process", _("Process"), "process", "opt", lambda one: one.process),
        lists.Col("last", _("Last runs"), "", ""),
        lists.Col("success", _("Went through"), "", "num opt"),
        lists.Col("cases", _("Cases"), "", "num"),
        lists.Col("next", _("Next due"), "", ""),
        lists.Col("file", _("File"), "file", "opt", lambda one: one.file),
    ),
    (
        lists.Filter("text", _("Name or words"), _named),
        lists.field_filter("process", _("Process"), "process"),
        lists.Filter(
            "gone", _("Files that are gone"), lambda rows, _value: rows, lambda: [("yes", _("shown"))]
        ),
    ),
    usual="name",
)


@page("bots.see")
def bots(request: DeskRequest) -> HttpResponse:
    """All bots, and the files that could not be loaded."""
    rows = request.access.limit(Bot.objects.all(), "bots.see")
    rows = rows if request.GET.get("gone") else rows.filter(present=True)
    if lists.wants_export(request):
        return lists.export(request, BOTS, rows)
    shown = lists.show(request, BOTS, rows)
    names = [row.pk for row in shown.rows]
    health, coming = bot_health(names), next_due(names)
    for row in shown.rows:
        decorated: Any = row
        decorated.health = health[row.pk]
        decorated.strip = strip_of(health[row.pk].runs)
        decorated.coming = coming.get(row.pk)
    return render(request, "bots/list.html", {"shown": shown})


def process_of_bot(name: str, **_parts: object) -> str | None:
    """The process that a bot belongs to; None where there is no such bot."""
    return Bot.objects.filter(pk=name).values_list("process", flat=True).first()


@page("bots.see", process_of=process_of_bot)
def bot(request: DeskRequest, name: str) -> HttpResponse:
    """One bot, with the form that starts it."""
    found = Bot.objects.filter(pk=name).first()
    if found is None:
        raise Http404(name)
    may_run = request.access.may("runs.start", found.process) and found.present and not found.error
    form = RunForm(found) if may_run else None
    health = bot_health([name])[name]
    context = {
        "bot": found,
        "told": found.description,
        "form": form,
        "health": health,
        "strip": strip_of(health.runs),
    }
    return render(request, "bots/bot.html", context | _around(found))


def _around(found: Bot) -> dict[str, Any]:
    """What belongs to a bot: its versions, its schedules, how well its locators still find, its running runs."""
    versions = list(
        BotVersion.objects.filter(bot=found.pk).order_by("-first_seen", "-id")[: _MOST_VERSIONS + 1]
    )
    pairs = list(zip(versions, [*versions[1:], None], strict=False))[:_MOST_VERSIONS]
    running = Run.objects.filter(bot=found.pk, status__in=["queued", "running"]).order_by("queued")[:10]
    return {
        "versions": pairs,
        "good": last_good_version(found.pk),
        "schedules": _schedules_of(found.pk),
        "locators": _locators_of(found.pk),
        "days": LOCATORS_OVER.days,
        "going_on": list(running),
    }


def _schedules_of(name: str) -> list[dict[str, Any]]:
    found = timetable()
    language = "zh" if (get_language() or "").startswith("zh") else "en"
    at = now()
    told = []
    for one in found.planned if found else ():
        if (one.schedule.bot or one.schedule.recording) != name:
            continue
        coming = one.next_run(at) if one.schedule.enabled else None
        rule = describe_planned(one, one.zone, language)
        told.append({"schedule": one.schedule, "rule": rule, "next": coming.due if coming else None})
    return told


def _locators_of(name: str) -> list[dict[str, Any]]:
    """Each locator with how often its first choice found, and how often only a lower one; those that decay first."""
    since = (now() - LOCATORS_OVER).date()
    rows = LocatorDay.objects.filter(bot=name, day__gte=since).values("name")
    counted = rows.annotate(firsts=Sum("first"), lowers=Sum("lower"), last=Max("seen")).order_by(
        "-lowers", "name"
    )
    found: list[dict[str, Any]] = [dict(row) for row in counted[:_MOST_LOCATORS]]
    decaying = [row["name"] for row in found if row["lowers"]]
    words = LocatorDay.objects.filter(bot=name, name__in=decaying, lower__gt=0).order_by("day")
    latest = {row.name: row for row in words}
    for one in found:
        uses = one["firsts"] + one["lowers"]
        one["share"] = one["firsts"] / uses if uses else None
        one["latest"] = latest.get(one["name"])
    return found
