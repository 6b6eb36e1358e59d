"""Many triggers as one that APScheduler can ask: when is anything due next, and what has become due."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Sequence
from datetime import UTC, datetime

from apscheduler.triggers.base import BaseTrigger

from runner.timetable.due_times import Planned


class Agenda(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """The due times of many schedules, the next one first; one wake-up serves all that are due together.

    Asking for the next due time moves on what lies before it: `take` hands those schedules out, each once.
    """

    def __init__(self, planned: Sequence[Planned], after: datetime) -> None:
        self._planned = planned
        self._lock = threading.Lock()
        self._ripe: set[int] = set()
        nexts = ((one.next_after(after), number) for number, one in enumerate(planned))
        self._heap = [(due, number) for due, number in nexts if due is not None]
        heapq.heapify(self._heap)

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The first due time after the previous one."""
        del now
        with self._lock:
            if previous_fire_time is not None:
                self._pass(previous_fire_time.astimezone(UTC))
            return self._heap[0][0] if self._heap else None

    def take(self, now: datetime) -> list[Planned]:
        """The schedules that have become due since the last call, up to `now`."""
        with self._lock:
            self._pass(now)
            ripe, self._ripe = sorted(self._ripe), set()
            return [self._planned[number] for number in ripe]

    def put_back(self, planned: Sequence[Planned]) -> None:
        """Hand these schedules out again at the next call: they could not be handled."""
        with self._lock:
            names = {one.schedule.id for one in planned}
            self._ripe |= {n for n, one in enumerate(self._planned) if one.schedule.id in names}

    def _pass(self, until: datetime) -> None:
        while self._heap and self._heap[0][0] <= until:
            due, number = self._heap[0]
            self._ripe.add(number)
            following = self._planned[number].next_after(max(due, until))
            if following is None:
                heapq.heappop(self._heap)
            else:
                heapq.heapreplace(self._heap, (following, number))
