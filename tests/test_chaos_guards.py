"""Guards that hold whatever the code above them does: what the store refuses, what ends a process, a store made twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from django.db import IntegrityError, transaction

from chaos.ledger import rows
from chaos.mutants import MUTANTS, apply, copy_tree, run_tests
from chaos.place import ROOT
from runner.core.contract import RUN_MARKER
from runner.engine import tree
from runner.store.models import Attempt, Item, Occurrence, Queue, Run
from tests.engine_project import until

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.usefixtures("store")
def test_the_store_itself_refuses_what_must_not_be_there_twice() -> None:
    Queue.objects.create(name="orders")
    Run.objects.create(pk="run", bot="post_orders", queued=NOW)
    item = Item.objects.create(queue_id="orders", key="A-1", put_at=NOW)
    Attempt.objects.create(item=item, number=1, run_id="run", lane=1, started=NOW)
    Occurrence.objects.create(schedule="daily", due=NOW, state="ran", recorded=NOW)

    for again in (
        lambda: Item.objects.create(queue_id="orders", key="A-1", put_at=NOW),
        lambda: Attempt.objects.create(item=item, number=1, run_id="run", lane=2, started=NOW),
        lambda: Occurrence.objects.create(schedule="daily", due=NOW, state="ran", recorded=NOW),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            again()


def start(marker: str, code: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, RUN_MARKER: marker},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    with process.stdout:
        process.stdout.readline()  # it is as far as it should be
    return process


def test_a_process_that_does_not_listen_is_killed() -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(300)"
    process = start(marker := f"test:{os.getpid()}:1/1", deaf)
    try:
        assert tree.end_tree(process.pid, marker, grace=0.2) == 1
        assert process.wait(60) == -signal.SIGKILL  # and its exit code was left for who started it
    finally:
        process.kill()
        process.wait()


def test_what_left_its_family_is_found_by_its_marker() -> None:
    leaves = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'], start_new_session=True)\n"
        "print(child.pid, flush=True)\n"
    )
    process = start(marker := f"test:{os.getpid()}:2/1", leaves)
    process.wait(20)
    left = tree.marked(marker)
    try:
        assert len(left) == 1
        tree.end_tree(process.pid, marker, grace=0)
        until(lambda: not left[0].is_running() or left[0].status() == psutil.STATUS_ZOMBIE, 10)
    finally:
        for one in left:
            if one.is_running():
                one.kill()


def test_a_store_whose_maker_is_killed_or_has_company_is_whole(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from runner.store.open import open_store; open_store(Path(sys.argv[1]))"
    database = tmp_path / "store.sqlite3"

    def opening() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", code, str(database)], cwd=ROOT)

    first = opening()
    until(database.exists)
    first.kill()
    first.wait()
    both = [opening(), opening()]
    assert [process.wait(60) for process in both] == [0, 0]
    assert rows(database, "SELECT count(*) FROM store_item") == [(0,)]


def test_every_seeded_fault_still_has_its_place_and_its_test(tmp_path: Path) -> None:
    root = copy_tree(tmp_path)
    for mutant in MUTANTS:
        before = apply(mutant, root)
        (root / mutant.file).write_text(before, "utf-8")
        for test in mutant.tests:
            file, _, name = test.partition("::")
            assert not name or f"def {name}(" in (root / "tests" / file).read_text("utf-8"), test
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 12


@pytest.mark.parametrize("name", ["the checksum is not looked at", "no epoch in the renewal"])
def test_a_seeded_fault_turns_its_test_red(tmp_path: Path, name: str) -> None:
    (mutant,) = [one for one in MUTANTS if one.name == name]
    root = copy_tree(tmp_path)
    apply(mutant, root)
    green, _ = run_tests(root, mutant.tests)
    assert not green
