"""What the store relies on, on a server too: one writer at a time, readers that never wait, texts and JSON as they were written."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, connections, transaction

from runner.core.store_address import ServerAddress
from runner.store.changes import Changes
from runner.store.models import Bot, Item, Queue, Run
from runner.store.postgres.server import TURN
from tests.engine_project import until

pytestmark = [
    pytest.mark.usefixtures("store"),
    pytest.mark.parametrize("store", ["postgresql"], indirect=True),
]
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


@contextmanager
def another(store: ServerAddress) -> Iterator[psycopg.Connection[Any]]:
    """A connection of another program."""
    with psycopg.connect(store.url) as found:
        yield found


def wait_shortly() -> None:
    """Let this thread's connection wait for its turn for a moment only."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '200ms'")


def change(*, whole: bool) -> None:
    with transaction.atomic() if whole else nullcontext():
        Queue.objects.filter(pk="a").update(bot="b")


@pytest.mark.parametrize("whole", [True, False], ids=["transaction", "statement"])
def test_who_writes_waits_for_the_turn_of_another_and_says_when_that_takes_too_long(
    store: ServerAddress, whole: bool
) -> None:
    Queue.objects.create(name="a")
    wait_shortly()
    with another(store) as other:
        other.execute(TURN)
        with pytest.raises(OperationalError, match="lock timeout"):
            change(whole=whole)
        assert Queue.objects.get().bot == ""  # reading does not wait
        other.rollback()
        change(whole=whole)
    assert Queue.objects.get().bot == "b"


@transaction.atomic
def write_with_a_pause(store: ServerAddress) -> None:
    Queue.objects.create(name="mine")
    with another(store) as other:
        other.execute(TURN)  # waits for the turn, and gets it
    Queue.objects.create(name="mine too")


def test_a_program_that_keeps_its_turn_in_silence_loses_it_and_is_told_as_of_a_server_that_went_away(
    store: ServerAddress,
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("1min",)
        cursor.execute("SET idle_in_transaction_session_timeout = '200ms'")
    with pytest.raises(OperationalError, match="idle-in-transaction"):
        write_with_a_pause(store)
    connection.close()
    assert not Queue.objects.exists()


def test_two_threads_that_read_and_then_write_lose_no_change() -> None:
    Run.objects.create(pk="r", bot="b", queued=NOW, total=0)

    def count() -> None:
        for _ in range(25):
            with transaction.atomic():
                run = Run.objects.get(pk="r")
                run.total += 1
                run.save()
        connections.close_all()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Run.objects.get(pk="r").total == 100


def test_json_comes_back_in_its_order_with_its_numbers_and_a_nul_in_letters() -> None:
    data: dict[str, Any] = {
        "zeta": 1,
        "a": [1.0, 1e22, 12.5, 10**30],
        "m": {"y": None, "x": True},
        "ß": "上海",
    }
    Queue.objects.create(name="q", fields=data)
    again = Queue.objects.get().fields
    assert again == data
    assert [str(one) for one in (list(again), again["a"])] == [str(one) for one in (list(data), data["a"])]
    assert Queue.objects.filter(fields=data).exists()
    assert not Queue.objects.exclude(fields=data).exists()
    Queue.objects.create(name="nul\0", fields={"k\0": ["v\0w"], "half": "\ud800"})
    found = Queue.objects.get(name="nul\0")
    assert found.fields == {"k␀": ["v␀w"], "half": "?"}


def test_texts_are_ordered_by_their_letters_numbers_and_numbers_may_be_large() -> None:
    names = ["a", "B", "ä", "Z", "_", "a-1", "a1", "10", "9", "上"]
    for name in names:
        Bot.objects.create(name=name, file="x" * 3000, looked=NOW)
    assert list(Bot.objects.order_by("name").values_list("name", flat=True)) == sorted(names)
    assert list(Bot.objects.filter(name__startswith="a").order_by("name").values_list("name", flat=True)) == [
        "a",
        "a-1",
        "a1",
    ]
    Run.objects.create(pk="r", bot="b", queued=NOW, last_seq=2**40)
    assert Run.objects.get(last_seq=2**40).pk == "r"


def test_what_another_program_has_committed_is_noticed(store: ServerAddress) -> None:
    changes = Changes()
    assert changes.any()
    assert not changes.any()
    with another(store) as other:
        other.execute("INSERT INTO store_queue VALUES ('q', '', '{}', '', '', '')")
        changes.any()
        other.commit()
    until(changes.any)
    assert Queue.objects.exists()


def test_an_insert_of_many_rows_at_once_keeps_every_value() -> None:
    Queue.objects.create(name="q")
    rows = [
        Item(queue_id="q", key=f"k{n}\\'\"", put_at=NOW, data={"b": n, "a": [f"{n}\\"]}, error=None)
        for n in range(30)
    ]
    Item.objects.bulk_create(rows)
    found = list(Item.objects.order_by("id"))
    assert [(one.key, one.data, list(one.data), one.error) for one in found] == [
        (f"k{n}\\'\"", {"b": n, "a": [f"{n}\\"]}, ["b", "a"], None) for n in range(30)
    ]
