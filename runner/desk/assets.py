"""Styles, scripts and pictures: found once, served under an address with a hash, kept by the browser for a year."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from django.http import Http404, HttpResponse

from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.roles import ANYBODY

_HERE: Final = Path(__file__).parent
_HTMX: Final = "htmx-2.min.js"
_FOR_A_YEAR: Final = "public, max-age=31536000, immutable"
_PACKED: Final = {".css", ".js", ".svg"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, as it is sent; `packed` is None where packing saves nothing."""

    content: bytes
    packed: bytes | None
    kind: str
    mark: str


@cache
def all_assets() -> Mapping[str, Asset]:
    """Every file that may be asked for, by name: `static/` of the desk and of each area (``runs/gantt.js``), and htmx."""
    import django_htmx

    found = {path.name: path for path in (_HERE / "static").iterdir() if path.is_file()}
    for path in sorted(_HERE.glob("*/static/*")):
        found[f"{path.parents[1].name}/{path.name}"] = path
    found[_HTMX] = Path(django_htmx.__file__).parent / "static" / "django_htmx" / _HTMX
    return {name: _read(path) for name, path in found.items()}


def address_of(name: str) -> str:
    """The address of a file. Raises KeyError for a name that there is not."""
    return f"/static/{all_assets()[name].mark}/{name}"


@page(ANYBODY)
def serve(request: DeskRequest, mark: str, name: str) -> HttpResponse:
    """The file; one that has changed since is sent too, but not to be kept."""
    found = all_assets().get(name)
    if found is None:
        raise Http404(name)
    packed = found.packed if "gzip" in request.headers.get("Accept-Encoding", "") else None
    answer = HttpResponse(packed or found.content, content_type=found.kind)
    if packed:
        answer["Content-Encoding"] = "gzip"
    answer["Vary"] = "Accept-Encoding"
    answer["Cache-Control"] = _FOR_A_YEAR if mark == found.mark else "no-cache"
    return answer


def _read(path: Path) -> Asset:
    content = path.read_bytes()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    text = kind.startswith("text/") or kind.endswith("javascript")
    packed = gzip.compress(content, 9, mtime=0) if path.suffix in _PACKED else None
    return Asset(
        content, packed, f"{kind}; charset=utf-8" if text else kind, hashlib.sha256(content).hexdigest()[:10]
    )
