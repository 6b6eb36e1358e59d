"""A recording with its pictures and files in one zip file: how it travels from the computer where it was recorded to another project.

``X.json`` lies beside the folder ``X/``, as in `recordings/`. What else is in the file is left alone, and so is what makes no picture.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

from runner.core.errors import ConfigurationError
from runner.recordings import library
from runner.recordings.reading import LARGEST_FILE

ENDING: Final = ".zip"
LARGEST_BUNDLE: Final = 100_000_000
_RECORDINGS: Final = frozenset({".json", ".jsonl", ".py", ".side"})
_MOST_FILES: Final = 10_000
_PNG: Final = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Beside:
    """What lies beside a recording: pictures of its steps by their identity, marks in them, files that it uploads."""

    pictures: Mapping[str, bytes] = field(default_factory=dict)
    marks: Mapping[str, Sequence[int]] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)

    def write(self, place: library.Place) -> None:
        """Write all of it into the folder of the recording."""
        if self.pictures:
            place.write_pictures(self.pictures, self.marks)
        if self.files:
            place.folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.files.items():
            (place.folder / name).write_bytes(content)


NOTHING_BESIDE: Final = Beside()


def bundle_of(place: library.Place) -> bytes:
    """The recording with what lies beside it, as the bytes of a zip file. Network traffic stays: it is for tests."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(place.file, place.file.name)
        for path in sorted(place.folder.glob("*")) if place.folder.is_dir() else []:
            if path.is_file() and path.suffix != ".har":
                archive.write(path, f"{place.name}/{path.name}")
    return content.getvalue()


def unpacked(path: Path) -> Iterator[tuple[str, bytes, Beside]]:
    """Each recording in a bundle: the name of its file, its bytes, and what lies beside it.

    Raises ConfigurationError: REC_LIMIT (too large, or a bomb), REC_FORMAT (no zip file, damaged, or none with a recording).
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [one for one in archive.infolist() if not one.is_dir()]
            _refuse_bombs(infos, path.name)
            parts = {PurePosixPath(one.filename): archive.read(one) for one in infos}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, OSError) as broken:
        raise _wrong(path.name, f"the zip file can't be read: {broken}", "REC_FORMAT") from broken
    top = min((len(name.parts) for name in parts if name.suffix.lower() in _RECORDINGS), default=0)
    found = [
        name
        for name in parts
        if len(name.parts) == top and name.suffix.lower() in _RECORDINGS and name.name != library.MARKS
    ]
    if not found:
        raise _wrong(path.name, "there is no recording in the zip file", "REC_FORMAT")
    for name in sorted(found):
        folder = name.with_suffix("")
        yield (
            name.name,
            parts[name],
            _beside({one.name: content for one, content in parts.items() if one.parent == folder}),
        )


def _beside(files: Mapping[str, bytes]) -> Beside:
    pictures = {
        name.removesuffix(".png"): content for name, content in files.items()
        if name.endswith(".png") and content.startswith(_PNG)
    }  # fmt: skip
    others = {
        name: content for name, content in files.items()
        if not name.startswith(".") and "\\" not in name and name != library.MARKS and not name.endswith((".png", ".har"))
    }  # fmt: skip
    return Beside(pictures, _marks(files.get(library.MARKS, b"{}")), others)


def _marks(content: bytes) -> dict[str, Sequence[int]]:
    try:
        plain: Any = json.loads(content)
        return {str(name): [int(one) for one in box] for name, box in plain.items() if len(box) == 6}
    except (ValueError, TypeError, AttributeError):
        return {}  # a picture without its mark is still a picture


def _refuse_bombs(infos: Sequence[zipfile.ZipInfo], name: str) -> None:
    total = sum(one.file_size for one in infos)
    largest = max((one.file_size for one in infos), default=0)
    if total > LARGEST_BUNDLE or largest > LARGEST_FILE or len(infos) > _MOST_FILES:
        raise _wrong(
            name, f"{len(infos):,} files that expand to {total:,} bytes, the largest to {largest:,}", "REC_LIMIT",
            f"at most {LARGEST_BUNDLE:,} bytes in all, {LARGEST_FILE:,} in one file",
        )  # fmt: skip


def _wrong(
    where: str,
    what: str,
    code: str,
    expected: str = "NAME.json, and beside it the folder NAME with its pictures",
) -> ConfigurationError:
    hint = "make it with: runner recordings export NAME, or on the desk"
    return ConfigurationError(what, expected=expected, hint=hint, where=where, code=code)
