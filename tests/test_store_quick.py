"""The compiled statements read and write what Django's own do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from runner.store.models import Attempt, Item, Queue, Run
from runner.store.quick import Table, table

pytestmark = [pytest.mark.usefixtures("store"), pytest.mark.both_databases]
NOW = datetime(2026, 11, 24, 12, 30, 15, 123456, tzinfo=UTC)


def an_item() -> Item:
    Queue.objects.get_or_create(name="orders")
    return Item(
        queue_id="orders", key="客户 '1'", data={"a": [1, None, "ü"]}, put_at=NOW, error=None, valid=False
    )


def test_what_is_inserted_is_what_django_reads() -> None:
    item = an_item()
    table(Item).insert(item)
    assert item.pk is not None
    assert Item.objects.get(pk=item.pk).__dict__.items() >= {
        (name, value)
        for name, value in item.__dict__.items()
        if isinstance(value, str | int | datetime | None)
    }
    stored = Item.objects.get(data__a__0=1)
    assert (stored.key, stored.data, stored.put_at, stored.valid) == (item.key, item.data, NOW, False)
    assert Item.objects.filter(error__isnull=True).exists()


def test_what_django_writes_is_what_is_found() -> None:
    item = an_item()
    item.save()
    found = table(Item).find(queue_id="orders", key=item.key)
    assert found == item
    assert found is not None
    assert (found.data, found.put_at, found.error, found.valid) == (item.data, NOW, None, False)
    assert table(Item).find(queue_id="orders", key="no") is None
    assert table(Item).values(("key", "epoch"), id=item.pk) == (item.key, 0)


def test_an_update_touches_the_named_columns_only() -> None:
    item = an_item()
    item.save()
    Item.objects.filter(pk=item.pk).update(epoch=7)
    item.status, item.error, item.finished, item.epoch = "exception", {"code": "X"}, NOW, 0
    table(Item).update(item, ["status", "error", "finished"])
    stored = Item.objects.get()
    assert (stored.status, stored.error, stored.finished, stored.epoch) == (
        "exception",
        {"code": "X"},
        NOW,
        7,
    )


def test_a_row_that_brings_its_own_key_keeps_it() -> None:
    table(Run).insert(Run(pk="r-1", bot="b", queued=NOW, parameters={"n": 1}))
    assert Run.objects.get().parameters == {"n": 1}


def test_an_unknown_column_is_an_error_at_once() -> None:
    with pytest.raises(KeyError):
        table(Item).find(nothing=1)


def test_one_table_is_compiled_once() -> None:
    assert table(Attempt) is table(Attempt)
    assert isinstance(table(Attempt), Table)
