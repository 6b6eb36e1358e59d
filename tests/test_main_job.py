"""The main job, end to end: workbook, portal, exception queue, a decision, a retry; and what a kill can do to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from openpyxl import load_workbook

from runner.cases import decisions
from runner.cases.queued import queue_run
from runner.core.clock import iso, now
from runner.core.contract import RUN_MARKER, Settled
from runner.core.ids import uuid7
from runner.core.nouns import CaseStatus, RunStatus
from runner.demo.serve import Portal
from runner.engine import tree
from runner.engine.bots import validate_item
from runner.store.models import Attempt, Case, Item, Lane, Run
from tests.main_job import ROOT, Job, make_workbook, statuses, until

pytestmark = [pytest.mark.usefixtures("store"), pytest.mark.browser]

STORED = {"commit_then_fail": 1}  # the order is kept and the answer gets lost
NOT_STORED = {"fail_next": [{"path": "/orders/new", "method": "POST", "status": 500, "times": 1}]}
HELD = {"hang_path": "/orders/find"}  # the look whether it was posted never ends: the submit stays open


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    """A worker and a portal without faults; no process of a run is left at the end."""
    with Portal(tmp_path / "portal") as portal:
        made = Job(tmp_path, portal)
        yield made
        assert tree.marked(f"{made.worker.name}/") == []


def submit_is_held(portal: Portal, faults: dict[str, Any]) -> bool:
    """Whether the fault has hit a submit; its outcome can't be found out from then on."""
    served = portal.stats()["faults_served"]
    return bool(served.get("commit" if "commit_then_fail" in faults else "500"))


def kill_lane(run_id: str) -> None:
    lane = Lane.objects.get(run=run_id, number=1)
    assert lane.pid
    os.kill(lane.pid, signal.SIGKILL)


def test_good_rows_are_entered_once_bad_ones_wait_for_a_person_and_the_retry_clears_them(
    job: Job, tmp_path: Path
) -> None:
    bad: list[tuple[int, str, str | None]] = [
        (4, "Product", "Desk lmap"),
        (6, "Amount", "12,5O"),
        (9, "Customer", None),
        (12, "Order number", "A-1"),
    ]
    source = make_workbook(tmp_path / "orders.xlsx", 12, bad)
    before = source.read_bytes()
    rule = {"path": "/orders/new", "method": "POST", "status": 503, "times": 1}
    job.portal.set_faults(fail_next=[rule], commit_then_fail=1)

    run = job.post(source)

    assert (run.status, run.total, run.done, run.exceptions, run.pending) == ("exceptions", 12, 8, 4, 0)
    assert len(job.entered()) == 8
    assert job.doubled() == []
    assert Item.objects.get(key="A-1").attempts_made == 2
    codes = {
        case.item.key: case.error["code"]
        for case in Case.objects.select_related("item")
        if case.item and case.error
    }
    assert codes == {
        "A-3": "UNKNOWN_PRODUCT",
        "A-5": "WB_CELL_TYPE",
        "A-8": "WB_CELL",
        "orders.xlsx/Orders!12": "ITEM_TWICE",
    }
    assert source.read_bytes() == before
    assert_only_results_were_added(source, job.output(run, "result"))

    correct(job, "A-3", product="Desk lamp")
    correct(job, "orders.xlsx/Orders!12", number="A-99")
    correct(job, "A-5", amount="12.50")  # its empty notes are no text, and no reason to refuse it
    correct(job, "A-8", customer="Alder & Finch")
    again = job.post(source)

    assert again.status == RunStatus.DONE
    assert set(Case.objects.filter(status=CaseStatus.RESOLVED).values_list("item__key", flat=True)) == {
        "A-3",
        "A-5",
        "A-8",
        "orders.xlsx/Orders!12",
    }
    assert job.entered() == sorted(f"A-{n}" for n in (*range(1, 11), 99, 12))
    assert job.doubled() == []
    sheet = load_workbook(job.output(again, "result"))["Orders"]
    assert [sheet.cell(row, 8).value for row in (4, 6, 9, 12)] == ["done"] * 4


def correct(job: Job, key: str, **changes: object) -> None:
    """Decide as `runner cases retry ID --set name=value` does, without a run of its own."""
    case = Case.objects.select_related("item").get(item__key=key)
    assert case.item is not None
    data = {**case.item.data, **changes}
    valid = validate_item(job.settings, "bots/post_orders.py", "orders", data)
    decisions.retry(case.pk, by="li.na", at=now(), data=valid, version=case.version, start_run=False)


def assert_only_results_were_added(source: Path, target: Path) -> None:
    old, new = load_workbook(source)["Orders"], load_workbook(target)["Orders"]
    for row in old.iter_rows():
        for cell in row:
            other = new[cell.coordinate]
            assert look(cell) == look(other)
    results = [[cell.value for cell in row[7:]] for row in new.iter_rows()]
    assert results[0] == ["Runner status", "Runner message", "confirmation"]
    assert [row[0] for row in results[1:]] == [
        "done", "done", "exception", "done", "exception", "done", "done", "exception", "done", "done", "exception", "done",
    ]  # fmt: skip
    assert all((row[0] == "done") == str(row[2]).startswith("PC-") for row in results[1:])
    assert "did you mean 'Desk lamp'?" in str(results[3][1])
    with zipfile.ZipFile(source) as first, zipfile.ZipFile(target) as second:
        assert first.namelist() == second.namelist()
        changed = [name for name in first.namelist() if first.read(name) != second.read(name)]
    assert changed == ["xl/worksheets/sheet1.xml"]


def look(cell: Any) -> tuple[object, ...]:
    return cell.value, cell.number_format, cell.font.b, cell.fill.fgColor.rgb


@pytest.mark.parametrize(("faults", "seen"), [(STORED, Settled.DONE), (NOT_STORED, Settled.NOT_DONE)])
def test_a_killed_bot_loses_nothing_and_an_open_submit_waits_for_a_person(
    job: Job, tmp_path: Path, faults: dict[str, Any], seen: Settled
) -> None:
    source = make_workbook(tmp_path / "orders.xlsx", 6)
    killer = threading.Thread(target=hold_and_kill, args=(job.portal, faults))
    killer.start()
    run = job.post(source)
    killer.join()

    assert run.status == RunStatus.FAILED
    (held,) = [key for key, status in statuses().items() if status == "exception"]
    case = Case.objects.get(item__key=held)
    assert (case.kind, case.status) == ("unknown", CaseStatus.OPEN)
    assert "submit" in case.message
    assert Case.objects.get(run=run, item=None).why == "crash"

    job.portal.clear_faults()
    second = job.post(source)
    assert second.status in {RunStatus.DONE, RunStatus.EXCEPTIONS}
    assert sorted(statuses().values()) == ["done"] * 5 + ["exception"]
    assert (held in job.entered()) == (seen is Settled.DONE)

    decisions.attest(case.pk, by="li.na", at=now(), outcome=seen, note="looked it up", start_run=False)
    if seen is Settled.NOT_DONE:
        job.post(source)
    assert set(statuses().values()) == {"done"}
    assert job.entered() == [f"A-{n}" for n in range(1, 7)]
    assert job.doubled() == []


def hold_and_kill(portal: Portal, faults: dict[str, Any]) -> None:
    """In the middle of the run: let the next submit's outcome stay open, then kill the bot's process."""
    from django.db import connections

    until(lambda: portal.stats()["orders"] >= 2)
    portal.set_faults(**faults, **HELD)
    until(lambda: submit_is_held(portal, faults))
    kill_lane(Run.objects.get(status=RunStatus.RUNNING).pk)
    connections.close_all()


def test_a_killed_worker_loses_nothing_either(job: Job, tmp_path: Path) -> None:
    source = make_workbook(tmp_path / "orders.xlsx", 5)
    words = [f"--param={name}={value}" for name, value in job.parameters(source).items()]
    environment = {**os.environ, "RUNNER_HOME": str(tmp_path), "RUNNER_PROJECT": str(ROOT)}
    command = [sys.executable, "-m", "runner.cli.main", "run", "post_orders", *words]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            until(lambda: job.portal.stats()["orders"] >= 2)
            job.portal.set_faults(**STORED, **HELD)
            until(lambda: submit_is_held(job.portal, STORED))
        finally:
            process.kill()
    job.portal.clear_faults()

    job.worker.take_over()

    run = Run.objects.get()
    assert run.status == RunStatus.LOST
    assert tree.marked(run.worker.rpartition(":")[0]) == []
    assert Case.objects.get(item__isnull=False).kind == "unknown"
    job.post(source)
    assert sorted(statuses().values()) == ["done"] * 4 + ["exception"]
    assert job.entered() == [f"A-{n}" for n in range(1, 6)]
    assert job.doubled() == []


def test_four_lanes_share_one_queue(job: Job, tmp_path: Path) -> None:
    job.portal.set_faults(delay_paths={"/orders/new": 200})
    run = job.post(make_workbook(tmp_path / "orders.xlsx", 12), lanes=4)

    assert (run.status, run.done) == ("done", 12)
    assert job.entered() == sorted(f"A-{n}" for n in range(1, 13))
    assert job.doubled() == []
    assert len(set(Attempt.objects.values_list("lane", flat=True))) > 1
    sheet = load_workbook(job.output(run, "result"))["Orders"]
    assert [sheet.cell(row, 8).value for row in range(2, 14)] == ["done"] * 12


def test_the_time_limit_ends_a_hung_run_with_its_browser(job: Job, tmp_path: Path) -> None:
    job.portal.set_faults(hang_path="/orders/new")
    at = now()
    run_id = uuid7(at)
    source = make_workbook(tmp_path / "orders.xlsx", 2)
    row = {
        "bot": "post_orders",
        "parameters": job.parameters(source),
        "requested_by": "test",
        "time_limit": 6.0,
    }
    queue_run(run_id, {**row, "queued": iso(at)}, at)
    serving = threading.Thread(target=job.worker.serve)
    serving.start()
    try:
        until(lambda: browsers_of(job.worker.name))
        until(lambda: RunStatus(Run.objects.get(pk=run_id).status).is_final)
    finally:
        job.worker.stop()
        serving.join()

    assert Run.objects.get(pk=run_id).status == RunStatus.FAILED
    assert Case.objects.get(item=None).why == "time_limit"
    assert browsers_of(job.worker.name) == []
    assert job.entered() == []
    assert set(statuses().values()) == {"pending"}


def browsers_of(worker: str) -> list[int]:
    """The Chromium processes that the worker's children have started."""
    found = []
    for process in psutil.process_iter():
        try:
            if "chrom" in process.name() and process.environ().get(RUN_MARKER, "").startswith(f"{worker}/"):
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found
