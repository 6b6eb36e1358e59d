"""The sample of a pilot: how many items of each queue one run may work on; the rest stays pending."""

from __future__ import annotations

from collections.abc import Callable

from runner.core.schedules_pilot import read_sample


class PilotSample:
    """Counts the items that a run has been handed, by queue. Without a text there is no limit.

    The items are the first ones of the queue, in its order: the same ones whoever asks. The size is taken when the first
    item of a queue is handed out; an item that comes back within the run is counted once.
    """

    def __init__(self, text: str | None) -> None:
        self._sample = read_sample(text) if text else None
        self._sizes: dict[str, int] = {}
        self._handed: dict[str, set[str]] = {}

    def takes(self, queue: str, key: str, pending: Callable[[], int]) -> bool:
        """Whether this item, the next one of its queue, belongs to the sample; `pending` counts those behind it."""
        if self._sample is None:
            return True
        if queue not in self._sizes:
            self._sizes[queue] = self._sample.size(1 + pending())
        handed = self._handed.setdefault(queue, set())
        if key not in handed and len(handed) >= self._sizes[queue]:
            return False
        handed.add(key)
        return True

    def size_of(self, queue: str) -> int:
        """How many items the sample of a queue has, 0 before its first one."""
        return self._sizes.get(queue, 0)
