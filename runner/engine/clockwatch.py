"""The clocks of the scheduler, and a look at whether the wall clock has jumped against the time that really passed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from runner.core.clock import now
from runner.timetable.policies import ClockStep, clock_step


def seconds_really_passed() -> float:
    """Seconds of a clock that nobody can set; time in suspend counts where the system has such a clock."""
    boot_clock = getattr(
        time, "CLOCK_BOOTTIME", None
    )  # Linux; Windows' and macOS's monotonic count suspend themselves
    return time.clock_gettime(boot_clock) if boot_clock is not None else time.monotonic()


@dataclass(frozen=True, slots=True)
class Clocks:
    """What time it is (`wall`), and a clock that is never set (`really`, seconds)."""

    wall: Callable[[], datetime] = now
    really: Callable[[], float] = seconds_really_passed


class ClockWatch:
    """Compares the two clocks from look to look."""

    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks
        self._last = (clocks.wall(), clocks.really())

    def look(self) -> ClockStep | None:
        """The jump of the wall clock since the last look, None where there was none worth a word."""
        wall, really = self._clocks.wall(), self._clocks.really()
        before, self._last = self._last, (wall, really)
        return clock_step(wall - before[0], timedelta(seconds=really - before[1]))
