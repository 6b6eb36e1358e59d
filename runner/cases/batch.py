"""The rows that a piece of a journal touches: each read once, changed in memory, and written once at its end."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.db.models import Model

from runner.store.models import Attempt, Item, Run, Step
from runner.store.quick import table

Key = TypeVar("Key", bound=Hashable)
Row = TypeVar("Row", bound=Model)


@dataclass(slots=True)
class PutCounts:
    """What came of the rows of `items.put` lines: put for the first time (or corrected), known before, bad."""

    new: int = 0
    known: int = 0
    bad: int = 0


class Kept(Generic[Key, Row]):
    """Rows of one table under their natural keys; `write` inserts the new ones and updates changed columns only."""

    def __init__(self, model: type[Row]) -> None:
        self._model = model
        self._rows: dict[Key, Row] = {}
        self._changes: dict[Key, set[str]] = {}

    def get(self, key: Key) -> Row | None:
        """The row where it has been read or added; asks nothing of the store."""
        return self._rows.get(key)

    def find(self, key: Key, /, **where: Any) -> Row | None:
        """The row under `key`; `where` finds it in the store."""
        found = self._rows.get(key)
        if found is None:
            found = table(self._model).find(**where)
            if found is not None:
                self._rows[key] = found
        return found

    def keep(self, key: Key, row: Row) -> None:
        """Remember a row: one that has no primary key yet is inserted by `write`."""
        self._rows[key] = row

    def change(self, key: Key, /, **values: Any) -> None:
        """Set columns of the row under `key`."""
        row = self._rows[key]
        for name, value in values.items():
            setattr(row, name, value)
        if row.pk is not None:
            self._changes.setdefault(key, set()).update(values)

    def rows(self) -> Iterable[tuple[Key, Row]]:
        """Everything remembered."""
        return self._rows.items()

    def write(self) -> None:
        """Insert and update. The rows can be used on."""
        rows = table(self._model)
        for row in self._rows.values():
            if row.pk is None:
                rows.insert(row)
        for key, names in self._changes.items():
            rows.update(self._rows[key], names)
        self._changes.clear()


@dataclass(slots=True)
class Batch:
    """A unit of work inside one transaction. `puts` counts by queue; `finished` is the number of ended attempts."""

    puts: dict[str, PutCounts] = field(default_factory=dict)
    finished: int = 0
    items: Kept[tuple[str, str], Item] = field(default_factory=lambda: Kept(Item))
    attempts: Kept[tuple[int, int], Attempt] = field(default_factory=lambda: Kept(Attempt))
    steps: Kept[tuple[str, int, int], Step] = field(default_factory=lambda: Kept(Step))
    _runs: dict[str, Run | None] = field(default_factory=dict)

    def run(self, run_id: str) -> Run | None:
        """The run's row, read once: for the columns that do not change while it runs (bot, file, process)."""
        if run_id not in self._runs:
            self._runs[run_id] = Run.objects.filter(pk=run_id).first()
        return self._runs[run_id]

    def forget_run(self, run_id: str) -> None:
        """Read the run's row again next time: it has just been made or changed."""
        self._runs.pop(run_id, None)

    def change_item(self, item: Item, **values: Any) -> None:
        """Set columns of the item."""
        self.items.change((item.queue_id, item.key), **values)

    def counts(self, queue: str) -> PutCounts:
        """The counts of one queue, made when first asked for."""
        return self.puts.setdefault(queue, PutCounts())

    def write(self) -> None:
        """Write what was added and changed."""
        self.attempts.write()
        self.steps.write()
        self.items.write()
