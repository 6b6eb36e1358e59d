"""Lists of the JSON interface: in each order and with each filter all rows come once, read along indexes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from runner.core.clock import now
from runner.core.nouns import CaseStatus
from runner.desk.api import answers
from runner.store import case_lists, item_lists
from runner.store.models import Case
from tests.desk_place import Desk
from tests.desk_program import Program, ok, program
from tests.test_desk_plans import SORT, WALK, asked

ORDERS = [f"{sign}{name}" for name in case_lists.SORTS for sign in ("", "-")]


def vary() -> None:
    """Four cases that differ in what they are sorted by; some wait, others are settled, two have no due time."""
    at = now()
    for number, case in enumerate(Case.objects.order_by("pk")):
        status = (CaseStatus.OPEN, CaseStatus.CLOSED, CaseStatus.CLAIMED, CaseStatus.RETRYING)[number % 4]
        Case.objects.filter(pk=case.pk).update(
            status=status, due=None if number % 2 else at - timedelta(days=number), opened=at - timedelta(hours=5 * number % 7),
            priority=number % 3, assignee=("", "ann", "ben")[number % 3], changed=at - timedelta(minutes=number),
        )  # fmt: skip


def faults_of_list(caller: Program, path: str, table: str) -> list[str]:
    """What in the plans of the queries that sort rows of a table would take long in a large store."""
    faults = []
    for sql, params in asked(lambda: caller.get(path)):
        if f'FROM "{table}"' not in sql or "ORDER BY" not in sql:
            continue
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
            plan = [str(row[3]) for row in cursor.fetchall()]
        faults += [step for step in plan if WALK.search(step) or step.startswith(SORT)]
    return faults


@pytest.mark.parametrize("few", [True, False], ids=["few-fit", "many-fit"])
def test_cases_come_in_every_order_page_by_page(
    desk: Desk, few: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    vary()
    if not few:
        monkeypatch.setattr(answers, "FEW", 0)
    caller = program(desk, "viewer")
    for sort in ORDERS:
        field = case_lists.SORTS[sort.removeprefix("-")]
        valued = Case.objects.exclude(**{field: None}).order_by(
            f"{'-' if sort[0] == '-' else ''}{field}", "-pk" if sort[0] == "-" else "pk"
        )
        wanted = [*valued, *Case.objects.filter(**{field: None}).order_by("pk")]
        found: list[Any] = []
        cursor = ""
        while True:
            part = ok(caller.get(f"cases?status=all&sort={sort}&limit=1&cursor={cursor}"))
            found += part["rows"]
            cursor = part["next"]
            if not cursor:
                break
        assert [one["id"] for one in found] == [one.pk for one in wanted], sort


@pytest.mark.parametrize("status", ["", "status=all", "status=closed", "status=open&status=retrying"])
@pytest.mark.parametrize("more", ["", "kind=business", "process=accounts-payable", "queue=invoices"])
def test_very_many_cases_are_read_along_an_index_in_every_order(
    desk: Desk, status: str, more: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "FEW", 0)
    caller, faults = program(desk, "viewer"), []
    for sort in ORDERS:
        faults += [
            f"{sort}: {fault}" for fault in faults_of_list(caller, f"cases?{status}&{more}&sort={sort}&limit=2", "store_case")
        ]  # fmt: skip
    assert not faults


@pytest.mark.parametrize("more", ["", "status=done", "status=exception&status=pending"])
def test_very_many_items_of_a_queue_are_read_along_an_index_in_every_order(
    desk: Desk, more: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "FEW", 0)
    caller, faults = program(desk, "viewer"), []
    for sort in [f"{sign}{name}" for name in item_lists.SORTS for sign in ("", "-")]:
        faults += [
            f"{sort}: {fault}" for fault in faults_of_list(caller, f"queues/invoices/items?{more}&sort={sort}&limit=2", "store_item")
        ]  # fmt: skip
    assert not faults


def test_items_in_work_are_found_by_their_state_and_then_sorted(desk: Desk) -> None:
    queries = [sql for sql, _params in asked(lambda: desk.client("viewer").get("/burning/"))]
    listed = [sql for sql in queries if 'FROM "store_item"' in sql and "ORDER BY" in sql]
    assert listed
    assert all('ORDER BY +"store_item"."id"' in sql for sql in listed)
