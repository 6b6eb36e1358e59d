"""Work queues as bots use them: put rows in, and have a handler called for each item."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Generic, Literal, TypeVar, overload

from pydantic import BaseModel

from runner import sheets
from runner.core.contract import QueueDescription
from runner.core.errors import ConfigurationError, WorkbookError, did_you_mean
from runner.kit.attempts import Loop, work_through
from runner.kit.bot import refuse_async
from runner.kit.current import here, running
from runner.kit.item import Item, Output
from runner.kit.limits import limit_of
from runner.kit.results import PutRow, put_rows, sheet_results
from runner.kit.retry import Retry
from runner.kit.rows import ROWS_A_LINE, BadRow, GoodRow, journal_lines, place_in_words
from runner.kit.workbooks import rows_of_items

__all__ = ["Item", "Output", "PutResult", "Queue"]

_CHANGED_MEANWHILE: Final = 3  # so often a workbook is read again that others write into

M = TypeVar("M", bound=BaseModel)
S = TypeVar("S")
DEFAULT_RETRY: Final = Retry()


@dataclass(frozen=True, slots=True)
class PutResult:
    """What became of the rows: `new` items, `known` ones (their key was there already), `bad` rows (exceptions)."""

    new: int
    known: int
    bad: int


class Queue(Generic[M]):
    """A named work queue of rows of a pydantic model; `key` is the field that tells one item from another.

    `retry` says how often an item is tried again after an application exception (None: never). An attempt that takes
    longer than `item_limit` is ended from outside with its process, and the item goes back; no further try begins, and
    none goes on, when an item has taken `deadline` since it was handed out. With ``order="strict"`` the items with one
    value of the field `group` are worked on in the order in which they were put: one that waits, runs or failed holds
    back those put behind it (of that group only) until it is done or rejected.
    Raises ConfigurationError (BOT_QUEUE, BOT_OPTION) when one of these can't be.
    """

    def __init__(
        self,
        name: str,
        model: type[M],
        *,
        key: str,
        retry: Retry | None = DEFAULT_RETRY,
        item_limit: str | timedelta | None = None,
        deadline: str | timedelta | None = None,
        order: Literal["free", "strict"] = "free",
        group: str | None = None,
    ) -> None:
        if not name.strip():
            raise ConfigurationError("a queue has a blank name", expected="a name", code="BOT_QUEUE")
        if order not in {"free", "strict"} or (order == "strict") != (group is not None):
            raise ConfigurationError(
                f"queue '{name}' has order={order!r} and group={group!r}",
                expected="order='strict' together with group='FIELD', or neither",
                hint="name the field whose values are kept in order, as in group='customer'",
                code="BOT_QUEUE",
            )
        self.name = name
        self.model = model
        self.key = self._field("key", key)
        self.retry = retry
        self.item_limit = limit_of(item_limit, f"Queue({name!r}, item_limit)")
        self.deadline = limit_of(deadline, f"Queue({name!r}, deadline)")
        self.group = "" if group is None else self._field("group", group)

    def _field(self, option: str, name: str) -> str:
        fields = self.model.model_fields
        if name not in fields:
            raise ConfigurationError(
                f"queue '{self.name}' has {option}='{name}', which is no field of {self.model.__name__}",
                expected=f"one of {', '.join(fields)}",
                hint=did_you_mean(name, fields),
                code="BOT_QUEUE",
            )
        return name

    def describe(self) -> QueueDescription:
        """Name, key, the field that groups a strict order, and the JSON Schema of the fields."""
        fields = self.model.model_json_schema()
        return QueueDescription(name=self.name, key=self.key, fields=fields, group=self.group)

    def put(self, rows: Iterable[M | Mapping[str, Any] | GoodRow[M] | BadRow]) -> PutResult:
        """Put rows into the queue: models, mappings, or ``sheets.read(…)``. Idempotent by key, within and across runs.

        A row that is not of the model, or has a blank key, becomes an exception item; the others go on. The rows are on
        the disk when this returns. With several lanes the first one reads the rows and the others wait for it here;
        a `put` from within a handler is that lane's own.
        """
        live = running("Queue.put")
        inside = here.get().item is not None
        number = 0  # a put of this lane alone: nobody waits for it
        if not inside:
            number = live.puts[self.name] = live.puts.get(self.name, 0) + 1
        if inside or live.lane == 1:
            for data in journal_lines(rows, self.model, self.key):
                count = len(data["items"]) + len(data["bad"])
                said = f"{count} rows for queue {self.name}{place_in_words(rows)}"
                live.journal.event("items.put", said, sync=True, queue=self.name, data=data)
        return PutResult(**live.channel.ask("put", queue=self.name, number=number))

    def results(self, rows: Iterable[GoodRow[M] | BadRow]) -> list[sheets.Result]:
        """What has become of each row of ``sheets.read(…)`` by now, in whichever run, for ``sheets.write_results``.

        Status is the item's (done, exception, pending, running, rejected), the message says why it is no more than that, and
        with which other values than those of the row it was worked on,
        outputs are `item.output`. Good behind `each`: rows that other lanes or earlier runs worked on are in it.
        Raises TypeError for rows that come from no sheet.
        """
        locale = getattr(rows, "locale", None)
        return self._results_of(put_rows(rows, self.model, self.key), locale)

    def _results_of(self, rows: list[PutRow], locale: str | None) -> list[sheets.Result]:
        live = running("Queue.results")
        found: dict[str, dict[str, Any]] = {}
        for start in range(0, len(rows), ROWS_A_LINE):
            part = [row.key for row in rows[start : start + ROWS_A_LINE]]
            found |= live.channel.ask("results", queue=self.name, keys=part)["items"]
        return sheet_results(rows, found, self.model, locale)

    def write_results(
        self,
        sheet: sheets.Rows[Any],
        *,
        put: Iterable[GoodRow[M] | BadRow] | None = None,
        target: Path | None = None,
        marked: bool = False,
    ) -> Path:
        """Write beside each row of ``sheets.read(…)`` what has become of it; the file written.

        That is a copy beside the workbook, or the workbook itself where the bot says ``@bot(results="in place")``; `target` names
        another file. `put`: the rows that were put, where the bot made others of those it read. The journal notes which
        cell belongs to which item; `marked`: the workbook tells it, too. A workbook that was changed meanwhile, by a person
        or another run, is read again (not with `put`). Raises what `sheets.write_results` raises.
        """
        for _ in range(_CHANGED_MEANWHILE if put is None else 0):
            try:
                return self._write_results(sheet, sheet, target, marked=marked)
            except WorkbookError as error:
                fresh = sheet.anew() if error.stable_code == "WB_BUSY" else sheet
                if fresh.fingerprint == sheet.fingerprint:
                    raise  # open in Excel, or read-only
                sheet = fresh
        return self._write_results(sheet, sheet if put is None else put, target, marked=marked)

    def _write_results(
        self,
        sheet: sheets.Rows[Any],
        put: Iterable[GoodRow[M] | BadRow],
        target: Path | None,
        *,
        marked: bool,
    ) -> Path:
        live = running("Queue.write_results")
        rows = put_rows(put, self.model, self.key)
        results = self._results_of(rows, sheet.locale)
        if target is None and live.results == "in place":
            target = sheet.path
        with rows_of_items(self.name, {row.number: row.key for row in rows}):
            return sheets.write_results(
                sheet.path,
                target,
                results,
                sheet=sheet.sheet or None,
                header_row=sheet.header_row,
                fingerprint=sheet.fingerprint,
                marked=marked,
            )

    @overload
    def each(self, handler: Callable[[Item[M]], object]) -> None: ...
    @overload
    def each(
        self, handler: Callable[[Item[M], S], object], session: Callable[[], AbstractContextManager[S]]
    ) -> None: ...
    def each(
        self,
        handler: Callable[..., object],
        session: Callable[[], AbstractContextManager[Any]] | None = None,
    ) -> None:
        """Call `handler` for each pending item, until none is left.

        `session` gives a context manager; what it yields is the handler's second argument. It is entered before the first
        item, kept from item to item, and closed and entered again after an attempt that failed.
        A failed item goes to the exception queue and the next one is worked on.
        """
        refuse_async(handler, "handler")
        work_through(
            Loop(self.name, self.model, self.retry, handler, session, self.item_limit, self.deadline)
        )
