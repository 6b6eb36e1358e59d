"""Writes real journals for tests: a run's own lines and its lanes' lines, in their folders."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from runner.core.clock import iso
from runner.core.contract import JOURNAL_FILE, lane_folder, run_folder
from runner.core.ids import uuid7
from runner.journal.write import Journal

ORDERS: dict[str, Any] = {
    "name": "orders",
    "key": "number",
    "fields": {"type": "object"},
    "group": "customer",
}


class RunMaker:
    """One run of one bot, written line by line with the real journal writer. Lane 0 is the worker's own.

    As a worker does, it takes the lanes in before it writes a line of its own, and its own line at once; unless `live`
    is False.
    """

    def __init__(
        self, runs: Path, bot: str = "post_orders", run: str | None = None, *, live: bool = True
    ) -> None:
        self.live = live
        self.bot = bot
        self.run = run or uuid7(datetime.now(UTC))
        self.queued = datetime.now(UTC)
        self.folder = runs / run_folder(self.run, self.queued)
        self._journals: dict[int, Journal] = {}

    def path(self, lane: int) -> Path:
        """The journal of a lane."""
        return (self.folder / lane_folder(lane) if lane else self.folder) / JOURNAL_FILE

    def line(self, lane: int, event: str, message: str = "", **fields: Any) -> int:
        """One line."""
        if lane not in self._journals:
            self._journals[lane] = Journal(self.path(lane), run=self.run, lane=lane, bot=self.bot)
        if lane or not self.live:
            return self._journals[lane].event(event, message, **fields)
        self.take_in()
        seq = self._journals[lane].event(event, message, **fields)
        self.take_in()
        return seq

    def started(self, lanes: int = 1, **data: Any) -> None:
        """The run and its lanes begin."""
        told = {
            "bot_file": f"bots/{self.bot}.py",
            "bot_version": "abc",
            "queued": iso(self.queued),
            "lanes": lanes,
            "process": "sales",
            **data,
        }
        self.line(0, "run.started", data=told)
        for lane in range(1, lanes + 1):
            self.line(lane, "run.started", data={"pid": 100 + lane, "host": "desk", "queues": [ORDERS]})

    def put(self, *keys: str, bad: tuple[str, ...] = (), lane: int = 1, **fields: Any) -> None:
        """Rows come into the queue `orders`."""
        items = [
            {"key": k, "data": {"number": k, **fields}, "source": f"orders.xlsx/Sheet1!{k}"} for k in keys
        ]
        wrong = {
            "code": "ROW_VALUE",
            "what": "amount 'x' is no number",
            "expected": "a number",
            "where": "Sheet1!C7",
        }
        rows = [
            {"key": k, "raw": {"amount": "x"}, "source": f"orders.xlsx/{k}", "errors": [wrong]} for k in bad
        ]
        self.line(lane, "items.put", queue="orders", data={"items": items, "bad": rows})

    def begin(self, key: str, number: int = 1, lane: int = 1) -> None:
        """An attempt begins."""
        self.line(lane, "attempt.started", queue="orders", item=key, attempt=number, data={"trace": False})

    def step(self, key: str, name: str, number: int = 1, lane: int = 1, status: str = "done") -> None:
        """A step begins and ends."""
        of: dict[str, Any] = {"queue": "orders", "item": key, "attempt": number, "step": name}
        began = self.line(lane, "step.started", **of)
        self.line(lane, "step.finished", ms=3.5, data={"started": began, "status": status}, **of)

    def end(self, key: str, number: int = 1, lane: int = 1, **output: Any) -> None:
        """The attempt went through."""
        self.line(
            lane,
            "attempt.finished",
            queue="orders",
            item=key,
            attempt=number,
            ms=12.5,
            data={"status": "done", "will_retry": False, "output": output},
        )

    def fail(
        self,
        key: str,
        number: int = 1,
        *,
        lane: int = 1,
        kind: str = "business",
        message: str = "product 'Blue' is not in the catalogue",
        code: str = "UNKNOWN_PRODUCT",
        will_retry: bool = False,
    ) -> None:
        """The attempt failed."""
        type_name = {"business": "BusinessError", "application": "TimeoutError", "unknown": "OutcomeUnknown"}[
            kind
        ]
        error = {"kind": kind, "type": type_name, "code": code, "message": message, "where": "bots/x.py:12"}
        self.line(
            lane,
            "attempt.finished",
            queue="orders",
            item=key,
            attempt=number,
            ms=12.5,
            step="enter order",
            error=error,
            data={"status": "failed", "will_retry": will_retry, "row": {"number": key}},
        )

    def later(self, key: str, number: int = 1, *, not_before: datetime, lane: int = 1) -> None:
        """The item can't be done yet."""
        data = {
            "status": "later",
            "will_retry": False,
            "output": {},
            "not_before": iso(not_before),
            "reason": "not yet",
        }
        self.line(lane, "attempt.finished", queue="orders", item=key, attempt=number, ms=1.0, data=data)

    def lost(self, key: str, number: int = 1, lane: int = 1, open_intent: str | None = None) -> None:
        """The worker's verdict on an attempt whose process died."""
        verdict = {
            "status": "lost",
            "lane": lane,
            "reason": "crashed",
            "open_intent": open_intent,
            "last_step": "fill",
        }
        self.line(0, "attempt.finished", queue="orders", item=key, attempt=number, data=verdict)

    def finished(self, status: str = "done", case: dict[str, str] | None = None, **fields: Any) -> None:
        """The lanes and the run end."""
        for lane in sorted(self._journals):
            if lane:
                self.line(lane, "run.finished", data={"status": "done"})
                self.line(0, "lane.ended", data={"lane": lane, "exit_code": 0, "reason": "finished"})
        items = {"total": 1, "done": 1, "exceptions": 0, "pending": 0}
        data = {"status": status, "items": items, "outputs": {}, **({"case": case} if case else {})}
        self.line(0, "run.finished", data=data, **fields)

    def take_in(self) -> None:
        """Take every journal of the run into the store, as its worker does."""
        from runner.cases.intake import take_in_journal

        for lane in sorted(self._journals, key=lambda number: number or 999):  # its own lines last
            take_in_journal(self.path(lane), self.run, lane)

    def close(self) -> None:
        """Close the files."""
        for journal in self._journals.values():
            journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
