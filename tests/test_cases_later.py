"""Items that say TryLater: a run comes in time, and what is put off for ever becomes a case."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runner.cases import decisions
from runner.cases.later import LONGEST, MOST_TIMES, queue_runs_for_later
from runner.cases.schedule_acts import pause, resume
from runner.store.models import Attempt, Case, Run
from tests.cases_history import case_of, item_of, now, queued, same_after_rebuild
from tests.journal_maker import RunMaker

pytestmark = pytest.mark.usefixtures("store")


def put_off(runs: Path, key: str, first: int, last: int, until: datetime, **started: Any) -> None:
    """A run in which the item says TryLater in the attempts `first` to `last`."""
    with RunMaker(runs) as run:
        run.started(parameters={"workbook": "orders.xlsx"}, **started)
        run.put(key)
        for number in range(first, last + 1):
            run.begin(key, number)
            run.later(key, number, not_before=until)
        run.finished()
        run.take_in()


def test_a_run_comes_once_when_the_time_has_come(tmp_path: Path) -> None:
    until = now() + timedelta(minutes=30)
    put_off(tmp_path / "runs", "1", 1, 1, until)
    assert queue_runs_for_later(now()) == []
    later = until + timedelta(seconds=1)
    (made,) = queue_runs_for_later(later)
    assert queue_runs_for_later(later + timedelta(seconds=2)) == []
    (run,) = queued()
    assert (run.pk, run.bot, run.parameters) == (made, "post_orders", {"workbook": "orders.xlsx"})
    assert run.requested_by == "runner"
    Run.objects.filter(pk=made).update(status="done")  # it ended and left the item as it was
    assert queue_runs_for_later(later + timedelta(hours=1)) == []


def test_an_item_that_was_done_meanwhile_asks_for_no_run(tmp_path: Path) -> None:
    until = now() + timedelta(minutes=30)
    runs = tmp_path / "runs"
    put_off(runs, "1", 1, 1, until)
    with RunMaker(runs) as run:
        run.started()
        run.begin("1", 2)
        run.end("1", 2)
        run.finished()
        run.take_in()
    assert item_of("1").not_before is None
    assert queue_runs_for_later(until + timedelta(hours=1)) == []
    same_after_rebuild(runs)


def test_a_paused_schedule_asks_for_no_run(tmp_path: Path) -> None:
    until = now() + timedelta(minutes=30)
    put_off(tmp_path / "runs", "1", 1, 1, until, schedule="orders")
    pause("orders", by="ann", at=now(), reason="holiday")
    assert queue_runs_for_later(until + timedelta(hours=1)) == []
    resume("orders", by="ann", at=now())
    assert len(queue_runs_for_later(until + timedelta(hours=1))) == 1


def test_an_item_that_is_put_off_twenty_times_becomes_a_case(tmp_path: Path) -> None:
    runs, until = tmp_path / "runs", now() - timedelta(hours=1)
    put_off(runs, "1", 1, MOST_TIMES - 1, until)
    assert (item_of("1").status, Case.objects.count()) == ("pending", 0)
    put_off(runs, "1", MOST_TIMES, MOST_TIMES, until)
    case = case_of("1")
    assert (case.why, case.kind, case.status) == ("put_off", "application", "open")
    assert f"put off {MOST_TIMES} times in" in case.message
    assert case.message.endswith(": not yet")
    assert item_of("1").status == "exception"
    decisions.retry(case.pk, by="ann", at=now())
    put_off(runs, "1", MOST_TIMES + 1, MOST_TIMES + 3, until)  # counted anew since somebody decided
    assert (item_of("1").status, case_of("1").status) == ("pending", "retrying")
    same_after_rebuild(runs)


def test_an_item_that_is_put_off_for_a_week_becomes_a_case(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    put_off(runs, "1", 1, 2, now())
    Attempt.objects.filter(number=1).update(started=now() - LONGEST - timedelta(hours=1))
    put_off(runs, "1", 3, 3, now())
    assert case_of("1").why == "put_off"
    assert "put off 3 times in 7d1h" in case_of("1").message
