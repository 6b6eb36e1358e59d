"""What journals do to the store: items, attempts, cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.cases.intake import take_in_journal
from runner.cases.openings import item_case_id
from runner.store.models import Act, Attempt, Case, Item, Lane, Problem, Queue, Run, Step
from tests.journal_maker import RunMaker

pytestmark = pytest.mark.usefixtures("store")


def test_a_whole_run_leaves_its_rows(tmp_path: Path) -> None:
    with RunMaker(tmp_path) as run:
        run.started()
        run.put("1", "2", bad=("3",))
        run.begin("1")
        run.step("1", "enter order")
        run.line(1, "irreversible.intent", queue="orders", item="1", attempt=1, step="submit")
        run.line(
            1,
            "irreversible.outcome",
            queue="orders",
            item="1",
            attempt=1,
            step="submit",
            data={"result": "C-1", "how": "acted"},
        )
        run.end("1", confirmation="C-1")
        run.begin("2")
        run.fail("2")
        run.finished("exceptions")
        run.take_in()
        row = Run.objects.get(pk=run.run)
        assert (row.status, row.bot, row.process) == ("exceptions", "post_orders", "sales")
    assert Lane.objects.get(run=row).status == "done"
    assert Queue.objects.get(pk="orders").bot_file == "bots/post_orders.py"
    done, failed, bad = Item.objects.order_by("id")
    assert (done.status, done.output, done.irreversible) == (
        "done",
        {"confirmation": "C-1"},
        {"submit": {"state": "done", "result": "C-1"}},
    )
    assert (failed.status, failed.attempts_made) == ("exception", 1)
    assert (bad.status, bad.valid, bad.data) == ("exception", False, {"amount": "x"})
    assert [a.status for a in Attempt.objects.order_by("id")] == ["done", "failed"]
    assert Step.objects.get().status == "done"
    cases = {case.item_id: case for case in Case.objects.all()}
    assert cases[failed.pk].problem.title.startswith("UNKNOWN_PRODUCT")
    assert cases[bad.pk].why == "bad_row"
    assert Problem.objects.count() == 2
    assert {act.verb for act in Act.objects.all()} == {"opened"}


def test_taking_in_again_changes_nothing(tmp_path: Path) -> None:
    with RunMaker(tmp_path) as run:
        run.started()
        run.put("1")
        run.begin("1")
        run.fail("1")
        run.take_in()
        assert take_in_journal(run.path(1), run.run, 1).lines == ()
    case = Case.objects.get(pk=item_case_id("orders", "1"))
    assert (case.version, case.times_opened) == (1, 1)
