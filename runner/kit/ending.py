"""Ends this process and its children at once: the one place where operating systems differ about that."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
from typing import Final, NoReturn

ORPHANED: Final = 70  # exit code of a child whose worker is gone


def end_with_children(code: int = ORPHANED) -> NoReturn:
    """End now, without clean-up, together with the processes that this one started.

    POSIX: a child that leads its process group takes the whole group along (its browser ends when the driver's pipe
    closes). Windows: the worker starts each child in a job object of its own, which ends with the worker's handle.
    """
    if sys.platform != "win32" and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(code)


def end_at_once(code: int) -> NoReturn:
    """End with `code` after all clean-up that was registered, and leave the browser to the worker.

    The worker ends what is left of the tree as soon as this process has gone, so closing a browser politely first would
    only cost time (some 0.2 s a run). Where the bot has left threads behind, the interpreter ends the usual way.
    """
    if any(not t.daemon for t in threading.enumerate() if t is not threading.main_thread()):
        sys.exit(code)
    atexit._run_exitfuncs()  # noqa: SLF001 (what the interpreter itself calls at this point)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def is_superuser() -> bool:
    """Whether this process runs as root, where Chromium's sandbox can't be used; never so on Windows."""
    return sys.platform != "win32" and os.geteuid() == 0
