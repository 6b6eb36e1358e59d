"""Files that people sent for a run: the bot works on copies of its own, so that what was sent stays as it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

from runner.core.files import replace_file

FOLDER: Final = "files"


def copy_given(parameters: Mapping[str, Any], uploads: Path, folder: Path) -> dict[str, str]:
    """Copy the files below `uploads` that parameters name into the run folder; each one's path in it, by what names it.

    A copy that is there stays as it is: a worker that takes a run over goes on with what the run has written.
    """
    root = uploads.resolve()
    copies: dict[str, str] = {}
    for value in _texts(parameters.values()):
        source = _kept(value, root)
        if source is None or value in copies:
            continue
        place = _free(source.name, set(copies.values()))
        target = folder / place
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace_file(target, source.read_bytes())
        copies[value] = place
    return copies


def _texts(values: Any) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from _texts(value)


def _kept(value: str, root: Path) -> Path | None:
    if not Path(value).is_absolute():
        return None
    try:
        found = Path(value).resolve(strict=True)
    except (OSError, ValueError):
        return None
    return found if found.is_file() and found.is_relative_to(root) else None


def _free(name: str, taken: set[str]) -> str:
    """The place of a file: its name stays, which people and results know it by."""
    place, number = PurePosixPath(FOLDER, name), 1
    while place.as_posix() in taken:
        number += 1
        place = PurePosixPath(FOLDER, str(number), name)
    return place.as_posix()
