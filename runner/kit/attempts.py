"""Works through a queue: one item after another, each in as many attempts as its rule allows."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from runner.core.clock import iso, now
from runner.core.contract import ItemOrder, NoItem
from runner.core.errors import BusinessError, ConfigurationError, OutcomeUnknown, TryLater
from runner.core.nouns import AttemptStatus, FailureKind
from runner.kit.current import Here, Running, here, running, step_into
from runner.kit.evidence import Watch
from runner.kit.item import Item, Memory, in_hand
from runner.kit.limits import limit_data, wait_between_tries
from runner.kit.outcome import classify
from runner.kit.retry import Retry, Wait, keep_trying, longest_wait, may_retry
from runner.kit.rows import field_errors
from runner.kit.sitting import SessionFailed, Sitting
from runner.kit.step import journal_retry

FIRST_LANE: Final = 1
Failure = Exception | SystemExit


class LaneEnds(BaseException):
    """Ends the bot's function in a lane that has nothing left to do; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Loop:
    """A queue (by name, model and rules) and what is called for each of its items.

    `item_limit` is for one attempt, `deadline` for all attempts of one hand-out with the waits between them.
    """

    queue: str
    model: type[BaseModel]
    retry: Retry | None
    handler: Callable[..., object]
    session: Callable[[], AbstractContextManager[Any]] | None
    item_limit: timedelta | None = None
    deadline: timedelta | None = None


def work_through(loop: Loop) -> None:
    """Ask for items of the queue and work on each until there is none left.

    Raises LaneEnds in the lanes that do not go on behind it: all but the first, and all when the run is stopped.
    """
    live = running("Queue.each")
    if here.get().item is not None:
        raise ConfigurationError(
            f"queue '{loop.queue}' is worked through inside the handler of another item",
            expected="one Queue.each after the other",
            hint="put the rows into the queue here and call each behind the first one",
            code="BOT_NESTED_EACH",
        )
    sitting = Sitting(loop.session)
    try:
        while True:
            answer = live.channel.ask("next", queue=loop.queue)
            if answer["item"] is None:
                reason = NoItem(answer["reason"])
                break
            _Work(live, loop, sitting, ItemOrder.model_validate(answer["item"])).run()
    finally:
        sitting.close()
    if reason is not NoItem.EMPTY:
        raise LaneEnds(reason)
    if live.lane != FIRST_LANE:
        raise LaneEnds("lane 1 goes on")


class _TryFailed(Exception):
    """A try at the item failed, and its end is in the journal; `again` says that another one follows."""

    def __init__(self, error: Failure, *, again: bool) -> None:
        super().__init__(str(error))
        self.error = error
        self.again = again


class _Work:
    """The attempts at one item that one hand-out allows."""

    def __init__(self, live: Running, loop: Loop, sitting: Sitting, order: ItemOrder) -> None:
        self.live = live
        self.loop = loop
        self.sitting = sitting
        self.order = order
        self.memory = Memory.of(order)
        self.attempt = order.attempt - 1
        self.retry = _rule_of(live, loop)
        self.tries_made = 0
        self.until = time.monotonic() + loop.deadline.total_seconds() if loop.deadline else None
        self.stopped: TryLater | None = None  # the run is being stopped: the item goes back as it is

    def run(self) -> None:
        # A failed item's end is in the journal: the loop goes on with the next one.
        with contextlib.suppress(_TryFailed):
            keep_trying(
                self.retry,
                self._try,
                before_wait=self._before_wait,
                passes=lambda error: isinstance(error, _TryFailed) and error.again,
                wait_for=self._wait,
            )

    def _wait(self, seconds: float) -> None:
        try:
            wait_between_tries(seconds)
        except TryLater as stopped:
            self.stopped = stopped

    def _try(self) -> None:
        self.attempt += 1
        self.tries_made += 1
        before = step_into(Here(self.loop.queue, self.order.key, self.attempt))
        try:
            self._attempt()
        finally:
            step_into(before)

    def _attempt(self) -> None:
        started = time.perf_counter()
        traced = self.attempt > 1
        data = {"trace": traced, **limit_data(self._limit())}
        seq = self._event("attempt.started", f"Attempt {self.attempt} at {self.order.key}", data=data)
        self.live.failed_step = None
        with Watch(self.live, seq, traced=traced) as watch:
            self._attempt_under(watch, started)

    def _attempt_under(self, watch: Watch, started: float) -> None:
        try:
            self._handle()
        except TryLater as later:
            if self.memory.open_intent(of_this_attempt=True):
                self._failed(later, watch, started)
            self._later(later, started)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the border of an attempt: it is its outcome
            self._failed(error, watch, started)
        else:
            self.live.uses.keep()
            data = {"status": "done", "will_retry": False, "output": dict(self.memory.output)}
            self._event("attempt.finished", f"{self.order.key} done", data=data, ms=_ms_since(started))
            self.live.uses.write(self.live.journal)

    def _handle(self) -> None:
        if self.stopped is not None:
            raise self.stopped
        try:
            data = self.loop.model.model_validate(self.order.data)
        except ValidationError as error:
            found = field_errors(error)[0]
            raise BusinessError(
                f"{found['where']}: {found['what']}",
                expected=found["expected"],
                hint=found["hint"],
                code="ITEM_DATA",
            ) from error
        item: Item[BaseModel] = Item(data, self.order, self.attempt, self.memory)
        try:
            arguments = self.sitting.arguments()
        except TryLater:
            raise
        except (Exception, SystemExit) as error:
            raise SessionFailed from error
        token = in_hand.set(item)
        try:
            self.loop.handler(item, *arguments)
        finally:
            in_hand.reset(token)
        self._look_for_open_intent(None)

    def _look_for_open_intent(self, error: BaseException | None) -> None:
        """A handler that swallows an unknown outcome must not make it a known one."""
        # A failure before the step of an earlier attempt was looked at again leaves it as it was: a retry may settle it.
        name = self.memory.open_intent(of_this_attempt=error is not None)
        if name is not None and not isinstance(error, OutcomeUnknown):
            raise OutcomeUnknown(
                f"'{name}' of item {self.order.key} has begun, and nobody knows whether it happened",
                expected="a recorded outcome",
                hint="look it up in the other system and attest it",
            ) from error

    def _later(self, later: TryLater, started: float) -> None:
        """The item goes back into its queue: no failure, no case."""
        self._event(
            "attempt.finished",
            f"{self.order.key} later: {later.what}",
            ms=_ms_since(started),
            data={
                "status": AttemptStatus.LATER,
                "will_retry": False,
                "output": dict(self.memory.output),
                "not_before": iso(now() + later.after),
                "reason": later.what,
            },
        )
        self.sitting.close()

    def _failed(self, error: Failure, watch: Watch, started: float) -> None:
        kind = None
        self.live.uses.drop()
        if isinstance(error, SessionFailed):
            error, kind = _cause(error), FailureKind.APPLICATION
        try:
            self._look_for_open_intent(error)
        except OutcomeUnknown as unknown:
            error, kind = unknown, None
        again = may_retry(error) and self._may_try_again()
        record = classify(error, Path(self.live.order.project), kind=kind)
        watch.keep(error, self.sitting.value, row=self.order.data)
        self._event(
            "attempt.finished",
            f"{self.order.key} failed: {record['message']}",
            level="ERROR",
            ms=_ms_since(started),
            step=self.live.step_of(error),
            error=record,
            data={
                "status": "failed",
                "will_retry": again,
                "output": dict(self.memory.output),
                "row": self.order.data,
            },
        )
        self.sitting.close()
        raise _TryFailed(error, again=again) from error

    def _may_try_again(self) -> bool:
        """Whether the rule has a try left, which would begin before the deadline."""
        if self.retry is None or self.tries_made > self.retry.times:
            return False
        wait = longest_wait(self.retry, self.tries_made)
        return self.until is None or time.monotonic() + wait < self.until

    def _limit(self) -> timedelta | None:
        """How long this attempt may take: the item's limit, and never beyond the deadline of the hand-out."""
        limits = [self.loop.item_limit] if self.loop.item_limit else []
        if self.until is not None:
            limits.append(timedelta(seconds=max(0.1, round(self.until - time.monotonic(), 3))))
        return min(limits, default=None)

    def _before_wait(self, wait: Wait) -> None:
        error = wait.error.error if isinstance(wait.error, _TryFailed) else wait.error
        journal_retry(
            Wait(error, wait.seconds, wait.tries_left),
            Here(self.loop.queue, self.order.key, self.attempt),
        )

    def _event(self, event: str, message: str, **fields: Any) -> int:
        level = fields.pop("level", "INFO")
        return self.live.journal.event(
            event,
            message,
            level=level,
            sync=True,
            queue=self.loop.queue,
            item=self.order.key,
            attempt=self.attempt,
            **fields,
        )


def _rule_of(live: Running, loop: Loop) -> Retry | None:
    """The retry rule: the schedule's where it has one, else the queue's."""
    asked = live.order.item_retry
    if asked is None:
        return loop.retry
    return Retry(asked.times, timedelta(seconds=asked.wait), timedelta(seconds=asked.longest_wait))


def _cause(error: SessionFailed) -> Failure:
    cause = error.__cause__
    assert isinstance(cause, Exception | SystemExit)
    return cause


def _ms_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)
