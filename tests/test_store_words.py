"""The index of words: rows are found by parts of keys, by Chinese words and by values, as they are now and only once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from runner.cases.rebuild import rebuild
from runner.store import word_index, words
from runner.store.models import Case, Item, Problem, Queue, Run
from runner.store.word_index import ALL
from runner.store.words import Words, newest_first, newest_with_words, with_words, words_of
from tests.cases_history import failed_run
from tests.test_desk_plans import asked as asked_of

pytestmark = [pytest.mark.usefixtures("store"), pytest.mark.both_databases]
AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def put(key: str, **data: Any) -> Item:
    """An item of the queue ``invoices``."""
    Queue.objects.get_or_create(name="invoices")
    return Item.objects.create(
        queue_id="invoices", key=key, data=data, source="rows.xlsx/Sheet1!2", put_at=AT
    )


def fail(item: Item, message: str, **more: Any) -> Case:
    """The case of an item."""
    problem, _made = Problem.objects.get_or_create(
        pk="P", defaults={"fingerprint": "f", "title": "t", "explanation": "", "kind": "business", "first_seen": AT, "last_seen": AT}
    )  # fmt: skip
    return Case.objects.create(
        pk=f"C{item.pk:011}", kind="business", bot="post", item=item, problem=problem, key=item.key, message=message,
        opened=AT, changed=AT, **more,
    )  # fmt: skip


def keys(text: str = "", **asked: Any) -> list[str]:
    """The keys of the items that are found."""
    wanted = Words(**asked) if asked else words_of(text)
    return sorted(with_words(Item.objects.all(), wanted).values_list("key", flat=True))


def cases(text: str) -> list[str]:
    """The keys of the cases that are found."""
    return sorted(with_words(Case.objects.all(), words_of(text)).values_list("key", flat=True))


def _keys(rows: Any) -> list[str]:
    return sorted(rows.values_list("key", flat=True))


def count_of(text: str) -> int:
    """How often the index has a text of items, dead entries too."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT COUNT(*) FROM store_item_words WHERE strpos(text, lower(%s)) > 0", [text])
            return int(cursor.fetchone()[0])
        cursor.execute("SELECT COUNT(*) FROM store_item_words WHERE store_item_words MATCH %s", [f'"{text}"'])
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("INV-0042", ["INV-0042"]),
        ("0042", ["INV-0042"]),
        ("inv-00", ["INV-0042", "INV-0043"]),
        ("acme", ["INV-0042"]),
        ("供应商", ["INV-0043"]),
        ("应商", ["INV-0043"]),
        ("商", ["INV-0043"]),
        ("上海供应商 0043", ["INV-0043"]),
        ("北京", []),
        ("rows.xlsx", ["INV-0042", "INV-0043"]),
        ("ＩＮＶ－００４２", ["INV-0042"]),
        ("acme 0043", []),
        ("7", ["INV-0043"]),
        ('a"b', []),
    ],
)
def test_a_part_of_a_key_a_word_or_a_chinese_word_is_enough(text: str, found: list[str]) -> None:
    put("INV-0042", customer="ACME Ltd", amount="12.50")
    put("INV-0043", customer="上海供应商有限公司", amount="7")
    assert keys(text) == found


def test_a_value_is_asked_for_as_a_whole_and_by_its_field() -> None:
    put("A", amount="12.50", net_amount="9")
    put("B", amount="12.507", net_amount="12.50")
    assert keys(values=(("amount", "12.50"),)) == ["A"]
    assert keys(values=(("net_amount", "12.50"),)) == ["B"]
    assert keys(all=("12.50",)) == ["A", "B"]
    assert keys(all=("12.50",), none=("12.507",)) == ["A"]
    assert keys(whole=("a",)) == ["A"]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ((("amount", "7"),), ["A"]),
        ((("AMOUNT", "7"),), ["A"]),
        ((("number", "7"),), ["B"]),
        ((("city", "österreich"),), ["B"]),
        ((("place", "ÖSTERREICH"), ("amount", "7")), ["A"]),
        ((("amount", "７"),), ["A"]),
        ((("amount", "7"), ("number", "7")), []),
        ((("amount", "[7]"),), []),
    ],
)
def test_a_value_under_another_name_is_not_meant(
    values: tuple[tuple[str, str], ...], found: list[str]
) -> None:
    put("A", amount=7, number=8, place="Österreich")
    put("B", amount=8, number="7", parts=[{"city": "Österreich"}])
    assert keys(values=values) == found


def test_rows_with_a_value_that_is_not_wanted_are_left_out() -> None:
    put("SAME-1", state="new")
    put("SAME-2", state="old", note="new")
    assert keys(all=("same",), no_values=(("state", "new"),)) == ["SAME-2"]


def test_the_name_of_a_field_is_no_word() -> None:
    item = put("A", amount="12.50")
    fail(item, "wrong", error={"code": "PRICE_OFF", "type": "BusinessError"})
    assert (keys("amount"), cases("amount"), cases("code")) == ([], [], [])
    found = with_words(Case.objects.all(), Words(values=(("code", "price_off"), ("amount", "12.50"))))
    assert [case.key for case in found] == ["A"]


def test_words_that_are_not_wanted_are_left_out_of_the_newest_too() -> None:
    for number in range(6):
        put(f"SAME-{number}", note="odd" if number % 2 else "even")
    found, are_more = newest_with_words(Item.objects.all(), Words(all=("same",), none=("odd",)), 4)
    assert (_keys(found), are_more) == (["SAME-2", "SAME-4"], True)
    assert keys(all=("same",), none=("odd", "even")) == []


def test_a_corrected_value_is_found_and_the_old_one_is_not() -> None:
    item = put("A", customer="before")
    fail(item, "wrong")
    Item.objects.filter(pk=item.pk).update(data={"customer": "after"})
    assert (keys("before"), keys("after")) == ([], ["A"])
    assert (cases("before"), cases("after")) == ([], ["A"])


def test_a_case_is_found_by_its_message_and_by_the_data_of_its_item_together() -> None:
    fail(put("A", customer="ACME"), "price differs", error={"code": "PRICE_OFF"})
    fail(put("B", customer="ACME"), "customer unknown")
    assert cases("acme price") == ["A"]
    assert cases("price_off") == ["A"]
    assert cases("acme") == ["A", "B"]


def test_what_is_deleted_or_rolled_back_is_not_in_the_index() -> None:
    item = put("GONE-1")
    fail(item, "gone too")
    with transaction.atomic():
        put("GONE-2")
        transaction.set_rollback(True)
    item.delete()
    assert count_of("GONE-") == 0
    assert cases("gone") == []


def test_changes_of_state_leave_the_index_alone() -> None:
    item = put("A", customer="ACME")
    written = {
        "sqlite": "SELECT COUNT(*) FROM store_item_words_data",
        "postgresql": "SELECT xmin::text, ctid::text FROM store_item_words",
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(written)
        before = cursor.fetchone()
        Item.objects.filter(pk=item.pk).update(status="done", finished=AT, attempts_made=3)
        cursor.execute(written)
        assert cursor.fetchone() == before


def test_runs_are_found_by_parameters_and_error() -> None:
    Run.objects.create(
        pk="R1", bot="post", queued=AT, parameters={"month": "2026-11"}, error={"message": "proxy refused"}
    )
    Run.objects.create(pk="R2", bot="post", queued=AT, schedule="nightly")
    found = [run.pk for run in newest_first(Run.objects.all(), words_of("proxy"), 5).rows]
    assert found == ["R1"]
    assert [run.pk for run in newest_first(Run.objects.all(), words_of("night"), 5).rows] == ["R2"]
    assert len(newest_first(Run.objects.all(), words_of("post"), 5).rows) == 2


def test_only_the_newest_of_very_many_are_looked_at_where_that_is_asked_for() -> None:
    for number in range(6):
        put(f"SAME-{number}")
    assert len(keys("same")) == 6
    found, are_more = newest_with_words(Item.objects.all(), words_of("same"), 2)
    assert (_keys(found), are_more) == (["SAME-4", "SAME-5"], True)
    fail(Item.objects.get(key="SAME-0"), "wrong")
    fail(Item.objects.get(key="SAME-5"), "wrong")
    some, are_more = newest_with_words(Case.objects.all(), words_of("same"), 1)
    assert (_keys(some), are_more) == (["SAME-5"], True)


@pytest.mark.parametrize("model", [Item, Case, Run])
def test_what_is_counted_and_then_shown_is_looked_up_in_the_index_once(model: Any) -> None:
    for number in range(3):
        fail(put(f"SAME-{number}"), "wrong")
        Run.objects.create(pk=f"R{number}", bot="same", queued=AT)
    found, are_more = newest_with_words(model.objects.all(), words_of("same"), 3)
    assert (len(found), are_more) == (3, False)
    if connection.vendor == "sqlite":
        assert "_words" not in str(found.query)
        assert len(asked_of(lambda: newest_with_words(model.objects.all(), words_of("same"), 3))) == 1
    assert newest_with_words(model.objects.all(), words_of("nothing has this"), 5)[0].count() == 0
    assert newest_with_words(model.objects.all(), words_of(""), 5)[0].count() == 3
    assert newest_with_words(model.objects.all(), Words(none=("same",)), 5)[0].count() == 0


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("price of it is wrong", ["A"]),
        ("PRICE OF IT IS WRONG", ["A"]),
        ("ｐｒｉｃｅ of it is wrong", ["A"]),
        ("price of it", []),
        ("it is wrong", []),
        ("price of all is wrong", []),
        ("上海供应商有限公司的账单", ["D"]),
        ("上海供应商有限公司的", []),
    ],
)
def test_a_long_line_is_found_where_it_stands_alone(line: str, found: list[str]) -> None:
    put("A", note="Price of it is wrong")
    put("B", note="price of it is wrong too")
    put("C", note="the price of all", other="this is wrong")
    put("D", note="上海供应商有限公司的账单")
    assert keys(whole=(line,)) == found
    assert [one.key for one in newest_first(Item.objects.all(), Words(whole=(line,)), 5).rows] == found
    assert keys(whole=(line,), none=("price", "上海")) == []


@pytest.mark.only_sqlite
def test_a_long_line_that_begins_nowhere_so_is_not_looked_for_to_its_end() -> None:
    put("A", note="price of it is wrong")
    line = Words(whole=("price of all is wrong",))
    assert newest_first(Item.objects.all(), line, 5).rows == []
    (sql,) = [sql for sql, _ in asked_of(lambda: newest_first(Item.objects.all(), line, 5))]
    assert sql.count("EXISTS") == 2


@pytest.mark.only_sqlite
@given(
    texts=st.lists(st.text("ab 发票:\"'-*\n", max_size=8), min_size=1, max_size=4),
    word=st.text("ab发票:\"'-*", min_size=1, max_size=4),
)
def test_words_are_found_exactly_where_they_occur(texts: list[str], word: str) -> None:
    Item.objects.all().delete()
    for number, text in enumerate(texts):
        put(str(number), note=text)
    if len(word) >= 3 or not word.isascii():
        wanted = [
            str(number) for number, text in enumerate(texts) if word.casefold() in f"\n{text}\n".casefold()
        ]
        assert keys(all=(word,)) == wanted


def test_a_rebuild_makes_the_index_again(tmp_path: Path) -> None:
    failed_run(tmp_path, "Z-1", code="UNKNOWN_PRODUCT")
    before = (keys("Z-1"), cases("Z-1"))
    rebuild(tmp_path, now=datetime.now(UTC))
    assert (keys("Z-1"), cases("Z-1")) == before == (["Z-1"], ["Z-1"])
    put("AFTER-1")
    assert keys("after-1") == ["AFTER-1"]


@pytest.mark.parametrize("asked", [Words(all=("same",)), Words(all=("same",), none=("odd",))])
def test_each_row_is_asked_where_very_many_have_the_words(
    asked: Words, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        item = put(f"SAME-{number}" if number < 5 else "OTHER", note="odd" if number % 2 else "even")
        fail(item, "wrong")
    gathered = (_keys(with_words(Item.objects.all(), asked)), _keys(with_words(Case.objects.all(), asked)))
    monkeypatch.setattr(words, "_VERY_MANY", 2)
    items, some = with_words(Item.objects.all(), asked), with_words(Case.objects.all(), asked)
    assert "EXISTS" in str(items.query)
    assert "EXISTS" in str(some.query)
    assert (_keys(items), _keys(some)) == gathered
    assert len(gathered[0]) in {3, 5}


def test_that_only_the_newest_of_very_many_were_looked_at_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        put(f"SAME-{number}", amount="7" if number == 0 else "8")
    monkeypatch.setattr(words, "NEWEST", 5)
    monkeypatch.setattr(words, "_A_FEW", 2)
    found = newest_first(Item.objects.filter(key__endswith="0"), words_of("same"), 3)
    assert (found.rows, found.looked_at) == ([], 5)
    assert newest_first(Item.objects.all(), words_of("same"), 3).looked_at == 0
    assert newest_with_words(Item.objects.all(), words_of("same"), 5)[1]
    assert not newest_with_words(Item.objects.all(), words_of("same"), 6)[1]


@pytest.mark.only_sqlite
def test_pieces_of_the_index_are_merged_before_they_are_so_many_that_one_statement_has_to() -> None:
    for one in ALL:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT v FROM {one.words}_config WHERE k = 'automerge'")
            assert int(cursor.fetchone()[0]) < 16


@pytest.mark.only_sqlite
def test_a_store_without_the_index_gets_it_when_it_is_opened_and_is_searched_all_the_same(
    store: Path,
) -> None:
    put("OLD-1", customer="ACME")
    connection.close()
    with closing(sqlite3.connect(store, isolation_level=None)) as raw:
        word_index.stop_keeping(raw.execute)
        for one in ALL:
            raw.execute(f"DROP TABLE {one.words}")
    assert not word_index.is_there()
    assert keys("old-1") == ["OLD-1"]
    word_index.ensure(connection)
    assert word_index.is_there()
    assert keys("old-1") == ["OLD-1"]


@pytest.mark.only_sqlite
@pytest.mark.parametrize("one", ALL, ids=lambda one: one.table)
def test_the_index_says_of_itself_that_it_is_whole(one: word_index.Indexed) -> None:
    fail(put("A", customer="ACME"), "wrong")
    Item.objects.update(data={"customer": "Other"})
    Case.objects.update(message="still wrong")
    with connection.cursor() as cursor:
        if one.has_texts:
            cursor.execute(f"INSERT INTO {one.words}({one.words}, rank) VALUES ('integrity-check', 1)")
        else:
            cursor.execute(f"INSERT INTO {one.words}({one.words}) VALUES ('integrity-check')")
