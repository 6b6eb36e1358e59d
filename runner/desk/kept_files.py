"""Files that people send for a run: kept under the hash of their bytes and under their name, which bots and people see."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import Path
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from runner.core.errors import UsageError
from runner.core.files import replace_file

LARGEST: Final = 10 * 1024 * 1024
_PROGRAMS: Final = (b"MZ", b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa", b"#!")
_PACKED: Final = (".xlsx", ".xlsm", ".docx", ".pptx", ".zip", ".ods")


def keep_file(home: Path, sent: UploadedFile[Any]) -> Path:
    """Store the file below `home`/uploads; the same bytes under the same name are one file. On the disk when this returns.

    Raises UsageError: UPLOAD_EMPTY, UPLOAD_SIZE, UPLOAD_TYPE (a program, or an office file that is none: judged by the bytes).
    """
    name = clean_name(str(sent.name))
    if not sent.size:
        raise UsageError(
            _("the file is empty"), expected=_("a file with content"), where=name, code="UPLOAD_EMPTY"
        )
    if sent.size > LARGEST:
        raise UsageError(
            _("the file has %(size)d MB") % {"size": sent.size // 2**20},
            expected=_("at most %(limit)d MB") % {"limit": LARGEST // 2**20},
            hint=_("put it into the project's folder and give its path"), where=name, code="UPLOAD_SIZE",
        )  # fmt: skip
    content = sent.read()
    _check(name, content)
    return keep_bytes(home, name, content)


def keep_bytes(home: Path, name: str, content: bytes) -> Path:
    """Store bytes below `home`/uploads under their hash and `name`; the same ones are one file.

    A file that somebody has changed since stays, for what refers to it; these bytes are stored beside it then.
    """
    digest = hashlib.sha256(content).hexdigest()
    folder = home / "uploads" / digest[:2]
    for target in (folder / digest[:24] / name, folder / digest / name):
        if target.exists() and target.read_bytes() == content:
            return target
        if not target.exists():
            break
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    replace_file(target, content)
    return target


def is_kept(home: Path, path: str) -> bool:
    """Whether a path is that of a file that `keep_file` stored, and it is still there."""
    try:
        found = Path(path).resolve(strict=True)
    except (OSError, ValueError):
        return False
    return found.is_file() and found.is_relative_to((home / "uploads").resolve())


def clean_name(name: str) -> str:
    """The last part of a name, without anything that a file system or a header could take for more than a name."""
    plain = re.split(r"[\\/]", unicodedata.normalize("NFC", name))[-1]
    shown = "".join(sign for sign in plain if unicodedata.category(sign)[0] != "C" and sign not in '"<>|:*?')
    return shown.strip(" .")[-120:] or "file"


def _check(name: str, content: bytes) -> None:
    is_program = content.startswith(_PROGRAMS)
    is_hollow = name.lower().endswith(_PACKED) and not content.startswith(b"PK\x03\x04")
    if is_program or is_hollow:
        raise UsageError(
            _("the file is a program") if is_program else _("the file is not what its name says"),
            expected=_("a workbook, a document, a picture or a text"),
            hint=_("save it again in the program that made it"), where=name, code="UPLOAD_TYPE",
        )  # fmt: skip
