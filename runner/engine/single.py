"""One of a kind on this machine: a lock that ends with its process, and says who holds it."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runner.core.clock import iso, now
from runner.core.errors import ConflictError

if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        os.lseek(file, 1 << 30, os.SEEK_SET)  # beyond the text, which others must be able to read
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def only_one(path: Path, what: str) -> Iterator[None]:
    """Hold the lock file `path` while the block runs; the operating system frees it whatever becomes of the process.

    Raises ConflictError (CLI_LOCK) that names process id, host and start of the one that holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        try:
            _lock(file)
        except OSError:
            raise _held(path, what) from None
        os.ftruncate(file, 0)
        os.lseek(file, 0, os.SEEK_SET)
        os.write(
            file, json.dumps({"pid": os.getpid(), "host": platform.node(), "since": iso(now())}).encode()
        )
        yield
    finally:
        os.close(file)


def _held(path: Path, what: str) -> ConflictError:
    try:
        holder = json.loads(path.read_text("utf-8"))
        who = f"pid {holder['pid']} on host {holder['host']} since {holder['since']}"
    except (OSError, ValueError, KeyError):
        who = "a process that has just begun: pid, host and since are not written yet"
    return ConflictError(
        f"a {what} is already running: {who}",
        expected=f"one {what} for this data folder",
        hint="stop that one first, or leave out --single",
        where=str(path),
        code="CLI_LOCK",
    )
