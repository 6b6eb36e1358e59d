"""Ctrl-C as an end that somebody chose, where a browser is open for a person."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def ended_by_ctrl_c(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` at the first Ctrl-C, instead of raising KeyboardInterrupt; the second one raises it.

    A terminal sends Ctrl-C to the browser's driver too, which ends at once: what Playwright's event loop has to say of that
    is no news any more. Outside of the main thread nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def heard(_signal: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, before)
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        stop()

    signal.signal(signal.SIGINT, heard)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
