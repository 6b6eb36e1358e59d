"""Changing a workbook in place: rows that are added, tables and charts that grow, sheets that are new, everything else as it was."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from pydantic import BaseModel

from runner import sheets
from runner.core.errors import WorkbookError, WorkbookLoss
from runner.sheets.references import Growth, Movement
from tests.sheets_workbook import cell, changed, orders, parts


def ledger(path: Path, *, total: bool = True, table: bool = False, beside: bool = False) -> Path:
    """Five rows under a header in row 3, with all that refers to them; a total and a note below."""
    book = xlsxwriter.Workbook(str(path))
    page, board = book.add_worksheet("Ledger"), book.add_worksheet("Board")
    money, day = (
        book.add_format({"num_format": "0.00", "border": 1}),
        book.add_format({"num_format": "yyyy-mm-dd"}),
    )
    page.write_string(0, 0, "Ledger 2026")
    page.write_row(2, 0, ["Day", "Text", "Net", "Gross"], book.add_format({"bold": True}))
    for at in range(3, 8):
        page.write_datetime(at, 0, dt.datetime(2026, 1, at), day)  # noqa: DTZ001 - a cell has no time zone
        page.write_string(at, 1, f"entry {at}")
        page.write_number(at, 2, at * 10, money)
        page.write_formula(at, 3, f"=C{at + 1}*1.19", money, at * 11.9)
    if total and not table:
        page.write_string(8, 1, "Total")
        page.write_formula(8, 2, "=SUM(C4:C8)", money, 250)
        page.write_formula(8, 3, "=SUM($D$4:$D$8)", money, 297.5)
    if table:
        columns: list[dict[str, Any]] = [
            {"header": "Day"}, {"header": "Text", "total_string": "Total"}, {"header": "Net", "total_function": "sum"},
            {"header": "Gross", "formula": "=[@Net]*1.19"},
        ]  # fmt: skip
        page.add_table(
            2, 0, 8 if total else 7, 3, {"name": "Entries", "columns": columns, "total_row": total}
        )
    else:
        page.autofilter(2, 0, 7, 3)
    page.write_string(11, 0, "Signed: ____")
    page.merge_range(12, 0, 13, 1, "Stamp")
    page.write_comment(8, 1, "sum of all")
    page.conditional_format(3, 2, 7, 2, {"type": "data_bar"})
    page.data_validation(3, 2, 7, 2, {"validate": "decimal", "criteria": ">", "value": 0})
    if beside:
        page.write_row(2, 6, ["K", "V"])
        page.add_table(2, 6, 11, 7, {"name": "Other"})
    book.define_name("nets", "=Ledger!$C$4:$C$8")
    board.write_formula(0, 0, "=SUM(Ledger!C4:C8)", None, 250)
    board.write_formula(1, 0, "=Ledger!A12", None, "Signed: ____")
    chart = book.add_chart({"type": "column"})
    assert chart is not None
    chart.add_series(
        {"values": "=Ledger!$C$4:$C$8", "categories": "=Ledger!$B$4:$B$8", "name": "=Ledger!$C$3"}
    )
    board.insert_chart("C3", chart)
    book.close()
    return path


def xml(path: Path, part: str) -> str:
    return parts(path)[part].decode()


def test_cells_are_changed_in_place_and_read_as_they_were(tmp_path: Path) -> None:
    path = orders(tmp_path / "a.xlsx")
    copy = tmp_path / "before.xlsx"
    copy.write_bytes(path.read_bytes())
    with sheets.edit(path) as book:
        page = book.sheet("Orders")
        assert page["B2"] == 1.5
        assert page["Z9"] is None
        page["C2"] = "done"
        book.sheet("Other")["A1"] = "changed"
        page.set(3, 3, sheets.Formula("=B3*2"))
    assert changed(copy, path) == ["xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml"]
    assert cell(path, "Orders", "C2").value == "done"
    assert openpyxl.load_workbook(path)["Orders"]["C3"].value == "=B3*2"
    assert cell(path, "Other", "B1").value == 1


def test_an_error_in_the_block_leaves_the_workbook_alone(tmp_path: Path) -> None:
    path = orders(tmp_path / "a.xlsx")
    before = path.read_bytes()
    with pytest.raises(KeyError), sheets.edit(path) as book:
        book.sheet()["C2"] = {"known": 1}["missing"]
    assert path.read_bytes() == before
    edited = sheets.edit(path)
    edited.sheet()["C2"] = "done"
    edited.sheet()["B9"] = 1
    with pytest.raises(WorkbookLoss, match="formula"):
        edited.save()
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["a.xlsx"]


def test_a_workbook_that_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = orders(tmp_path / "a.xlsx")
    book = sheets.edit(path)
    book.sheet()["C2"] = "done"
    sheets.patch_cells(path, path, "Orders", {(3, 3): "theirs"}, backups=0)
    theirs = path.read_bytes()
    with pytest.raises(WorkbookError, match="changed since"):
        book.save()
    assert path.read_bytes() == theirs


def test_rows_added_push_down_what_is_below_and_everything_over_them_grows(tmp_path: Path) -> None:
    path = ledger(tmp_path / "a.xlsx")
    with sheets.edit(path) as book:
        added = book.sheet("Ledger").append(
            [
                {"day": dt.date(2026, 2, 1), "TEXT": "new 1", "Net": 80},
                {"Text": "new 2", "Net": Decimal("9.5")},
            ]
        )
    assert added == 2
    book_now = openpyxl.load_workbook(path)
    page, board = book_now["Ledger"], book_now["Board"]
    assert [page[f"B{row}"].value for row in range(8, 12)] == ["entry 7", "new 1", "new 2", "Total"]
    assert page["A9"].number_format == "yyyy-mm-dd"
    assert page["C10"].number_format == "0.00"
    assert page["C10"].border.left.style == "thin"
    assert [page[f"D{row}"].value for row in (8, 9, 10)] == ["=C8*1.19", "=C9*1.19", "=C10*1.19"]
    assert (page["C11"].value, page["D11"].value) == ("=SUM(C4:C10)", "=SUM($D$4:$D$10)")
    assert page["A14"].value == "Signed: ____"
    assert [str(area) for area in page.merged_cells.ranges] == ["A15:B16"]
    assert page["B11"].comment.text == "sum of all"
    assert str(page.auto_filter.ref) == "A3:D10"
    assert [str(area.sqref) for area in page.conditional_formatting] == ["C4:C10"]
    assert [str(rule.sqref) for rule in page.data_validations.dataValidation] == ["C4:C10"]
    assert book_now.defined_names["nets"].attr_text == "Ledger!$C$4:$C$10"
    assert (board["A1"].value, board["A2"].value) == ("=SUM(Ledger!C4:C10)", "=Ledger!A14")
    chart = xml(path, "xl/charts/chart1.xml")
    assert re.findall(r"<c:f>(.*?)</c:f>", chart) == ["Ledger!$C$3", "Ledger!$B$4:$B$10", "Ledger!$C$4:$C$10"]
    assert "<x:Row>10</x:Row>" in xml(path, "xl/drawings/vmlDrawing1.vml")
    assert 'name="_xlnm._FilterDatabase"' in xml(path, "xl/workbook.xml")
    assert "Ledger!$A$3:$D$10" in xml(path, "xl/workbook.xml")


def test_an_excel_table_grows_with_its_totals_row_below(tmp_path: Path) -> None:
    path = ledger(tmp_path / "a.xlsx", table=True)

    class Entry(BaseModel):
        day: dt.date
        text: str
        net: Decimal

    with sheets.edit(path) as book:
        book.sheet("Ledger").append(
            Entry(day=dt.date(2026, 3, n), text=f"t{n}", net=Decimal(n)) for n in (1, 2, 3)
        )
    page = openpyxl.load_workbook(path)["Ledger"]
    assert page.tables["Entries"].ref == "A3:D12"
    assert page.tables["Entries"].autoFilter.ref == "A3:D11"
    assert page["B12"].value == "Total"
    assert page["C12"].value == "=SUBTOTAL(109,[Net])"
    assert page["D11"].value == page["D8"].value
    assert page["A15"].value == "Signed: ____"


def test_a_table_without_anything_below_grows_without_moving_a_row(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = xlsxwriter.Workbook(str(path))
    page = book.add_worksheet("S")
    page.add_table("B2:C3", {"name": "T", "columns": [{"header": "x"}, {"header": "y"}]})
    book.close()
    with sheets.edit(path) as edited:
        edited.sheet("S").append([["a", 1], ["b", 2], ["c", 3]], table="t")
    found = openpyxl.load_workbook(path)["S"]
    assert found.tables["T"].ref == "B2:C5"
    assert [[c.value for c in row] for row in found["B3:C5"]] == [["a", 1], ["b", 2], ["c", 3]]
    with sheets.edit(path) as edited:
        edited.sheet("S").append([["d", 4]])
    assert openpyxl.load_workbook(path)["S"].tables["T"].ref == "B2:C6"


def test_rows_can_be_added_to_a_sheet_with_headings_alone_and_again(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    book.worksheets[0].append(["Day", "Rows"])
    book.save(path)
    for number in (1, 2):
        with sheets.edit(path) as edited:
            page = edited.sheet()
            page.append([{"Day": dt.date(2026, 1, number), "Rows": number}])
            page.append([{"Rows": number * 10}])
    found = openpyxl.load_workbook(path).worksheets[0]
    assert [row[1].value for row in found.iter_rows(min_row=2)] == [1, 10, 2, 20]
    assert found["A2"].is_date


def test_another_table_or_an_array_formula_is_not_torn_apart(tmp_path: Path) -> None:
    path = ledger(tmp_path / "a.xlsx", beside=True)
    before = path.read_bytes()
    with (
        pytest.raises(WorkbookLoss, match="the table 'Other' would be torn apart"),
        sheets.edit(path) as book,
    ):
        book.sheet("Ledger").append([{"Net": 1}], header_row=3)
    assert path.read_bytes() == before
    made = xlsxwriter.Workbook(str(tmp_path / "b.xlsx"))
    page = made.add_worksheet("S")
    page.write_column(0, 0, ["x", 1, 2, "", "below"])
    page.write_array_formula("D2:D5", "{=ROW(1:4)}", None, 1)
    made.close()
    with pytest.raises(WorkbookLoss, match="array formula in D2"), sheets.edit(tmp_path / "b.xlsx") as book:
        book.sheet().append([[3]], header_row=1)


def test_shared_formulas_stay_right_when_rows_are_put_in(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = xlsxwriter.Workbook(str(path))
    page = book.add_worksheet("S")
    page.write_row(0, 0, ["x", "y"])
    page.write_column(1, 0, [1, 2])
    page.write_column(4, 0, [7, 8, 9])
    book.close()
    head = '<c r="B5"><f t="shared" ref="B5:B7" si="0">A4+A$2+A5</f><v>9</v></c>'
    cells = {5: head} | {row: f'<c r="B{row}"><f t="shared" si="0"/><v>0</v></c>' for row in (6, 7)}
    content = parts(path)
    sheet = content["xl/worksheets/sheet1.xml"].decode()
    for row, one in cells.items():
        start = sheet.index(f'<row r="{row}"')
        sheet = sheet[:start] + sheet[start:].replace("</row>", f"{one}</row>", 1)
    with zipfile.ZipFile(path, "w") as package:
        for name, data in content.items():
            package.writestr(name, sheet if name == "xl/worksheets/sheet1.xml" else data)
    with sheets.edit(path) as edited:
        edited.sheet().append([[3], [4]], header_row=1)
    found = openpyxl.load_workbook(path)["S"]
    assert [found[f"B{row}"].value for row in (7, 8, 9)] == ["=A6+A$2+A7", "=A7+A$2+A8", "=A8+A$2+A9"]


def test_a_template_is_filled_and_its_lines_are_repeated(tmp_path: Path) -> None:
    template, target = tmp_path / "template.xlsx", tmp_path / "invoice.xlsx"
    book = xlsxwriter.Workbook(str(template))
    page = book.add_worksheet("Invoice")
    money = book.add_format({"num_format": "0.00", "bottom": 1})
    page.set_header("&LInvoice {{number}}")
    page.write_string("A1", "Dear {{ customer.name }},")
    page.write_string("B1", "{{day}}", book.add_format({"num_format": "dd.mm.yyyy"}))
    page.write_row("A3", ["Item", "Pieces", "Price", "Sum", "Unit"])
    page.write_string("A4", "{{lines.item}}")
    page.write_string("B4", "{{lines.pieces}}")
    page.write_string("C4", "{{lines.price}}", money)
    page.write_formula("D4", "=B4*C4", money, 0)
    page.write_string("E4", "pcs")
    page.merge_range("F4:G4", "")
    page.write_string("C5", "Total {{number}}")
    page.write_formula("D5", "=SUM(D4:D4)", money, 0)
    page.insert_textbox("H2", "For {{customer.name}}")
    book.close()
    before = template.read_bytes()

    class Line(BaseModel):
        item: str
        pieces: int
        price: Decimal

    values = {
        "number": 17,
        "customer": {"name": "Ann & Söhne"},
        "day": dt.date(2026, 3, 1),
        "lines": [Line(item=f"item {n}", pieces=n, price=Decimal("2.5")) for n in (1, 2, 3)],
    }
    with sheets.edit(template, save_as=target) as edited:
        edited.fill(values)
    assert template.read_bytes() == before
    found = openpyxl.load_workbook(target)["Invoice"]
    assert found["A1"].value == "Dear Ann & Söhne,"
    assert found["B1"].value == dt.datetime.fromisoformat("2026-03-01")
    assert found["B1"].number_format == "dd.mm.yyyy"
    assert [[c.value for c in row] for row in found["A4:E6"]] == [
        [f"item {n}", n, 2.5, f"=B{n + 3}*C{n + 3}", "pcs"] for n in (1, 2, 3)
    ]
    assert found["C6"].number_format == "0.00"
    assert (found["C7"].value, found["D7"].value) == ("Total 17", "=SUM(D4:D6)")
    assert sorted(str(area) for area in found.merged_cells.ranges) == ["F4:G4", "F5:G5", "F6:G6"]
    assert "<oddHeader>&amp;LInvoice 17</oddHeader>" in xml(target, "xl/worksheets/sheet1.xml")
    assert "For Ann &amp; Söhne" in xml(target, "xl/drawings/drawing1.xml")
    assert 'fullCalcOnLoad="1"' in xml(target, "xl/workbook.xml")


def test_a_placeholder_without_a_value_is_named_and_nothing_written(tmp_path: Path) -> None:
    template = tmp_path / "t.xlsx"
    book = openpyxl.Workbook()
    book.worksheets[0]["C7"] = "{{custmer}}"
    book.save(template)
    with pytest.raises(WorkbookError) as caught, sheets.edit(template, save_as=tmp_path / "x.xlsx") as edited:
        edited.fill({"customer": "Ann"})
    for word in ("Sheet!C7", "WB_PLACEHOLDER", "{{custmer}}", "did you mean 'customer'"):
        assert word in str(caught.value)
    assert [one.name for one in tmp_path.iterdir()] == ["t.xlsx"]


def test_an_empty_list_leaves_an_empty_row(tmp_path: Path) -> None:
    template = tmp_path / "t.xlsx"
    book = openpyxl.Workbook()
    book.worksheets[0].append(["Item", "Unit"])
    book.worksheets[0].append(["{{lines.item}}", "pcs"])
    book.save(template)
    with sheets.edit(template, save_as=tmp_path / "x.xlsx") as edited:
        edited.fill({"lines": []})
    assert [c.value for c in openpyxl.load_workbook(tmp_path / "x.xlsx").worksheets[0][2]] == [None, "pcs"]


def test_a_sheet_is_added_and_all_others_stay(tmp_path: Path) -> None:
    path = orders(tmp_path / "a.xlsx")
    before = parts(path)
    rows: list[dict[str, Any]] = [
        {"Day": dt.date(2026, 1, 2), "Text": "=1+1", "Amount": Decimal("1.5")},
        {"Day": None, "Text": "b", "Amount": 2},
    ]
    with sheets.edit(path) as book:
        book.add_sheet("Log & more", rows)
        book.add_sheet("Empty")
    after = parts(path)
    assert set(after) - set(before) == {"xl/worksheets/sheet3.xml", "xl/worksheets/sheet4.xml"}
    assert {name for name in before if before[name] != after[name]} == {
        "[Content_Types].xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml",
    }  # fmt: skip
    found = openpyxl.load_workbook(path)
    assert found.sheetnames == ["Orders", "Other", "Log & more", "Empty"]
    page = found["Log & more"]
    assert [[c.value for c in row] for row in page.iter_rows()] == [
        ["Day", "Text", "Amount"], [dt.datetime.fromisoformat("2026-01-02"), "=1+1", 1.5], [None, "b", 2],
    ]  # fmt: skip
    assert page["B2"].data_type == "s" or page["B2"].data_type == "inlineStr"
    assert page["A1"].font.bold
    assert page["A2"].is_date
    assert [row.data.text for row in sheets.read(path, Named, sheet="Log & more").good] == ["=1+1", "b"]
    for name, code in (("ORDERS", "WB_SHEET"), ("a/b", "WB_VALUE")):
        with pytest.raises(WorkbookError, match=code), sheets.edit(path) as book:
            book.add_sheet(name)


class Named(BaseModel):
    text: str


def test_a_locked_cell_of_a_protected_sheet_is_left_alone_unless_it_is_wished(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = xlsxwriter.Workbook(str(path))
    page = book.add_worksheet("S")
    page.protect("secret")
    page.write("A1", "locked")
    page.write("B1", "free", book.add_format({"locked": False}))
    book.close()
    with sheets.edit(path) as edited:
        edited.sheet()["B1"] = "written"
    before = path.read_bytes()
    for place in ("A1", "C9"):
        with (
            pytest.raises(WorkbookLoss, match=f"protected and cell {place} is locked"),
            sheets.edit(path) as edited,
        ):
            edited.sheet()[place] = "x"
    assert path.read_bytes() == before
    with sheets.edit(path, protected=True) as edited:
        edited.sheet()["A1"] = "x"
    assert [c.value for c in openpyxl.load_workbook(path)["S"][1]] == ["x", "written"]


def test_references_follow_a_move() -> None:
    moved = Movement("My Sheet", ((7, 3),), (Growth(1, 6, 1, 5, 3),))
    for old, own, other in (
        ("SUM(B2:B6)", "SUM(B2:B9)", "SUM(B2:B6)"),
        ("'My Sheet'!A2:A6&\"B2:B6\"", "'My Sheet'!A2:A9&\"B2:B6\"", "'My Sheet'!A2:A9&\"B2:B6\""),
        ("SUM(B:B)+B5:B6+B7", "SUM(B:B)+B5:B6+B10", "SUM(B:B)+B5:B6+B7"),
        ("T[[#This Row],[a]]*A9", "T[[#This Row],[a]]*A12", "T[[#This Row],[a]]*A9"),
        ("A1:INDEX(A:A,9)", "A1:INDEX(A:A,9)", "A1:INDEX(A:A,9)"),
        ("[1]Other!A9+Other!A9", "[1]Other!A9+Other!A9", "[1]Other!A9+Other!A9"),
    ):
        assert (moved.formula(old, own=True), moved.formula(old, own=False)) == (own, other)
    assert moved.areas("B2:B6 D9 7:8") == "B2:B9 D12 10:11"
    with pytest.raises(WorkbookLoss, match="several sheets"):
        moved.formula("SUM('A:My Sheet'!A1)", own=True)
