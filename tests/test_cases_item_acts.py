"""People put items into queues, take them out and put them back: checked, once, recorded, and kept over a rebuild."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runner.cases.audit import verify
from runner.cases.item_acts import (
    NewItem,
    acts_on_item,
    checked_item,
    known_queue,
    put_back,
    put_items,
    take_out,
)
from runner.cases.rebuild import rebuild
from runner.core.errors import ConflictError, ErrorReport, UsageError
from runner.core.nouns import ItemStatus
from runner.store.models import Act, Bot, Item, Queue

pytestmark = pytest.mark.usefixtures("store")
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIELDS = {
    "type": "object",
    "properties": {
        "number": {"type": "string", "title": "Number"},
        "amount": {"anyOf": [{"type": "number"}, {"type": "string"}]},
        "customer": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
    },
    "required": ["number", "amount"],
}


def orders() -> Queue:
    return Queue.objects.create(name="orders", key="number", fields=FIELDS, bot="post", group="customer")


def item(number: str, **data: object) -> NewItem:
    return NewItem(number, {"number": number, "amount": "1.50", **data})


def keys(status: ItemStatus = ItemStatus.PENDING) -> list[str]:
    return list(Item.objects.filter(status=status).order_by("id").values_list("key", flat=True))


def test_items_wait_in_their_order_with_who_put_them() -> None:
    orders()
    made = put_items("orders", [item("B", customer="x"), item("A")], by="ann", at=NOON, note="by phone")
    assert (made.new, made.known) == (("B", "A"), ())
    assert keys() == ["B", "A"]
    assert Item.objects.get(key="B").group_key == "x"
    act = Act.objects.get(verb="put")
    assert (act.by, act.subject, act.note) == ("ann", "orders", "by phone")
    assert verify().broken is None


def test_a_key_that_is_there_is_left_as_it_is() -> None:
    orders()
    put_items("orders", [item("A")], by="ann", at=NOON)
    made = put_items("orders", [item("A", amount="9"), item("B")], by="bo", at=NOON + HOUR)
    assert (made.new, made.known) == (("B",), ("A",))
    assert Item.objects.get(key="A").data["amount"] == "1.50"


def test_the_same_form_sent_twice_puts_once_and_gives_the_same_answer() -> None:
    orders()
    first = put_items("orders", [item("A"), item("B")], by="ann", at=NOON, token="t-1")
    Item.objects.filter(key="A").update(status=ItemStatus.DONE)
    again = put_items("orders", [item("A"), item("B")], by="ann", at=NOON + HOUR, token="t-1")
    assert again.new == first.new
    assert Act.objects.filter(verb="put").count() == 1


def test_more_than_a_chunk_is_put_in_order() -> None:
    orders()
    put_items("orders", [item(f"{n:04}") for n in range(1200)], by="ann", at=NOON, token="t")
    assert keys() == [f"{n:04}" for n in range(1200)]
    assert Act.objects.filter(verb="put").count() == 3
    again = put_items("orders", [item("0000")], by="ann", at=NOON + HOUR, token="t")
    assert len(again.new) == 1200


def test_a_key_twice_in_one_file_puts_nothing() -> None:
    orders()
    with pytest.raises(UsageError, match="more than once"):
        put_items("orders", [item("A"), item("B"), item("A")], by="ann", at=NOON)
    assert keys() == []


def test_an_unknown_queue_is_refused_with_the_nearest_name() -> None:
    orders()
    with pytest.raises(UsageError) as refused:
        put_items("order", [item("A")], by="ann", at=NOON)
    assert refused.value.stable_code == "NOT_FOUND"
    assert "orders" in str(refused.value)


def test_a_queue_that_no_run_has_used_is_known_from_its_bot() -> None:
    described = {"queues": [{"name": "bills", "key": "number", "fields": FIELDS, "group": "customer"}]}
    Bot.objects.create(name="pay", file="bots/pay.py", looked=NOON, description=described)
    assert known_queue("bills") is not None
    assert not Queue.objects.exists()
    put_items("bills", [item("A", customer="x")], by="ann", at=NOON)
    assert (Queue.objects.get().bot, Item.objects.get().group_key) == ("pay", "x")


def test_what_does_not_fit_is_said_field_by_field() -> None:
    queue = orders()
    with pytest.raises(ErrorReport) as refused:
        checked_item(queue, {"amount": "many", "colour": "red"})
    assert {(error.where, error.stable_code) for error in refused.value.errors} == {
        ("number", "ITEM_MISSING"),
        ("amount", "ITEM_VALUE"),
        ("colour", "ITEM_UNKNOWN"),
    }


@pytest.mark.parametrize("key", ["", "   ", "x" * 501])
def test_an_item_needs_a_key_of_a_sensible_length(key: str) -> None:
    with pytest.raises(ErrorReport, match="ITEM_KEY"):
        checked_item(orders(), {"number": key, "amount": "1"})


def test_an_item_is_taken_out_and_put_back_with_both_names() -> None:
    orders()
    put_items("orders", [item("A")], by="ann", at=NOON)
    take_out("orders", "A", by="bo", at=NOON + HOUR, note="paid already")
    assert keys(ItemStatus.REJECTED) == ["A"]
    put_back("orders", "A", by="cy", at=NOON + 2 * HOUR)
    assert keys() == ["A"]
    assert [(act.by, act.verb) for act in acts_on_item("orders", "A")] == [
        ("bo", "take_out"),
        ("cy", "put_back"),
    ]


@pytest.mark.parametrize(
    "status", [ItemStatus.RUNNING, ItemStatus.DONE, ItemStatus.EXCEPTION, ItemStatus.REJECTED]
)
def test_only_a_pending_item_is_taken_out(status: ItemStatus) -> None:
    orders()
    put_items("orders", [item("A")], by="ann", at=NOON)
    Item.objects.update(status=status)
    with pytest.raises(ConflictError, match=status):
        take_out("orders", "A", by="bo", at=NOON, note="no")
    assert keys(status) == ["A"]
    assert acts_on_item("orders", "A") == []


def test_taking_out_takes_a_reason() -> None:
    orders()
    put_items("orders", [item("A")], by="ann", at=NOON)
    with pytest.raises(UsageError, match="reason"):
        take_out("orders", "A", by="bo", at=NOON, note=" ")


def test_what_people_put_and_took_out_is_the_same_after_a_rebuild(tmp_path: Path) -> None:
    orders()
    put_items("orders", [item("A", customer="x"), item("B"), item("C")], by="ann", at=NOON)
    take_out("orders", "B", by="bo", at=NOON + HOUR, note="no")
    take_out("orders", "C", by="bo", at=NOON + HOUR, note="no")
    put_back("orders", "C", by="bo", at=NOON + 2 * HOUR)
    fields = ("key", "status", "data", "original", "group_key", "put_at", "finished")
    before, queue = list(Item.objects.order_by("id").values(*fields)), Queue.objects.values().get()

    (tmp_path / "runs").mkdir()
    report = rebuild(tmp_path / "runs", now=NOON + 3 * HOUR)

    assert report.not_applied == []
    assert list(Item.objects.order_by("id").values(*fields)) == before
    assert Queue.objects.values().get() == queue
