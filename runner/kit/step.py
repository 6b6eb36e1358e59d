"""Steps: named, timed pieces of work, as ``@step`` on a function or ``with step("name"):`` around a block."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import ParamSpec, TypeVar, overload

from runner.kit.bot import refuse_async
from runner.kit.current import Here, Running, here, running_or_none, step_into
from runner.kit.item import current_item
from runner.kit.limits import DEFAULT_LIMIT, limit_data, limit_of, wait_between_tries
from runner.kit.outcome import classify
from runner.kit.pictures import picture_of_step
from runner.kit.retry import Retry, Wait, keep_trying, retry_of_irreversible

P = ParamSpec("P")
R = TypeVar("R")


class StepBlock:
    """A step as a block. Outside a run (a unit test of a bot's function) it does nothing but run the block."""

    __slots__ = ("_before", "_limit", "_picture", "_retried", "_running", "_seq", "_started", "name")

    def __init__(
        self, name: str, *, retried: bool = False, limit: timedelta | None = None, picture: bool = False
    ) -> None:
        self.name = name
        self._picture = picture
        self._limit = limit
        self._retried = retried
        self._running: Running | None = None

    def __enter__(self) -> None:
        live = self._running = running_or_none()
        if live is None:
            return
        place = here.get()
        self._seq = live.journal.event(
            "step.started",
            self.name,
            step=self.name,
            queue=place.queue,
            item=place.item,
            attempt=place.attempt,
            parent=place.parent,
            data=limit_data(self._limit) or None,
        )
        retried_by = self.name if self._retried else place.retried_by
        self._before = step_into(
            Here(place.queue, place.item, place.attempt, self.name, self._seq, retried_by)
        )
        self._started = time.perf_counter_ns()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        live = self._running
        if live is None:
            return
        ms = (time.perf_counter_ns() - self._started) // 1000 / 1000
        place = self._before
        step_into(place)
        failed = error is not None and isinstance(error, Exception | SystemExit)  # not the end of a lane
        if error is not None and failed and live.step_of(error) is None:
            live.failed_step = (error, self.name)
        live.journal.event(
            "step.finished",
            f"{self.name} failed" if failed else f"{self.name} done",
            level="WARNING" if failed else "INFO",
            step=self.name,
            queue=place.queue,
            item=place.item,
            attempt=place.attempt,
            parent=place.parent,
            ms=ms,
            data={"started": self._seq, "status": "failed" if failed else "done"},
            error=classify(error, Path(live.order.project)) if error is not None and failed else None,
        )
        if error is None and (self._picture or live.order.pictures):
            picture_of_step(live, self.name, self._seq, place)


@overload
def step(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def step(name: str, /, *, limit: str | timedelta | None = None, picture: bool = False) -> StepBlock: ...
@overload
def step(
    *,
    name: str | None = None,
    retry: Retry | None = None,
    irreversible: bool = False,
    limit: str | timedelta | None = None,
    picture: bool = False,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def step(
    what: Callable[P, R] | str | None = None,
    /,
    *,
    name: str | None = None,
    retry: Retry | None = None,
    irreversible: bool = False,
    limit: str | timedelta | None = None,
    picture: bool = False,
) -> StepBlock | Callable[P, R] | Callable[[Callable[P, R]], Callable[P, R]]:
    """Give a piece of work a name and journal lines for its start and its end.

    ``@step``, ``@step(name="Post invoice")`` or ``with step("post"):``. With `retry` the function is called again after a
    failure that can pass. A step (each try of it) that takes longer than `limit` is ended from outside together with its
    process: the item is given back, and the lane goes on with a new process. With `irreversible` the whole function is one irreversible step of the item that it is called
    for: once done it is never done again, and an unknown outcome goes to a person. With `picture` the page is kept as a picture at its end, for instructions.
    Raises ConfigurationError (BOT_OPTION) for a limit that can't be, and (BOT_RETRY_IRREVERSIBLE) when both are asked for: an irreversible step cannot be retried.
    """
    longest = limit_of(limit, "step(limit)")
    if isinstance(what, str):
        return StepBlock(what, limit=longest, picture=picture)

    def mark(function: Callable[P, R]) -> Callable[P, R]:
        refuse_async(function, "step")
        called = name or function.__name__
        if irreversible and retry is not None:
            raise retry_of_irreversible(called)
        if irreversible:
            return _irreversible(function, called, longest)
        if retry is not None:
            return _retried(function, called, retry, longest, picture)
        return _plain(function, called, longest, picture)

    return mark(what) if what is not None else mark


def _plain(function: Callable[P, R], name: str, limit: timedelta | None, picture: bool) -> Callable[P, R]:
    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with StepBlock(name, limit=limit, picture=picture):
            return function(*args, **kwargs)

    return call


def _retried(
    function: Callable[P, R], name: str, retry: Retry, limit: timedelta | None, picture: bool
) -> Callable[P, R]:
    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        def once() -> R:
            with StepBlock(name, retried=True, limit=limit, picture=picture):
                return function(*args, **kwargs)

        return keep_trying(
            retry,
            once,
            before_wait=lambda wait: journal_retry(wait, here.get()._replace(step=name)),
            wait_for=wait_between_tries,
        )

    return call


def _irreversible(function: Callable[P, R], name: str, limit: timedelta | None) -> Callable[P, R]:
    longest = limit or DEFAULT_LIMIT

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        item = current_item(f"irreversible step '{name}'")
        return item.irreversible(name, lambda: function(*args, **kwargs), limit=longest)  # type: ignore[return-value]

    return call


def journal_retry(wait: Wait, place: Here) -> None:
    """Write the line that says why and for how long is waited before another try."""
    live = running_or_none()
    if live is None:
        return
    live.journal.event(
        "retry",
        f"Trying again in {wait.seconds:.1f} s, {wait.tries_left} left",
        level="WARNING",
        queue=place.queue,
        item=place.item,
        attempt=place.attempt,
        step=place.step,
        parent=place.parent,
        data={"wait": round(wait.seconds, 3), "tries_left": wait.tries_left},
        error=classify(wait.error, Path(live.order.project)),
    )
