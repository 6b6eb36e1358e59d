"""Work queues in memory, for a rehearsal: what a store would know of items, from the lines that the bot writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.core.contract import IrreversibleRecord, ItemOrder, Settled
from runner.core.nouns import AttemptStatus, FailureKind, ItemStatus
from runner.journal import Line


@dataclass(slots=True)
class RehearsedItem:
    """One item: its data, how far it is, what it has brought and what went wrong last (the journal's `error`)."""

    queue: str
    key: str
    data: dict[str, Any]
    source: str = ""
    status: ItemStatus = ItemStatus.PENDING
    attempts: int = 0
    output: dict[str, Any] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None
    once: dict[str, Any] = field(default_factory=dict)
    irreversible: dict[str, IrreversibleRecord] = field(default_factory=dict)

    def order(self) -> ItemOrder:
        """What a bot is told of it."""
        return ItemOrder(
            queue=self.queue,
            key=self.key,
            data=self.data,
            attempt=self.attempts + 1,
            source=self.source,
            output=self.output,
            once=self.once,
            irreversible=self.irreversible,
        )


class RehearsedQueue:
    """One queue: a mapping of keys to items that can be put from outside, too."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.items: dict[str, RehearsedItem] = {}

    def put(self, key: str, data: Mapping[str, Any], **more: Any) -> RehearsedItem:
        """Put an item, or put it again as pending with this data. `data` as JSON values."""
        item = self.items[key] = RehearsedItem(self.name, key, dict(data), **more)
        return item

    def __getitem__(self, key: str) -> RehearsedItem:
        return self.items[key]

    def __iter__(self) -> Iterator[RehearsedItem]:
        return iter(self.items.values())

    def __len__(self) -> int:
        return len(self.items)

    @property
    def statuses(self) -> dict[str, str]:
        """The status of each item by its key."""
        return {key: str(item.status) for key, item in self.items.items()}


class RehearsedQueues:
    """All queues by name; a queue that nobody has named yet is empty."""

    def __init__(self) -> None:
        self._queues: dict[str, RehearsedQueue] = {}
        self.touched: dict[tuple[str, str], RehearsedItem] = {}

    def __call__(self, name: str) -> RehearsedQueue:
        """The queue of this name."""
        return self._queues.setdefault(name, RehearsedQueue(name))

    def begin_run(self) -> None:
        """Forget which items a run has touched: another one begins."""
        self.touched.clear()

    def next(self, queue: str) -> RehearsedItem | None:
        """The next pending item, which counts as handed out."""
        item = next((one for one in self(queue) if one.status is ItemStatus.PENDING), None)
        if item is not None:
            item.status = ItemStatus.RUNNING
            self.touched[queue, item.key] = item
        return item

    def take_in(self, lines: Iterable[Line]) -> dict[str, int]:
        """Take lines of a journal in; counts of the rows put by them: new, known, bad."""
        counts = {"new": 0, "known": 0, "bad": 0}
        for line in lines:
            if line.event == "items.put":
                self._put(line, counts)
            elif line.queue and line.item:
                self._item_line(self(line.queue).items.get(line.item), line)
        return counts

    def _put(self, line: Line, counts: dict[str, int]) -> None:
        queue = self(line.queue or "")
        for row in line.data["items"]:
            is_new = row["key"] not in queue.items
            counts["new" if is_new else "known"] += 1
            if is_new:
                self._touch(queue.put(row["key"], row["data"], source=row["source"]))
        for row in line.data["bad"]:
            is_new = row["key"] not in queue.items
            counts["bad" if is_new else "known"] += 1
            if is_new:
                first = row["errors"][0]
                error = {
                    "kind": FailureKind.BUSINESS,
                    "code": first["code"],
                    "message": first["what"],
                    "errors": row["errors"],
                }
                item = queue.put(row["key"], row["raw"], source=row["source"], error=error)
                item.status = ItemStatus.EXCEPTION
                self._touch(item)

    def _touch(self, item: RehearsedItem) -> None:
        self.touched[item.queue, item.key] = item

    def _item_line(self, item: RehearsedItem | None, line: Line) -> None:
        if item is None:
            return
        match line.event:
            case "attempt.started":
                item.attempts = line.attempt or item.attempts + 1
            case "once":
                item.once[line.step or ""] = line.data.get("result")
            case "irreversible.intent":
                item.irreversible[line.step or ""] = IrreversibleRecord(state=Settled.INTENT)
            case "irreversible.outcome":
                state = Settled.NOT_DONE if line.data.get("how") == "not_done" else Settled.DONE
                item.irreversible[line.step or ""] = IrreversibleRecord(
                    state=state, result=line.data.get("result")
                )
            case "attempt.finished":
                self._ended(item, line)

    def _ended(self, item: RehearsedItem, line: Line) -> None:
        item.output |= line.data.get("output") or {}
        item.error = line.error
        if line.data["status"] == AttemptStatus.DONE:
            item.status = ItemStatus.DONE
        elif line.data["status"] == AttemptStatus.LATER:
            item.status = ItemStatus.PENDING
        elif not line.data["will_retry"]:
            item.status = ItemStatus.EXCEPTION
