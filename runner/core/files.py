"""Files that are either what they were or what they are to be."""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

_PATIENCE: Final = 20.0  # seconds to wait for another process


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


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Hold back every other thread and process that asks for the file `lock`, which is made, while the block runs.

    A transaction on it is a lock on every system, and ends with its process. Raises OSError where it can't be made, and
    sqlite3.OperationalError when somebody else holds it for more than 20 s.
    """
    os.close(os.open(lock, os.O_RDWR | os.O_CREAT, 0o600))
    with closing(sqlite3.connect(lock, timeout=_PATIENCE, isolation_level=None)) as held:
        held.execute("BEGIN EXCLUSIVE")
        yield


def sync_folder(folder: Path) -> None:
    """Return when the names in `folder` are on the disk; Windows has no such call, and needs none."""
    if sys.platform == "win32":
        return
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
