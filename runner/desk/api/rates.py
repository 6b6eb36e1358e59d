"""How often each program may call; loaded with the desk, so without the packages of the interface itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from runner.desk.asking import TooOften

_MINUTE: Final = 60.0
_MOST_COUNTED: Final = 10_000  # callers that are remembered at a time


class Rates:
    """How often each caller has called within the last minute, in this process; a desk is one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._calls: dict[str, tuple[float, int]] = {}

    def count(self, caller: str, most: int) -> None:
        """One more call. Raises TooOften when the caller has made `most` within the minute that began with the first."""
        at = self._clock()
        with self._lock:
            since, calls = self._calls.get(caller, (at, 0))
            if at - since >= _MINUTE:
                since, calls = at, 0
            if calls >= most:
                raise TooOften(max(1, round(since + _MINUTE - at)))
            if len(self._calls) >= _MOST_COUNTED:
                self._calls = {who: one for who, one in self._calls.items() if at - one[0] < _MINUTE}
            self._calls[caller] = (since, calls + 1)


CALLS: Final = Rates()
"""The calls of keys, and of addresses that came with a wrong trigger URL."""
