"""A temporary folder for each child process: what a killed browser leaves there goes with it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

import psutil

from runner.engine import tree

_NAME: Final = "runner-tmp-"
_MAKER: Final = ".made-by"


def make_scratch(marker: str) -> Path:
    """A new folder, readable by its owner only, for the process tree that carries `marker`.

    It lies in the machine's temporary folder and has a short name: a browser makes sockets in it, whose paths may not be
    longer than about a hundred characters. It says which process made it, so that it is found when that one is killed.
    """
    folder = Path(tempfile.mkdtemp(prefix=_NAME))
    maker = {"pid": os.getpid(), "started": psutil.Process().create_time(), "marker": marker}
    (folder / _MAKER).write_text(json.dumps(maker), "utf-8")
    return folder


def variables(folder: Path) -> dict[str, str]:
    """The environment that makes a process and its children use `folder`."""
    return dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))


def remove_scratch(folder: Path) -> None:
    """Remove the folder of a process tree that has ended; what can't be removed stays."""
    shutil.rmtree(folder, ignore_errors=True)


def scratch_of(worker: str) -> list[Path]:
    """The folders that children of this worker have, or have left, on this machine."""
    return [folder for folder in _all() if str(_maker(folder).get("marker", "")).startswith(f"{worker}/")]


def sweep_scratch() -> None:
    """Remove the folders of killed workers whose children have ended, too."""
    for folder in _all():
        maker = _maker(folder)
        if not maker or tree.is_alive(int(maker["pid"]), float(maker["started"])):
            continue
        if not tree.marked(str(maker["marker"])):
            remove_scratch(folder)


def _all() -> list[Path]:
    return sorted(Path(tempfile.gettempdir()).glob(f"{_NAME}*"))


def _maker(folder: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):  # another user's, or only just being made
        made: dict[str, Any] = json.loads((folder / _MAKER).read_text("utf-8"))
        return made
    return {}
