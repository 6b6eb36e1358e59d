"""The workbooks of the demo: 40 orders, six of them bad in different ways, and a bank and a ledger that disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from openpyxl import Workbook
from openpyxl.chart import BarChart, Reference
from openpyxl.formatting.rule import CellIsRule
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from runner.demo.catalogue import PRODUCTS

ORDERS_FILE = "orders_demo.xlsx"
BANK_FILE = "bank.xlsx"
LEDGER_FILE = "ledger.xlsx"
ORDER_COLUMNS = ("Order number", "Customer", "Product", "Quantity", "Amount", "Delivery date", "Notes")

BAD_ROWS: Mapping[int, str] = {
    7: "unknown product 'Desk lmap'",
    13: "amount is the text '12,5O'",
    18: "customer is missing",
    24: "delivery date is the text '2026-02-30', a day that does not exist",
    31: "order number of row 5 again",
    37: "quantity is the error #N/A",
}
"""The rows of the orders sheet that can't be entered as they are, by row number in the sheet (the header is row 1)."""

DIFFERENCES: Mapping[str, str] = {
    "INV-3006": "amount differs",
    "INV-3012": "date differs",
    "INV-3019": "only in the bank",
    "INV-3031": "only in the ledger",
}
"""How the bank and the ledger disagree, by reference."""

_CUSTOMERS = (
    "Alder & Finch",
    "Baltic Timber",
    "Cobalt Studio",
    "Dune Architects",
    "Estuary Press",
    "Fjord Logistics",
    "Granite School",
    "Harbour Clinic",
)
_NOTES = ("", "", "Leave at the gate", "", "Call before delivery", "", "Second floor")
_PRICES = (420, 189, 24, 610, 39, 145, 28, 96, 215, 33, 120, 88)
_CREATED = datetime(2026, 1, 5, 8, 0)  # noqa: DTZ001 - workbooks have no time zones
_HEADER_FILL = PatternFill("solid", fgColor="0F6B5C")
_LINE = Border(bottom=Side("thin", color="D9DFDC"))
_FORMATS = {Decimal: "#,##0.00", date: "yyyy-mm-dd", int: "0"}


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One row of the orders sheet as it is typed: a bad row has something else than the type says."""

    number: str
    customer: str | None
    product: str
    quantity: int | str
    amount: Decimal | str
    delivery_date: date | str
    notes: str | None


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment as the bank or the ledger has it."""

    reference: str
    booked: date
    partner: str
    amount: Decimal


def order_rows() -> list[OrderRow]:
    """The 40 rows of the orders sheet; row 2 of the sheet is the first."""
    rows = [_good_order(index) for index in range(40)]

    def spoil(sheet_row: int, **values: object) -> None:
        rows[sheet_row - 2] = replace(rows[sheet_row - 2], **values)  # type: ignore[arg-type]

    spoil(7, product="Desk lmap")
    spoil(13, amount="12,5O")
    spoil(18, customer=None)
    spoil(24, delivery_date="2026-02-30")
    spoil(31, number=rows[5 - 2].number)
    spoil(37, quantity="#N/A")
    return rows


def payments() -> tuple[list[Payment], list[Payment]]:
    """The 30 payments of the bank and the 30 of the ledger, with the four `DIFFERENCES`."""
    both = [_payment(index) for index in range(31)]
    bank = [payment for payment in both if payment.reference != "INV-3031"]
    ledger = [payment for payment in both if payment.reference != "INV-3019"]
    for index, payment in enumerate(ledger):
        if payment.reference == "INV-3006":
            ledger[index] = replace(payment, amount=payment.amount + Decimal("9.00"))
        if payment.reference == "INV-3012":
            ledger[index] = replace(payment, booked=payment.booked + timedelta(days=3))
    return bank, ledger


def make_orders(folder: Path) -> Path:
    """Write the orders workbook into `folder`: the orders, and a summary with formulas and a chart."""
    book = _new_book("Demo orders")
    sheet = book.create_sheet("Orders")
    rows = order_rows()
    _fill(sheet, ORDER_COLUMNS, [astuple(row) for row in rows], (16, 22, 20, 11, 13, 15, 24))
    choice = DataValidation(type="list", formula1='"' + ",".join(PRODUCTS) + '"', allow_blank=False)
    choice.add(f"C2:C{len(rows) + 1}")
    sheet.add_data_validation(choice)
    large = CellIsRule(operator="greaterThan", formula=["2000"], font=Font(bold=True))  # type: ignore[no-untyped-call]
    sheet.conditional_formatting.add(f"E2:E{len(rows) + 1}", large)
    _summarise(book.create_sheet("Summary"), len(rows) + 1)
    return _save(book, folder / ORDERS_FILE)


def make_payments(folder: Path) -> tuple[Path, Path]:
    """Write the workbooks of the bank and of the ledger into `folder`; their columns have different names."""
    bank, ledger = payments()
    books = (
        (BANK_FILE, "Statement", ("Reference", "Booking date", "Counterparty", "Amount"), bank),
        (LEDGER_FILE, "Ledger", ("Document", "Posting date", "Partner", "Amount EUR"), ledger),
    )
    files = []
    for name, title, columns, rows in books:
        book = _new_book(title)
        _fill(book.create_sheet(title), columns, [astuple(row) for row in rows], (14, 15, 22, 14))
        files.append(_save(book, folder / name))
    return files[0], files[1]


def _good_order(index: int) -> OrderRow:
    product = index * 5 % len(PRODUCTS)
    quantity = 1 + (index * 7 + index // len(PRODUCTS) * 5) % 12
    return OrderRow(
        number=f"SO-{2001 + index}",
        customer=_CUSTOMERS[index * 3 % len(_CUSTOMERS)],
        product=PRODUCTS[product],
        quantity=quantity,
        amount=Decimal(_PRICES[product] * quantity) + Decimal(index * 25 % 100) / 100,
        delivery_date=date(2026, 12, 1) + timedelta(days=index * 11 % 60),
        notes=_NOTES[index % len(_NOTES)] or None,
    )


def _payment(index: int) -> Payment:
    return Payment(
        reference=f"INV-{3001 + index}",
        booked=date(2026, 10, 1) + timedelta(days=index),
        partner=_CUSTOMERS[index * 5 % len(_CUSTOMERS)],
        amount=Decimal(12_000 + index * 7919 % 90_000) / 100,
    )


def _new_book(title: str) -> Workbook:
    book = Workbook()
    book.remove(book.worksheets[0])
    book.properties.title = title
    book.properties.creator = "Supplier portal demo"
    book.properties.created = _CREATED
    return book


def _fill(
    sheet: Worksheet, columns: Sequence[str], rows: Sequence[tuple[object, ...]], widths: Sequence[int]
) -> None:
    sheet.append(list(columns))
    for row in rows:
        sheet.append(list(row))
        for cell in sheet[sheet.max_row]:
            cell.border = _LINE
            cell.number_format = _FORMATS.get(type(cell.value), "General")
    _style_header(sheet, widths)
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions


def _style_header(sheet: Worksheet, widths: Sequence[int]) -> None:
    for cell in sheet[1]:
        cell.font = Font(bold=True, color="FFFFFF")
        cell.fill = _HEADER_FILL
        cell.alignment = Alignment(vertical="center")
    sheet.row_dimensions[1].height = 22
    for column, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(column)].width = width


def _summarise(sheet: Worksheet, last: int) -> None:
    sheet.append(["Product", "Orders", "Amount"])
    for row, product in enumerate(PRODUCTS, start=2):
        found = f"Orders!$C$2:$C${last}"
        sheet.append(
            [product, f"=COUNTIF({found},A{row})", f"=SUMIF({found},A{row},Orders!$E$2:$E${last})"],
        )
    sheet.append(["Total", f"=COUNTA(Orders!$A$2:$A${last})", f"=SUM(Orders!$E$2:$E${last})"])
    for (cell,) in sheet.iter_rows(min_row=2, min_col=3, max_col=3):
        cell.number_format = _FORMATS[Decimal]
    for cell in sheet[sheet.max_row]:
        cell.font = Font(bold=True)
    _style_header(sheet, (22, 10, 14))
    chart = BarChart()
    chart.type, chart.title, chart.legend = "bar", "Amount by product", None
    chart.add_data(Reference(sheet, min_col=3, min_row=2, max_row=len(PRODUCTS) + 1))
    chart.set_categories(Reference(sheet, min_col=1, min_row=2, max_row=len(PRODUCTS) + 1))
    chart.height, chart.width = 11, 18
    sheet.add_chart(chart, "E2")


def _save(book: Workbook, file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    book.save(file)
    return file
