"""Items that can't be done yet, limits and deadlines of tries, and waits that a stop cuts short."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from runner.core.contract import ItemOrder, ItemRetry
from runner.core.errors import ConfigurationError, TryLater
from runner.kit.items import Queue
from runner.kit.retry import Retry, longest_wait, may_retry
from runner.kit.step import step
from tests.kit_worker import Finished, Project

HEAD = """
    import time
    from pydantic import BaseModel
    from runner import ApplicationError, BusinessError, Item, Queue, Retry, TryLater, bot, run, step

    class Order(BaseModel):
        number: str
        customer: str = ""

    @bot
    def work() -> None:
        orders.each(one)
"""
QUEUE = """
    orders = Queue("orders", Order, key="number", retry=Retry(times=3, wait="1ms", longest_wait="2ms"))
"""


def work(tmp_path: Path, source: str, count: int = 1, **run: Any) -> Finished:
    items = [
        ItemOrder(queue="orders", key=str(n), data={"number": str(n)}, attempt=1) for n in range(1, count + 1)
    ]
    return Project(tmp_path, HEAD + source).run("work", items=items, **run)


def ends(finished: Finished) -> list[tuple[str | None, str, bool]]:
    return [
        (line.item, str(line.data["status"]), bool(line.data["will_retry"]))
        for line in finished.events("attempt.finished")
    ]


def test_an_item_that_can_not_be_done_yet_goes_back_and_the_next_one_is_worked_on(tmp_path: Path) -> None:
    handler = """
    @step(retry=Retry(times=2, wait="1ms"))
    def look(item: Item[Order]) -> None:
        if item.key == "1":
            raise TryLater(after="30m", reason="the order is not released")

    def one(item: Item[Order]) -> None:
        item.output["seen"] = "yes"
        look(item)
    """
    finished = work(tmp_path, QUEUE + handler, 2)

    assert ends(finished) == [("1", "later", False), ("2", "done", False)]
    later = finished.events("attempt.finished")[0]
    assert later.data["reason"] == "the order is not released"
    assert later.data["output"] == {"seen": "yes"}
    waits = datetime.fromisoformat(later.data["not_before"]) - later.time
    assert 1790 < waits.total_seconds() < 1801
    assert not finished.events("evidence", "retry")


def test_a_session_that_can_not_begin_yet_puts_its_items_off(tmp_path: Path) -> None:
    handler = """
    from contextlib import contextmanager

    @contextmanager
    def portal():
        raise TryLater("5m", "the portal opens at 8")
        yield

    def one(item: Item[Order], page: object) -> None:
        pass

    @bot
    def signed_in() -> None:
        orders.each(one, session=portal)
    """
    item = ItemOrder(queue="orders", key="1", data={"number": "1"}, attempt=1)
    finished = Project(tmp_path, HEAD + QUEUE + handler).run("signed_in", items=[item])

    assert ends(finished) == [("1", "later", False)]


def test_an_item_put_off_with_an_open_intent_is_an_unknown_outcome(tmp_path: Path) -> None:
    handler = """
    def one(item: Item[Order]) -> None:
        try:
            item.irreversible("submit", lambda: 1 / 0)
        except Exception:
            raise TryLater("1m")
    """
    finished = work(tmp_path, QUEUE + handler)

    error = finished.events("attempt.finished")[0].error
    assert error is not None
    assert error["kind"] == "unknown"


def test_limits_of_steps_and_attempts_are_in_their_first_lines(tmp_path: Path) -> None:
    source = """
    orders = Queue("orders", Order, key="number", item_limit="5m", retry=None)

    @step(limit="30s")
    def named() -> None:
        pass

    def one(item: Item[Order]) -> None:
        named()
        with step("block", limit="1m"):
            pass
        with step("free"):
            pass
    """
    finished = work(tmp_path, source)

    lines = finished.events("attempt.started", "step.started")
    assert [(line.step, line.data.get("limit")) for line in lines] == [
        (None, 300.0), ("named", 30.0), ("block", 60.0), ("free", None),
    ]  # fmt: skip


def test_no_further_try_begins_that_would_not_begin_before_the_deadline(tmp_path: Path) -> None:
    source = """
    orders = Queue(
        "orders", Order, key="number", deadline="1m", item_limit="5m", retry=Retry(9, wait="20s", longest_wait="1m")
    )

    def one(item: Item[Order]) -> None:
        raise ApplicationError("down")
    """
    still = {"progress": lambda _: {"stop": True, "lease_left": 60.0}}
    finished = work(tmp_path, source, also=still)

    assert ends(finished)[0] == ("1", "failed", True)  # the longest first wait is 30 s
    started = finished.events("attempt.started")
    assert 59 <= started[0].data["limit"] <= 60  # the deadline comes before the item's limit


def test_a_wait_that_does_not_fit_the_deadline_is_not_begun(tmp_path: Path) -> None:
    source = """
    orders = Queue("orders", Order, key="number", deadline="10s", retry=Retry(9, wait="8s", longest_wait="8s"))

    def one(item: Item[Order]) -> None:
        time.sleep(2.1)
        raise ApplicationError("down")
    """
    assert ends(work(tmp_path, source)) == [("1", "failed", False)]


def test_a_stop_cuts_the_wait_between_two_tries_short_and_the_item_goes_back(tmp_path: Path) -> None:
    source = """
    orders = Queue("orders", Order, key="number", retry=Retry(3, wait="10m", longest_wait="10m"))

    def one(item: Item[Order]) -> None:
        raise ApplicationError("down")
    """
    stop = {"progress": lambda _: {"stop": True, "lease_left": 60.0}}
    finished = work(tmp_path, source, also=stop, queue_ends="stopping")

    assert ends(finished) == [("1", "failed", True), ("1", "later", False)]
    assert finished.code == 0


def test_the_rule_of_the_run_takes_the_place_of_the_queue_s(tmp_path: Path) -> None:
    handler = """
    def one(item: Item[Order]) -> None:
        raise ApplicationError("down")
    """
    rule = ItemRetry(times=1, wait=0.001, longest_wait=0.001)
    finished = work(tmp_path, QUEUE + handler, item_retry=rule)

    assert ends(finished) == [("1", "failed", True), ("1", "failed", False)]


@pytest.mark.parametrize("options", [{"item_limit": "soon"}, {"deadline": "0s"}])
def test_a_limit_that_can_not_be_is_refused(options: dict[str, Any]) -> None:
    from pydantic import BaseModel

    class Row(BaseModel):
        number: str

    with pytest.raises(ConfigurationError, match="BOT_OPTION"):
        Queue("rows", Row, key="number", **options)


@pytest.mark.parametrize(
    "options",
    [{"order": "strict"}, {"group": "number"}, {"order": "strict", "group": "numbr"}, {"order": "loose"}],
)
def test_an_order_that_can_not_be_is_refused(options: dict[str, Any]) -> None:
    from pydantic import BaseModel

    class Row(BaseModel):
        number: str

    with pytest.raises(ConfigurationError, match="BOT_QUEUE"):
        Queue("rows", Row, key="number", **options)


def test_a_step_limit_that_can_not_be_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="BOT_OPTION"):
        step("x", limit="-1s")


def test_trying_later_is_no_failure_to_try_again_at_once() -> None:
    assert not may_retry(TryLater("1m"))


def test_the_longest_wait_bounds_every_wait() -> None:
    rule = Retry(times=5, wait="2s", longest_wait="10s")
    assert [longest_wait(rule, made) for made in range(1, 5)] == [3.0, 5.0, 9.0, 10.0]
