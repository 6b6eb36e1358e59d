"""Evidence: files of run folders, reached by a signed ticket only, and shown where no script in them can do anything."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import quote

from django.core import signing
from django.http import FileResponse, Http404
from django.http.response import HttpResponseBase

from runner.desk.access import page
from runner.desk.asking import Access, DeskRequest
from runner.desk.outside import place
from runner.desk.uploads import kind_of

VALID_FOR: Final = timedelta(hours=12)
_SALT: Final = "runner.desk.evidence"
_SANDBOX: Final = (
    "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; sandbox; frame-ancestors 'self'"
)
_SHOWN: Final = {"image/png", "image/jpeg", "image/gif", "image/webp", "text/plain", "application/json"}


def evidence_address(folder: str, path: str, process: str) -> str:
    """The address of a file of a run: `folder` is that of the run, `path` the file in it, as the store has them.

    Nothing of it can be guessed or changed; it holds for 12 hours, for those who may see evidence of `process`.
    """
    return f"/evidence/{ticket_for(folder, path, process)}/{quote(Path(path).name, safe='')}"


def ticket_for(folder: str, path: str, process: str) -> str:
    """What names a file of a run to those who may see it: see `evidence_address`."""
    return signing.dumps([folder, path, process], salt=_SALT, compress=True)


def file_of(access: Access, ticket: str) -> Path:
    """The file of a ticket.

    Raises Http404 for one that is none or too old, or of a process whose evidence is not theirs, and where the file is gone.
    """
    try:
        folder, path, process = signing.loads(ticket, salt=_SALT, max_age=VALID_FOR)
    except (signing.BadSignature, ValueError) as error:
        raise Http404 from error
    if not access.may("evidence.see", process):
        raise Http404
    file = _inside(place().settings.runs, Path(folder) / path)
    if file is None:
        raise Http404
    return file


@page("evidence.see")
def serve(request: DeskRequest, ticket: str, name: str) -> HttpResponseBase:
    """The file of a ticket; pictures and text in a sandbox, everything else (and with ``?download``) as a download."""
    file = file_of(request.access, ticket)
    if file.name != name:
        raise Http404
    with file.open("rb") as opened:
        kind = kind_of(opened.read(4096), file.name)
    shown = kind in _SHOWN and "download" not in request.GET
    content_type = "text/plain; charset=utf-8" if kind in {"text/plain", "application/json"} else kind
    answer = FileResponse(
        file.open("rb"), as_attachment=not shown, filename=file.name,
        content_type=content_type if shown else "application/octet-stream",
    )  # fmt: skip
    answer["Content-Security-Policy"] = _SANDBOX
    answer["X-Frame-Options"] = "SAMEORIGIN"
    answer["Cache-Control"] = "private, max-age=3600"
    return answer


def _inside(root: Path, path: Path) -> Path | None:
    """The file, where it is one inside `root`; links that lead out of it, and devices, are none."""
    try:
        found = (root / path).resolve(strict=True)
    except (OSError, ValueError):
        return None
    return found if found.is_relative_to(root.resolve()) and found.is_file() else None
