"""Runs whose worker died or lost its lease: what is taken over, what is ended, and what is left alone."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import psutil
import pytest

from runner.core.clock import now
from runner.core.contract import Order
from runner.core.errors import RunnerError
from runner.core.nouns import ItemStatus, RunStatus
from runner.engine.child import Child
from runner.engine.execution import Execution
from runner.engine.folder import write_order
from runner.journal import read_journal
from runner.store.models import Case, Item, Lane, Run
from tests.engine_project import kill_a_worker, nothing_left, project, statuses, until, worker

pytestmark = [pytest.mark.usefixtures("store"), pytest.mark.both_databases]


def test_runs_of_a_worker_killed_by_the_system_are_taken_over(tmp_path: Path) -> None:
    settings = project(
        tmp_path,
        """
        @bot
        def count() -> None:
            numbers.put(Number(n=n) for n in range(3))
            numbers.each(one)

        def one(item: Item[Number]) -> None:
            if item.data.n == 1:
                item.irreversible("submit", lambda: time.sleep(600))
        """,
    )
    pid = kill_a_worker(settings, lambda: read_intents(settings.runs))
    hand = worker(settings)
    hand.take_over()
    run = Run.objects.get()
    assert run.status == RunStatus.LOST
    assert statuses() == {"0": "done", "1": "exception", "2": "pending"}
    assert set(Case.objects.values_list("kind", "why")) == {("unknown", "item"), ("application", "crash")}
    until(lambda: not [p for p in psutil.process_iter() if f":{pid}:" in _marker(p)])


def test_a_worker_that_lost_its_lease_writes_nothing_and_ends_its_own_child(tmp_path: Path) -> None:
    settings = project(
        tmp_path,
        """
        @bot
        def count() -> None:
            numbers.put([Number(n=1), Number(n=2)])
            numbers.each(one)

        @step
        def one(item: Item[Number]) -> None:
            Path("begun").touch()
            time.sleep(600)
        """,
    )
    said: list[str] = []
    sleeper = worker(settings, said)
    failures: list[RunnerError] = []

    def work() -> None:
        from django.db import connections

        try:
            sleeper.run_now("count", {}, requested_by="test")
        except RunnerError as error:
            failures.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    until((tmp_path / "begun").exists)
    until(lambda: Item.objects.filter(status=ItemStatus.RUNNING).exists())
    run = Run.objects.get()
    Run.objects.update(lease_until=None, worker="elsewhere:1:1.0")  # its lease ended while it could not move
    hand = worker(settings)
    hand.take_over()
    thread.join(30)
    assert not thread.is_alive()
    assert [e.stable_code for e in failures] == ["LEASE_LOST"]
    assert nothing_left()
    assert Run.objects.get().status == RunStatus.LOST
    assert statuses() == {"1": "pending", "2": "pending"}
    events = [line.event for line in read_journal(settings.runs / run.folder / "journal.jsonl").lines]
    assert events == ["run.started", "attempt.finished", "run.finished"]


def test_of_a_worker_that_lives_only_the_run_whose_lease_ended_is_taken_over(tmp_path: Path) -> None:
    settings = project(
        tmp_path,
        """
        @bot
        def count(name: str) -> None:
            Path(f"{name}.begun").touch()
            while not Path("go").exists():
                time.sleep(0.01)
        """,
    )
    busy, outcomes = worker(settings), dict[str, object]()

    def work(name: str) -> None:
        from django.db import connections

        try:
            outcomes[name] = busy.run_now("count", {"name": name}, requested_by=name)[1].status
        except RunnerError as error:
            outcomes[name] = error.stable_code
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(name,)) for name in ("lapsed", "held")]
    for thread in threads:
        thread.start()
    until(lambda: Lane.objects.filter(pid__isnull=False).count() == 2)
    Run.objects.filter(requested_by="lapsed").update(lease_until=None)
    other = worker(settings)
    other.name = f"{other.name}0"  # another worker of this machine, whose own process lives too
    other.take_over()
    (tmp_path / "go").touch()
    for thread in threads:
        thread.join(30)
    assert outcomes == {"lapsed": "LEASE_LOST", "held": RunStatus.DONE}
    assert nothing_left()


def test_a_run_whose_execution_meets_an_error_is_ended_by_its_own_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = project(
        tmp_path,
        """
        @bot
        def count() -> None:
            numbers.put([Number(n=1), Number(n=2)])
            numbers.each(one)

        def one(item: Item[Number]) -> None:
            Path("begun").touch()
            time.sleep(600)
        """,
    )
    fails, folder_fails = threading.Event(), threading.Event()
    look = Execution._look_at_lanes

    def looks(self: Execution) -> None:
        look(self)
        if fails.is_set():
            fails.clear()
            raise RuntimeError("a fault of our own")

    def no_room(folder: Path, order: Order) -> None:
        if folder_fails.is_set():
            folder_fails.clear()
            raise OSError(errno.ENOSPC, "No space left on device")
        write_order(folder, order)

    monkeypatch.setattr(Execution, "_look_at_lanes", looks)
    monkeypatch.setattr("runner.engine.worker.write_order", no_room)
    said: list[str] = []
    hand = worker(settings, said)
    thread = threading.Thread(target=hand.serve)
    thread.start()
    try:
        Run.objects.create(id="first", bot="count", queued=now())
        until(
            lambda: (tmp_path / "begun").exists() and Item.objects.filter(status=ItemStatus.RUNNING).exists()
        )
        fails.set()
        until(lambda: Run.objects.filter(pk="first", status=RunStatus.LOST).exists())
        assert statuses() == {"1": "pending", "2": "pending"}
        until(nothing_left)
        folder_fails.set()
        Run.objects.create(id="second", bot="count", queued=now())
        until(lambda: Run.objects.filter(pk="second", status=RunStatus.LOST).exists())
        until(nothing_left)
    finally:
        hand.stop()
        thread.join()
    assert any("a fault of our own" in text for text in said)
    assert any("No space left on device" in text for text in said)


def test_ending_the_first_child_leaves_the_twelfth_alone(tmp_path: Path) -> None:
    settings = project(tmp_path, "@bot\ndef count() -> None:\n    pass\n")
    first, twelfth = (Child(settings.project, f"{tmp_path.name}/{n}", os.environ) for n in (1, 12))
    try:
        assert {child.ask(30)["op"] for child in (first, twelfth)} == {"ready"}  # type: ignore[index]
        first.end(grace=0)
        assert twelfth.is_running
        assert not first.is_running
    finally:
        twelfth.end(grace=0)


def read_intents(runs: Path) -> bool:
    return any(
        line.event == "irreversible.intent"
        for path in runs.rglob("lane-1/journal.jsonl")
        for line in read_journal(path).lines
    )


def _marker(process: psutil.Process) -> str:
    try:
        return process.environ().get("RUNNER_RUN", "")
    except (psutil.Error, OSError):
        return ""
