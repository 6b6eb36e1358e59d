"""What must not happen twice: irreversible steps and remembered parts of an item, over attempts, runs and crashes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.core.contract import IrreversibleRecord, ItemOrder, Settled
from tests.kit_worker import Finished, Project

HEAD = """
    from pydantic import BaseModel
    from runner import ApplicationError, BusinessError, Item, Queue, Retry, bot, run, step

    class Order(BaseModel):
        number: str

    orders = Queue("orders", Order, key="number", retry=Retry(times=1, wait="1ms", longest_wait="2ms"))
    acted = []

    @bot
    def work() -> None:
        orders.each(one)
        run.output("acted", len(acted))

    def act():
        acted.append(1)
        return "PC-1"

    def fails():
        acted.append(1)
        raise ApplicationError("an empty answer")
"""
YES, NO = "lambda: True", "lambda: False"
BREAKS = "lambda: 1 / 0"


def work(tmp_path: Path, handler: str, known: IrreversibleRecord | None = None, **order: Any) -> Finished:
    records = {"submit": known} if known else {}
    also = {"progress": lambda _: progress} if (progress := order.pop("progress", None)) else {}
    item = ItemOrder(queue="orders", key="1", data={"number": "1"}, attempt=1, irreversible=records, **order)
    return Project(tmp_path, HEAD + handler).run("work", items=[item], also=also)


def submit(act: str, already_done: str | None = None) -> str:
    more = f", already_done={already_done}" if already_done else ""
    return f"""
    def one(item: Item[Order]) -> None:
        item.output["result"] = item.irreversible("submit", {act}{more})
    """


def story(finished: Finished) -> list[str]:
    return [line for line in finished.story if "irreversible" in line or "attempt.finished" in line]


INTENT = "irreversible.intent submit"


@pytest.mark.parametrize(
    ("known", "act", "already_done", "told", "acted"),
    [
        (None, "act", None, [INTENT, "irreversible.outcome submit acted", "attempt.finished done"], 1),
        (None, "fails", None, [INTENT, "attempt.finished failed"], 1),
        (
            None,
            "fails",
            YES,
            [INTENT, "irreversible.outcome submit already_done", "attempt.finished done"],
            1,
        ),
        (
            None,
            "fails",
            NO,
            [INTENT, "irreversible.outcome submit not_done", "attempt.finished failed"] * 2,
            2,
        ),
        (None, "fails", BREAKS, [INTENT, "attempt.finished failed"], 1),
        (Settled.DONE, "act", None, ["attempt.finished done"], 0),
        (Settled.INTENT, "act", None, ["attempt.finished failed"], 0),
        (
            Settled.INTENT,
            "act",
            YES,
            ["irreversible.outcome submit already_done", "attempt.finished done"],
            0,
        ),
        (
            Settled.INTENT,
            "act",
            NO,
            [
                "irreversible.outcome submit not_done",
                INTENT,
                "irreversible.outcome submit acted",
                "attempt.finished done",
            ],
            1,
        ),
        (Settled.INTENT, "act", BREAKS, ["attempt.finished failed"], 0),
        (
            Settled.NOT_DONE,
            "act",
            None,
            [INTENT, "irreversible.outcome submit acted", "attempt.finished done"],
            1,
        ),
    ],
)
def test_what_is_known_and_what_can_be_found_out_decide_whether_it_is_done(
    tmp_path: Path, *, known: Settled | None, act: str, already_done: str | None, told: list[str], acted: int
) -> None:
    record = IrreversibleRecord(state=known, result="PC-0") if known else None
    finished = work(tmp_path, submit(act, already_done), record)

    assert story(finished) == told
    assert finished.lines[-1].data["outputs"] == {"acted": acted}
    last = finished.events("attempt.finished")[-1]
    unknown = told[-1] == "attempt.finished failed" and already_done != NO
    assert (last.error or {}).get("kind") == ("unknown" if unknown else "application" if last.error else None)
    if known is Settled.DONE:
        assert last.data["output"] == {"result": "PC-0"}


def test_an_act_that_failed_but_happened_is_not_done_again_by_the_retry(tmp_path: Path) -> None:
    handler = """
    def one(item: Item[Order]) -> None:
        item.irreversible("submit", act)
        if item.attempt == 1:
            raise ApplicationError("afterwards")
    """
    finished = work(tmp_path, handler)

    assert [line.data["status"] for line in finished.events("attempt.finished")] == ["failed", "done"]
    assert finished.lines[-1].data["outputs"] == {"acted": 1}


@pytest.mark.parametrize("goes_on", ["return", 'raise BusinessError("something else")'])
def test_a_handler_that_swallows_an_unknown_outcome_does_not_make_it_known(
    tmp_path: Path, goes_on: str
) -> None:
    handler = f"""
    def one(item: Item[Order]) -> None:
        try:
            item.irreversible("submit", fails)
        except Exception:
            {goes_on}
    """
    finished = work(tmp_path, handler)

    error = finished.events("attempt.finished")[-1].error
    assert error is not None
    assert (error["kind"], error["code"]) == ("unknown", "OUTCOME_UNKNOWN")
    assert finished.lines[-1].data["outputs"] == {"acted": 1}


def test_a_failure_before_an_old_intent_is_looked_at_leaves_it_to_the_retry(tmp_path: Path) -> None:
    handler = """
    def one(item: Item[Order]) -> None:
        if item.attempt == 1:
            raise ApplicationError("the portal is down")
        item.irreversible("submit", act, already_done=lambda: True)
    """
    finished = work(tmp_path, handler, IrreversibleRecord(state=Settled.INTENT))

    first, second = finished.events("attempt.finished")
    assert first.error is not None
    assert (first.error["kind"], first.data["will_retry"]) == ("application", True)
    assert second.data["status"] == "done"
    assert finished.lines[-1].data["outputs"] == {"acted": 0}


def test_a_handler_that_leaves_an_old_intent_out_has_not_finished_the_item(tmp_path: Path) -> None:
    handler = """
    def one(item: Item[Order]) -> None:
        pass
    """
    finished = work(tmp_path, handler, IrreversibleRecord(state=Settled.INTENT))

    error = finished.events("attempt.finished")[0].error
    assert error is not None
    assert error["kind"] == "unknown"


def test_an_irreversible_part_inside_a_function_with_a_retry_is_refused_before_it_begins(
    tmp_path: Path,
) -> None:
    handler = """
    @step(retry=Retry(times=3))
    def one(item: Item[Order]) -> None:
        inner(item)

    @step
    def inner(item: Item[Order]) -> None:
        item.irreversible("submit", act)
    """
    finished = work(tmp_path, handler)

    assert story(finished) == ["attempt.finished inner failed"]
    error = finished.events("attempt.finished")[0].error
    assert error is not None
    said = f"{error['message']} {error['hint']}"
    assert error["code"] == "BOT_RETRY_IRREVERSIBLE"
    assert all(word in said for word in ("irreversible", "cannot be retried", "already_done"))
    assert finished.lines[-1].data["outputs"] == {"acted": 0}


def test_a_step_marked_irreversible_is_one_of_the_item(tmp_path: Path) -> None:
    handler = """
    @step(irreversible=True)
    def submit(number: str) -> str:
        return act() + number

    def one(item: Item[Order]) -> None:
        item.output["result"] = submit("-7")
        if item.attempt == 1:
            raise ApplicationError("afterwards")
    """
    finished = work(tmp_path, handler)

    assert finished.lines[-1].data["outputs"] == {"acted": 1}
    assert finished.events("attempt.finished")[-1].data["output"] == {"result": "PC-1-7"}


def test_one_name_for_two_acts_is_refused(tmp_path: Path) -> None:
    handler = """
    def one(item: Item[Order]) -> None:
        for _ in range(2):
            item.irreversible("submit", act)
    """
    finished = work(tmp_path, handler)

    error = finished.events("attempt.finished")[0].error
    assert error is not None
    assert error["code"] == "BOT_NAME_TWICE"
    assert finished.lines[-1].data["outputs"] == {"acted": 1}


def test_a_finished_part_is_remembered_by_the_retry_and_by_a_later_run(tmp_path: Path) -> None:
    handler = """
    def one(item: Item[Order]) -> None:
        item.output["old"] = item.once("earlier", act)
        item.output["new"] = item.once("upload", act)
        if item.attempt == 1:
            raise ApplicationError("afterwards")
    """
    finished = work(tmp_path, handler, once={"earlier": "from before"})

    assert finished.lines[-1].data["outputs"] == {"acted": 1}
    assert finished.events("attempt.finished")[-1].data["output"] == {"old": "from before", "new": "PC-1"}
    assert [(line.step, line.data) for line in finished.events("once")] == [("upload", {"result": "PC-1"})]


def test_a_part_whose_result_can_not_be_remembered_is_refused(tmp_path: Path) -> None:
    handler = """
    def one(item: Item[Order]) -> None:
        item.once("upload", object)
    """
    finished = work(tmp_path, handler)

    error = finished.events("attempt.finished")[0].error
    assert error is not None
    assert error["code"] == "BOT_RESULT"


SPIED = """
    import json, os
    from pathlib import Path

    synced = []
    fsync = os.fsync

    def spy(file):
        fsync(file)
        written = Path("run/lane-1/journal.jsonl").read_text().splitlines()
        synced.append(json.loads(written[-1])["event"])

    os.fsync = spy

    def one(item: Item[Order]) -> None:
        item.once("part", lambda: 1)
        item.irreversible("submit", lambda: acted.append(synced[-1]))
        orders.put([])
        run.output("before the act", acted)
        run.output("synced", synced)
        item.irreversible("again", fails, already_done=lambda: False)
"""


def test_every_border_is_on_the_disk_before_the_bot_goes_on(tmp_path: Path) -> None:
    item = ItemOrder(queue="orders", key="1", data={"number": "1"}, attempt=1)
    source = HEAD.replace('run.output("acted", len(acted))', 'run.output("synced", synced)') + SPIED
    finished = Project(tmp_path, source).run("work", items=[item])

    outputs = finished.lines[-1].data["outputs"]
    assert outputs["before the act"][0] == "irreversible.intent"
    borders = ["attempt.started", "once", "irreversible.intent", "irreversible.outcome", "items.put"]
    again = ["irreversible.intent", "irreversible.outcome", "attempt.finished"]
    assert outputs["synced"][:8] == [*borders, *again]


SCRIPTED = """
    import json
    from pathlib import Path

    class Portal:
        done = 0

    portal = Portal()

    def one(item: Item[Order]) -> None:
        script = json.loads(Path("script.json").read_text())[item.attempt - 1]

        def act():
            if script["happens"]:
                portal.done += 1
            if script["answers"] == "error":
                raise ApplicationError("no answer")

        def already_done():
            if script["check"] == "breaks":
                raise ApplicationError("the search is down")
            return portal.done > 0

        item.irreversible("submit", act, already_done=already_done)
        run.output("done", portal.done)
        if script["after"]:
            raise ApplicationError("afterwards")
        run.output("done", portal.done)
"""


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    script=st.lists(
        st.fixed_dictionaries(
            {
                "happens": st.booleans(),
                "answers": st.sampled_from(["ok", "error"]),
                "check": st.sampled_from(["works", "breaks"]),
                "after": st.booleans(),
            }
        ),
        min_size=2,
        max_size=2,
    )
)
def test_whatever_goes_wrong_it_happens_at_most_once(
    tmp_path_factory: pytest.TempPathFactory, script: list[dict[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("property")
    project = Project(
        folder, HEAD.replace('run.output("acted", len(acted))', 'run.output("done", portal.done)') + SCRIPTED
    )
    # An act that answers "ok" has happened: that is what an answer means.
    steps = [{**s, "happens": s["happens"] or s["answers"] == "ok"} for s in script]
    (folder / "script.json").write_text(json.dumps(steps))
    item = ItemOrder(queue="orders", key="1", data={"number": "1"}, attempt=1)
    finished = project.run("work", items=[item])

    assert finished.lines[-1].data["outputs"]["done"] <= 1
    last = finished.events("attempt.finished")[-1]
    if last.data["status"] == "done":
        assert finished.lines[-1].data["outputs"]["done"] == 1


def test_nothing_irreversible_begins_when_the_claim_ends_before_it_may(tmp_path: Path) -> None:
    short = {"stop": False, "lease_left": 40.0}
    handler = """
    def one(item: Item[Order]) -> None:
        item.irreversible("first", act)
        item.irreversible("submit", act, limit="1m")
    """
    finished = work(tmp_path, handler, progress=short)

    assert story(finished) == [
        "irreversible.intent first",
        "irreversible.outcome first acted",
        "attempt.finished failed",
        "attempt.finished failed",
    ]
    assert [asked["need"] for asked in finished.asked if asked["op"] == "progress"] == [30.0, 60.0, 60.0]
    last = finished.events("attempt.finished")[-1].error
    assert last is not None
    assert (last["kind"], last["code"]) == ("application", "LEASE_SHORT")
    assert finished.lines[-1].data["outputs"] == {"acted": 1}


def test_nothing_irreversible_begins_in_a_run_that_is_being_stopped(tmp_path: Path) -> None:
    finished = work(tmp_path, submit("act"), progress={"stop": True, "lease_left": 100.0})

    assert story(finished) == ["attempt.finished later"]
    assert finished.lines[-1].data["outputs"] == {"acted": 0}


def test_what_is_recorded_as_done_needs_no_time(tmp_path: Path) -> None:
    known = IrreversibleRecord(state=Settled.DONE, result="PC-0")
    finished = work(tmp_path, submit("act"), known, progress={"stop": True, "lease_left": 0.0})

    assert story(finished) == ["attempt.finished done"]
