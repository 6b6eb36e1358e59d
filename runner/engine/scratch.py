"""A temporary folder for each child process: what a killed browser leaves there goes with it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from runner.core.ids import short_id


def make_scratch(marker: str) -> Path:
    """A new folder, readable by its owner only, for the process tree that carries `marker`.

    It lies in the machine's temporary folder and has a short name: a browser makes sockets in it, whose paths may not be
    longer than about a hundred characters.
    """
    return Path(tempfile.mkdtemp(prefix=_prefix(marker)))


def variables(folder: Path) -> dict[str, str]:
    """The environment that makes a process and its children use `folder`."""
    return dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))


def remove_scratch(folder: Path) -> None:
    """Remove the folder of a process tree that has ended; what can't be removed stays."""
    shutil.rmtree(folder, ignore_errors=True)


def scratch_of(worker: str) -> list[Path]:
    """The folders that children of this worker have, or have left, on this machine."""
    return sorted(Path(tempfile.gettempdir()).glob(f"{_prefix(worker)}*"))


def _prefix(marker: str) -> str:
    return f"runner-{short_id('scratch', marker.partition('/')[0])}-"
