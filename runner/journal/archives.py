"""Archives without secrets: every entry masked, its name as well."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import BinaryIO

from runner.journal.redact import Redactor


def mask_archive(source: Path | BinaryIO, target: Path | BinaryIO, redactor: Redactor) -> None:
    """Write the zip `source` again as `target`, each entry without registered secrets."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(redactor.text(entry.filename), redactor.raw(old.read(entry)))


def masked_file(name: str, content: bytes, redactor: Redactor) -> bytes:
    """The content of a file without registered secrets; of an archive that of its entries. Pictures stay as they are.

    Whoever takes a picture sees to it that it shows none.
    """
    if name.endswith(".zip"):
        out = io.BytesIO()
        mask_archive(io.BytesIO(content), out, redactor)
        return out.getvalue()
    if name.endswith(".png"):
        return content
    return redactor.json(content) if name.endswith(".json") else redactor.raw(content)
