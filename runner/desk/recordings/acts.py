"""Acts on whole recordings: a former state looked at and brought back, a recording taken away."""

from __future__ import annotations

import difflib
from pathlib import Path

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from runner.cases.audit import append
from runner.core.clock import now
from runner.desk.access import ACT, page
from runner.desk.asking import DeskRequest
from runner.desk.bots.diffs import MarkedDiff, marked
from runner.desk.outside import place
from runner.desk.planned import timetable
from runner.desk.recordings.catalogue import remember_bot
from runner.desk.recordings.shelf import kept, process_of_recording
from runner.recordings.former import bring_back, former_of
from runner.recordings.former import remove as take_away
from runner.recordings.library import new_place
from runner.store.bot_lists import FileDiff


@page("recordings.see", process_of=process_of_recording)
def former(request: DeskRequest, name: str, stamp: str) -> HttpResponse:
    """What would change if a former state were brought back."""
    found = kept(name)
    if found is None:
        raise Http404(name)
    old = former_of(place().settings.home, name, stamp)
    files = [
        _diff(f"{name}.yaml", _text(found.place.binding), old.binding_text),
        _diff(f"{name}.json", _text(found.place.file), old.recording_text),
    ]
    context = {
        "kept": found,
        "old": old,
        "files": [one for one in files if one.lines],
        "may_edit": request.access.may("recordings.edit", found.process),
    }
    return render(request, "recordings/former.html", context)


@page("recordings.edit", ACT)
def back(request: DeskRequest, name: str, stamp: str) -> HttpResponseBase:
    """Bring a former state back; also that of a recording which was taken away."""
    process = process_of_recording(name)
    request.access.require("recordings.edit", process or "")
    where = new_place(place().settings.project, name, overwrite=True)
    former_of(place().settings.home, name, stamp)
    by = request.person.username
    with transaction.atomic():
        append(now(), by, "recording.back", "recording", name, {"stamp": stamp})
        kept_now = bring_back(place().settings.home, where, stamp, by=by, at=now())
    remember_bot(where)
    undo = reverse("recordings:back", args=[name, kept_now]) if kept_now else ""
    messages.success(
        request,
        _("%(name)s is as it was before.") % {"name": name},
        extra_tags=f"undo={undo}" if undo else "",
    )
    return redirect("recordings:recording", name)


@page("recordings.edit", ACT, process_of=process_of_recording)
def remove(request: DeskRequest, name: str) -> HttpResponseBase:
    """Take a recording away; one that a schedule starts stays."""
    found = kept(name)
    if found is None:
        raise Http404(name)
    known = timetable()
    starts = [one.schedule.id for one in known.planned if one.schedule.recording == name] if known else []
    if starts:
        words = _("It was not removed: the schedule %(schedule)s starts it.") % {"schedule": starts[0]}
        messages.error(request, words)
        return redirect("recordings:recording", name)
    by = request.person.username
    with transaction.atomic():
        append(now(), by, "recording.remove", "recording", name)
        stamp = take_away(place().settings.home, found.place, by=by, at=now())
    remember_bot(found.place)
    undo = reverse("recordings:back", args=[name, stamp])
    messages.success(request, _("%(name)s is removed.") % {"name": name}, extra_tags=f"undo={undo}")
    return redirect("recordings:list")


def _diff(path: str, new: str, old: str) -> MarkedDiff:
    lines = difflib.unified_diff(new.splitlines(), old.splitlines(), "now", "then", lineterm="")
    return marked(FileDiff(path, tuple(lines)))


def _text(path: Path) -> str:
    return path.read_text("utf-8") if path.is_file() else ""
