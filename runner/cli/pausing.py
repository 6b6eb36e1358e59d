"""The pause after a failure: the person at the terminal looks at the open pages and presses Enter."""

from __future__ import annotations

import sys
import threading

from runner.cli.printing import warn
from runner.core.errors import UsageError


class Pause:
    """Answers the question of a bot that has failed whether to go on: when Enter was pressed since it first asked."""

    def __init__(self) -> None:
        self._enter = threading.Event()
        self._reading = False

    def asked(self, message: str) -> bool:
        """Whether to go on. `message` comes with the first question of a pause."""
        if message:
            self._enter.clear()
            warn(f"paused: {message}")
            warn("look at the browser; press Enter here, or close its pages, to go on")
            self._read()
        return self._enter.is_set()

    def _read(self) -> None:
        if not self._reading:
            self._reading = True
            threading.Thread(target=self._wait, name="enter", daemon=True).start()

    def _wait(self) -> None:
        sys.stdin.readline()
        self._reading = False
        self._enter.set()


def refuse_without_terminal() -> None:
    """Raise UsageError where nobody could press Enter."""
    if not sys.stdin.isatty():
        raise UsageError(
            "nobody could press Enter here",
            expected="a terminal",
            hint="leave --pause-on-error out, or call it on a terminal",
            where="--pause-on-error",
        )
