"""Choosing the workbook of a recording: one that lies in the project, or one that is sent and kept in its inbox."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from django.core import signing
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from runner.cases.audit import append
from runner.core.clock import now
from runner.core.errors import RunnerError, UsageError
from runner.core.files import replace_file
from runner.desk.access import ACT, page
from runner.desk.asking import DeskRequest
from runner.desk.errors.telling import said_here
from runner.desk.kept_files import is_kept, keep_bytes, keep_file
from runner.desk.outside import place
from runner.desk.recordings.reasons import sentence_of
from runner.desk.recordings.shelf import kept, process_of_recording
from runner.sheets.grid import OTHER_SUFFIXES, TEXT_SUFFIXES, XML_SUFFIXES
from runner.sheets.headed import headed
from runner.sheets.saving import opened_by

INBOX: Final = "inbox"
_SALT: Final = "runner.desk.recordings.workbook"
_SUFFIXES: Final = (*XML_SUFFIXES, *TEXT_SUFFIXES[:2], *OTHER_SUFFIXES)
_MOST: Final = 200
_DEEPEST: Final = 3


def workbooks_of(project: Path) -> list[str]:
    """The workbooks of a project by their path in it, those of the inbox first; results and hidden folders are left out."""
    found = []
    for path in _walk(project, _DEEPEST):
        found.append(path.relative_to(project).as_posix())
        if len(found) == _MOST:
            break
    return sorted(found, key=lambda one: (not one.startswith(f"{INBOX}/"), one))


def inside(project: Path, workbook: str) -> Path | None:
    """The file, where the path names one in the project."""
    try:
        path = (project / workbook).resolve()
    except (OSError, ValueError):
        return None
    is_one = path.is_relative_to(project.resolve()) and path.suffix.lower() in _SUFFIXES
    return path if is_one and path.is_file() else None


@page("recordings.edit", ("GET", *ACT), process_of=process_of_recording)
def choose(request: DeskRequest, name: str) -> HttpResponseBase:
    """The form that asks for the workbook; sent, it leads on to the columns."""
    if kept(name) is None:
        raise Http404(name)
    if request.method != "POST":
        return choose_form(request, name)
    if request.POST.get("ticket"):
        return _settle(request, name)
    sent, typed = request.FILES.get("file"), request.POST.get("workbook", "").strip()
    if isinstance(sent, UploadedFile):
        return _take(request, name, sent)
    if not typed:
        return choose_form(request, name, {"file": _("Please choose a workbook.")})
    if inside(place().settings.project, typed) is None:
        return choose_form(request, name, {"workbook": _("There is no such workbook in the project.")})
    return redirect(_bind_address(name, typed))


def choose_form(request: DeskRequest, name: str, wrong: dict[str, str] | None = None) -> HttpResponse:
    """The form with what was typed and what is wrong with it."""
    found = kept(name)
    bound = found.binding.for_each if found and found.binding else None
    context = {
        "kept": found,
        "known": workbooks_of(place().settings.project),
        "typed": request.POST.get("workbook", bound or ""),
        "wrong": wrong or {},
        "endings": ",".join(_SUFFIXES),
    }
    return render(request, "recordings/workbook.html", context, status=422 if wrong else 200)


def _take(request: DeskRequest, name: str, sent: UploadedFile[bytes]) -> HttpResponseBase:
    """Keep a workbook that was sent, where it can be read; one of that name with other content is asked about."""
    try:
        stored = keep_file(place().settings.home, sent)
        headed(stored)
    except RunnerError as error:
        words = sentence_of(error) if error.stable_code.startswith("WB_") else said_here(error.what)
        return choose_form(request, name, {"file": words})
    target = _inbox() / stored.name
    if target.exists() and target.read_bytes() != stored.read_bytes():
        context = {
            "kept": kept(name),
            "file": f"{INBOX}/{stored.name}",
            "other": f"{INBOX}/{_free(target).name}",
            "ticket": signing.dumps(stored.as_posix(), salt=_SALT),
        }
        return render(request, "recordings/workbook_known.html", context, status=409)
    return _put(request, name, stored, target)


def _settle(request: DeskRequest, name: str) -> HttpResponseBase:
    """Do with a workbook what was decided: in the place of the other one, beside it, or not at all."""
    try:
        stored = Path(str(signing.loads(request.POST["ticket"], salt=_SALT, max_age=24 * 3600)))
    except signing.BadSignature as error:
        raise UsageError(
            _("the preview is too old"), hint=_("send the workbook again"), code="UPLOAD_OLD"
        ) from error
    if not is_kept(place().settings.home, stored.as_posix()):
        raise UsageError(_("the workbook is gone"), hint=_("send the workbook again"), code="UPLOAD_OLD")
    target = _inbox() / stored.name
    decided = request.POST.get("decided", "")
    if decided == "present":
        return redirect(_bind_address(name, f"{INBOX}/{target.name}"))
    if decided == "beside":
        return _put(request, name, stored, _free(target))
    if who := opened_by(target):
        busy = _("%(who)s has this workbook open. Close it there, then send yours again.") % {"who": who}
        return choose_form(request, name, {"file": busy})
    keep_bytes(place().settings.home, f"former-{target.name}", target.read_bytes())
    return _put(request, name, stored, target)


def _put(request: DeskRequest, name: str, stored: Path, target: Path) -> HttpResponse:
    if not target.exists() or target.read_bytes() != stored.read_bytes():
        append(now(), request.person.username, "recording.workbook", "recording", name, {"file": target.name})
        replace_file(target, stored.read_bytes())
        target.chmod(0o644)  # people open it too, not only the desk's own account
    return redirect(_bind_address(name, f"{INBOX}/{target.name}"))


def _bind_address(name: str, workbook: str) -> str:
    return f"{reverse('recordings:bind', args=[name])}?{urlencode({'workbook': workbook})}"


def _inbox() -> Path:
    folder = place().settings.project / INBOX
    folder.mkdir(exist_ok=True)
    return folder


def _free(target: Path) -> Path:
    """A name beside `target` that nothing has yet: ``orders-2.xlsx``."""
    number = 2
    while (found := target.with_name(f"{target.stem}-{number}{target.suffix}")).exists():
        number += 1
    return found


def _walk(folder: Path, deep: int) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda one: (one.is_dir(), one.name))
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith((".", "~$", "_")) or entry.is_symlink():
            continue
        if entry.is_dir():
            if deep > 1 and entry.name not in {"node_modules", "venv"}:
                yield from _walk(Path(entry.path), deep - 1)
        elif entry.name.lower().endswith(_SUFFIXES) and ".result." not in entry.name:
            yield Path(entry.path)
