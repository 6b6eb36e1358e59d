"""A temporary folder for each child process: what a killed browser leaves there goes with it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psutil

_NAME: Final = "runner-tmp-"
_MAKER: Final = ".made-by"


@dataclass(frozen=True, slots=True)
class Maker:
    """The worker process that made a folder (its id, and its start in seconds of the epoch), and whom it is for."""

    pid: int
    started: float
    marker: str


def make_scratch(marker: str) -> Path:
    """A new folder, readable by its owner only, for the process tree that carries `marker`.

    It lies in the machine's temporary folder and has a short name: a browser makes sockets in it, whose paths may not be
    longer than about a hundred characters. It says which process made it, so that it is found when that one is killed.
    """
    folder = Path(tempfile.mkdtemp(prefix=_NAME))
    maker = Maker(os.getpid(), psutil.Process().create_time(), marker)
    (folder / _MAKER).write_text(json.dumps(asdict(maker)), "utf-8")
    return folder


def variables(folder: Path) -> dict[str, str]:
    """The environment that makes a process and its children use `folder`."""
    return dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))


def remove_scratch(folder: Path) -> None:
    """Remove the folder of a process tree that has ended; what can't be removed stays."""
    shutil.rmtree(folder, ignore_errors=True)


def scratch_of(prefix: str) -> list[Path]:
    """The folders of the process trees whose marker starts with `prefix`, ended ones with what they left."""
    return [folder for folder, maker in makers() if maker.marker.startswith(prefix)]


def makers() -> Iterator[tuple[Path, Maker]]:
    """Every such folder of this machine, and who made it."""
    for folder in _all():
        maker = _maker(folder)
        if maker is not None:
            yield folder, maker


def _all() -> list[Path]:
    return sorted(Path(tempfile.gettempdir()).glob(f"{_NAME}*"))


def _maker(folder: Path) -> Maker | None:
    with contextlib.suppress(OSError, ValueError, TypeError):  # another user's, or only just being made
        return Maker(**json.loads((folder / _MAKER).read_text("utf-8")))
    return None
