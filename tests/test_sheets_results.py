"""Results beside each row: in a copy, again in the same copy, after the source has changed."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from runner import sheets
from runner.core.errors import WorkbookError, WorkbookLoss
from runner.sheets.saving import backups_of
from tests.sheets_workbook import Order, changed, orders, parts, with_sheet


def test_real_orders_get_their_results_in_the_formatted_columns(tmp_path: Path) -> None:
    source = Path(__file__).parents[1] / ".." / "shared" / "data" / "orders.xlsx"
    if not source.exists():
        pytest.skip("../shared/data is not there")
    results = [sheets.Result(row, "done", output={"confirmation": f"C-{row}"}) for row in range(2, 11)]
    target = sheets.write_results(source, tmp_path / "o.xlsx", results)
    assert changed(source, target) == ["xl/worksheets/sheet1.xml"]
    page = openpyxl.load_workbook(target).worksheets[0]
    assert [c.value for c in page[1]][:7] == [
        "Name",
        "Item",
        "Zip",
        "Runner status",
        "Runner message",
        "confirmation",
        None,
    ]
    assert [c.value for c in page[10]][2:6] == [3695, "done", None, "C-10"]
    assert page["D10"].style_id == openpyxl.load_workbook(source).worksheets[0]["D10"].style_id


def test_results_go_into_a_copy_beside_each_row(tmp_path: Path) -> None:
    source = orders(tmp_path / "orders.xlsx")
    before = source.read_bytes()
    rows = sheets.read(source, Order)
    first = [
        sheets.Result(2, "done", output={"confirmation": "C-1", "on": dt.date(2026, 1, 2)}),
        sheets.Result(3, "exception", "no such\x07customer"),
    ]
    options: dict[str, Any] = {
        "sheet": rows.sheet,
        "header_row": rows.header_row,
        "fingerprint": rows.fingerprint,
    }
    target = sheets.write_results(source, None, first, **options)
    assert target == tmp_path / "orders.result.xlsx"
    assert source.read_bytes() == before
    with_the_filter = {"xl/worksheets/sheet1.xml", "xl/styles.xml", "xl/workbook.xml"}
    assert set(changed(source, target)) == with_the_filter
    page = openpyxl.load_workbook(target)["Orders"]
    assert [c.value for c in page[1]] == [
        "Name",
        "Amount",
        "Runner status",
        "Runner message",
        "confirmation",
        "on",
    ]
    assert page["C1"].font.bold
    assert [c.value for c in page[2]][2:5] == ["done", None, "C-1"]
    assert page["F2"].value == dt.datetime.fromisoformat("2026-01-02")
    assert [c.value for c in page[3]][2:] == ["exception", "no such?customer", None, None]
    assert page["B9"].value == "=SUM(B2:B6)"

    retried = [sheets.Result(3, "done", output={"confirmation": "C-2", "fee": Decimal("1.10")})]
    sheets.write_results(source, None, retried, **options)
    page = openpyxl.load_workbook(target)["Orders"]
    assert [c.value for c in page[1]][2:] == ["Runner status", "Runner message", "confirmation", "on", "fee"]
    assert [c.value for c in page[2]][2:5] == ["done", None, "C-1"]
    assert [c.value for c in page[3]][2:] == ["done", None, "C-2", None, 1.1]


def test_a_changed_source_gets_a_fresh_copy_that_keeps_the_results_of_unchanged_rows(tmp_path: Path) -> None:
    source = orders(tmp_path / "orders.xlsx")
    results = [sheets.Result(2, "done", "first"), sheets.Result(3, "done", "second")]
    target = sheets.write_results(source, None, results)
    sheets.patch_cells(source, source, "Orders", {(3, 1): "somebody else", (7, 1): "new row"})
    sheets.write_results(source, None, [sheets.Result(7, "done")])
    page = openpyxl.load_workbook(target)["Orders"]
    found = {
        row: (page.cell(row, 1).value, page.cell(row, 3).value, page.cell(row, 4).value) for row in (2, 3, 7)
    }
    assert found == {
        2: ("customer 1", "done", "first"),
        3: ("somebody else", None, None),
        7: ("new row", "done", None),
    }


def test_a_foreign_target_and_a_text_table_in_place_are_refused(tmp_path: Path) -> None:
    source = orders(tmp_path / "orders.xlsx")
    orders(tmp_path / "orders.result.xlsx")
    with pytest.raises(WorkbookLoss, match="was not written by Runner"):
        sheets.write_results(source, None, [])
    text = tmp_path / "a.csv"
    text.write_text("name,amount\na,1\n")
    with pytest.raises(WorkbookError, match="not written in place") as caught:
        sheets.write_results(text, text, [])
    assert caught.value.stable_code == "WB_IN_PLACE"


def test_results_go_into_the_workbook_itself_where_that_is_wished(tmp_path: Path) -> None:
    source = orders(tmp_path / "orders.xlsx")
    before = source.read_bytes()
    rows = sheets.read(source, Order)
    options: dict[str, Any] = {"sheet": rows.sheet, "header_row": rows.header_row}
    done = [
        sheets.Result(2, "done", output={"confirmation": "C-1"}),
        sheets.Result(3, "exception", "no customer"),
    ]
    assert sheets.write_results(source, source, done, fingerprint=rows.fingerprint, **options) == source
    with pytest.raises(WorkbookError, match="has changed since it was read"):
        sheets.write_results(source, source, done, fingerprint=rows.fingerprint, **options)
    sheets.write_results(
        source, source, [sheets.Result(3, "done", output={"confirmation": "C-2"})], **options
    )
    book = openpyxl.load_workbook(source)
    page = book["Orders"]
    assert [[c.value for c in page[row]][:5] for row in (1, 2, 3)] == [
        ["Name", "Amount", "Runner status", "Runner message", "confirmation"],
        ["customer 1", 1.5, "done", None, "C-1"],
        ["customer 2", 3, "done", None, "C-2"],
    ]
    assert page.auto_filter.ref == "A1:E6"
    assert page.column_dimensions["D"].width > 10
    assert backups_of(source)[0].read_bytes() == before
    assert len(backups_of(source)) == 2
    assert len(sheets.read(source, Order)) == len(rows)


def test_an_excel_table_takes_the_result_columns_in(tmp_path: Path) -> None:
    source = tmp_path / "a.xlsx"
    book = xlsxwriter.Workbook(str(source))
    page = book.add_worksheet("S")
    page.set_column(1, 40, 5, book.add_format({"italic": True}))
    columns = [{"header": "name"}, {"header": "amount", "total_function": "sum"}]
    page.add_table(
        "A2:B5", {"name": "T", "columns": columns, "data": [["a", 1], ["b", 2]], "total_row": True}
    )
    book.close()
    source = with_sheet(source, tmp_path / "b.xlsx", lambda d: d.replace(b' customWidth="1"', b""))
    rows = sheets.read(source, Order)
    target = sheets.write_results(source, None, [sheets.Result(3, "done")], header_row=rows.header_row)
    found = openpyxl.load_workbook(target)["S"]
    table = found.tables["T"]
    assert (table.ref, table.autoFilter.ref) == ("A2:D5", "A2:D4")
    assert [one.name for one in table.tableColumns] == ["name", "amount", "Runner status", "Runner message"]
    assert [c.value for c in found[2]] == ["name", "amount", "Runner status", "Runner message"]
    groups = re.findall(
        rb'<col min="(\d+)" max="(\d+)" width="([\d.]+)" style="1"', parts(target)["xl/worksheets/sheet1.xml"]
    )
    assert groups == [
        (b"2", b"2", b"5.7109375"),
        (b"3", b"3", b"16.00"),
        (b"4", b"4", b"17.00"),
        (b"5", b"41", b"5.7109375"),
    ]
    sheets.write_results(source, None, [sheets.Result(4, "done")], header_row=rows.header_row)
    assert openpyxl.load_workbook(target)["S"].tables["T"].ref == "A2:D5"


def test_a_text_table_gets_its_results_as_a_text_table(tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    source.write_bytes("名称;amount\r\n北京;2,5\r\n".encode("gb18030"))
    target = sheets.write_results(source, None, [sheets.Result(2, "done", output={"nr": "C;1"})])
    assert target.name == "a.result.csv"
    expected = '名称;amount;Runner status;Runner message;nr\r\n北京;2,5;done;;"C;1"\r\n'
    assert target.read_bytes().decode("gb18030") == expected
    sheets.write_results(source, None, [sheets.Result(2, "rejected", "no")])
    assert '北京;2,5;rejected;no;"C;1"' in target.read_bytes().decode("gb18030")
