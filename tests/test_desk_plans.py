"""What the desk asks of a store grows with the page and not with the store: few queries, each along an index.

No times are taken: the plans of SQLite say whether a query walks a whole table or sorts it. Every list is asked in every
order that its description offers, and with every filter, as if few rows fitted and as if very many did.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test import Client, RequestFactory

from runner.cases import bulk, problems
from runner.cases.clock import holding_cases
from runner.cases.decisions import Decision, decide
from runner.cases.item_acts import NewItem, put_items
from runner.core.clock import now
from runner.core.nouns import ActVerb
from runner.desk import lists
from runner.desk.access import endpoints
from runner.store.models import Case, Item, Problem, Run
from tests.desk_place import Desk

BIG = ("store_case", "store_item", "store_attempt", "store_run", "store_act", "store_step", "store_lane")
MOST = 20
PART = re.compile(r"<(?:\w+:)?(\w+)>")
WALK = re.compile(rf"SCAN ({'|'.join(BIG)})$")
BY_TOKEN = re.compile(r'WHERE .*"store_act"\."token" (=|IN)')
SORT = "USE TEMP B-TREE FOR"
SAMPLES = {"from": "2026-01-01", "until": "2026-12-31", "priority": "1"}


Listed = tuple[str, lists.ListOf, QuerySet[Any]]


def listed(client: Client, monkeypatch: pytest.MonkeyPatch) -> list[Listed]:
    """Every page that shows a described list, with its description and its rows; each page takes few queries."""
    case, run, item = Case.objects.first(), Run.objects.first(), Item.objects.first()
    problem = Problem.objects.first()
    assert case is not None
    assert run is not None
    assert item is not None
    assert problem is not None
    known = {"case_id": case.pk, "run_id": run.pk, "problem_id": problem.pk, "name": item.queue_id}
    found: list[Listed] = []
    show = lists.show

    def noting(request: Any, spec: lists.ListOf, rows: QuerySet[Any], *rest: Any, **more: Any) -> Any:
        found.append((request.path, spec, rows))
        return show(request, spec, rows, *rest, **more)

    with monkeypatch.context() as patched:
        patched.setattr(lists, "show", noting)
        for endpoint in endpoints():
            parts = PART.findall(endpoint.pattern)
            if "GET" not in endpoint.methods or not set(parts) <= set(known) or "live" in endpoint.pattern:
                continue
            path, before = "/" + PART.sub(lambda part: str(known[part[1]]), endpoint.pattern), len(found)
            queries = asked(partial(client.get, path))
            if len(found) > before:
                assert len(queries) <= MOST, f"{path}: {len(queries)} queries"
    return found


def asked(act: Callable[[], Any]) -> list[tuple[str, Any]]:
    """The queries that something asks, with their values."""
    found: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, *rest: Any) -> Any:
        found.append((sql, params))
        return execute(sql, params, *rest)

    with connection.execute_wrapper(note):
        act()
    return found


def faults_of(sql: str, params: Any, table: str) -> list[str]:
    """What in the plan of a query on `table` would take long in a large store."""
    if not sql.lstrip().upper().startswith(("SELECT", "WITH")):
        return []
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
        steps = [str(row[3]) for row in cursor.fetchall()]
    few = (
        "ORDER BY +" in sql or "LIMIT" not in sql
    )  # few rows, as the list has counted them, or as it has named them
    walks = [step for step in steps if WALK.search(step)]
    sorts = [step for step in steps if step.startswith(SORT) and table in BIG and not few]
    return [*walks, *sorts]


def variants(spec: lists.ListOf) -> Iterator[dict[str, str]]:
    """Each order and each filter of a list, and the two together for the filters that are chosen."""
    sorts = [f"{sign}{col.sort}" for col in spec.columns if col.sort for sign in ("", "-")]
    yield from ({"sort": sort} for sort in sorts)
    for one in spec.filters:
        values = [value for value, _words in one.choices()] if one.choices else [SAMPLES.get(one.key, "abcd")]
        yield from ({one.key: value} for value in values[:3])
        yield from ({one.key: values[0], "sort": sort} for sort in sorts)


@pytest.mark.parametrize("few", [True, False], ids=["few-fit", "many-fit"])
def test_every_list_in_every_order_with_every_filter_reads_along_an_index(
    desk: Desk, few: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = listed(desk.client("admin"), monkeypatch)
    assert {"problems", "cases", "closed-cases", "runs", "bots", "queues", "items"} <= {
        spec.name for _, spec, _ in found
    }
    if not few:
        monkeypatch.setattr(lists, "FEW", 0)
    faults = set()
    for path, spec, rows in found:
        for query in ({}, *variants(spec)):
            request: Any = RequestFactory().get(path, query)
            for sql, params in asked(partial(lists.show, request, spec, rows)):
                faults |= {
                    f"{path}?{urlencode(query)}: {fault} in {sql[-300:]}"
                    for fault in faults_of(sql, params, rows.model._meta.db_table)
                }
    if faults:  # not an assertion, whose comparison of so long a text takes minutes
        pytest.fail("\n".join(sorted(faults)[:40]))


def test_the_look_for_a_clock_that_jumped_does_not_walk_through_a_million_cases(desk: Desk) -> None:
    """In such a store nearly all have one `why`, so that SQLite finds the index of it useless."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE store_case")
        cursor.execute("SELECT idx, stat FROM sqlite_stat1 WHERE tbl = 'store_case'")
        for index, stat in cursor.fetchall():
            same = 83_334 if index == "case_of_queue" else 1_000_000
            rows = " ".join(["1000000", *[str(same)] * (len(stat.split()) - 1)])
            cursor.execute("UPDATE sqlite_stat1 SET stat = %s WHERE idx = %s", [rows, index])
        cursor.execute("ANALYZE sqlite_schema")

    queries = asked(holding_cases)

    assert len(queries) == 1
    assert [fault for sql, params in queries for fault in faults_of(sql, params, "store_case")] == []


def test_what_was_sent_under_a_token_is_found_along_the_index_of_tokens(desk: Desk) -> None:
    """Every decision asks for its token, inside its transaction: a walk through all acts would hold up everybody."""
    case = Case.objects.filter(waits=True, item__isnull=False).first()
    problem = Problem.objects.first()
    assert case is not None
    assert problem is not None
    chosen = bulk.freeze([case.pk], by="operator", at=now())
    comment = Decision(ActVerb.COMMENT, "a word")

    def act() -> None:
        bulk.apply(chosen, comment, by="operator", at=now)
        bulk.undo_all(chosen, by="operator", at=now)
        problems.comment(problem.pk, "a word", problems.Who("operator", now(), token="p:1"))
        for _twice in range(2):
            put_items(case.queue, [NewItem("T-1", {"number": "T-1"})], by="operator", at=now(), token="put:1")

    queries = [(sql, params) for sql, params in asked(act) if BY_TOKEN.search(sql)]

    assert len(queries) >= 6
    for sql, params in queries:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
            plan = [str(row[3]) for row in cursor.fetchall()]
        assert [step for step in plan if "INDEX one_act_per_token" in step], f"{plan} of {sql[-300:]}"


def test_the_cases_of_a_problem_that_wait_are_not_looked_for_among_all_that_it_ever_had(desk: Desk) -> None:
    """Of a problem with a hundred thousand settled cases those that wait are found first, whatever the order."""
    client, problem = desk.client("admin"), Problem.objects.filter(waiting__gt=0).first()
    assert problem is not None
    for sort in ("opened", "-opened", "status", "-status"):
        queries = asked(partial(client.get, f"/problems/{problem.pk}/?sort={sort}"))
        column = sort.removeprefix("-")
        shown = [one for one in queries if f'ORDER BY +"store_case"."{column}"' in one[0]]
        assert len(shown) == 1
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {shown[0][0]}", shown[0][1])
            plan = " ".join(str(row[3]) for row in cursor.fetchall())
        assert "(problem_id=? AND waits=?" in plan


def test_a_retry_looks_for_the_queued_run_of_its_bot_and_not_through_all_it_ever_had(desk: Desk) -> None:
    case = Case.objects.get(key="A-1")
    queries = asked(partial(decide, case.pk, Decision(ActVerb.RETRY), by="operator", at=now()))
    looked = [one for one in queries if 'WHERE ("store_run"."bot"' in one[0]]
    assert len(looked) == 1
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {looked[0][0]}", looked[0][1])
        plan = [str(row[3]) for row in cursor.fetchall()]
    assert plan == ["SEARCH store_run USING INDEX run_queued_of_bot (bot=?)"]
