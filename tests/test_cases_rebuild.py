"""The store made again from journals is the store that was."""

from __future__ import annotations

import re
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.cases import decisions
from runner.cases.history import find_journals, merged
from runner.cases.openings import item_case_id, run_case_id
from runner.cases.rebuild import rebuild
from runner.core.clock import iso
from runner.core.contract import Settled
from runner.core.errors import ConflictError, RunnerError
from runner.core.nouns import CaseStatus
from runner.journal import Line, read_journal
from runner.journal.write import Journal
from runner.store.models import Act, Case, Item, Occurrence, Problem, Run
from tests.journal_maker import RunMaker
from tests.store_snapshot import differences, item_order, snapshot, wipe

pytestmark = [pytest.mark.usefixtures("store"), pytest.mark.both_databases]
CRASH = {"kind": "application", "why": "crash"}


def now() -> datetime:
    return datetime.now(UTC)


def evidence(run: RunMaker, lane: int, key: str | None, number: int | None = None) -> None:
    shot = {
        "kind": "screenshot",
        "url": "http://127.0.0.1/orders",
        "http_status": 500,
        "page_error": "Sorry, 17",
    }
    of: dict[str, Any] = {} if key is None else {"queue": "orders", "item": key, "attempt": number}
    run.line(lane, "evidence", evidence=f"lane-{lane}/evidence/1.png", data=shot, **of)


def a_long_history(runs: Path) -> None:
    """Everything that can happen to items, cases and runs, taken in live."""
    with RunMaker(runs) as first:
        first.started(lanes=2, schedule="orders", due=iso(now()), requested_by="scheduler")
        first.put("1", "2", "3", "4", "5", "6", bad=("7", "8", "9"))
        first.put("1", bad=("2",))
        for lane, key in ((1, "1"), (2, "2")):
            first.begin(key, lane=lane)
            first.step(key, "enter order", lane=lane)
        first.line(1, "once", queue="orders", item="1", attempt=1, step="upload", data={"result": "U-1"})
        first.end("1", confirmation="C-1")
        evidence(first, 2, "2", 1)
        first.fail("2", lane=2, kind="application", code="", message="Timeout 300ms", will_retry=True)
        first.begin("2", 2, lane=2)
        evidence(first, 2, "2", 2)
        first.fail("2", 2, lane=2, kind="application", code="", message="Timeout 301ms")
        first.take_in()
        first.begin("3")
        first.fail("3")
        first.begin("4", lane=2)
        first.line(2, "irreversible.intent", queue="orders", item="4", attempt=1, step="submit")
        first.begin("5")
        first.line(1, "step.started", step="fill", queue="orders", item="5", attempt=1)
        first.take_in()
        first.lost("4", lane=2, open_intent="submit")
        first.lost("5", lane=1)
        first.line(0, "lane.ended", data={"lane": 1, "exit_code": -9, "reason": "crashed"})
        first.line(0, "target.down", data={"failures": 5, "items": [{"queue": "orders", "item": "2"}]})
        evidence(first, 1, None)
        first.line(0, "run.finished", data={"status": "lost", "items": {"total": 9}, "case": CRASH})
        first.take_in()
    for key, act in (("3", decisions.retry), ("7", decisions.claim)):
        act(item_case_id("orders", key), by="ann", at=now())
    decisions.retry(item_case_id("orders", "7"), by="ann", at=now(), data={"number": "7", "amount": "1"})
    decisions.reject(item_case_id("orders", "8"), by="ben", at=now(), note="old")
    decisions.attest(item_case_id("orders", "4"), by="ben", at=now(), outcome=Settled.NOT_DONE, note="looked")
    again = decisions.retry(run_case_id(first.run), by="ben", at=now())
    assert again.run is not None
    with RunMaker(runs, run=again.run) as second:
        second.started(item_retry={"times": 1, "wait": 2.0, "longest_wait": 3.0})
        second.put("9", "10")
        second.put("11", "12", customer="Ho")
        second.begin("11")
        second.later("11", not_before=now() + timedelta(hours=1))
        for key, number in (("2", 3), ("3", 2), ("5", 2)):
            second.begin(key, number)
        second.end("2", 3)
        second.fail("3", 2)
        second.take_in()
        second.lost("5", 2)
        second.begin("5", 3)
        second.take_in()
        second.lost("5", 3)
        second.finished("exceptions")
        second.take_in()
    decisions.comment(item_case_id("orders", "3"), by="ann", at=now(), note="still wrong")
    decisions.snooze(item_case_id("orders", "3"), by="ann", at=now(), until=now() + timedelta(days=1))
    decisions.retry(item_case_id("orders", "5"), by="ann", at=now())


def test_the_same_rows_come_back_from_journals_and_decisions(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    a_long_history(runs)
    before, order = snapshot(), item_order()
    statuses = {item["key"]: item["status"] for item in before["Item"]}
    assert statuses == {
        "1": "done",
        "2": "done",
        "3": "exception",
        "4": "pending",
        "5": "pending",
        "6": "pending",
        "7": "pending",
        "8": "rejected",
        "9": "pending",
        "10": "pending",
        "11": "pending",
        "12": "pending",
    }
    assert [item["key"] for item in before["Item"] if item["not_before"]] == ["11"]
    assert [item["key"] for item in before["Item"] if item["group_key"] == "Ho"] == ["11", "12"]
    assert {case["why"] for case in before["Case"]} == {"item", "bad_row", "quarantined", "crash"}

    report = rebuild(runs, now=now())
    assert differences(before, snapshot()) == []
    assert item_order() == order
    assert (report.damaged, report.not_applied) == ([], [])
    assert report.journals == 5
    rebuild(runs, now=now())
    assert differences(before, snapshot()) == []


def test_rows_come_back_although_all_machine_tables_were_emptied(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    a_long_history(runs)
    before = snapshot()
    people = list(Act.objects.filter(machine=False))
    wipe()
    Act.objects.bulk_create(people)
    rebuild(runs, now=now())
    assert differences(before, snapshot()) == []


def test_intake_goes_on_where_the_rebuild_ended(tmp_path: Path) -> None:
    with RunMaker(tmp_path / "runs") as run:
        run.started()
        run.put("1")
        run.begin("1")
        run.take_in()
        rebuild(tmp_path / "runs", now=now())
        run.fail("1")
        run.finished("exceptions")
        run.take_in()
    assert Case.objects.get().times_opened == 1
    assert Run.objects.get().status == "exceptions"


def test_a_damaged_journal_is_believed_up_to_the_damage_and_named(tmp_path: Path) -> None:
    with RunMaker(tmp_path / "runs") as run:
        run.started()
        run.put("1")
        run.begin("1")
        run.end("1")
        run.take_in()
    path = run.path(1)
    whole = path.read_bytes()
    path.write_bytes(whole[:-5] + b"XXXX\n")
    report = rebuild(tmp_path / "runs", now=now())
    assert [(damage.path, damage.reason) for damage in report.damaged] == [
        (path, "the line has no checksum at its end")
    ]
    assert Item.objects.get().status == "running"


def test_an_act_whose_case_is_gone_is_kept_and_named(tmp_path: Path) -> None:
    a_long_history(tmp_path / "runs")
    acts = Act.objects.filter(machine=False).count()
    report = rebuild(tmp_path / "nothing", now=now())
    assert len(report.not_applied) == report.acts == acts
    assert "there is no such case" in report.not_applied[0][1]
    assert Act.objects.count() == acts
    assert not Case.objects.exists()


def test_no_rebuild_under_a_worker_at_work(tmp_path: Path) -> None:
    until = now() + timedelta(minutes=1)
    Run.objects.create(pk="r", bot="b", queued=now(), status="running", worker="w1", lease_until=until)
    with pytest.raises(ConflictError, match="REBUILD_BUSY: worker 'w1' is working on run r"):
        rebuild(tmp_path, now=now())
    rebuild(tmp_path, now=until + timedelta(seconds=1))


def test_due_times_and_runs_that_never_started_come_back_from_the_schedulers_journal(tmp_path: Path) -> None:
    due = iso(now())
    with Journal(tmp_path / "scheduler" / "20261124T160513-1.jsonl", run="", lane=0, bot="") as scheduler:
        row = {"bot": "post_orders", "parameters": {"n": 1}, "requested_by": "scheduler"}
        ran = {"schedule": "s", "due": due, "state": "ran", "run": "r-1", "run_row": row, "by": "scheduler"}
        scheduler.event("occurrence", data=ran)
        missed = {
            "schedule": "t",
            "due": due,
            "state": "missed",
            "reason": "no scheduler was running",
            "run": None,
        }
        scheduler.event("occurrence", data=missed)
    (tmp_path / "runs").mkdir()
    rebuild(tmp_path / "runs", now=now())
    run = Run.objects.get()
    assert (run.pk, run.status, run.schedule, run.parameters) == ("r-1", "queued", "s", {"n": 1})
    states = {o.schedule: (o.state, o.reason) for o in Occurrence.objects.all()}
    assert states == {"s": ("ran", ""), "t": ("missed", "no scheduler was running")}
    before = snapshot()
    rebuild(tmp_path / "runs", now=now())
    assert differences(before, snapshot()) == []


def test_without_the_schedulers_journal_what_only_the_store_knows_stays(tmp_path: Path) -> None:
    Run.objects.create(pk="r-1", bot="b", queued=now(), schedule="s", due=now())
    Occurrence.objects.create(schedule="s", due=now(), state="ran", run="r-1", recorded=now())
    Occurrence.objects.create(schedule="t", due=now(), state="missed", recorded=now())
    before = snapshot()
    rebuild(tmp_path, now=now())
    assert differences(before, snapshot()) == []


def test_a_clock_that_goes_back_does_not_turn_a_journal_round(tmp_path: Path) -> None:
    path = tmp_path / "run" / "journal.jsonl"
    with Journal(path, run="r", lane=0, bot="b") as journal:
        journal.event("log", "first")
        journal.event("log", "second")
    at = read_journal(path).lines[0].time
    one, two = path.read_bytes().splitlines()
    back = re.sub(rb'"time":"[^"]+"', b'"time":"%s"' % iso(at - timedelta(hours=1)).encode(), two)[:-18]
    path.write_bytes(one + b"\n" + back + b',"crc":"%08x"}\n' % zlib.crc32(back))
    file = find_journals(tmp_path, tmp_path / "scheduler")[0]
    acts = [Act(pk=name, at=at + timedelta(minutes=n)) for name, n in (("before", -1), ("after", 1))]
    order = [told.message if isinstance(told, Line) else told.pk for told in merged([file], acts)]
    assert order == ["before", "first", "second", "after"]
    assert file.fault is None


def test_progress_is_told_in_bytes(tmp_path: Path) -> None:
    a_long_history(tmp_path / "runs")
    told: list[tuple[int, int]] = []
    rebuild(tmp_path / "runs", now=now(), progress=lambda done, total: told.append((done, total)))
    size = sum(path.stat().st_size for path in (tmp_path / "runs").rglob("journal.jsonl"))
    assert len(told) == 5
    assert told[-1] == (size, size)


MACHINE = ("put", "bad", "end", "fail", "unknown", "app", "lost", "down", "take in")
PEOPLE = ("retry", "done", "reject", "attest", "claim", "comment", "snooze")
STEPS = st.lists(
    st.tuples(st.sampled_from((*MACHINE, *PEOPLE)), st.sampled_from(("a", "b", "c"))), max_size=25
)


def happen(run: RunMaker, what: str, key: str) -> None:
    """One thing happens, as far as it can: a lane works only on items that it could have been handed."""
    case, at = item_case_id("orders", key), now()
    people: dict[str, Any] = {
        "retry": lambda: decisions.retry(case, by="ann", at=at, data={"number": key}),
        "done": lambda: decisions.done(case, by="ann", at=at, note="by hand"),
        "reject": lambda: decisions.reject(case, by="ann", at=at, note="no"),
        "attest": lambda: decisions.attest(case, by="ann", at=at, outcome=Settled.NOT_DONE, note="looked"),
        "claim": lambda: decisions.claim(case, by="ann", at=at),
        "comment": lambda: decisions.comment(case, by="ann", at=at, note="hm"),
        "snooze": lambda: decisions.snooze(case, by="ann", at=at, until=at + timedelta(days=1)),
    }
    if what in people:
        run.take_in()
        try:
            people[what]()
        except RunnerError:
            return
    elif what in {"put", "bad"}:
        run.put(*([key] if what == "put" else []), bad=(key,) if what == "bad" else ())
    elif what == "down":
        run.line(0, "target.down", data={"failures": 5, "items": [{"queue": "orders", "item": key}]})
    elif what == "take in":
        run.take_in()
    else:
        run.take_in()
        item = Item.objects.filter(key=key, status="pending").first()
        if item is not None:
            try_once(run, what, key, item.attempts_made + 1)
    run.take_in()


def try_once(run: RunMaker, what: str, key: str, number: int) -> None:
    run.begin(key, number)
    if what == "lost":
        run.lost(key, number, open_intent="submit" if number % 2 else None)
    elif what == "unknown":
        run.line(1, "irreversible.intent", queue="orders", item=key, attempt=number, step="submit")
        run.fail(
            key, number, kind="unknown", code="OUTCOME_UNKNOWN", message="outcome of step 'submit' is unknown"
        )
    elif what == "app":
        run.fail(key, number, kind="application", code="", message=f"Timeout {number}00ms exceeded")
    elif what == "fail":
        run.fail(key, number)
    else:
        run.end(key, number)


@pytest.mark.only_sqlite
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS)
def test_any_history_is_rebuilt(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str]]
) -> None:
    wipe()
    runs = tmp_path_factory.mktemp("runs")
    with RunMaker(runs) as run:
        run.started()
        run.take_in()
        for what, key in steps:
            happen(run, what, key)
        run.finished("exceptions", case=CRASH if len(steps) % 2 else None)
        run.take_in()
    before = snapshot()
    assert settled_problems_have_settled_cases()
    report = rebuild(runs, now=now())
    assert report.not_applied == []
    assert differences(before, snapshot()) == []


def settled_problems_have_settled_cases() -> bool:
    return all(
        (problem.status == "open")
        == problem.cases.exclude(status__in=[CaseStatus.RESOLVED, CaseStatus.CLOSED]).exists()
        for problem in Problem.objects.all()
    )
