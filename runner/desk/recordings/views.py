"""The list of recordings, the page of one with its steps in words and pictures, and the files behind both."""

from __future__ import annotations

from typing import Any, Final

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext_lazy as _

from runner.desk import lists
from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.outside import place
from runner.desk.plain_lists import kept_things
from runner.desk.recordings.reasons import Reason, reason_of
from runner.desk.recordings.shelf import (
    Kept,
    all_kept,
    kept,
    language,
    picture_names,
    place_if_there,
    process_of_recording,
    secrets_typed,
)
from runner.desk.recordings.told import told_with_selectors
from runner.desk.words import choices, word
from runner.recordings.bundle import bundle_of
from runner.recordings.former import formers
from runner.recordings.reading import warnings_of
from runner.store.bot_health import bot_health
from runner.store.models import Bot

_MOST_FORMERS: Final = 10


def _with_words(rows: Any, value: str) -> Any:
    wanted = value.casefold().split()
    return [one for one in rows if all(w in f"{one.name} {one.title}".casefold() for w in wanted)]


def _in_state(rows: Any, value: str) -> Any:
    return [one for one in rows if one.state == value]


RECORDINGS: Final = lists.ListOf(
    "recordings",
    (
        lists.Col("name", _("Recording"), "name", "what", lambda one: one.name),
        lists.Col("title", _("Title"), "", lists.EXPORT_ONLY, lambda one: one.title),
        lists.Col("steps", _("Steps"), "steps", "num opt", lambda one: one.steps),
        lists.Col("state", _("State"), "state", "", lambda one: word("recording", one.state)),
        lists.Col(
            "workbook", _("Workbook"), "", "opt", lambda one: one.binding.for_each if one.binding else None
        ),
        lists.Col("last", _("Last run"), "last", "", lambda one: one.last.queued if one.last else None),
    ),
    (
        lists.Filter("text", _("Name or words"), _with_words),
        lists.Filter("state", _("State"), _in_state, lambda: choices("recording")),
    ),
    usual="name",
)


def _sort_by(one: Kept, column: str) -> Any:
    if column == "last":
        return one.last.queued if one.last else None
    return getattr(one, column)


@page("recordings.see")
def recordings(request: DeskRequest) -> HttpResponse:
    """All recordings."""
    seen = [one for one in all_kept() if request.access.may("recordings.see", one.process)]
    rows, chips = kept_things(request, RECORDINGS, seen, _sort_by)
    if lists.wants_export(request):
        return lists.export_known(RECORDINGS, rows)
    shown = lists.show_known(request, RECORDINGS, rows, chips)
    return render(request, "recordings/list.html", {"shown": shown})


@page("recordings.see", process_of=process_of_recording)
def recording(request: DeskRequest, name: str) -> HttpResponse:
    """One recording: what is done in it, step by step, and what bot it makes."""
    found = kept(name)
    if found is None:
        raise Http404(name)
    may_edit = request.access.may("recordings.edit", found.process)
    context = {
        "kept": found,
        "may_edit": may_edit,
        "errors": [reason_of(error) for error in found.errors],
        "formers": formers(place().settings.home, name)[:_MOST_FORMERS],
        "pictured": found.place.has_pictures,
        **_steps_of(found),
        **_bot_of(request, found),
    }
    return render(request, "recordings/recording.html", context)


def _steps_of(found: Kept) -> dict[str, Any]:
    if found.recording is None:
        return {}
    warned: dict[int, list[Reason]] = {}
    for warning in warnings_of(found.recording, found.name):
        reason = reason_of(warning)
        warned.setdefault(reason.step or 0, []).append(reason)
    return {
        "steps": told_with_selectors(found, language(), warned),
        "warned": sum(map(len, warned.values())),
        "secrets": secrets_typed(found),
    }


def _bot_of(request: DeskRequest, found: Kept) -> dict[str, Any]:
    """The bot that the recording makes, as far as the catalogue knows it by now, and where to go on with it."""
    bot = Bot.objects.filter(pk=found.name, file=f"recordings/{found.name}.yaml", present=True).first()
    ready = bot is not None and not bot.error and found.binding is not None
    return {
        "bot": bot,
        "health": bot_health([found.name])[found.name] if bot else None,
        "may_run": ready and request.access.may("runs.start", found.process),
        "schedule": schedule_address(found.name)
        if ready and request.access.may("schedules.edit", found.process)
        else "",
    }


def schedule_address(name: str) -> str:
    """Where a schedule of this bot is made; empty where the desk has no page for it."""
    try:
        return f"{reverse('schedules:new')}?bot={name}"
    except NoReverseMatch:
        return ""


@page("recordings.see", process_of=process_of_recording)
def picture(request: DeskRequest, name: str, picture: str) -> HttpResponse:  # noqa: ARG001 (what every view takes)
    """The picture of a step."""
    where = place_if_there(name)
    if where is None or picture not in set(picture_names(where)):
        raise Http404(picture)
    answer = HttpResponse((where.folder / picture).read_bytes(), content_type="image/png")
    answer["Cache-Control"] = "private, max-age=600"
    return answer


@page("recordings.see", process_of=process_of_recording)
def bundle(request: DeskRequest, name: str) -> HttpResponse:  # noqa: ARG001 (what every view takes)
    """The recording with its pictures, to be imported on another desk."""
    where = place_if_there(name)
    if where is None:
        raise Http404(name)
    answer = HttpResponse(bundle_of(where), content_type="application/zip")
    named = content_disposition_header(as_attachment=True, filename=f"{name}.zip")
    answer["Content-Disposition"] = named or "attachment"
    return answer


@page("recordings.see", process_of=process_of_recording)
def download(request: DeskRequest, name: str) -> HttpResponse:  # noqa: ARG001 (what every view takes)
    """The recording's file, which the DevTools Recorder of Chrome opens too."""
    where = place_if_there(name)
    if where is None:
        raise Http404(name)
    answer = HttpResponse(where.file.read_bytes(), content_type="application/json")
    named = content_disposition_header(as_attachment=True, filename=where.file.name)
    answer["Content-Disposition"] = named or "attachment"
    return answer
