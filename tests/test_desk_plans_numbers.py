"""What compares and counts reads no more than it says: few queries, index entries alone for sums, samples that are named."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from runner.cases import contrast_sample
from runner.cases.contrast_sample import contrast_of
from runner.cases.undoing import undo
from runner.core.clock import now
from runner.insight.process_numbers import Measured, numbers_of
from runner.store.models import Act, Case, Problem
from tests.cases_history import failed_run
from tests.desk_place import Desk
from tests.test_desk_plans import MOST, WALK, asked
from tests.test_desk_process import PROCESS, shown, stretches


def plan_of(sql: str, params: Any) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
        return [str(row[3]) for row in cursor.fetchall()]


@pytest.mark.parametrize("days", [7, 30, 90])
@pytest.mark.usefixtures("store")
def test_the_numbers_of_a_process_are_made_of_index_entries_alone(days: int) -> None:
    queries = asked(lambda: numbers_of(Measured(PROCESS, {"invoices": timedelta()}), stretches(days)))
    assert len(queries) <= 6
    for sql, params in queries:
        plan = plan_of(sql, params)
        assert not [step for step in plan if WALK.search(step) or "TEMP B-TREE" in step], sql[-300:]
        if " AS one" in sql:
            reads = [step for step in plan if re.search(r"\bone\b", step)]
            assert reads
            assert all("COVERING INDEX" in step for step in reads), reads
        if "store_attempt AS tried" in sql:
            assert any("COVERING INDEX attempt_of_run" in step for step in plan), plan


def test_the_pages_of_a_process_and_a_comparison_take_few_queries(desk: Desk) -> None:
    client, problem = desk.client("admin"), Problem.objects.order_by("-total").first()
    assert problem is not None
    for path in (
        "/processes/",
        f"/processes/{PROCESS}/",
        f"/processes/{PROCESS}/numbers?days=90",
        f"/problems/{problem.pk}/compare",
    ):
        queries = asked(lambda path=path: client.get(path))  # type: ignore[misc]
        assert len(queries) <= MOST, f"{path}: {len(queries)}"


def test_a_comparison_says_that_it_is_of_the_last_failed_ones(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed_run(desk.settings.home / "runs", *(f"F{n}" for n in range(6)), customer="Ho", version="v2")
    problem = Case.objects.get(key="F0").problem
    client = desk.client("supervisor")
    assert "6 failed items, beside" in shown(client.get(f"/problems/{problem.pk}/compare"))
    monkeypatch.setattr(contrast_sample, "MOST_FAILED", 4)
    found = contrast_of(problem.pk)
    assert (found.failed, found.all_failed) == (4, 6)
    text = shown(desk.client("supervisor").get(f"/problems/{problem.pk}/compare"))
    assert "The last 4 of 6 failed items, beside" in text
    chinese = desk.client("supervisor", language="zh-hans").get(f"/problems/{problem.pk}/compare")
    assert "最近 4 个失败的工作项（共 6 个）" in shown(chinese)


@pytest.mark.usefixtures("store")
def test_a_comparison_asks_few_queries_along_indexes(tmp_path: Any) -> None:
    failed_run(tmp_path, *(f"F{n}" for n in range(6)), done=tuple(f"D{n}" for n in range(9)))
    problem = Case.objects.get(key="F0").problem_id
    queries = asked(lambda: contrast_of(problem))
    assert len(queries) <= 6
    for sql, params in queries:
        walked = [step for step in plan_of(sql, params) if WALK.search(step)]
        assert not walked, re.sub(r"\s+", " ", sql)[-300:]


def test_a_decision_counts_from_the_last_opening_and_not_when_it_was_taken_back(desk: Desk) -> None:
    client = desk.client("supervisor")
    case = Case.objects.get(key="A-1")
    client.post(f"/cases/{case.pk}/done", {"version": case.version, "note": "by hand"})
    act = Act.objects.get(subject=case.pk, machine=False)
    assert Case.objects.get(pk=case.pk).decided == act.at
    undo(act.pk, by="supervisor", at=now())
    again = Case.objects.get(pk=case.pk)
    assert again.decided is None
    client.post(f"/cases/{case.pk}/done", {"version": again.version, "note": "by hand, really"})
    decided = Case.objects.get(pk=case.pk).decided
    assert decided is not None
    assert decided > act.at
