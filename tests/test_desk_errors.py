"""Errors on Chinese pages: every code that people meet has its sentence, and the error's own words are not lost."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import pytest
from django.utils import translation
from openpyxl import Workbook
from pydantic import BaseModel, Field

from runner import sheets
from runner.core.errors import ErrorReport, UsageError
from runner.desk.errors.sentences import SENTENCES
from runner.desk.errors.telling import sentence_of, told, told_error
from runner.desk.errors.titles import title_of
from runner.store.models import Case, Problem
from tests.desk_place import Desk

ROOMS = ("core", "journal", "sheets", "timetable", "recordings", "kit", "store", "cases", "engine")
# Met by developers in a terminal or by whoever sets a machine up: no page shows them.
NOT_ON_PAGES = {
    "BACKUP_DAMAGED", "BACKUP_EXISTS", "BACKUP_KIND", "BACKUP_VERSION", "BACKUP_WRITE", "DB_DRIVER", "DB_ENCODING", "DB_URL", "DB_VERSION", "BOT_ASYNC", "BOT_DUPLICATE", "BOT_NAME", "BOT_NAME_TWICE", "BOT_NESTED_EACH",
    "BOT_NO_ENTRY", "BOT_NO_ITEM", "BOT_OPTION", "BOT_QUEUE", "BOT_RESULT", "BOT_RETRY_IRREVERSIBLE", "BOT_SIGNATURE", "BOT_TABLE",
    "BOT_TWICE", "BOT_WEB", "CASE_FILE", "CASE_INPUT", "CHANNEL", "HAR", "NOT_RECORDED", "NO_PROJECT", "REBUILD_BUSY", "RESTORE_OVER",
    "SETTING_SECRET", "SETTING_UNKNOWN", "SETTING_VALUE",
}  # fmt: skip
CODE = re.compile(r"[A-Z]{2,}(_[A-Z0-9]+)*")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def codes_of(room: str) -> Iterator[str]:
    """Every code that an error of a room is given where it is raised, and the usual code of each kind of error."""
    for file in sorted(Path("runner", room).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "code":
                yield from _texts(node.value)
            elif isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and key.value == "code":
                        yield from _texts(value)
            elif isinstance(node, ast.ClassDef) and any("Error" in ast.unparse(base) for base in node.bases):
                for line in node.body:
                    if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "code":
                        yield from _texts(line.value)


def _texts(node: ast.expr) -> Iterator[str]:
    for one in ast.walk(node):
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and CODE.fullmatch(one.value):
            yield one.value


@pytest.mark.parametrize("room", ROOMS)
def test_every_code_that_people_meet_has_a_chinese_sentence(room: str) -> None:
    kinds = {
        "APPLICATION",
        "BUSINESS",
        "CONFIG",
        "ENVIRONMENT",
        "REPORT",
        "RUNNER",
    }  # they say no more than the kind
    missing = set(codes_of(room)) - NOT_ON_PAGES - kinds - set(SENTENCES)
    assert not missing, f"give these a sentence in runner/desk/errors/sentences.py: {sorted(missing)}"


def test_every_sentence_is_translated() -> None:
    with translation.override("zh-hans"):
        assert [code for code in SENTENCES if not CHINESE.search(sentence_of(code))] == []


def test_an_error_keeps_its_values_and_place_and_its_own_words() -> None:
    error = {
        "code": "WB_COLUMN",
        "message": "column 'Amount' not found in row 1 of rows.xlsx",
        "where": "Sheet1!A1",
    }
    with translation.override("zh-hans"):
        shown = told(error)
    assert CHINESE.search(shown.text)
    assert "Amount" in shown.text
    assert "Sheet1!A1" in shown.text
    assert shown.technical == error["message"]
    with translation.override("en"):
        assert (told(error).text, told(error).technical) == (error["message"], "")


def test_what_a_bot_s_author_wrote_stays_as_it_is() -> None:
    with translation.override("zh-hans"):
        assert told({"code": "UNKNOWN_PRODUCT", "message": "no product 'X'"}).text == "no product 'X'"
        assert told({"code": "PAGE_TIMEOUT", "message": "页面没有出现 'X'"}).text == "页面没有出现 'X'"
        assert told(None, "said so").text == "said so"


CELL = "cell E8 holds the text '八十九' - expected a number - declare the locale of the workbook, as in locale=\"de\", or enter a number"


@pytest.mark.parametrize(
    ("error", "chinese", "english"),
    [
        ({"code": "WB_CELL_TYPE", "message": CELL, "where": "订单!E8"}, "单元格 订单!E8 的内容是 '八十九'，这里应为数字。", "Cell 订单!E8 holds '八十九' where a number is expected."),
        ({"code": "WB_CELL_TYPE", "message": CELL.replace("八十九", "12O.50"), "where": "订单!E8"}, "单元格 订单!E8 的内容是 '12O.50'，这里应为数字。", "Cell 订单!E8 holds '12O.50' where a number is expected."),
        ({"code": "ITEM_DATA", "message": "the value is '八十九' - Input should be a valid decimal", "where": "amount"}, "'八十九'", "amount: The value '八十九' does not fit. A number is expected, such as 12.50."),
        ({"code": "WB_COLUMN", "message": "column '金额' not found in row 1 of 订单.xlsx"}, "在 订单.xlsx 的第 1 行中找不到列“金额”", "column '金额' not found in row 1 of 订单.xlsx"),
        ({"code": "PAGE_TIMEOUT", "message": "waited 30 s for '发票'"}, "页面没有在限定时间内显示所等待的内容。（“发票”）", "waited 30 s for '发票'"),
        ({"code": "PAGE_TIMEOUT", "message": 'Locator.fill: Timeout 800ms exceeded. - waiting for get_by_label("发票号")'}, "页面没有在限定时间内显示所等待的内容。（“发票号”）", "The page did not show in time what was waited for. (“发票号”)"),
        ({"code": "REFUSED", "message": '录入订单 step 13: the page refuses it: 金额不对, at: Click "保存"'}, "（“保存”）", '录入订单 step 13: the page refuses it: 金额不对, at: Click "保存"'),
    ],
)  # fmt: skip
def test_values_headings_and_names_in_chinese_keep_nobody_from_reading_the_sentence(
    error: dict[str, str], chinese: str, english: str
) -> None:
    with translation.override("zh-hans"):
        shown = told(error)
        assert chinese in shown.text
        assert shown.technical == error["message"]
        assert not re.search(r"expected|holds|should|waited|refuses|not found", shown.text), shown.text
    with translation.override("en"):
        assert told(error).text == english


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("said", ["余额不足，请联系财务", "“A-1”的金额不对", "Die Buchung wäre doppelt"])
def test_what_an_author_wrote_in_a_language_of_their_own_stays_as_it_is(said: str, language: str) -> None:
    with translation.override(language):
        shown = told({"code": "PAGE_TIMEOUT", "message": said, "where": "bots/x.py:7"})
    assert (shown.text, shown.technical) == (said, "")


def test_several_errors_are_told_together() -> None:
    report = ErrorReport([UsageError("parameter 'a' is missing", code="PARAM_MISSING"), UsageError("bot 'b' has no parameter 'c'", code="PARAM_UNKNOWN")])  # fmt: skip
    with translation.override("zh-hans"):
        shown = told_error(report)
    assert "缺少参数" in shown.text
    assert "“c”" in shown.text
    assert "PARAM_MISSING: parameter 'a' is missing" in shown.technical


def test_a_problem_begins_with_a_sentence_and_not_with_a_code() -> None:
    title = "PAGE_TIMEOUT: the button … did not appear"
    with translation.override("en"):
        assert title_of(title, {"code": "PAGE_TIMEOUT"}) == "The button … did not appear"
        assert title_of("UNKNOWN_PRODUCT: no product …", {"code": "UNKNOWN_PRODUCT"}) == "No product …"
    with translation.override("zh-hans"):
        assert CHINESE.search(title_of(title, {"step": "post"}))
        assert "post" in title_of(title, {"step": "post"})


def test_the_pages_of_a_case_say_it_in_chinese(desk: Desk) -> None:
    case = Case.objects.order_by("key").first()
    assert case is not None
    error = {"code": "PAGE_TIMEOUT", "message": "waited 30 s for 'Post'", "where": "bots/x.py:7"}
    Case.objects.filter(pk=case.pk).update(error=error, message=error["message"])
    Problem.objects.filter(pk=case.problem_id).update(title="PAGE_TIMEOUT: waited … for …")
    client = desk.client("viewer", language="zh-hans")
    for path in (f"/cases/{case.pk}/", "/cases/", "/"):
        page = client.get(path).content.decode()
        assert "页面没有在限定时间内显示所等待的内容" in page, path
    assert "waited 30 s for &#x27;Post&#x27;" in client.get(f"/cases/{case.pk}/").content.decode()


def test_journals_are_chinese_but_for_what_the_bot_wrote(desk: Desk) -> None:
    client = desk.client("viewer", language="zh-hans")
    case = Case.objects.get(item__key="A-4")
    lines = client.get(f"/cases/{case.pk}/journal").content.decode()
    whole = client.get(f"/runs/{case.run_id}/journal").content.decode()
    for text in ("对 A-4 的第 1 次尝试", "submit 开始", "A-4 失败："):
        assert text in lines, lines
    for text in ("invoice 已在泳道 1 中启动", "A-0 完成", "posting A-0"):
        assert text in whole, whole
    english = re.compile(r"\b(A-\d|submit|invoice) (done|failed|started|begins)|\bAttempt \d|\blane 1\b")
    unfolded = re.compile(r"<pre>.*?</pre>", re.DOTALL)  # the line as it is written, for developers
    assert not english.findall(lines + unfolded.sub("", whole))
    assert (
        "A-0 done"
        in desk.client("viewer", language="en").get(f"/runs/{case.run_id}/journal").content.decode()
    )


def test_a_refusal_is_said_in_chinese_with_its_own_words_folded_away(desk: Desk) -> None:
    client = desk.client("viewer", language="zh-hans")
    page = client.get("/cases/?sort=nothing")
    assert page.status_code == 422
    text = page.content.decode()
    assert "此列表不能按该项排序" in text
    assert "can&#x27;t be sorted by" in text


class Priced(BaseModel):
    number: str
    pieces: int
    amount: Decimal
    day: date
    at: time | None = None
    urgent: bool = False
    size: Annotated[int, Field(le=9)] = 1


def test_what_workbooks_say_of_cells_is_told_with_cell_and_value(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(["Number", "Pieces", "Amount", "Day", "At", "Urgent", "Size"])
    right: list[object] = ["A-1", 2, 12.5, date(2026, 12, 1), time(14, 30), True, 3]
    wrong = [
        (1, None),
        (2, "two"),
        (2, 2.5),
        (3, "12,5O"),
        (4, "2026-02-30"),
        (5, "noon"),
        (6, "perhaps"),
        (7, 12),
    ]
    for column, value in wrong:
        sheet.append([value if number == column else one for number, one in enumerate(right, 1)])
    book.save(tmp_path / "rows.xlsx")
    errors = [
        error for row in sheets.read(tmp_path / "rows.xlsx", Priced) for error in getattr(row, "errors", ())
    ]
    assert len(errors) == len(wrong)
    with translation.override("zh-hans"):
        for row, (error, (column, value)) in enumerate(zip(errors, wrong, strict=True), 2):
            shown = told_error(error)
            assert f"{'ABCDEFG'[column - 1]}{row}" in shown.text, shown
            assert CHINESE.search(shown.text)
            assert value is None or str(value) in shown.text
            assert not re.search(r"expected|holds|should|empty", shown.text), shown.text
            assert str(error) == shown.technical


@pytest.mark.parametrize(
    ("title", "chinese"),
    [
        ("WB_CELL_TYPE: column E: cell … holds the text … - expected a number", "E 列：单元格的内容不是数字"),
        ("WB_CELL: column B: cell … is empty - a value for …", "B 列：必填的单元格是空的"),
        ("WB_CELL_ERROR: column D: cell … shows the error #N/A - a value", "D 列：单元格显示错误 #N/A"),
        ("ITEM_TWICE: number … is in … already, with other data - a number that …", "同一关键字出现在两行，数据却不同"),
    ],
)  # fmt: skip
def test_titles_of_problems_name_the_column_and_what_is_wrong_there(title: str, chinese: str) -> None:
    with translation.override("zh-hans"):
        assert title_of(title) == chinese
