"""Notes in the journal which cells of which workbook a bot wrote, so that each can be traced to its run, item and version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from runner.kit.current import Running, here
from runner.sheets.witness import Author, Written

ROWS_A_LINE: Final = 500
_keys: ContextVar[Mapping[int, str] | None] = ContextVar("keys", default=None)
_queue: ContextVar[str] = ContextVar("queue", default="")


@contextmanager
def rows_of_items(queue: str, keys: Mapping[int, str]) -> Iterator[None]:
    """What is written in here is written for several items of a queue: `keys` by row number."""
    token, queued = _keys.set(keys), _queue.set(queue)
    try:
        yield
    finally:
        _keys.reset(token)
        _queue.reset(queued)


class JournalWitness:
    """Writes a line `workbook.written` for each sheet that a save of this run changes, before the file takes its place."""

    def __init__(self, live: Running, version: str) -> None:
        self._live = live
        self._version = version

    def author(self) -> Author:
        """The run, and the item at hand."""
        order = self._live.order
        return Author(order.run, order.bot, self._version, here.get().item or "")

    def wrote(self, written: Written) -> None:
        """One line; more where it speaks of more than 500 items. They are on the disk when this returns."""
        place = here.get()
        keys = sorted((_keys.get() or {}).items())
        data: dict[str, Any] = {
            "file": str(written.file),
            "sheet": written.sheet,
            "cells": list(written.cells),
            "sha256": written.sha256,
        }
        for start in range(0, max(1, len(keys)), ROWS_A_LINE):
            part = [[row, key] for row, key in keys[start : start + ROWS_A_LINE]]
            self._live.journal.event(
                "workbook.written",
                f"{written.file.name}, sheet {written.sheet}: {', '.join(written.cells[:5])}",
                queue=place.queue or _queue.get() or None,
                item=place.item,
                attempt=place.attempt,
                data={**data, "items": part} if part else data,
            )
        self._live.journal.sync()
