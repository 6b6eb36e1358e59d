"""What hangs is ended from outside within its limit, its item goes back, the lane goes on, and nothing is left behind."""

from __future__ import annotations

import contextlib
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from runner.cases import decisions
from runner.cases.openings import item_case_id
from runner.core.nouns import RunStatus
from runner.engine import tree
from runner.engine.scratch import make_scratch, remove_scratch, scratch_of
from runner.engine.sweep import sweep_scratch
from runner.engine.worker import Worker
from runner.journal import Line, read_journal
from runner.store.models import Attempt, Case, Item, Run
from tests.engine_project import project, until, worker

pytestmark = pytest.mark.usefixtures("store")

BROWSING = """
    import psutil
    from playwright.sync_api import Page
    from runner import web

    @bot
    def count() -> None:
        numbers.put([Number(n=1), Number(n=2)])
        numbers.each(one, session=lambda: web.page(timeout="60s"))

    def named(*words: str) -> list[psutil.Process]:
        family = psutil.Process().children(recursive=True)
        return [p for p in family if all(word in " ".join(p.cmdline()) for word in words)]

    def each(found: list[psutil.Process], number: int) -> None:
        assert found
        for process in found:
            process.send_signal(number)

    def one(item: Item[Number], page: Page) -> None:
        Path("folders").open("a").write(os.environ["TMPDIR"] + "\\n")
        page.set_content("<h1>here</h1>")
        if item.data.n == 1 and item.attempt == 1:
            with step("look", limit="3s"):
                {breaks}
                page.get_by_role("heading").inner_text()
                page.get_by_role("button").click()
"""


def of(run: str, folder: Path, lane: int, event: str) -> list[Line]:
    path = folder / Run.objects.get(pk=run).folder / (f"lane-{lane}" if lane else "") / "journal.jsonl"
    return [line for line in read_journal(path).lines if line.event == event]


def nothing_left(hand: Worker) -> bool:
    return not tree.marked(f"{hand.name}/") and not scratch_of(hand.name)


def command_lines() -> list[str]:
    """What runs on this machine: a browser's parts overwrite their environment, but name their folder here."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            found.append(" ".join(process.cmdline()))
    return found


@pytest.mark.browser
@pytest.mark.parametrize(
    "breaks",
    [
        pytest.param('page.evaluate("while (true) {}")', id="endless script"),
        pytest.param('each(named("chrom"), signal.SIGSTOP)', id="stopped browser"),
        pytest.param('each(named("playwright", "run-driver"), signal.SIGKILL)', id="killed driver"),
        pytest.param('each(named("--type=renderer"), signal.SIGKILL)', id="killed renderer"),
    ],
)
def test_a_browser_that_hangs_or_dies_gives_the_item_back_in_time_and_leaves_nothing(
    tmp_path: Path, breaks: str
) -> None:
    settings = project(tmp_path, BROWSING.replace("{breaks}", breaks))
    hand = worker(settings)
    run, outcome = hand.run_now("count", {}, requested_by="test")

    assert outcome.status is RunStatus.DONE
    assert set(Item.objects.values_list("key", "status")) == {("1", "done"), ("2", "done")}
    first = Attempt.objects.get(item__key="1", number=1)
    assert first.status in {"lost", "failed"}
    assert first.finished is not None
    (began,) = of(run, settings.runs, 1, "step.started")
    assert began.data == {"limit": 3.0}
    assert first.finished - began.time < timedelta(seconds=3 + 10)
    assert nothing_left(hand)
    folders = set((tmp_path / "folders").read_text().split())
    assert folders
    assert [words for words in command_lines() if any(folder in words for folder in folders)] == []


def test_a_step_that_takes_too_long_is_ended_and_the_lane_goes_on_with_a_new_process(tmp_path: Path) -> None:
    settings = project(
        tmp_path,
        """
        @bot
        def count() -> None:
            numbers.put([Number(n=1), Number(n=2)])
            numbers.each(one)

        @step(limit="1s")
        def one(item: Item[Number]) -> None:
            item.output["pid"] = os.getpid()
            if item.data.n == 1 and item.attempt == 1:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                while True:
                    pass
        """,
    )
    said: list[str] = []
    hand = worker(settings, said)
    run, outcome = hand.run_now("count", {}, requested_by="test")

    assert outcome.status is RunStatus.DONE
    assert len({item.output["pid"] for item in Item.objects.all()}) == 1  # that of the second process
    assert list(Attempt.objects.filter(item__key="1").values_list("number", "status")) == [
        (1, "lost"),
        (2, "done"),
    ]
    assert [line.data["reason"] for line in of(run, settings.runs, 0, "lane.ended")] == ["limit", "finished"]
    assert any("step one" in words and "longer than 1 s" in words for words in said)
    assert nothing_left(hand)


def test_a_process_that_dies_while_it_waits_between_two_tries_gives_the_item_back(tmp_path: Path) -> None:
    settings = project(
        tmp_path,
        """
        slow = Queue("slow", Number, key="n", retry=Retry(times=3, wait="10m", longest_wait="10m"))

        @bot
        def count() -> None:
            slow.put([Number(n=1)])
            slow.each(one)

        def one(item: Item[Number]) -> None:
            raise ApplicationError("down")
        """,
    )
    hand = worker(settings)
    thread = threading.Thread(target=cancel_when, args=("retry", settings.runs))
    thread.start()
    _, outcome = hand.run_now("count", {}, requested_by="test")
    thread.join()

    assert outcome.status is RunStatus.CANCELLED
    item = Item.objects.get()
    assert (item.status, item.claimed_run_id, item.error) == ("pending", None, None)
    assert nothing_left(hand)


def cancel_when(event: str, runs: Path) -> None:
    """Ask for the end of the run when its lane has written `event`."""
    from django.db import connections

    until(lambda: any(event.encode() in path.read_bytes() for path in runs.rglob("lane-1/journal.jsonl")))
    Run.objects.update(stop_asked_by="wang.li")
    connections.close_all()


def test_an_item_put_off_stays_pending_and_does_not_stop_the_run(tmp_path: Path) -> None:
    settings = project(
        tmp_path,
        """
        from runner import TryLater

        @bot(stop_after=2)
        def count() -> None:
            numbers.put(Number(n=n) for n in range(5))
            numbers.each(one)

        def one(item: Item[Number]) -> None:
            if item.data.n < 4:
                raise TryLater(after="1h", reason="not released")
        """,
    )
    _, outcome = worker(settings).run_now("count", {}, requested_by="test")

    assert outcome.status is RunStatus.DONE
    assert list(Item.objects.order_by("id").values_list("status", flat=True)) == ["pending"] * 4 + ["done"]


def test_a_failed_item_holds_back_its_followers_until_somebody_decides(tmp_path: Path) -> None:
    settings = project(
        tmp_path,
        """
        class Move(BaseModel):
            number: str
            customer: str

        moves = Queue("moves", Move, key="number", order="strict", group="customer")

        @bot(lanes=2)
        def count() -> None:
            moves.put([Move(number=f"{c}{n}", customer=c) for n in range(4) for c in "ab"])
            moves.each(one)

        def one(item: Item[Move]) -> None:
            if item.key == "a1" and item.attempt == 1:
                raise BusinessError("no such account")
        """,
    )
    hand = worker(settings)
    hand.run_now("count", {}, requested_by="test")
    found = dict(Item.objects.values_list("key", "status"))
    assert {key for key, status in found.items() if status == "pending"} == {"a2", "a3"}
    assert found["a1"] == "exception"

    decisions.reject(item_case_id("moves", "a1"), by="ann", at=datetime.now(UTC), note="closed")
    hand.run_now("count", {}, requested_by="test")
    assert {key for key, status in Item.objects.values_list("key", "status") if status == "done"} == set(
        found
    ) - {"a1"}


def test_a_lease_shorter_than_the_limit_lets_nothing_irreversible_begin(tmp_path: Path) -> None:
    settings = project(
        tmp_path,
        """
        @bot
        def count(limit: str) -> None:
            numbers.put([Number(n=1)])
            numbers.each(lambda item: item.irreversible("submit", Path("acted").touch, limit=limit))
        """,
        lease="40s",
    )
    hand = worker(settings)
    hand.run_now("count", {"limit": "1m"}, requested_by="test")
    case = Case.objects.get()
    error = case.error or {}
    assert (case.kind, error["code"]) == ("application", "LEASE_SHORT")
    assert "RUNNER_LEASE" in error["hint"]
    assert not (tmp_path / "acted").exists()

    decisions.retry(case.pk, by="ann", at=datetime.now(UTC), start_run=False)
    hand.run_now("count", {"limit": "39s"}, requested_by="test")  # more than is left of it: it is prolonged
    assert Item.objects.get().status == "done"
    assert (tmp_path / "acted").exists()


def test_a_worker_that_shuts_down_lets_nothing_irreversible_begin(tmp_path: Path) -> None:
    settings = project(
        tmp_path,
        """
        @bot
        def count() -> None:
            numbers.put([Number(n=1), Number(n=2)])
            numbers.each(one)

        def one(item: Item[Number]) -> None:
            Path("begun").touch()
            while not Path("stopping").exists():
                time.sleep(0.02)
            item.irreversible("submit", Path("acted").touch)
        """,
    )
    hand = worker(settings)

    def stop() -> None:
        until((tmp_path / "begun").exists)
        hand.stop()
        (tmp_path / "stopping").touch()

    thread = threading.Thread(target=stop)
    thread.start()
    hand.run_now("count", {}, requested_by="test")
    thread.join()

    assert set(Item.objects.values_list("status", flat=True)) == {"pending"}
    assert not (tmp_path / "acted").exists()
    assert [a.status for a in Attempt.objects.all()] == ["later"]
    assert not Case.objects.exists()


def test_the_temporary_folders_of_a_killed_worker_are_swept_and_those_of_a_living_one_are_not() -> None:
    mine, name = make_scratch("mine:1:1.0/1/"), f"killed:{os.getpid()}:1.0"
    pid = os.fork()
    if pid == 0:  # a worker that ends without a word
        (make_scratch(f"{name}/1/") / "profile").mkdir()
        os._exit(1)
    os.waitpid(pid, 0)
    assert len(scratch_of(name)) == 1
    sweep_scratch()
    assert scratch_of(name) == []
    assert mine.is_dir()
    remove_scratch(mine)
