"""How long things may take: limits as authors write them, and the question to the worker whether there is time left."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Final

from runner.core.clock import duration, duration_text
from runner.core.errors import ApplicationError, ConfigurationError, TryLater
from runner.kit.current import running, running_or_none

DEFAULT_LIMIT: Final = timedelta(seconds=30)  # of an irreversible step
LOOK: Final = 5.0  # seconds between two questions while waiting
_ON_THE_WAY: Final = 1.0  # seconds that question and answer may take
STOPPING: Final = "RUN_STOPPING"


def limit_of(value: str | timedelta | None, option: str) -> timedelta | None:
    """The limit that somebody wrote, or None. Raises ConfigurationError (BOT_OPTION) naming `option` where it can't be."""
    if value is None:
        return None
    try:
        limit = duration(value)
    except ValueError as error:
        raise ConfigurationError(f"{option}={value!r}", expected=str(error), code="BOT_OPTION") from error
    if limit <= timedelta(0):
        raise ConfigurationError(f"{option}={value!r}", expected="more than zero", code="BOT_OPTION")
    return limit


def limit_data(limit: timedelta | None) -> dict[str, float]:
    """The limit as a journal line carries it, in seconds; nothing where there is none."""
    return {} if limit is None else {"limit": limit.total_seconds()}


def ask_for_time(name: str, limit: timedelta) -> None:
    """Return when the run goes on and its claim lasts `limit` at least; the worker prolongs it where it can.

    Raises TryLater (RUN_STOPPING) when the run is being stopped, and ApplicationError (LEASE_SHORT) when the claim
    can't be made to last: nothing irreversible begins that another worker might be given too.
    """
    answer = running(f"irreversible step '{name}'").channel.ask("progress", need=limit.total_seconds())
    if answer["stop"]:
        raise stopping(f"'{name}' was not begun")
    left = float(answer["lease_left"])
    if left + _ON_THE_WAY < limit.total_seconds():
        raise ApplicationError(
            f"'{name}' was not begun: the claim on the item lasts {left:.0f} s more",
            expected=f"at least its limit of {duration_text(limit)}",
            hint="set RUNNER_LEASE to more than the limit, or give irreversible(…, limit=…) a shorter one",
            code="LEASE_SHORT",
        )


def wait_between_tries(seconds: float) -> None:
    """Sleep before another try, asking every few seconds whether the run goes on; that renews its claim, too.

    Raises TryLater (RUN_STOPPING) when it does not.
    """
    until = time.monotonic() + seconds
    live = running_or_none()
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, LOOK))
        if live is not None and left > LOOK and live.channel.ask("progress")["stop"]:
            raise stopping("no further try was made")


def stopping(what: str) -> TryLater:
    """The error for what is left undone because the run is being stopped."""
    return TryLater("0s", f"the run is being stopped: {what}", code=STOPPING)
