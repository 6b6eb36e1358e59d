"""Playwright's own trace viewer, served from the installed package: nothing of it is copied, nothing leaves this address."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
import re
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase

from runner.desk.access import page
from runner.desk.asking import DeskRequest

_INSIDE: Final = "driver/package/lib/vite/traceViewer"
_INLINE: Final = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
_KINDS: Final = {".js": "text/javascript", ".ttf": "font/ttf", ".webmanifest": "application/manifest+json"}


def trace_link(trace: str) -> str:
    """The address at which the viewer shows the trace that is served at the address `trace`."""
    return f"/trace/index.html?{urlencode({'trace': trace})}"


@cache
def viewer_folder() -> Path | None:
    """Where the viewer lies in the installed Playwright; None when this release keeps it elsewhere."""
    from importlib.util import find_spec

    found = find_spec("playwright")
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parent / _INSIDE
    return folder if (folder / "index.html").is_file() else None


@page("evidence.see")
def viewer(request: DeskRequest, path: str) -> HttpResponseBase:  # noqa: ARG001
    """A file of the viewer, with a policy of its own: it draws with styles of its own, and asks only this address."""
    folder = viewer_folder()
    wanted = (folder / path).resolve() if folder else None
    if (
        folder is None
        or wanted is None
        or not wanted.is_relative_to(folder.resolve())
        or not wanted.is_file()
    ):
        raise Http404
    kind = _KINDS.get(wanted.suffix) or mimetypes.guess_type(wanted.name)[0] or "application/octet-stream"
    answer: HttpResponseBase = (
        HttpResponse(wanted.read_bytes(), content_type=kind)
        if wanted.suffix == ".html"
        else FileResponse(wanted.open("rb"), content_type=kind)
    )
    answer["Content-Security-Policy"] = _policy()
    answer["X-Frame-Options"] = "SAMEORIGIN"
    answer["Cache-Control"] = "private, max-age=3600"
    return answer


@cache
def _policy() -> str:
    folder = viewer_folder()
    pages = [file.read_bytes() for file in sorted(folder.glob("*.html"))] if folder else []
    inline = {script for page in pages for script in _INLINE.findall(page)}
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(one).digest()).decode()}'" for one in sorted(inline)
    )
    return (
        f"default-src 'self'; script-src 'self' {hashes}; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
        "img-src 'self' data: blob:; media-src 'self' data: blob:; connect-src 'self' data: blob:; worker-src 'self'; "
        "frame-src 'self' blob: data:; object-src 'none'; base-uri 'self'; form-action 'none'; frame-ancestors 'self'"
    )
