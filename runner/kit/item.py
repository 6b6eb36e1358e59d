"""One item as a handler sees it: its data, what it has put out, and the parts of it that are never done twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Generic, TypeVar

import orjson
from pydantic import BaseModel, JsonValue
from pydantic_core import PydanticSerializationError, to_jsonable_python

from runner.core.contract import IrreversibleRecord, ItemOrder, Settled
from runner.core.errors import ConfigurationError, OutcomeUnknown
from runner.kit.current import acting, here, running
from runner.kit.limits import DEFAULT_LIMIT, ask_for_time, limit_of
from runner.kit.retry import retry_of_irreversible

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
_JSON_TYPES: Final = (str, int, float, bool, type(None))


class Output(MutableMapping[str, JsonValue]):
    """What an item has brought: names to JSON values. Decimal, date, Path and the like become text when they are put in.

    Raises TypeError for a value that has no JSON form (a page, a file).
    """

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self._values: dict[str, JsonValue] = dict(values or {})

    def __getitem__(self, name: str) -> JsonValue:
        return self._values[name]

    def __setitem__(self, name: str, value: object) -> None:
        if not isinstance(name, str):
            raise TypeError(f"item.output[{name!r}]: names are text")
        self._values[name] = as_json(value, f"item.output[{name!r}]")

    def __delitem__(self, name: str) -> None:
        del self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Output({self._values!r})"


@dataclass(slots=True)
class Memory:
    """What is known of an item from all its attempts so far; goes on from attempt to attempt."""

    output: Output
    once: dict[str, Any] = field(default_factory=dict)
    irreversible: dict[str, IrreversibleRecord] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)  # names of once and irreversible parts in the present attempt

    @classmethod
    def of(cls, order: ItemOrder) -> Memory:
        """The memory that the worker handed over with the item."""
        return cls(Output(order.output), dict(order.once), dict(order.irreversible))

    def open_intent(self, *, of_this_attempt: bool) -> str | None:
        """An irreversible step that began, in this attempt or ever, and whose outcome nobody knows."""
        unsettled = (name for name, record in self.irreversible.items() if record.state is Settled.INTENT)
        return next((name for name in unsettled if name in self.used or not of_this_attempt), None)


class Item(Generic[M]):
    """One item in one attempt: `data` (the queue's model), `key`, `attempt` (from 1), `source`, `output`."""

    def __init__(self, data: M, order: ItemOrder, attempt: int, memory: Memory) -> None:
        self.data = data
        self.key = order.key
        self.attempt = attempt
        self.source = order.source
        self._queue = order.queue
        self._memory = memory
        memory.used.clear()

    def __repr__(self) -> str:
        return f"Item({self.key!r}, attempt={self.attempt})"

    @property
    def output(self) -> Output:
        """What the item has brought, shown with it and written back to its row: ``item.output["confirmation"] = …``."""
        return self._memory.output

    def once(self, name: str, act: Callable[[], T]) -> T:
        """What `act` returned the first time: a finished part is remembered over attempts, runs and crashes.

        `act` returns a JSON value (text, number, bool, None, a list or dict of such). A crash between its end and the
        journal line repeats it, so it must bear that; use `irreversible` for what must not happen twice.
        Raises ConfigurationError for another kind of result, or a name that this attempt has used already.
        """
        self._first_use(name)
        if name in self._memory.once:
            remembered: T = self._memory.once[name]
            return remembered
        result = act()
        if not _is_json(result):
            raise ConfigurationError(
                f"item.once('{name}') returned a {type(result).__name__}, which can't be remembered",
                expected="text, a number, a bool, None, or a list or dict of such",
                hint="return what you need of it as text",
                code="BOT_RESULT",
            )
        self._write("once", f"{name} remembered", name, {"result": result})
        self._memory.once[name] = result
        return result

    def irreversible(
        self,
        name: str,
        act: Callable[[], T],
        already_done: Callable[[], bool] | None = None,
        *,
        limit: str | timedelta = DEFAULT_LIMIT,
    ) -> T | None:
        """Do what must not happen twice, with a line on the disk before (INTENT) and after it (OUTCOME).

        Returns what `act` returned. Recorded as done: returns the recorded result and does not act. Begun earlier without
        a recorded outcome, or `act` raised: `already_done()`, which only looks, decides; done returns None, not done acts
        again or lets the exception out. Where it can't decide, OutcomeUnknown: a person attests, nothing is repeated.
        A result without a JSON form is returned this time and recorded as None.
        `limit` (30 s) is how long `act` may take: it is not begun when the claim on the item does not last that long
        (ApplicationError, LEASE_SHORT), nor when the run is being stopped (TryLater, RUN_STOPPING). A locator of `web.find`
        acts by its first choice only (ApplicationError, LOCATOR_LOWER_RANK); given as in ``button.click`` it is looked at
        before anything begins.
        Raises ConfigurationError inside a step with a Retry of its own, or for a name that this attempt has used already.
        """
        retried_by = here.get().retried_by
        if retried_by is not None:
            raise retry_of_irreversible(f"{retried_by}/{name}")
        longest = limit_of(limit, "item.irreversible(limit)") or timedelta(0)
        self._first_use(name)
        record = self._memory.irreversible.get(name)
        if record is not None and record.state is Settled.DONE:
            recorded: T | None = record.result
            return recorded
        if record is not None and record.state is Settled.INTENT and self._settle(name, already_done, None):
            return None
        _look_at_locator(act)
        ask_for_time(name, longest)
        self._write("irreversible.intent", f"{name}: begins", name, {})
        self._memory.irreversible[name] = IrreversibleRecord(state=Settled.INTENT)
        token = acting.set(name)
        try:
            result = act()
        except (Exception, SystemExit) as error:
            acting.set(None)
            if self._settle(name, already_done, error):
                return None
            raise
        finally:
            acting.reset(token)
        self._outcome(name, "acted", result)
        return result

    def _settle(
        self, name: str, already_done: Callable[[], bool] | None, error: BaseException | None
    ) -> bool:
        """Whether it has happened; the answer is recorded. Raises OutcomeUnknown where that can't be found out."""
        began = f"'{name}' of item {self.key} " + (
            "failed while it was being done" if error else "began in an earlier attempt that did not end"
        )
        if already_done is None:
            raise OutcomeUnknown(
                f"{began}, and nobody knows whether it happened",
                expected="a recorded outcome, or an already_done check",
                hint="look it up in the other system and attest it",
            ) from error
        try:
            happened = bool(already_done())
        except Exception as failure:  # noqa: BLE001 - any failure of the check leaves the question open
            raise OutcomeUnknown(
                f"{began}, and the already_done check failed: {failure}",
                expected="a check that answers yes or no",
                hint="look it up in the other system and attest it",
            ) from (error or failure)
        self._outcome(name, "already_done" if happened else "not_done", None)
        return happened

    def _outcome(self, name: str, how: str, result: object) -> None:
        kept = result if _is_json(result) else _json_or_none(result)
        self._write(
            "irreversible.outcome", f"{name}: {how.replace('_', ' ')}", name, {"result": kept, "how": how}
        )
        state = Settled.NOT_DONE if how == "not_done" else Settled.DONE
        self._memory.irreversible[name] = IrreversibleRecord(state=state, result=kept)

    def _first_use(self, name: str) -> None:
        if name in self._memory.used:
            raise ConfigurationError(
                f"'{name}' is used twice in one attempt at item {self.key}",
                expected="a name of its own for each once or irreversible part of an item",
                hint="put what differs into the name, as in f'upload {file.name}'",
                code="BOT_NAME_TWICE",
            )
        self._memory.used.add(name)

    def _write(self, event: str, message: str, name: str, data: dict[str, Any]) -> None:
        running("an item").journal.event(
            event,
            message,
            sync=True,
            queue=self._queue,
            item=self.key,
            attempt=self.attempt,
            step=name,
            parent=here.get().parent,
            data=data or None,
        )


in_hand: ContextVar[Item[Any] | None] = ContextVar("in_hand", default=None)


def current_item(asked_by: str) -> Item[Any]:
    """The item that a handler is at work on. Raises ConfigurationError naming what `asked_by` outside of one."""
    item = in_hand.get()
    if item is None:
        raise ConfigurationError(
            f"{asked_by} was called outside an item",
            expected="a call from the handler that Queue.each runs",
            hint="give the work an item of a queue, so that it can be remembered as done",
            code="BOT_NO_ITEM",
        )
    return item


def _look_at_locator(act: Callable[[], object]) -> None:
    """Where `act` is an action of a ranked locator: see that its first choice is there, while nothing has begun."""
    insist = getattr(getattr(act, "__self__", None), "insist_on_first", None)
    if insist is not None:
        insist()


def as_json(value: object, what: str) -> JsonValue:
    """`value` as JSON, with Decimal, date, UUID, Path, enum and models as text or dicts. Raises TypeError naming `what`."""
    try:
        plain: JsonValue = to_jsonable_python(value)
        orjson.dumps(plain)
    except (PydanticSerializationError, TypeError, ValueError) as error:
        raise TypeError(
            f"{what} = {type(value).__name__}: it has no JSON form, put text or numbers in"
        ) from error
    return plain


def _json_or_none(value: object) -> JsonValue:
    try:
        return as_json(value, "result")
    except TypeError:
        return None


def _is_json(value: object) -> bool:
    if isinstance(value, list):
        return all(_is_json(part) for part in value)
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_json(v) for k, v in value.items())
    return type(value) in _JSON_TYPES
