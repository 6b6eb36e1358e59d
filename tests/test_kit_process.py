"""The child as a process: it ends with its worker, waits warm, and leaves whole lines when it is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from runner.core.contract import ORDER_FILE, RUN_MARKER, ItemOrder
from runner.journal import read_journal
from tests.kit_worker import Child, Project

WAITS = """
    import subprocess, time
    from pydantic import BaseModel
    from runner import Item, Queue, bot, web

    class Order(BaseModel):
        number: str

    orders = Queue("orders", Order, key="number")

    @bot
    def browses() -> None:
        with web.page() as page:
            page.goto("data:text/html,<h1>here</h1>")
            subprocess.Popen(["sleep", "600"])
            orders.each(waits)

    @bot
    def works() -> None:
        orders.each(waits)

    def waits(item: Item[Order]) -> None:
        item.irreversible("submit", lambda: time.sleep(600))
"""
LIMIT = 120.0


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition, at most `LIMIT` seconds."""
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen within {LIMIT:.0f} s"
        time.sleep(0.02)  # between two looks at the condition


def marked(marker: str) -> list[psutil.Process]:
    """The processes that carry this run's marker, zombies left out."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(RUN_MARKER) == marker and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def start(project: Project, child: Child, bot: str, marker: str) -> Path:
    """Let the child begin a run; returns its journal."""
    folder = project.folder / "run"
    folder.mkdir()
    order = project.order(bot, {}).model_copy(update={"run": marker})
    (folder / ORDER_FILE).write_text(order.model_dump_json())
    work = {"project": str(project.folder), "file": project.file, "bot": bot, "parameters": {}}
    loaded = child.ask_for({"load": work})
    child.answer(loaded, ok={"begin": {"folder": str(folder), "lane": 1}})
    return folder / "lane-1" / "journal.jsonl"


def hand_out(child: Child) -> None:
    """Answer `next` with one item, and let its irreversible step begin."""
    asked = child.read()
    assert asked is not None
    assert asked["op"] == "next"
    item = ItemOrder(queue="orders", key="1", data={"number": "1"}, attempt=1)
    child.answer(asked, ok={"item": item.model_dump(mode="json")})
    asked = child.read()
    assert asked is not None
    assert (asked["op"], asked["need"]) == ("progress", 30.0)
    child.answer(asked, ok={"stop": False, "lease_left": 60.0})


@pytest.mark.browser
def test_when_the_worker_dies_the_child_its_browser_and_its_processes_end(tmp_path: Path) -> None:
    project = Project(tmp_path, WAITS)
    marker = f"orphan-{uuid.uuid4()}"
    with project.child(marker) as child:
        journal = start(project, child, "browses", marker)
        hand_out(child)
        wait_until(
            lambda: "irreversible.intent" in [line.event for line in read_journal(journal).lines], "the step"
        )
        kinds = {process.name() for process in marked(marker)}
        assert len(kinds) >= 3, kinds  # python, driver, browser, sleep
        assert child.process.stdin is not None
        child.process.stdin.close()
        wait_until(lambda: child.process.poll() is not None, "the end of the child")
        wait_until(lambda: not marked(marker), "the end of its processes")


def test_a_child_killed_in_the_middle_of_an_irreversible_step_leaves_its_intent_on_the_disk(
    tmp_path: Path,
) -> None:
    project = Project(tmp_path, WAITS)
    with project.child() as child:
        journal = start(project, child, "works", "run")
        hand_out(child)
        wait_until(
            lambda: "irreversible.intent" in [line.event for line in read_journal(journal).lines], "the step"
        )
        child.process.kill()

    reading = read_journal(journal)
    assert reading.fault is None
    assert [line.event for line in reading.lines] == ["run.started", "attempt.started", "irreversible.intent"]
    assert child.code == -signal.SIGKILL


def test_a_standby_child_that_is_not_needed_ends_with_its_channel(tmp_path: Path) -> None:
    with Project(tmp_path, WAITS).child() as child:
        assert child.read() == {"id": 1, "op": "ready"}
        assert child.process.stdin is not None
        child.process.stdin.close()
        wait_until(lambda: child.process.poll() is not None, "the end of the child")


@pytest.mark.browser
def test_a_warm_child_has_its_browser_before_it_has_its_order(tmp_path: Path) -> None:
    project = Project(tmp_path, WAITS)
    marker = f"warm-{uuid.uuid4()}"
    with project.child(marker) as child:
        ready = child.read()
        assert ready is not None
        child.answer(ready, ok={"warm": {"browser": True}})
        ready = child.read()
        assert ready == {"id": 2, "op": "ready"}
        assert any("chrom" in process.name() for process in marked(marker))
        child.answer(ready, ok={"describe": {"project": str(tmp_path), "file": project.file}})
        described = child.read()
    assert described is not None
    assert [bot["name"] for bot in described["bots"]] == ["browses", "works"]
    wait_until(lambda: not marked(marker), "the end of its browser")


def test_an_error_of_the_worker_is_an_error_of_the_bot(tmp_path: Path) -> None:
    project = Project(tmp_path, WAITS)
    with project.child() as child:
        journal = start(project, child, "works", "run")
        asked = child.read()
        assert asked is not None
        error: dict[str, Any] = {"code": "STORE_DOWN", "what": "no new items", "hint": "wait"}
        child.answer(asked, error=error)
        finished = child.read()
        assert finished is not None
        assert finished["status"] == "failed"
        child.answer(finished, ok={})
    last = read_journal(journal).lines[-1]
    assert last.error is not None
    assert (last.error["code"], last.error["message"]) == ("STORE_DOWN", "no new items")
    assert child.code == 1


def test_a_full_disk_ends_the_run_with_one_and_hides_nothing(tmp_path: Path) -> None:
    project = Project(tmp_path, WAITS)
    with project.child() as child:
        folder = project.folder / "run"
        folder.mkdir()
        (folder / ORDER_FILE).write_text(project.order("works", {}).model_dump_json())
        (folder / "lane-1").mkdir()
        (folder / "lane-1" / "journal.jsonl").symlink_to("/dev/full")
        work = {"project": str(tmp_path), "file": project.file, "bot": "works", "parameters": {}}
        loaded = child.ask_for({"load": work})
        child.answer(loaded, ok={"begin": {"folder": str(folder), "lane": 1}})
        assert child.read() is None
    assert child.code == 1
    assert "No space left" in (tmp_path / "console.log").read_text()


def test_importing_the_kit_starts_nothing_heavy() -> None:
    code = "import sys; from runner import bot, step, Queue, web; print([m for m in sys.modules if m == 'playwright'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
