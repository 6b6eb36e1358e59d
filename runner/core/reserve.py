"""A file that takes room on the disk, so that journals can finish their last lines when it is full."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

SIZE: Final = 1_000_000
_PIECE: Final = 50_000
_FULL: Final = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})


def make_reserve(path: Path) -> str:
    """Make the reserve file where it is not there yet; returns an empty text, or why it can't be made.

    It is filled with bytes that no file system compresses or leaves out.
    """
    try:
        if path.is_file() and path.stat().st_size == SIZE:
            return ""
        new = path.with_name(f"{path.name}.{os.getpid()}.new")
        try:
            with new.open("wb") as file:
                for _ in range(SIZE // _PIECE):
                    file.write(os.urandom(_PIECE))
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def gives_room(path: Path | None, error: OSError) -> bool:
    """Give the reserve up where `error` says that the disk is full; whether it is worth writing once more.

    Another process may have given it up a moment before: there is room then, too.
    """
    if path is None or error.errno not in _FULL:
        return False
    path.unlink(missing_ok=True)
    return True
