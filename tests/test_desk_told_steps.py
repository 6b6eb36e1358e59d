"""Failed steps of recordings in lists: the sentence that the page of the case has, in the language of whoever reads it."""

from __future__ import annotations

import html
import io
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from openpyxl import load_workbook

from runner.desk.recordings.failures import told_with_step
from runner.recordings.binding import Binding, BoundField, write_binding
from runner.recordings.library import Place
from runner.recordings.model import Recording
from runner.store.models import Act, Case
from tests.desk_place import Desk
from tests.recordings_made import click, field, recording

OPTION = "录入订单 step 1: there is no option 'Desk lmap', at: Enter \"{{product}}\" in \"产品\" - did you mean 'Desk lamp'?"
REFUSED = '录入订单 step 2: the page refuses it: 金额不对, at: Click "保存"'
SAID = {
    "en": (
        "Step 1 (Enter \"‹品名›\" in \"产品\"): there is no option 'Desk lmap'. Did you mean 'Desk lamp'?",
        'Step 2 (Click "保存"): the page refuses it: 金额不对.',
    ),
    "zh-hans": (
        "第 1 步（在“产品”中输入“‹品名›”）：没有选项“Desk lmap”。是否想写“Desk lamp”？",
        "第 2 步（点击“保存”）：页面拒绝了输入的数据（金额不对）。",
    ),
}


@pytest.fixture
def order(desk: Desk) -> Place:
    """A recording with a Chinese name and heading, bound, and two cases of its steps."""
    place = Place(desk.cli.project, "录入订单")
    made = recording(field("产品", "{{product}}"), click("保存"))
    place.write(made)
    bound = Binding(fingerprint=made.fingerprint, for_each="inbox/a.xlsx", key="product", fields={"product": BoundField(column="品名")})  # fmt: skip
    write_binding(place, bound, made)
    cases = Case.objects.exclude(item=None).order_by("key")[:2]
    for case, (code, message) in zip(cases, [("UNKNOWN_OPTION", OPTION), ("REFUSED", REFUSED)], strict=True):
        error = {"kind": "business", "code": code, "type": "BusinessError", "message": message, "where": ""}
        Case.objects.filter(pk=case.pk).update(error=error, message=message, bot="录入订单")
        Act.objects.filter(subject=case.pk, machine=True).update(note=message)
    return place


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_list_says_what_the_page_of_the_case_says(desk: Desk, order: Place, language: str) -> None:
    client = desk.client("admin", language=language)
    cases = list(Case.objects.filter(bot=order.name).order_by("key"))
    for case, said in zip(cases, SAID[language], strict=True):
        for path in (
            "/",
            "/cases/",
            f"/problems/{case.problem_id}/",
            f"/cases/{case.pk}/",
            f"/search/?q={case.key}",
        ):
            page = html.unescape(client.get(path).content.decode())
            page = page.replace("<mark>", "").replace("</mark>", "")
            assert said[:100] in page, path
    answer = client.post("/corrections/export", {"pick": [f"{one.pk}:{one.version}" for one in cases]})
    assert answer.status_code == 200, answer.content[:300]
    book = load_workbook(io.BytesIO(answer.getvalue()))
    cells = [str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row]
    assert set(SAID[language]) <= set(cells)


def test_a_list_asks_neither_the_store_nor_the_file_again(
    desk: Desk, order: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = {"code": "UNKNOWN_OPTION"}
    with translation.override("zh-hans"):
        first = told_with_step(error, OPTION)
        reads: list[Path] = []
        read = Place.read

        def counted(place: Place) -> Recording:
            reads.append(place.file)
            return read(place)

        monkeypatch.setattr(Place, "read", counted)
        with CaptureQueriesContext(connection) as queries:
            assert [told_with_step(error, OPTION) for _ in range(50)] == [first] * 50
    assert (len(queries), reads) == (0, [])
    assert (first.text, first.technical) == (SAID["zh-hans"][0], OPTION)


def test_a_recording_that_is_gone_or_broken_lends_no_words(desk: Desk, order: Place) -> None:
    for spoil in (lambda: order.file.write_text("{", "utf-8"), order.file.unlink):
        spoil()
        with translation.override("zh-hans"):
            said = told_with_step({"code": "UNKNOWN_OPTION"}, OPTION).text
        assert said.endswith("没有选项“Desk lmap”。是否想写“Desk lamp”？")
        assert "{{product}}" in said


def test_messages_of_authors_stay_as_they_are(desk: Desk) -> None:
    said = "import step 3: it failed, at: the bank"
    assert told_with_step({"code": "MY_OWN"}, said).text == said
    assert told_with_step(None, said).text == said
    outside = "../../x step 1: there is no option 'a', at: Click \"b\""
    assert told_with_step({"code": "UNKNOWN_OPTION"}, outside).text.startswith("Step 1 (Click")
