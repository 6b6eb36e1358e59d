"""Bot code called without a run: from a unit test of its author."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import BaseModel

from runner import Queue, Retry, bot, run, secret, step
from runner.core.errors import ConfigurationError, RunFailed


class Order(BaseModel):
    number: str


def test_steps_are_plain_functions_outside_a_run() -> None:
    tries = []

    @step
    def double(number: int) -> int:
        return number * 2

    @step(retry=Retry(times=1, wait="1ms"))
    def second_time() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise TimeoutError
        return "done"

    with step("a block"):
        assert double(4) == 8
    assert second_time() == "done"
    assert double.__name__ == "double"


def test_a_bot_is_a_plain_function_outside_a_run() -> None:
    @bot(lanes=2)
    def doubles(number: int) -> int:
        """Double a number."""
        return number * 2

    assert doubles(number=4) == 8


def test_what_needs_a_run_says_so() -> None:
    orders = Queue("orders", Order, key="number")
    asks: list[Callable[[], object]] = [
        lambda: run.id,
        lambda: secret("x"),
        lambda: orders.put([]),
        lambda: orders.each(print),
    ]
    for ask in asks:
        with pytest.raises(RunFailed, match="outside a run"):
            ask()


def test_an_irreversible_step_needs_an_item() -> None:
    @step(irreversible=True)
    def submit() -> None:
        pytest.fail("it acted")

    with pytest.raises(ConfigurationError, match="BOT_NO_ITEM"):
        submit()
