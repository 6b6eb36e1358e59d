"""The workbooks of the demo have the rows, the mistakes and the dressing that they promise."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from openpyxl import load_workbook

from runner.demo.catalogue import PRODUCTS
from runner.demo.data import (
    BAD_ROWS,
    DIFFERENCES,
    ORDER_COLUMNS,
    make_orders,
    make_payments,
    order_rows,
    payments,
)
from runner.demo.order_form import APPROVAL_LIMIT, read_order


def test_the_orders_workbook_has_40_rows_and_the_six_mistakes_where_it_says(tmp_path: Path) -> None:
    sheet = load_workbook(make_orders(tmp_path))["Orders"]
    assert tuple(cell.value for cell in sheet[1]) == ORDER_COLUMNS
    assert sheet.max_row == 41
    assert {7, 13, 18, 24, 31, 37} == {*BAD_ROWS}
    assert sheet["C7"].value == "Desk lmap"
    assert sheet["E13"].value == "12,5O"
    assert sheet["B18"].value is None
    assert sheet["F24"].value == "2026-02-30"
    assert sheet["A31"].value == sheet["A5"].value
    assert (sheet["D37"].value, sheet["D37"].data_type) == ("#N/A", "e")


def test_every_other_row_would_be_accepted_by_the_portal() -> None:
    numbers = set()
    for sheet_row, row in enumerate(order_rows(), start=2):
        if sheet_row in BAD_ROWS:
            continue
        form = {name: str(getattr(row, name) or "") for name in row.__slots__}
        numbers.add(read_order(form, PRODUCTS, limit=APPROVAL_LIMIT).number)
    assert len(numbers) == 34


def test_the_summary_has_formulas_and_a_chart_and_the_orders_have_their_dressing(tmp_path: Path) -> None:
    book = load_workbook(make_orders(tmp_path))
    summary, orders = book["Summary"], book["Orders"]
    assert summary["C14"].value == "=SUM(Orders!$E$2:$E$41)"
    assert len(summary._charts) == 1  # type: ignore[attr-defined]
    assert orders.freeze_panes == "A2"
    assert orders["A1"].font.bold
    assert orders["E2"].number_format == "#,##0.00"
    assert orders["F2"].number_format == "yyyy-mm-dd"


def test_making_the_workbooks_again_gives_the_same_cells(tmp_path: Path) -> None:
    first, second = make_orders(tmp_path / "a"), make_orders(tmp_path / "b")
    assert all(
        [[cell.value for cell in row] for row in one.rows]
        == [[cell.value for cell in row] for row in other.rows]
        for one, other in zip(load_workbook(first), load_workbook(second), strict=True)
    )


def test_the_bank_and_the_ledger_disagree_in_exactly_four_payments(tmp_path: Path) -> None:
    bank_rows, ledger_rows = payments()
    assert len(bank_rows) == len(ledger_rows) == 30
    bank = {row.reference: row for row in bank_rows}
    ledger = {row.reference: row for row in ledger_rows}
    differing = {reference for reference in bank | ledger if bank.get(reference) != ledger.get(reference)}
    assert differing == {*DIFFERENCES}
    assert bank["INV-3006"].amount - ledger["INV-3006"].amount == Decimal("-9.00")
    assert "INV-3019" not in ledger
    assert "INV-3031" not in bank

    bank_file, ledger_file = make_payments(tmp_path)
    assert load_workbook(bank_file)["Statement"].max_row == load_workbook(ledger_file)["Ledger"].max_row == 31
    booked = load_workbook(bank_file)["Statement"]["B2"].value
    assert isinstance(booked, datetime)
    assert booked.date() == date(2026, 10, 1)
