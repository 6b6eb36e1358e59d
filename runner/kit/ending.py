"""Ends this process and its children at once: the one place where operating systems differ about that."""

from __future__ import annotations

import os
import signal
import sys
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


def is_superuser() -> bool:
    """Whether this process runs as root, where Chromium's sandbox can't be used; never so on Windows."""
    return sys.platform != "win32" and os.geteuid() == 0
