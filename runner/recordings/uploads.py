"""The files that a recording uploads: what a row calls one, and in which folder it lies."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath


def file_name(path: str) -> str:
    """The last part of a path, as a browser shows it of a file that was chosen; also of a path that Windows wrote."""
    return PurePosixPath(_plain(path)).name


def find_upload(path: str, folders: Sequence[Path]) -> Path | None:
    """The file that a row or a step names, in the first of these folders that has it; None where none has.

    A path may lead from one of them into another, not out of all, and to nothing hidden: a row may come from anybody, and
    what it names is sent to the site, Runner's own data and keys never.
    """
    tops = [Path(os.path.normpath(folder.absolute())) for folder in folders]
    named = (Path(os.path.normpath(top / _plain(path))) for top in tops)
    return next((one for one in named if any(_shows(top, one) for top in tops) and one.is_file()), None)


def _shows(top: Path, path: Path) -> bool:
    """Whether a path is in a folder, and no part of it there is hidden."""
    return path.is_relative_to(top) and not any(part.startswith(".") for part in path.relative_to(top).parts)


def _plain(path: str) -> str:
    return path.strip().replace("\\", "/")
