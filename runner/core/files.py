"""Files that are either what they were or what they are to be."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path


def replace_file(path: Path, data: bytes) -> None:
    """Write `data` to a new file readable by its owner only, sync it, and put it in the place of `path`.

    Whatever goes wrong, `path` is as it was and nothing else is left. Threads and processes may do it at once: the last wins.
    """
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".new")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(unfinished).replace(path)
        sync_folder(path.parent)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Return when the names in `folder` are on the disk; Windows has no such call, and needs none."""
    if sys.platform == "win32":
        return
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
