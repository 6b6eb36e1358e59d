"""Archives without secrets: every entry masked, its name as well."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from runner.journal.redact import Redactor


def mask_archive(source: Path | BinaryIO, target: Path | BinaryIO, redactor: Redactor) -> None:
    """Write the zip `source` again as `target`, each entry without registered secrets."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(redactor.text(entry.filename), redactor.raw(old.read(entry)))


def publish_archive(source: Path, target: Path, redactor: Redactor) -> bool:
    """Put the zip `source`, masked, in its place as `target`, when a last look through all of it finds no secret.

    False, and no file, where it finds one.
    """

    def write(file: Path) -> None:
        mask_archive(source, file, redactor)

    return publish_clean(target, write, redactor)


def publish_clean(target: Path, write: Callable[[Path], None], redactor: Redactor) -> bool:
    """Have `write` write the zip file that is to become `target`; it does where no entry, nor its name, has a secret."""
    unfinished = target.with_name(f"{target.name}.part")
    try:
        write(unfinished)
        clean = _is_clean(unfinished, redactor)
        if clean:
            unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return clean


def _is_clean(path: Path, redactor: Redactor) -> bool:
    with zipfile.ZipFile(path) as archive:
        return not any(
            redactor.finds(entry.filename.encode()) or redactor.finds(archive.read(entry))
            for entry in archive.infolist()
        )


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
