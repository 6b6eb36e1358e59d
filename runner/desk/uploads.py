"""Files that people send: judged by their bytes, never by their name or by what the browser says they are."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runner.core.errors import UsageError
from runner.desk.words import Word

LARGEST: Final = 50 * 1024 * 1024
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
XLSM: Final = "application/vnd.ms-excel.sheet.macroenabled.12"
WORKBOOKS: Final = frozenset({XLSX, XLSM})
TABLES: Final = frozenset(
    {*WORKBOOKS, "application/vnd.ms-excel", "application/vnd.oasis.opendocument.spreadsheet", "text/plain"}
)
_BEGINNINGS: Final = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/vnd.ms-excel"),
)
_MOST_NAMES: Final = 10_000
_SAID: Final[Mapping[str, Word]] = {
    XLSX: ".xlsx", XLSM: ".xlsm", "application/vnd.ms-excel": ".xls", "application/vnd.oasis.opendocument.spreadsheet": ".ods",
    "application/pdf": "PDF", "application/json": "JSON", "application/zip": "ZIP", "image/png": "PNG", "image/jpeg": "JPEG", "image/gif": "GIF",
    "image/webp": "WebP", "text/html": gettext_lazy("a web page"), "text/plain": gettext_lazy("plain text"), "application/octet-stream": gettext_lazy("of an unknown kind"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came: a name without folders, its bytes, and what these bytes are."""

    name: str
    content: bytes
    kind: str


def read_upload(sent: UploadedFile[Any] | None, allowed: Collection[str], largest: int = LARGEST) -> Upload:
    """The file that was sent, where it is one of the `allowed` kinds and not larger than `largest` bytes.

    Raises UsageError: UPLOAD_MISSING, UPLOAD_SIZE (told before the bytes are read), UPLOAD_TYPE.
    """
    if sent is None or not sent.size:
        raise UsageError(
            _("no file was sent"), expected=_("a file"), hint=_("choose one"), code="UPLOAD_MISSING"
        )
    name = PurePath(str(sent.name).replace("\\", "/")).name[:200]
    if sent.size > largest:
        raise UsageError(
            _("the file has %(size)d MB") % {"size": sent.size // 2**20},
            expected=_("at most %(limit)d MB: that is the limit") % {"limit": largest // 2**20},
            hint=_("send less of it"), where=name, code="UPLOAD_SIZE",
        )  # fmt: skip
    content = sent.read()
    kind = kind_of(content, name)
    if kind not in allowed:
        raise UsageError(
            _("the file is %(kind)s") % {"kind": _SAID.get(kind, kind)},
            expected=", ".join(sorted(str(_SAID.get(one, one)) for one in allowed)), hint=_("choose another file"), where=name, code="UPLOAD_TYPE",
        )  # fmt: skip
    return Upload(name, content, kind)


def kind_of(content: bytes, name: str) -> str:
    """The media type of some bytes (their beginning is enough, except for office files). `name` only tells texts apart."""
    for beginning, kind in _BEGINNINGS:
        if content.startswith(beginning):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content.startswith(b"PK\x03\x04"):
        return _packed(content)
    if b"\x00" in content[:4096]:
        return "application/octet-stream"
    if content.lstrip()[:1] == b"<":
        return "text/html"  # markup of any sort is never shown as a page of ours
    return "application/json" if name.endswith((".json", ".jsonl")) else "text/plain"


def _packed(content: bytes) -> str:
    """What is in a ZIP: only its list of names is read, nothing is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist()[:_MOST_NAMES])
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return "application/zip"
    if "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names):
        return XLSM if "xl/vbaProject.bin" in names else XLSX
    if "content.xml" in names and "mimetype" in names:
        return "application/vnd.oasis.opendocument.spreadsheet"
    return "application/zip"
