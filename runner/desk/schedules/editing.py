"""Edits of schedules: a new one, another rule, off and on, taken out, taken back; each is shown in words before it is made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from django.contrib import messages
from django.core import signing
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from runner.cases.schedule_acts import SCHEDULE
from runner.core.bot_sources import is_recorded
from runner.core.errors import ConfigurationError, ConflictError, ErrorReport, RunnerError, UsageError
from runner.desk.access import ACT, page
from runner.desk.asking import DeskRequest
from runner.desk.errors.telling import lines_of
from runner.desk.outside import place
from runner.desk.planned import plan
from runner.desk.schedules import preview
from runner.desk.schedules.entry_form import EntryForm, plain_keys
from runner.desk.schedules.seen import bot_of, planned_of, process_of_schedule
from runner.desk.schedules.way_back import edit_back
from runner.store.models import Bot
from runner.timetable import edits
from runner.timetable.loading import Timetable

FORM_AND_ACT: Final = ("GET", *ACT)
REFUSED: Final = (ErrorReport, ConfigurationError, ConflictError, UsageError)
_SALT: Final = "runner.desk.schedules.editing"


@page("schedules.edit", FORM_AND_ACT)
def new(request: DeskRequest) -> HttpResponse:
    """A new schedule for a bot or a recording (``?bot=NAME``); without one, the choice of them."""
    timetable = _timetable()
    name = request.GET.get("bot", "")
    bot = Bot.objects.filter(pk=name, present=True).first()
    if bot is None:
        rows = request.access.limit(Bot.objects.filter(present=True).order_by("name"), "schedules.edit")
        found = [{"bot": one, "is_recording": is_recorded(one.file)} for one in rows]
        return render(request, "schedules/choose.html", {"found": found, "asked": name})
    request.access.require("schedules.edit", bot.process)
    form = EntryForm(bot, timetable, request.POST if request.method == "POST" else None)
    return _step(request, form, {"bot": bot, "action": f"{reverse('schedules:new')}?bot={bot.pk}", "back": reverse("schedules:new")})  # fmt: skip


@page("schedules.edit", FORM_AND_ACT, process_of=process_of_schedule, see="schedules.see")
def edit(request: DeskRequest, name: str) -> HttpResponse:
    """The same form for a schedule that is there."""
    planned = planned_of(name)
    now_is = entry_of(name)
    was, opened = _opened(request, name, now_is)
    bot = Bot.objects.filter(pk=bot_of(planned)).first()
    form = EntryForm(
        bot, _timetable(), request.POST if request.method == "POST" else None, was=was, name=name
    )
    others = sorted(key for key in {*was, *now_is} if was.get(key) != now_is.get(key))
    here = reverse("schedules:edit", args=[name])
    context = {
        "bot": bot,
        "name": name,
        "action": here,
        "back": reverse("schedules:one", args=[name]),
        "opened": opened,
        "others": others,
    }
    return _step(request, form, context)  # fmt: skip


@page("schedules.edit", FORM_AND_ACT, process_of=process_of_schedule, see="schedules.see")
def remove(request: DeskRequest, name: str) -> HttpResponse:
    """Take a schedule out of the file, after a look at what no longer runs."""
    planned_of(name)
    context: dict[str, Any] = {
        "name": name,
        "action": reverse("schedules:remove", args=[name]),
        "back": reverse("schedules:one", args=[name]),
    }
    try:
        shown = preview.look_at(edits.remove(name))
    except REFUSED as error:
        return render(request, "schedules/refused.html", {**context, "lines": _lines(error)}, status=422)
    moved = request.method == "POST" and request.POST.get("base") != shown.base
    if request.method == "POST" and not moved:
        note = request.POST.get("note", "").strip()[:500]
        if preview.make(
            request,
            shown,
            _("%(name)s is taken out of the file; its history is kept.") % {"name": name},
            note,
        ):
            return redirect("schedules:list")
        moved = True
    context |= preview.context_of(shown, request, moved=moved, removes=True)
    return render(request, "schedules/preview.html", context, status=409 if moved else 200)  # fmt: skip


@page("schedules.edit", ACT, process_of=process_of_schedule)
def switch(request: DeskRequest, name: str) -> HttpResponse:
    """Switch a schedule on or off in the file, at once; there is a way back."""
    planned_of(name)
    on = request.POST.get("on") == "1"
    text = _("%(name)s is switched on.") if on else _("%(name)s is switched off in the file.")
    return _at_once(
        request, edits.switch(name, on=on), text % {"name": name}, reverse("schedules:one", args=[name])
    )


@page("schedules.edit", ACT)
def undo(request: DeskRequest, act_id: str) -> HttpResponse:
    """Take an edit back, where what it wrote still stands in the file."""
    act, asked = edit_back(request.access, act_id)
    if act.subject_kind != SCHEDULE:
        back = f"{reverse('schedules:days')}?calendar={act.subject}"
    elif act.data.get("kind") == "add":
        back = reverse("schedules:list")
    else:
        back = reverse("schedules:one", args=[act.subject])
    return _at_once(request, asked, _("The change is taken back."), back)


def _step(request: DeskRequest, form: EntryForm, context: Mapping[str, Any]) -> HttpResponse:
    """The form, the preview of what it asks for, or the change itself, as the button says."""
    step = request.POST.get("step", "preview")
    if request.method != "POST" or step == "form":
        return render(request, "schedules/form.html", {**context, "form": form})
    asked, shown = form.edit(), None
    if asked is not None:
        try:
            shown = preview.look_at(asked)
        except REFUSED as error:
            form.refuse(error)
    if asked is None or shown is None:
        return render(request, "schedules/form.html", {**context, "form": form, "wrong": True}, status=422)
    moved = step == "save" and request.POST.get("base") != shown.base
    if step == "save" and not moved:
        is_new = form.was is None
        text = (
            _("%(name)s is in the file; the scheduler takes it up within seconds.")
            if is_new
            else _("%(name)s is changed; the scheduler takes it up within seconds.")
        )
        if preview.make(request, shown, text % {"name": asked.subject}, form.about.cleaned_data["note"]):
            return redirect("schedules:one", asked.subject)
        moved = True  # fmt: skip
    page_of = preview.context_of(shown, request, moved=moved)
    return render(request, "schedules/preview.html", {**context, **page_of}, status=409 if moved else 200)


def _at_once(request: DeskRequest, asked: edits.Edit, text: str, back: str) -> HttpResponse:
    try:
        shown = preview.look_at(asked)
        if shown.text != shown.before and not preview.make(request, shown, text):
            messages.error(request, _("schedules.yaml has changed meanwhile: nothing was done. Try again."))
    except REFUSED as error:
        messages.error(request, "; ".join(_lines(error)))
    return redirect(back)


def _lines(error: RunnerError) -> list[str]:
    """What is refused, a line each, in the reader's words where there are some."""
    if error.stable_code == "SCHED_MOVED":
        return [_("The file is not any more as this change left it: change it by hand.")]
    if error.stable_code == "SCHED_EDIT":
        return [_("This is written in the file in a way that can't be changed here without touching other lines: change it by hand.")]  # fmt: skip
    return lines_of(error)


def _timetable() -> Timetable:
    """The timetable to edit. Raises Http404 while there is none, ErrorReport while the file is broken."""
    found = plan()
    if found.errors:
        raise ErrorReport(found.errors)
    if found.timetable is None:
        raise Http404("no timetable")
    return found.timetable


def entry_of(name: str) -> dict[str, Any]:
    """The keys of the schedule as the file has them now; what JSON doesn't know is text."""
    found = edits.schedule_keys(place().settings.schedules, name)
    plain: dict[str, Any] = json.loads(json.dumps(plain_keys(found), default=str))
    return plain


def _opened(request: DeskRequest, name: str, now_is: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """The keys of the schedule when the form was opened, and the sealed text that the form carries along.

    What others change meanwhile is then not set back by values that nobody touched.
    """
    sealed = request.POST.get("opened", "")
    try:
        was = signing.loads(sealed, salt=_SALT) if sealed else None
    except signing.BadSignature:
        was = None
    if was is None or was.get("id") != name:
        was = dict(now_is)
        sealed = signing.dumps(was, salt=_SALT, compress=True)
    return was, sealed
