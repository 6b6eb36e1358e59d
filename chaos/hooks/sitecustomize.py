"""Loaded by every Python process that has this folder on PYTHONPATH: dies at a chosen call, or lives in another time.

Only processes of a failure test see it. `CHAOS_DIE_AT=k` kills a bot's child right before its k-th call of the operating
system (write, read, fsync) from the INTENT line on, `CHAOS_TORN=1` after half of what that call would have written.
`CHAOS_CLOCK` names a file that holds the seconds by which the clock of the process is off.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

INTENT = b'"event":"irreversible.intent"'
OUTCOME = b'"event":"irreversible.outcome"'


def die_at(number: int, passed: str, *, torn: bool) -> None:
    """Kill this process before its `number`-th call from the first INTENT line on, up to the fsync behind its OUTCOME.

    A process that comes through writes how many calls there were into the file `passed`.
    """
    state: dict[str, Any] = {"calls": 0, "at": "before"}

    def wrap(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            data = args[1] if name == "write" else b""
            if state["at"] == "before" and INTENT in bytes(data):
                state["at"] = "between"
            if state["at"] in {"before", "over"}:
                return real(*args)
            state["calls"] += 1
            if state["calls"] == number:
                if torn and name == "write":
                    real(args[0], bytes(data)[: len(data) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            result = real(*args)
            if OUTCOME in bytes(data):
                state["at"] = "last"
            elif state["at"] == "last" and name == "fsync":
                state["at"] = "over"
                Path(passed).write_text(str(state["calls"]), "utf-8")
            return result

        return call

    for name in ("write", "read", "fsync"):
        setattr(os, name, wrap(name, getattr(os, name)))


def shift_clock(file: str) -> None:
    """Let Runner's own clock and that of its journals be off by what `file` says, from call to call."""
    from runner.core import clock

    log_clock: Any = importlib.import_module("loguru._logger")

    def offset() -> timedelta:
        try:
            return timedelta(seconds=float(Path(file).read_text("utf-8") or 0))
        except (FileNotFoundError, ValueError):  # not there yet, or being written
            return timedelta()

    real = log_clock.aware_now
    log_clock.aware_now = lambda: real() + offset()
    clock.now = lambda: datetime.now(UTC) + offset()


if os.environ.get("CHAOS_DIE_AT") and "runner.kit.child" in sys.orig_argv:
    die_at(
        int(os.environ["CHAOS_DIE_AT"]), os.environ["CHAOS_PASSED"], torn=bool(os.environ.get("CHAOS_TORN"))
    )
if os.environ.get("CHAOS_CLOCK") and any("runner." in word for word in sys.orig_argv):
    shift_clock(os.environ["CHAOS_CLOCK"])
