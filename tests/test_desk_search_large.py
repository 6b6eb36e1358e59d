"""Search in a large store: it says what it did not look at, and that its index is being made; exports leave nothing out."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from django.db import connection
from openpyxl import load_workbook

from runner.desk import word_notes
from runner.store import word_index, words
from runner.store.models import Case, Item, Queue
from runner.store.word_index_making import make_step
from tests.desk_place import Desk

ONLY = "only the newest"
MADE = "index of words is being made"


def text_of(answer: Any) -> str:
    main = answer.content.decode().partition("<main")[2]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", main.partition('<details class="panel')[0]))


def start_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The index as a large store has it that was opened a moment ago: with nothing that was there before."""
    monkeypatch.setattr(word_index, "AT_ONCE", 0)
    with connection.cursor() as cursor:
        word_index.stop_keeping(cursor.execute)
    word_index.ensure(connection)


@pytest.mark.parametrize("path", ["/search/?q=A-2", "/cases/?text=A-2"])
def test_the_page_says_how_far_the_index_is(desk: Desk, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = desk.client("viewer")
    assert MADE not in text_of(client.get(path))
    start_again(monkeypatch)
    assert f"{MADE}, 0 % are done" in text_of(client.get(path))
    while make_step(3):
        pass
    shown = text_of(client.get(path))
    assert MADE not in shown
    assert "A-2" in shown


def test_the_page_says_so_in_chinese_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    start_again(monkeypatch)
    shown = desk.client("viewer", language="zh-hans").get("/search/?q=A-2").content.decode()
    assert "词语索引正在建立，已完成 0 %" in shown


def test_a_search_says_that_only_the_newest_of_very_many_were_looked_at(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = desk.client("viewer")
    assert ONLY not in text_of(client.get("/search/?q=invoice in:cases kind:unknown"))
    monkeypatch.setattr(words, "NEWEST", 2)
    monkeypatch.setattr(words, "_A_FEW", 1)
    assert f"{ONLY} 2 of them" in text_of(client.get("/search/?q=invoice in:cases kind:unknown"))


def test_a_list_says_so_too_and_its_export_leaves_nothing_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, word = desk.client("operator"), "invoice"
    everything = Case.objects.filter(bot=word).count()
    assert everything > 2
    assert ONLY not in text_of(client.get("/cases/", {"text": word}))
    monkeypatch.setattr(word_notes, "NEWEST", 2)
    shown = text_of(client.get("/cases/", {"text": word}))
    assert f"{ONLY} 2 of them" in shown
    assert "2 rows" in shown
    exported = client.get("/cases/", {"text": word, "export": "xlsx"}).content
    sheet = load_workbook(io.BytesIO(exported)).active
    assert sheet is not None
    assert sheet.max_row == everything + 1


def test_who_looks_for_the_name_of_a_field_is_told_how_to_ask_for_its_values(desk: Desk) -> None:
    queue = Queue.objects.exclude(fields={}).first()
    assert queue is not None
    name = next(iter(queue.fields["properties"]))
    client = desk.client("viewer")
    shown = text_of(client.get("/search/", {"q": name}))
    assert f"{name} is the name of a field: {name}:value" in shown
    assert f'data-fill="{name}:"' in client.get("/search/suggest", {"q": name}).content.decode()


def test_the_value_in_which_a_word_was_found_is_shown_with_a_case_and_marked(desk: Desk) -> None:
    case = Case.objects.exclude(item=None).order_by("pk").first()
    assert case is not None
    assert case.item is not None
    Item.objects.filter(pk=case.item.pk).update(data={**case.item.data, "remark": "上海分公司 ABC"})
    client = desk.client("viewer")
    for typed in ("分公司", "ＡＢＣ"):
        shown = client.get("/search/", {"q": f"{typed} in:cases"}).content.decode()
        assert "<code>remark</code>" in shown, typed
        assert re.search(r"<mark>(分公司|ABC)</mark>", shown), typed
