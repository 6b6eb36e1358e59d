"""Writing cells: what is changed, what is kept, what is refused."""

from __future__ import annotations

import datetime as dt
import math
import re
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
import xlsxwriter
from pydantic import BaseModel

from runner import sheets
from runner.core.errors import WorkbookError, WorkbookLoss
from runner.sheets.cellxml import Value
from tests.sheets_workbook import cell, changed, orders, parts, with_sheet

STRICT = b"http://purl.oclc.org/ooxml/spreadsheetml/main"
PLAIN = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def test_only_the_sheet_changes_and_only_the_cells_given(tmp_path: Path) -> None:
    source, target = orders(tmp_path / "a.xlsx"), tmp_path / "b.xlsx"
    values: dict[tuple[int, int], Value] = {
        (1, 3): "Status", (2, 3): "done", (3, 3): "  & <kept> ", (7, 2): 5, (12, 30): True, (4, 1): None
    }  # fmt: skip
    assert sheets.patch_cells(source, target, "Orders", values, style_like={1: 2}) == target
    assert changed(source, target) == ["xl/worksheets/sheet1.xml"]
    assert cell(target, "Orders", "C1").font.bold
    assert cell(target, "Orders", "C3").value == "  & <kept> "
    assert cell(target, "Orders", "C3").border.left.style == "thin"
    assert cell(target, "Orders", "B9").value == 22.5
    assert cell(target, "Orders", "AD12").value is True
    assert cell(target, "Orders", "A4").value is None
    sheet = parts(target)["xl/worksheets/sheet1.xml"]
    assert b'<dimension ref="A1:AD12"/>' in sheet
    for new in (
        rb'<c r="C1" s="1" t="inlineStr"><is><t>Status</t></is></c>',
        rb'<c r="C2" t="inlineStr"><is><t>done</t></is></c>',
    ):
        assert sheet.count(new) == 1


def test_dates_get_a_date_format_and_the_workbooks_own_calendar(tmp_path: Path) -> None:
    source, target = orders(tmp_path / "a.xlsx"), tmp_path / "b.xlsx"
    moment = dt.datetime.fromisoformat("2026-02-28T13:45:00")
    values: dict[tuple[int, int], Value] = {(2, 4): moment.date(), (3, 4): moment, (4, 4): moment.time()}
    sheets.patch_cells(source, target, "Orders", values)
    assert set(changed(source, target)) == {"xl/styles.xml", "xl/worksheets/sheet1.xml"}
    read = [cell(target, "Orders", f"D{row}") for row in (2, 3, 4)]
    assert [c.value for c in read] == [dt.datetime.combine(moment.date(), dt.time()), moment, moment.time()]
    styles = parts(target)["xl/styles.xml"]
    sheets.patch_cells(target, target, "Orders", {(5, 4): moment.date()})
    assert parts(target)["xl/styles.xml"] == styles
    old = with_sheet(
        source,
        tmp_path / "1904.xlsx",
        lambda d: d.replace(b"<workbookPr", b'<workbookPr date1904="1"'),
        "xl/workbook.xml",
    )
    sheets.patch_cells(old, target, "Orders", {(2, 4): moment.date()})
    assert cell(target, "Orders", "D2").value.date() == moment.date()


PREFIXED = re.compile(rb"<(/?)(worksheet|dimension|sheetData|row|c|v|f|is|t)(?=[ />])")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda d: d.replace(PLAIN, STRICT), id="strict"),
        pytest.param(lambda d: PREFIXED.sub(rb"<\1x:\2", d).replace(b"xmlns=", b"xmlns:x=", 1), id="prefixed"),
        pytest.param(lambda d: re.sub(rb'<row r="\d+"', b"<row", re.sub(rb'<c r="[A-Z]+\d+"', b"<c", d)), id="no addresses"),
        pytest.param(lambda d: d.replace(b"<sheetData>", b"<sheetData><!-- <row r='1'/></sheetData> -->"), id="comment"),
        pytest.param(lambda d: re.sub(rb'r="([A-Z]*\d+)"', rb"r = '\1'", d), id="single quotes"),
        pytest.param(lambda d: d.replace(b"<row ", b"\n  <row ").replace(b"</row>", b"\n </row>\n"), id="line ends"),
        pytest.param(lambda d: re.sub(rb"<sheetData>.*</sheetData>", b"<sheetData/>", d, flags=re.DOTALL), id="no rows"),
        pytest.param(lambda d: b"\xef\xbb\xbf" + d, id="byte order mark"),
        pytest.param(
            lambda d: d.replace(b"</sheetData>", b'</sheetData><mc:AlternateContent xmlns:mc="m"><mc:Choice/></mc:AlternateContent>'),
            id="alternate content",
        ),
    ],
)  # fmt: skip
def test_every_spelling_of_a_sheet_can_be_changed(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    source = with_sheet(orders(tmp_path / "o.xlsx"), tmp_path / "a.xlsx", change)
    target = tmp_path / "b.xlsx"
    values: dict[tuple[int, int], Value] = {(1, 3): "head", (3, 3): "inside", (4, 5): 7, (30, 1): "new row"}
    sheets.patch_cells(source, target, "Orders", values)
    old = parts(source)["xl/worksheets/sheet1.xml"]
    new = parts(target)["xl/worksheets/sheet1.xml"]
    for text in (b"head", b"inside", b"new row"):
        assert new.count(b">" + text + b"<") == 1
    tail = old[old.rindex(b"sheetData") + 10 :].lstrip(b">")
    assert new.endswith(tail)

    class Anything(BaseModel):
        head: str | None = None

    rows = {row.source.row for row in sheets.read(target, Anything, sheet="Orders", header_row=1).good}
    assert rows == {3}


def test_a_formula_an_array_and_a_merged_cell_are_never_overwritten(tmp_path: Path) -> None:
    source = orders(tmp_path / "a.xlsx")
    for sheet, place, word in (("Orders", (9, 2), "formula"), ("Other", (4, 2), "merged")):
        with pytest.raises(WorkbookLoss, match=word):
            sheets.patch_cells(source, tmp_path / "b.xlsx", sheet, {place: "x"})
    book = xlsxwriter.Workbook(str(tmp_path / "c.xlsx"))
    book.add_worksheet("A").write_array_formula("A1:A3", "{=B1:B3*2}", None, 0)
    book.close()
    with pytest.raises(WorkbookLoss, match="array formula"):
        sheets.patch_cells(tmp_path / "c.xlsx", tmp_path / "b.xlsx", "A", {(3, 1): "x"})
    book = xlsxwriter.Workbook(str(tmp_path / "d.xlsx"))
    book.add_worksheet("A").add_table("B2:C4", {"columns": [{"header": "x"}, {"header": "y"}]})
    book.close()
    with pytest.raises(WorkbookLoss, match="C2 is a heading of the table"):
        sheets.patch_cells(tmp_path / "d.xlsx", tmp_path / "b.xlsx", "A", {(2, 3): "z"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.xlsx", "c.xlsx", "d.xlsx"]
    sheets.patch_cells(tmp_path / "d.xlsx", tmp_path / "b.xlsx", "A", {(2, 4): "z", (3, 3): 1})


def test_a_signed_workbook_is_not_changed(tmp_path: Path) -> None:
    source = orders(tmp_path / "a.xlsx")
    with zipfile.ZipFile(source, "a") as package:
        package.writestr("_xmlsignatures/sig1.xml", "<Signature/>")
    with pytest.raises(WorkbookLoss, match="WB_LOSS: the workbook is digitally signed"):
        sheets.patch_cells(source, tmp_path / "b.xlsx", "Orders", {(2, 3): 1})


@pytest.mark.parametrize(
    "value",
    ["a\x0b", "x" * 40_000, "\ud800", dt.datetime.now(dt.UTC), 12345678901234567890, math.inf, Decimal("NaN"), dt.date(1899, 1, 1)],
    ids=["control", "long", "surrogate", "zone", "digits", "infinite", "nan", "old"],
)  # fmt: skip
def test_what_no_cell_can_hold_is_refused_with_the_reason(tmp_path: Path, value: Value) -> None:
    source = orders(tmp_path / "a.xlsx")
    with pytest.raises(WorkbookError) as caught:
        sheets.patch_cells(source, tmp_path / "b.xlsx", "Orders", {(4, 1): value})
    assert str(caught.value).startswith("Orders!A4: WB_VALUE: ")
    for word in ("A4", "cannot be stored", "reason"):
        assert word in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["a.xlsx"]
