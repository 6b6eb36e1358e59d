"""The desk with its store on a server: every page, every list in every order with every filter, and words about a server that is away."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.test import RequestFactory

from runner.desk import lists
from runner.desk.keyset import Order, part_of
from runner.store.models import Item
from tests.desk_place import Desk
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
