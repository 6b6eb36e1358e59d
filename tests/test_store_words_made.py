"""The index of words of a store that has many rows already: made in small steps, beside the work, and whole at the end."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from runner.store import word_index
from runner.store.models import Case, Item, Run
from runner.store.word_index import ALL
from runner.store.word_index_making import AIM, WordIndexMaker, make_step, next_size
from runner.store.words import newest_first, newest_with_words, words_of
from tests.test_store_words import AT, cases, fail, keys, put

pytestmark = pytest.mark.usefixtures("store")


def old_store(rows: int) -> None:
    """Rows that were written before there was an index: items with a case for every second, and a run for each."""
    with connection.cursor() as cursor:
        word_index.stop_keeping(cursor.execute)
    for number in range(rows):
        item = put(f"OLD-{number}", customer=f"Customer {number}", amount=str(number))
        Run.objects.create(pk=f"R{number}", bot="post", queued=AT, schedule=f"nightly-{number}")
        if number % 2:
            fail(item, f"wrong price {number}")


def begin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open the store as one with too many rows to index them at once."""
    monkeypatch.setattr(word_index, "AT_ONCE", 0)
    word_index.ensure(connection)


def finish() -> int:
    """Make all steps that are left, of one row each; how many they were."""
    count = 0
    while make_step(1):
        count += 1
    return count


def assert_whole() -> None:
    """FTS5's own check of each index against what it was made from."""
    with connection.cursor() as cursor:
        for one in ALL:
            rank = (
                ", rank) VALUES ('integrity-check', 1)" if one.has_texts else ") VALUES ('integrity-check')"
            )
            cursor.execute(f"INSERT INTO {one.words}({one.words}{rank}")
        cursor.execute("SELECT COUNT(*) FROM store_item_words WHERE store_item_words MATCH '\"rows.xlsx\"'")
        assert cursor.fetchone()[0] == Item.objects.count()


def test_opening_a_large_store_indexes_nothing_but_what_comes_from_then_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old_store(6)
    begin(monkeypatch)
    put("NEW-1")
    found = newest_first(Item.objects.all(), words_of("NEW-1"), 5).rows
    assert [one.key for one in found] == ["NEW-1"]
    assert newest_first(Item.objects.all(), words_of("OLD-3"), 5).rows == []
    share = word_index.share_made()
    assert share is not None
    assert 0 <= share < 1
    assert not word_index.is_whole()


def test_whoever_looks_at_all_rows_finds_all_of_them_while_the_index_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old_store(6)
    begin(monkeypatch)
    make_step(1)
    assert len(keys("old")) == 6
    assert cases("customer 3") == ["OLD-3"]


def test_the_newest_rows_come_first_and_the_share_grows_to_all(monkeypatch: pytest.MonkeyPatch) -> None:
    old_store(6)
    begin(monkeypatch)
    shares, first = [word_index.share_made()], None
    while make_step(1):
        shares.append(word_index.share_made())
        found = newest_with_words(Item.objects.all(), words_of("old"), 100)[0].order_by("pk").first()
        first = first or (found.key if found else None)
    assert first == "OLD-5"
    assert shares == sorted(shares)  # type: ignore[type-var]
    assert len(set(shares)) == len(shares)
    assert shares[-1] == 1.0
    assert word_index.is_whole()
    assert len(keys("old")) == 6
    assert cases("wrong") == ["OLD-1", "OLD-3", "OLD-5"]
    assert_whole()


def test_rows_that_are_changed_or_deleted_before_their_turn_are_indexed_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old_store(6)
    begin(monkeypatch)
    make_step(2)
    for key, customer in (("OLD-0", "Early"), ("OLD-1", "Early"), ("OLD-5", "Late")):
        Item.objects.filter(key=key).update(data={"customer": customer})
    Case.objects.filter(key="OLD-1").update(message="quite another")
    Item.objects.get(key="OLD-3").delete()
    Item.objects.get(key="OLD-4").delete()
    fail(put("NEW-1", customer="Early"), "new too")
    finish()
    assert keys("early") == ["NEW-1", "OLD-0", "OLD-1"]
    assert keys("late") == ["OLD-5"]
    assert cases("early") == ["NEW-1", "OLD-1"]
    assert cases("quite another") == ["OLD-1"]
    assert keys("customer 3") == []
    assert cases("wrong") == ["OLD-5"]
    assert_whole()


def test_a_step_that_is_rolled_back_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    old_store(4)
    begin(monkeypatch)
    for _time in range(3):
        with transaction.atomic():
            make_step(2)
            transaction.set_rollback(True)
        make_step(1)
    finish()
    assert len(keys("old")) == 4
    assert_whole()


def test_a_store_that_was_packed_meanwhile_gets_a_whole_index(
    monkeypatch: pytest.MonkeyPatch, store: Path
) -> None:
    old_store(8)
    begin(monkeypatch)
    Case.objects.filter(key__in=["OLD-1", "OLD-5"]).delete()
    make_step(1)
    make_step(1)
    connection.close()
    with closing(sqlite3.connect(store, isolation_level=None)) as raw:
        raw.execute("VACUUM")  # it gives rows with a key that is no number new numbers
    finish()
    assert cases("wrong") == ["OLD-3", "OLD-7"]
    assert_whole()


def test_a_small_store_has_its_index_as_soon_as_it_is_opened() -> None:
    old_store(4)
    word_index.ensure(connection)
    assert word_index.is_whole()
    assert len(keys("old")) == 4
    assert not make_step(1)


def test_the_part_of_runner_up_makes_all_of_it_and_goes_on_until_it_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old_store(6)
    begin(monkeypatch)
    part = WordIndexMaker()
    made = threading.Event()
    monkeypatch.setattr(part, "_stopping", Noticing(made, part._stopping))
    thread = threading.Thread(target=part.serve)
    thread.start()
    assert made.wait(30)
    assert thread.is_alive()
    part.stop()
    thread.join(30)
    assert not thread.is_alive()
    assert word_index.is_whole()
    assert_whole()


class Noticing:
    """An event that says when somebody waits for it without a limit: nothing is left to do then."""

    def __init__(self, noticed: threading.Event, real: threading.Event) -> None:
        self._noticed, self._real = noticed, real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def wait(self, timeout: float | None = None) -> bool:
        if timeout is None:
            self._noticed.set()
        return self._real.wait(timeout)


@pytest.mark.parametrize(
    ("took", "size"), [(AIM, 100), (AIM * 10, 50), (AIM / 10, 200), (0.0, 200), (AIM * 1.25, 80)]
)
def test_steps_take_about_as_long_as_is_aimed_at(took: float, size: int) -> None:
    assert next_size(100, took) == size
