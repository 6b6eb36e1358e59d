"""The sample of a pilot: which items of each queue one run may work on; the rest stays pending."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # loaded with the first sample: most runs are no pilots
    from runner.core.schedules_pilot import Sample


class PilotSample:
    """The items that a run may work on, by queue, drawn when it asks for the first one. Without a text there is no limit.

    The draw follows from the run's id and the keys: the same run, asked again, draws the same items.
    """

    def __init__(self, text: str | None, run: str) -> None:
        self._sample = _read(text) if text else None
        self._run = run
        self._drawn: dict[str, list[str]] = {}

    def of(self, queue: str, pending: Callable[[], Sequence[str]]) -> list[str] | None:
        """The keys of the sample, in the queue's order; None for no limit. `pending` gives all keys that wait, in order."""
        if self._sample is None:
            return None
        if queue not in self._drawn:
            self._drawn[queue] = draw(self._sample, pending(), self._run)
        return self._drawn[queue]


def draw(sample: Sample, keys: Sequence[str], run: str) -> list[str]:
    """Which of `keys` a sample of the run `run` has, in their order."""
    from runner.core.schedules_pilot import Draw

    size = sample.size(len(keys))
    if sample.draw is Draw.FIRST or size == len(keys):
        return list(keys[:size])
    if sample.draw is Draw.EVENLY:
        return [keys[number * len(keys) // size] for number in range(size)]
    chosen = set(sorted(keys, key=lambda key: _lot(run, key))[:size])
    return [key for key in keys if key in chosen]


def _lot(run: str, key: str) -> bytes:
    return hashlib.blake2b(f"{run} {key}".encode(), digest_size=8).digest()


def _read(text: str) -> Sample:
    from runner.core.schedules_pilot import read_sample

    return read_sample(text)
