"""The page that binds a recording: columns beside what was typed, the first rows as they would be typed, then it is saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from runner.cases.audit import append
from runner.core.clock import now
from runner.core.errors import RunnerError
from runner.desk.access import ACT, page
from runner.desk.asking import DeskRequest
from runner.desk.outside import place
from runner.desk.recordings.bind_form import BindForm, form_of, seen_of
from runner.desk.recordings.bind_preview import preview_of
from runner.desk.recordings.catalogue import remember_bot
from runner.desk.recordings.reasons import sentence_of
from runner.desk.recordings.shelf import Kept, kept, process_of_recording, secrets_typed
from runner.desk.recordings.workbooks import choose_form, inside
from runner.recordings.binding import typed_values
from runner.recordings.choices import Table
from runner.recordings.former import write_bound
from runner.sheets.headed import Headed, headed
from runner.store.models import Bot, Process


@page("recordings.edit", ("GET", *ACT), process_of=process_of_recording)
def bind(request: DeskRequest, name: str) -> HttpResponseBase:
    """The form for the workbook that the address names; sent, it looks again (``act=look``) or saves."""
    found = kept(name)
    if found is None or found.recording is None:
        raise Http404(name)
    asked: Mapping[str, str] = request.POST if request.method == "POST" else request.GET
    workbook = asked.get("workbook")
    if workbook is None:
        return choose_form(request, name)
    sheets: tuple[str, ...] = ()
    table = Table()
    if workbook:
        try:
            seen = _opened(workbook, asked.get("sheet", ""))
        except RunnerError as error:
            return choose_form(request, name, {"workbook": sentence_of(error)})
        sheets, table = seen.sheets, Table(workbook, seen.sheet, seen.headings, seen.rows)
    form = form_of(
        found.recording, table, found.binding, typed_values(found.place), request.POST if request.method == "POST" else None
    )  # fmt: skip
    if request.method == "POST" and request.POST.get("act") == "save":
        return _save(request, found, form, sheets)
    return _page(request, found, form, sheets)


def _opened(workbook: str, sheet: str) -> Headed:
    """Raises WorkbookError (WB_NOT_FOUND and what reading raises)."""
    path = inside(place().settings.project, workbook)
    return headed(path or place().settings.project / "there-is-none.xlsx", sheet or None)


def _save(request: DeskRequest, found: Kept, form: BindForm, sheets: tuple[str, ...]) -> HttpResponseBase:
    if form.made is None:
        return _page(request, found, form, sheets, status=422)
    if request.POST.get("seen") != _seen(found):
        return _page(request, found, form, sheets, status=409, moved=True)
    binding, by = form.made.binding, request.person.username
    request.access.require("recordings.edit", binding.process)
    with transaction.atomic():
        facts = {"workbook": binding.for_each, "key": binding.key, "irreversible": binding.irreversible}
        append(now(), by, "recording.bind", "recording", found.name, facts)
        stamp = write_bound(place().settings.home, found.place, binding, form.made.bound, by=by, at=now())
    problem = remember_bot(found.place)
    if problem:
        messages.error(request, _("It is saved, but the bot can't be loaded: %(why)s") % {"why": problem})
    undo = reverse("recordings:back", args=[found.name, stamp])
    messages.success(request, _("%(name)s is a bot now.") % {"name": found.name}, extra_tags=f"undo={undo}")
    return redirect("recordings:recording", found.name)


def _page(
    request: DeskRequest,
    found: Kept,
    form: BindForm,
    sheets: tuple[str, ...],
    *,
    status: int = 200,
    moved: bool = False,
) -> HttpResponse:
    assert found.recording is not None
    is_look = request.POST.get("act") == "look"
    context: dict[str, Any] = {
        "kept": found,
        "form": form,
        "sheets": sheets,
        "preview": preview_of(form.made, found.name) if form.made and form.table.workbook else None,
        "processes": _processes(),
        "headings": [one for one in dict.fromkeys(form.table.headings) if one],
        "secrets": secrets_typed(found),
        "moved": moved,
        "seen": _seen(found) if request.method != "POST" or moved else request.POST.get("seen", ""),
    }
    return render(request, "recordings/bind.html", context, status=200 if is_look else status)


def _seen(found: Kept) -> str:
    texts = [path.read_bytes() for path in (found.place.file, found.place.binding) if path.is_file()]
    return seen_of(texts)


def _processes() -> list[str]:
    """The processes that schedules.yaml describes or a bot works for."""
    named = Bot.objects.filter(present=True).exclude(process="").values_list("process", flat=True)
    return sorted({*named, *Process.objects.values_list("name", flat=True)})
