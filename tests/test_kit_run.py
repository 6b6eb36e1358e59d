"""A bot run in a real child process: what it writes, asks and ends with."""

from __future__ import annotations

from pathlib import Path

from tests.kit_worker import Project

ORDERS = """
    from decimal import Decimal
    from pydantic import BaseModel
    from runner import ApplicationError, BusinessError, Item, Queue, Retry, bot, log, run, secret, step

    class Order(BaseModel):
        number: str
        amount: Decimal

    orders = Queue("orders", Order, key="number", retry=Retry(times=2, wait="1ms", longest_wait="2ms"))
"""


def test_a_bot_with_a_queue_leaves_a_journal_of_every_border(tmp_path: Path) -> None:
    project = Project(
        tmp_path,
        ORDERS
        + """
    @bot(process="sales")
    def post_orders(first: str = "1") -> None:
        result = orders.put([Order(number=first, amount=1), {"number": "2", "amount": "2.50"}])
        print(result)
        orders.each(post_one)
        run.output("count", 2)

    @step
    def post_one(item: Item[Order]) -> None:
        log.info("posting")
        item.output["total"] = item.data.amount * 2
    """,
    )
    finished = project.run("post_orders")

    assert finished.code == 0, finished.console
    one = [
        "attempt.started",
        "step.started post_one",
        "log post_one",
        "step.finished post_one done",
        "attempt.finished done",
    ]
    assert finished.story == ["run.started", "items.put", *one, *one, "run.finished done"]
    assert [line.data["output"] for line in finished.events("attempt.finished")] == [
        {"total": "2"},
        {"total": "5.00"},
    ]
    assert finished.lines[-1].data["outputs"] == {"count": 2}
    assert "PutResult(new=2, known=0, bad=0)" in finished.console
    assert [request["op"] for request in finished.asked] == ["put", "next", "next", "next", "finished"]
