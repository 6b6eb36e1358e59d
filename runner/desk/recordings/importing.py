"""Taking in a recording that another recorder wrote: what is imported, and what is refused with its step and the reason."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from runner.cases.audit import append
from runner.core.clock import now
from runner.core.errors import UsageError
from runner.desk.access import ACT, page
from runner.desk.asking import DeskRequest
from runner.desk.kept_files import clean_name
from runner.desk.outside import place
from runner.desk.recordings.reasons import Reason, reason_of, sentence_of
from runner.desk.recordings.shelf import kept, process_of_recording
from runner.recordings.bundle import ENDING
from runner.recordings.former import keep_former
from runner.recordings.importing import Imported, import_file
from runner.recordings.library import Place, name_from, new_place
from runner.recordings.reading import LARGEST_FILE

_ENDINGS: Final = (".json", ".jsonl", ".py", ".side", ENDING)
_MOST_REASONS: Final = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one recording of the file: its name where it was taken in, else the reasons against it.

    `masked` are the steps whose password was replaced by a reference; `stamp` is the state that it replaced.
    """

    title: str
    format: str
    name: str
    steps: int
    reasons: Sequence[Reason] = ()
    masked: Sequence[int] = ()
    stamp: str = ""


@page("recordings.edit", ("GET", *ACT))
def take_in(request: DeskRequest) -> HttpResponseBase:
    """The form; sent, everything in the file that can be imported is, and the rest is told of."""
    if request.method != "POST":
        return _form(request)
    sent = request.FILES.get("file")
    name, secret = (request.POST.get(one, "").strip() for one in ("name", "secret"))
    try:
        found = read_sent(sent, secret or f"{name or _stem(sent)}/password")
    except UsageError as error:
        return _form(request, {"file": error.what})
    if name and sum(one.recording is not None for one in found) > 1:
        several = _("There are several recordings in this file: leave the name empty, each has its own.")
        return _form(request, {"name": several})
    try:
        places = [_place(request, name or one.name) for one in found if one.recording is not None]
    except UsageError as error:
        return _form(request, {"name": sentence_of(error)}, known=error.stable_code == "REC_EXISTS")
    outcomes = _keep(request, found, places)
    if len(outcomes) == 1 and outcomes[0].name:
        return _arrived(request, outcomes[0])
    return render(request, "recordings/imported.html", {"file": _shown(sent), "outcomes": outcomes})


def read_sent(sent: object, secret: str) -> list[Imported]:
    """What is in the file that was sent; passwords in it are replaced before anything of it is kept anywhere.

    Raises UsageError whose `what` is in the language of the page: UPLOAD_MISSING, UPLOAD_TYPE, UPLOAD_SIZE.
    """
    if not isinstance(sent, UploadedFile) or not sent.size:
        raise UsageError(_("Please choose a file."), code="UPLOAD_MISSING")
    file = _shown(sent)
    if not file.lower().endswith(_ENDINGS):
        raise UsageError(
            _("A file that ends with .json, .jsonl, .py, .side or .zip is expected."), code="UPLOAD_TYPE"
        )
    if sent.size > LARGEST_FILE:
        raise UsageError(_("The file is too large: at most 20 MB."), code="UPLOAD_SIZE")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / file
        path.write_bytes(sent.read())
        return import_file(path, secret=secret)


def _keep(request: DeskRequest, found: Sequence[Imported], places: Sequence[Place]) -> list[Outcome]:
    waiting = list(places)
    outcomes = []
    for one in found:
        if one.recording is None:
            reasons = [reason_of(problem) for problem in one.problems[:_MOST_REASONS]]
            outcomes.append(Outcome(one.title, one.format, "", 0, reasons))
            continue
        where = waiting.pop(0)
        with transaction.atomic():
            facts = {"format": one.format, "steps": len(one.recording.steps)}
            append(now(), request.person.username, "recording.import", "recording", where.name, facts)
            stamp = keep_former(place().settings.home, where, "import", by=request.person.username, at=now())
            one.write(where)
        outcomes.append(
            Outcome(one.title, one.format, where.name, len(one.recording.steps), (), one.masked, stamp)
        )
    return outcomes


def _place(request: DeskRequest, name: str) -> Place:
    """Where it goes. Raises UsageError: REC_NAME, REC_EXISTS while nobody said that it may be written over."""
    overwrite = bool(request.POST.get("overwrite"))
    found = new_place(place().settings.project, name, overwrite=overwrite)
    if found.file.exists():
        request.access.require("recordings.edit", process_of_recording(name) or "")
    return found


def _arrived(request: DeskRequest, one: Outcome) -> HttpResponse:
    words = [
        ngettext("%(name)s has %(n)d step.", "%(name)s has %(n)d steps.", one.steps)
        % {"name": one.name, "n": one.steps}
    ]
    if one.masked:
        words.append(_("The password was not kept: a reference to the vault stands in its place."))
    undo = (
        reverse("recordings:back", args=[one.name, one.stamp])
        if one.stamp
        else reverse("recordings:remove", args=[one.name])
    )
    messages.success(request, " ".join(words), extra_tags=f"undo={undo}")
    return redirect("recordings:recording", one.name)


def _form(request: DeskRequest, wrong: dict[str, str] | None = None, *, known: bool = False) -> HttpResponse:
    """The form with what was typed; a file has to be chosen again, browsers keep none."""
    name = request.POST.get("name", "")
    context = {
        "wrong": wrong or {},
        "name": name,
        "secret": request.POST.get("secret", ""),
        "known": known or bool(request.POST.get("overwrite")),
        "other": kept(name) if known else None,
    }
    return render(request, "recordings/import.html", context, status=422 if wrong else 200)


def _shown(sent: object) -> str:
    return clean_name(str(getattr(sent, "name", "")))


def _stem(sent: object) -> str:
    return name_from(PurePath(_shown(sent)).stem)
