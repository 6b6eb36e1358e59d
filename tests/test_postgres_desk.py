"""The desk with its store on a server: every page, every list in every order with every filter, and words about a server that is away."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.test import RequestFactory

from runner.core.store_address import ServerAddress
from runner.desk import lists
from runner.desk.keyset import Order, part_of
from runner.store.models import Item
from tests.desk_place import Desk
from tests.postgres_server import PostgresServer, serve
from tests.test_desk_plans import asked, listed, variants

pytestmark = pytest.mark.parametrize("desk", ["postgresql"], indirect=True)


@pytest.mark.parametrize("few", [True, False], ids=["few-fit", "many-fit"])
def test_every_list_answers_in_every_order_with_every_filter(
    desk: Desk, few: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = listed(desk.client("admin"), monkeypatch)
    assert {"problems", "cases", "closed-cases", "runs", "bots", "queues", "items"} <= {
        spec.name for _, spec, _ in found
    }
    if not few:
        monkeypatch.setattr(lists, "FEW", 0)
    for path, spec, rows in found:
        for query in ({}, *variants(spec)):
            request: Any = RequestFactory().get(path, query)
            assert asked(partial(lists.show, request, spec, rows)), (path, query)


def test_a_list_is_read_on_from_where_its_last_page_ended(desk: Desk) -> None:
    first = Item.objects.get(key="A-0")
    for number in range(120):
        Item.objects.create(
            queue_id="invoices", key=f"B-{number}", put_at=first.put_at, data={"number": f"B-{number}"}
        )
    for sort in (Order("finished"), Order("finished", descending=True), Order("key")):
        seen, after = list[str](), ""
        while True:
            part = part_of(Item.objects.all(), sort, 50, after=after)
            seen += [item.key for item in part.rows]
            after = part.after
            if not after:
                break
        assert sorted(seen) == sorted(Item.objects.values_list("key", flat=True))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/cases/", "<h1>The store does not answer."),
        ("/api/v1/cases", '"CLI_DB"'),
        ("/sign-in", "<h1>The store"),
    ],
)
def test_while_the_server_is_away_the_desk_says_so_and_comes_back_by_itself(
    desk: Desk, postgres: PostgresServer, path: str, words: str
) -> None:
    client, there = desk.client("admin"), ServerAddress(desk.settings.database_url)
    assert client.get("/cases/").status_code == 200
    serve(ServerAddress("postgresql://runner@127.0.0.1:1/nowhere"))
    answer = client.get(path)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert words in answer.content.decode()
    serve(there)
    postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'desk_%'")
    assert client.get("/cases/").status_code == 200
