"""Lists of runs, items, cases and problems: their fields, filters, order, and a number of queries that does not grow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from runner.cases import decisions
from runner.cases.openings import item_case_id
from runner.core.errors import UsageError
from runner.store.case_lists import CaseFilter, case_json, list_cases
from runner.store.item_lists import ItemFilter, attempts_json, list_items, list_queues
from runner.store.models import Case, Run
from runner.store.paging import Page
from runner.store.problem_lists import ProblemFilter, list_problems
from runner.store.run_lists import RunFilter, list_runs, run_json
from tests.journal_maker import RunMaker

pytestmark = [pytest.mark.usefixtures("store"), pytest.mark.both_databases]


def a_run(runs: Path, *keys: str, ends: bool = True) -> RunMaker:
    """A run in which the first key is done, the second fails, the third was a bad row and others wait."""
    with RunMaker(runs) as run:
        run.started()
        run.put(*(key for n, key in enumerate(keys) if n != 2), bad=keys[2:3])
        run.begin(keys[0])
        run.step(keys[0], "enter order")
        run.end(keys[0], confirmation="C")
        run.begin(keys[1])
        run.fail(keys[1])
        run.take_in()
        if ends:
            run.finished("exceptions")
    return run


def test_a_run_has_its_documented_fields(tmp_path: Path) -> None:
    run = a_run(tmp_path, "1", "2", "3", "4")
    shown = run_json(run.run)
    assert {"id", "bot", "schedule", "status", "started", "finished", "items"} <= shown.keys()
    assert (shown["id"], shown["bot"], shown["schedule"], shown["status"]) == (
        run.run,
        "post_orders",
        None,
        "exceptions",
    )
    assert shown["items"] == {"total": 1, "done": 1, "exceptions": 0, "pending": 0}
    assert shown["cases"] == 2
    assert [lane["reason"] for lane in shown["lanes"]] == ["finished"]
    assert [(step["name"], step["status"]) for step in shown["steps"]] == [("enter order", "done")]
    with pytest.raises(Run.DoesNotExist):
        run_json("nothing")


def test_a_running_runs_items_are_counted_at_this_moment(tmp_path: Path) -> None:
    a_run(tmp_path, "1", "2", "3", "4", ends=False)
    assert list_runs(RunFilter(status=("running",)))[0]["items"] == {
        "total": 4,
        "done": 1,
        "exceptions": 2,
        "pending": 1,
    }


def test_an_item_has_its_documented_fields(tmp_path: Path) -> None:
    a_run(tmp_path, "1", "2", "3")
    done, failed, bad = list_items(ItemFilter("orders"))
    assert {"queue", "key", "status", "attempts", "data", "output", "case"} <= done.keys()
    assert (done["key"], done["status"], done["output"], done["case"]) == (
        "1",
        "done",
        {"confirmation": "C"},
        None,
    )
    assert (failed["attempts"], failed["case"]) == (1, item_case_id("orders", "2"))
    assert failed["error"]["code"] == "UNKNOWN_PRODUCT"
    assert (bad["valid"], bad["attempts"], bad["data"]) == (False, 0, {"amount": "x"})
    (tried,) = attempts_json("orders", "2")
    assert (tried["status"], tried["step"]) == ("failed", "enter order")


def test_items_are_chosen_by_state_key_run_and_words(tmp_path: Path) -> None:
    run = a_run(tmp_path, "1", "2", "3")
    a_run(tmp_path, "b1", "b2", "b3")

    def keys(**wanted: Any) -> list[str]:
        return [item["key"] for item in list_items(ItemFilter("orders", **wanted))]

    assert keys(status=("done",)) == ["1", "b1"]
    assert keys(key="b2") == ["b2"]
    assert keys(run=run.run) == ["1", "2", "3"]
    assert keys(text="sheet1!b") == ["b1", "b2"]
    with pytest.raises(UsageError, match="unknown queue 'order' - did you mean 'orders'"):
        list_items(ItemFilter("order"))
    assert list_queues()[0]["by_status"] == {
        "pending": 0,
        "running": 0,
        "done": 2,
        "exception": 4,
        "rejected": 0,
    }


def test_a_case_has_its_documented_fields(tmp_path: Path) -> None:
    run = a_run(tmp_path, "1", "2", "3")
    case_id = item_case_id("orders", "2")
    decisions.comment(case_id, by="ann", at=datetime.now(UTC), note="hm")
    shown = case_json(case_id)
    documented = "id kind status queue item run bot problem message error_type opened due assignee history"
    assert set(documented.split()) <= shown.keys()
    assert (shown["queue"], shown["item"], shown["run"]) == ("orders", "2", run.run)
    assert (shown["kind"], shown["error_type"], shown["status"]) == ("business", "BusinessError", "open")
    assert [(act["verb"], act["by"]) for act in shown["history"]] == [
        ("opened", "runner"),
        ("comment", "ann"),
    ]
    assert shown["explanation"].startswith("Same kind (business), code UNKNOWN_PRODUCT")
    assert list_cases(CaseFilter(text="catalogue")) == [shown]
    with pytest.raises(Case.DoesNotExist):
        case_json("nothing")


def test_problems_are_counted_by_state(tmp_path: Path) -> None:
    a_run(tmp_path, "1", "2", "3")
    a_run(tmp_path, "b1", "b2", "b3")
    decisions.reject(item_case_id("orders", "2"), by="ann", at=datetime.now(UTC), note="old")
    problems = {problem["kind"] + problem["title"][:7]: problem for problem in list_problems(ProblemFilter())}
    unknown = problems["businessUNKNOWN"]
    assert {"id", "fingerprint", "explanation", "cases", "status"} <= unknown.keys()
    assert (unknown["cases"], unknown["waiting"], unknown["status"]) == (2, 1, "open")
    assert unknown["by_status"] == {"open": 1, "resolved": 1}
    assert unknown["oldest_due"] is not None
    assert [p["id"] for p in list_problems(ProblemFilter(text="catalogue"))] == [unknown["id"]]
    assert list_problems(ProblemFilter(), Page("waiting"))[0]["id"] == unknown["id"]


def test_pages_are_parts_of_the_order_that_was_asked_for(tmp_path: Path) -> None:
    a_run(tmp_path, "1", "2", "3", "4", "5")

    def keys(page: Page) -> list[str]:
        return [item["key"] for item in list_items(ItemFilter("orders"), page)]

    assert keys(Page("-key", limit=2)) == ["5", "4"]
    assert keys(Page("key", limit=2, offset=2)) == ["3", "4"]
    assert keys(Page("-finished"))[0] == "1"
    with pytest.raises(UsageError, match="can't sort by 'statsu' - did you mean 'status'"):
        keys(Page("statsu"))
    with pytest.raises(UsageError, match="limit 0"):
        keys(Page(limit=0))


LISTS: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "runs": lambda: list_runs(RunFilter()),
    "items": lambda: list_items(ItemFilter("orders")),
    "cases": lambda: list_cases(CaseFilter()),
    "problems": lambda: list_problems(ProblemFilter()),
    "queues": list_queues,
}


@pytest.mark.parametrize("name", LISTS)
def test_a_longer_list_asks_no_more_of_the_store(tmp_path: Path, name: str) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert LISTS[name]()
        return len(asked)

    a_run(tmp_path, "1", "2", "3", ends=False)
    few = queries()
    for letter in "abc":
        a_run(tmp_path, *(f"{letter}{n}" for n in range(5)), ends=letter != "a")
    assert queries() == few <= 4


def test_lists_of_cases_by_what_they_need(tmp_path: Path) -> None:
    from datetime import UTC, datetime, timedelta

    from runner.core.nouns import Priority
    from runner.store.case_lists import WAITING_FOR_PEOPLE
    from tests.cases_history import case_of, failed_run

    failed_run(tmp_path / "runs", "1", "2", "3")
    at = datetime.now(UTC)
    decisions.assign(case_of("1").pk, by="ann", at=at, assignee="ben")
    decisions.prioritise(case_of("2").pk, by="ann", at=at, priority=Priority.URGENT)
    decisions.done(case_of("3").pk, by="ann", at=at, note="x")

    def keys(wanted: CaseFilter, sort: str = "item") -> list[str]:
        return [one["item"] for one in list_cases(wanted, Page(sort))]

    assert keys(CaseFilter(status=WAITING_FOR_PEOPLE)) == ["1", "2"]
    assert keys(CaseFilter(unassigned=True, status=WAITING_FOR_PEOPLE)) == ["2"]
    assert keys(CaseFilter(assignee="ben")) == ["1"]
    assert keys(CaseFilter(at_least=Priority.HIGH)) == ["2"]
    assert keys(CaseFilter(), "-priority")[0] == "2"
    assert keys(CaseFilter(overdue_at=at)) == []
    assert keys(CaseFilter(overdue_at=at + timedelta(days=7))) == ["1", "2"]
    assert keys(CaseFilter(process="sales")) == ["1", "2", "3"]
    assert keys(CaseFilter(process="other")) == []


def test_what_is_burning_is_listed_before_a_person_is_asked(tmp_path: Path) -> None:
    from datetime import UTC, datetime, timedelta

    from runner.store.burning import list_burning
    from tests.journal_maker import RunMaker

    until = datetime.now(UTC) + timedelta(minutes=30)
    with RunMaker(tmp_path / "runs") as run:
        run.started(item_retry={"times": 2, "wait": 1.0, "longest_wait": 2.0})
        run.put("1", "2", "3", "4")
        for key in ("1", "2"):
            run.begin(key)
            run.fail(key, kind="application", message="Timeout", code="", will_retry=key == "1")
        run.begin("1", 2)
        run.begin("3")
        run.later("3", not_before=until)
        run.begin("4")
        run.take_in()
    found = list_burning()
    assert [(one["key"], one["status"], one["attempts"], one["most"]) for one in found] == [
        ("1", "running", 2, 3),
        ("3", "pending", 1, 3),
    ]
    assert (found[0]["message"], found[0]["next_try"]) == ("Timeout", None)
    assert found[1]["next_try"] is not None
