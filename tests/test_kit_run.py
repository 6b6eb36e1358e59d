"""A bot run in a real child process: what it writes, asks and ends with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.core.contract import ItemOrder
from runner.journal import read_journal
from tests.kit_worker import Finished, Project

ORDERS = """
    import os, subprocess, sys
    from decimal import Decimal
    from pathlib import Path
    from pydantic import BaseModel
    from runner import ApplicationError, BusinessError, Item, Queue, Retry, bot, log, run, secret, step

    class Order(BaseModel):
        number: str
        amount: Decimal = Decimal(0)

    orders = Queue("orders", Order, key="number", retry=Retry(times=2, wait="1ms", longest_wait="2ms"))
"""
HANDLED = """
    @bot
    def work() -> None:
        orders.each(one)

    @step
    def one(item: Item[Order]) -> None:
        {}
"""


def items(*keys: str, attempt: int = 1, **data: Any) -> list[ItemOrder]:
    return [
        ItemOrder(queue="orders", key=key, data={"number": key, **data}, attempt=attempt, source=f"row {key}")
        for key in keys
    ]


def handle(tmp_path: Path, line: str, orders: list[ItemOrder] | None = None, **more: Any) -> Finished:
    return Project(tmp_path, ORDERS + HANDLED.format(line)).run("work", items=orders or items("1"), **more)


def ends(finished: Finished) -> list[tuple[str | None, int | None, str, bool]]:
    lines = finished.events("attempt.finished")
    return [(line.item, line.attempt, line.data["status"], line.data["will_retry"]) for line in lines]


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
    outputs = [line.data["output"] for line in finished.events("attempt.finished")]
    assert outputs == [{"total": "2"}, {"total": "5.00"}]
    assert finished.lines[-1].data["outputs"] == {"count": 2}
    assert "PutResult(new=2, known=0, bad=0)" in finished.console
    assert [request["op"] for request in finished.asked] == ["put", "next", "next", "next", "finished"]


def test_every_line_of_an_item_names_it_and_the_step_that_it_lies_in(tmp_path: Path) -> None:
    finished = handle(tmp_path, 'log.bind(size=3).info("seen")')

    step, logged, over = (finished.events(e)[0] for e in ("step.started", "log", "step.finished"))
    assert all((line.queue, line.item, line.attempt) == ("orders", "1", 1) for line in (step, logged, over))
    assert (logged.step, logged.parent) == ("one", step.seq)
    assert logged.data["size"] == 3
    assert over.data["started"] == step.seq
    assert over.ms is not None


def test_a_log_line_of_another_thread_says_the_step_that_is_being_done(tmp_path: Path) -> None:
    line = (
        "import threading; one = threading.Thread(target=log.info, args=['beside']); one.start(); one.join()"
    )
    finished = handle(tmp_path, line)

    step, logged = (finished.events(event)[0] for event in ("step.started", "log"))
    assert (logged.item, logged.step, logged.parent) == ("1", "one", step.seq)


def test_an_application_exception_is_retried_and_the_attempts_count_on(tmp_path: Path) -> None:
    line = 'if item.attempt < 5: raise ApplicationError("slow today")'
    finished = handle(tmp_path, line, items("1", attempt=3))

    assert ends(finished) == [("1", 3, "failed", True), ("1", 4, "failed", True), ("1", 5, "done", False)]
    retries = finished.events("retry")
    assert [r.data["tries_left"] for r in retries] == [2, 1]
    assert retries[0].error is not None
    assert retries[0].error["message"] == "slow today"


@pytest.mark.parametrize(
    ("line", "kind", "code", "tries"),
    [
        ('raise BusinessError("sold out", code="SOLD_OUT")', "business", "SOLD_OUT", 1),
        ('raise ApplicationError("down")', "application", "APPLICATION", 3),
        ('raise ConnectionResetError("gone")', "application", "CONNECTION", 3),
        ('raise TimeoutError("late")', "application", "TIMEOUT", 3),
        ("undefined_name", "application", "BOT_ERROR", 1),
        ("item.data.no_such_field", "application", "BOT_ERROR", 1),
        ('open("/no/such/file")', "application", "OS_ERROR", 1),
        ("sys.exit(0)", "application", "BOT_EXIT", 1),
    ],
)
def test_what_can_pass_is_tried_again_and_what_can_not_is_not(
    tmp_path: Path, line: str, kind: str, code: str, tries: int
) -> None:
    finished = handle(tmp_path, line, items("1", "2"))

    assert [end[0] for end in ends(finished)] == ["1"] * tries + ["2"] * tries
    error = finished.events("attempt.finished")[-1].error
    assert error is not None
    assert (error["kind"], error["code"], error["where"]) == (kind, code, "bots/x.py:20")
    assert finished.events("attempt.finished")[-1].step == "one"
    assert finished.events("attempt.finished")[-1].data["row"] == {"number": "2"}
    assert finished.code == 0
    assert finished.lines[-1].data["status"] == "done"


def test_data_that_the_model_does_not_take_any_more_is_a_business_exception(tmp_path: Path) -> None:
    finished = handle(tmp_path, "pass", items("1", amount="12,5O"))

    assert ends(finished) == [("1", 1, "failed", False)]
    error = finished.events("attempt.finished")[0].error
    assert error is not None
    assert (error["kind"], error["code"]) == ("business", "ITEM_DATA")
    assert "amount" in error["message"]
    assert "12,5O" in error["message"]


def test_the_end_of_an_attempt_is_written_before_the_next_item_is_asked_for(tmp_path: Path) -> None:
    journal = tmp_path / "run" / "lane-1" / "journal.jsonl"
    waiting = items("1", "2")
    seen: list[str] = []

    def following(_: dict[str, Any]) -> dict[str, Any]:
        seen.append(read_journal(journal).lines[-1].event)
        return (
            {"item": waiting.pop(0).model_dump(mode="json")} if waiting else {"item": None, "reason": "empty"}
        )

    handle(tmp_path, "pass", also={"next": following})

    assert seen == ["run.started", "attempt.finished", "attempt.finished"]


def test_a_second_lane_reads_no_rows_and_ends_behind_the_loop(tmp_path: Path) -> None:
    project = Project(
        tmp_path,
        ORDERS
        + """
    def rows():
        raise RuntimeError("read in the wrong lane")
        yield

    @bot(lanes=2)
    def work() -> None:
        print(orders.put(rows()))
        try:
            orders.each(one)
        except Exception:
            print("held up")
        print("went on")

    def one(item: Item[Order]) -> None:
        pass
    """,
    )
    counts = {"put": lambda _: {"new": 7, "known": 1, "bad": 2}}
    finished = project.run("work", items=items("1"), lane=2, also=counts)

    assert finished.code == 0, finished.console
    assert "PutResult(new=7, known=1, bad=2)" in finished.console
    assert "went on" not in finished.console
    assert "held up" not in finished.console
    assert finished.events("items.put") == []
    assert finished.asked[0] == {"id": 3, "op": "put", "queue": "orders", "number": 1}
    assert finished.lines[-1].data == {"status": "done", "outputs": {}}


def test_rows_put_from_within_a_handler_belong_to_the_lane_that_put_them(tmp_path: Path) -> None:
    found = 'Queue("found", Order, key="number").put([Order(number="9")])'
    counts = {"put": lambda _: {"new": 1, "known": 0, "bad": 0}}
    finished = handle(tmp_path, found, lane=2, also=counts)

    assert [line.queue for line in finished.events("items.put")] == ["found"]
    asked = [request for request in finished.asked if request["op"] == "put"]
    assert asked[0]["number"] == 0


@pytest.mark.parametrize("reason", ["target_down", "stopping", "cancelled"])
def test_a_stopped_run_does_not_go_on_behind_the_loop(tmp_path: Path, reason: str) -> None:
    body = """
    @bot
    def work() -> None:
        orders.each(lambda item: None)
        print("went on")
    """
    finished = Project(tmp_path, ORDERS + body).run("work", queue_ends=reason)

    assert finished.code == 0
    assert "went on" not in finished.console
    assert reason in finished.lines[-1].message


def test_a_bot_that_fails_ends_with_one_and_says_where(tmp_path: Path) -> None:
    body = """
    @bot
    def work() -> None:
        with step("reading"):
            Path("no-such-file").read_text()
    """
    finished = Project(tmp_path, ORDERS + body).run("work")

    assert finished.code == 1
    assert finished.story == [
        "run.started",
        "step.started reading",
        "step.finished reading failed",
        "run.finished failed",
    ]
    error = finished.lines[-1].error
    assert error is not None
    assert error["type"] == "FileNotFoundError"
    assert error["where"] == "bots/x.py:17"
    assert finished.asked[-1]["status"] == "failed"


def test_rows_of_every_sort_become_items_or_bad_rows(tmp_path: Path) -> None:
    body = """
    @bot
    def work() -> None:
        print(orders.put(rows()))

    def rows():
        yield Order(number="1")
        yield {"number": "2", "amount": "x"}
        yield Order(number=" ")
        yield {"amount": 1}
        yield from ({"number": str(n)} for n in range(100, 1100))
    """
    finished = Project(tmp_path, ORDERS + body).run("work")

    puts = finished.events("items.put")
    assert [len(p.data["items"]) + len(p.data["bad"]) for p in puts] == [500, 500, 4]
    bad = puts[0].data["bad"]
    assert [row["key"] for row in bad] == ["2", "row 3", "row 4"]
    assert [(row["errors"][0]["where"], row["errors"][0]["what"]) for row in bad] == [
        ("amount", "the value is 'x'"),
        ("number", "the key 'number' is blank"),
        ("number", "missing"),
    ]
    assert bad[0]["raw"] == {"number": "2", "amount": "x"}
    assert "PutResult(new=1001, known=0, bad=3)" in finished.console


def test_what_a_bot_prints_and_starts_can_not_touch_the_channel(tmp_path: Path) -> None:
    body = """
    @bot
    def work() -> None:
        print('{"id": 1, "op": "finished"}')
        os.write(1, b"raw\\n")
        subprocess.run(["sh", "-c", "echo from a process; cat; ls /proc/self/fd | wc -l"], check=True)
        print("input:", repr(sys.stdin.read()))
    """
    finished = Project(tmp_path, ORDERS + body).run("work")

    assert finished.code == 0, finished.console
    for word in ("raw", "from a process", "input: ''"):
        assert word in finished.console
    assert [request["op"] for request in finished.asked] == ["finished"]


def test_control_totals_and_outputs_are_written_down(tmp_path: Path) -> None:
    body = """
    @bot
    def work() -> None:
        print(run.balance("amount", read=Decimal("10.50"), entered=10.5), run.balance("rows", read=3, entered=2))
        (run.folder / "report.txt").write_text("x")
        run.output("report", run.folder / "report.txt")
        print(run.lane, len(run.id), dict(run.parameters))
    """
    finished = Project(tmp_path, ORDERS + body).run("work")

    assert [(b.data["name"], b.data["ok"]) for b in finished.events("balance")] == [
        ("amount", True),
        ("rows", False),
    ]
    assert finished.lines[-1].data["outputs"] == {"report": "report.txt"}
    assert "True False" in finished.console
    assert "1 36 {}" in finished.console


def test_a_loop_within_a_loop_is_refused(tmp_path: Path) -> None:
    finished = handle(tmp_path, "orders.each(one)")

    error = finished.events("attempt.finished")[0].error
    assert error is not None
    assert error["code"] == "BOT_NESTED_EACH"


def test_a_step_with_a_retry_is_tried_again_on_its_own(tmp_path: Path) -> None:
    body = """
    tries = []

    @bot
    def work() -> None:
        print(fetch(2))

    @step(name="Fetch", retry=Retry(times=3, wait="1ms", longest_wait="1ms"))
    def fetch(needed: int) -> str:
        tries.append(1)
        if len(tries) < needed:
            raise TimeoutError
        return "fetched"
    """
    finished = Project(tmp_path, ORDERS + body).run("work")

    assert "fetched" in finished.console
    assert finished.story[1:-1] == [
        "step.started Fetch",
        "step.finished Fetch failed",
        "retry Fetch",
        "step.started Fetch",
        "step.finished Fetch done",
    ]


def test_only_declared_secrets_are_handed_out(tmp_path: Path) -> None:
    body = """
    @bot(secrets=["portal"])
    def work() -> None:
        secret("portel")
    """
    finished = Project(tmp_path, ORDERS + body).run("work")

    error = finished.lines[-1].error
    assert error is not None
    assert error["code"] == "BOT_SECRET"
    assert error["hint"] == "did you mean 'portal'?"
    assert [request["op"] for request in finished.asked] == ["finished"]
