"""Makes the index of words of a store that has many rows already: in small steps, beside the work, by whoever is up.

Each step is a transaction of some hundredths of a second, and leaves the store alone for longer than it took. How far
it has come is in the store: it goes on where it ended, in this process or another one, and two of them do no harm.
"""

from __future__ import annotations

import threading
import time
from typing import Final

from runner.store import word_index

AIM: Final = 0.03  # seconds that a step takes
_REST: Final = 2.0  # times as long as it took, the store is left alone after a step
_LONGEST_REST: Final = 1.0  # seconds
_FIRST: Final = 50  # rows of the first step
_MOST: Final = 2_000
_AGAIN: Final = 5.0  # seconds after which it is tried again where the store was busy


class WordIndexMaker:
    """A part of `runner up` and `runner desk`: it makes what is missing of the index, and then waits for its end."""

    def __init__(self) -> None:
        self._stopping = threading.Event()

    def serve(self) -> None:
        """Work until `stop`."""
        from django.db import connection

        try:
            self._make()
        finally:
            connection.close()
        self._stopping.wait()

    def stop(self) -> None:
        """Ask `serve` to end: after the step that is being made."""
        self._stopping.set()

    def _make(self) -> None:
        from django.db import OperationalError

        size = _FIRST
        while not self._stopping.is_set():
            begun = time.monotonic()
            try:
                if not make_step(size):
                    return
            except OperationalError:  # a busy store, or a full disk: what is done is kept
                self._stopping.wait(_AGAIN)
                continue
            took = time.monotonic() - begun
            size = next_size(size, took)
            self._stopping.wait(min(took * _REST, _LONGEST_REST))


def make_step(rows: int) -> bool:
    """Index so many rows that are missing in the index, in a transaction; False when none was left."""
    from django.db import connection, transaction

    share = word_index.share_made()
    if share is None or share == 1.0:
        return False
    with transaction.atomic(), connection.cursor() as cursor:
        return word_index.step(cursor.execute, rows)


def next_size(size: int, took: float) -> int:
    """How many rows the next step has, after one of `size` rows took so many seconds."""
    wanted = size * AIM / max(took, 1e-4)
    return int(min(max(wanted, size / 2, 1), size * 2, _MOST))
