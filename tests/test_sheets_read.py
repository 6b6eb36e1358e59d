"""Reading rows: headings, types, bad cells, every kind of file."""

from __future__ import annotations

import datetime as dt
import enum
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.cell import WriteOnlyCell
from pydantic import BaseModel, Field

from runner import sheets
from runner.core.errors import UsageError, WorkbookError
from runner.sheets.judged import BadRow

SHARED = Path(__file__).parents[1] / ".." / "shared" / "data"


def workbook(path: Path, rows: Sequence[list[object]], title: str = "Sheet1") -> Path:
    book = openpyxl.Workbook()
    book.worksheets[0].title = title
    for row in rows:
        book.worksheets[0].append(list(row))
    book.save(path)
    return path


class Invoice(BaseModel):
    number: str
    amount: Decimal


def test_headings_match_whatever_their_case_spaces_and_width(tmp_path: Path) -> None:
    class Order(BaseModel):
        order_no: str
        amount: Decimal
        due: dt.date = Field(title="Due date")
        note: str = Field("none", json_schema_extra={"aliases": ["Bemerkung"]})
        city: str = Field(alias="Town")

    heads: list[object] = ["ＯＲＤＥＲ no.", "Unused", "金额", "due_DATE", "bemerkung:", "TOWN"]
    path = workbook(
        tmp_path / "a.xlsx", [[], ["A title"], heads, ["7", 1, 2.5, dt.date(2026, 1, 31), None, "Ulm"]]
    )
    rows = sheets.read(path, Order, aliases={"amount": ["Betrag", "金额"]})
    assert rows.header_row == 3
    assert rows.columns == {"order_no": "A", "amount": "C", "due": "D", "note": "E", "city": "F"}
    [row] = rows
    assert row == sheets.GoodRow(
        Order(order_no="7", amount=Decimal("2.5"), due=dt.date(2026, 1, 31), Town="Ulm"),
        sheets.SourceRow(path, "Sheet1", 4),
    )
    assert str(row.source) == "a.xlsx/Sheet1!4"


def test_one_bad_row_does_not_stop_the_others(tmp_path: Path) -> None:
    rows: list[list[object]] = [["Number", "x", "Amount"]]
    rows += [[f"N{i}", None, i] for i in range(5)]
    rows += [["N5", None, "1.234,56"], [], ["N7", None, 7]]
    read = sheets.read(workbook(tmp_path / "a.xlsx", rows), Invoice)
    assert len(read) == 7
    assert [row.data.number for row in read.good] == ["N0", "N1", "N2", "N3", "N4", "N7"]
    [bad] = read.bad
    assert bad.raw == {"number": "N5", "amount": "1.234,56"}
    assert bad.source.row == 7
    [error] = bad.errors
    text = str(error)
    assert text.startswith("Sheet1!C7: WB_CELL_TYPE: ")
    for word in ("cell", "C7", "'1.234,56'", "expected a number", "locale"):
        assert word in text


def test_error_cells_and_formulas_without_a_result_are_named(tmp_path: Path) -> None:
    rows: list[list[object]] = [["Amount", "Number", "Third"]]
    rows += [[1, f"N{i}", None] for i in range(8)]
    rows[6] = [1, "N5", "#REF!"]
    rows.append([1, "=SUM(A2:A9)", 1])
    path = workbook(tmp_path / "a.xlsx", rows)

    class Three(Invoice):
        third: str | None

    first, second = sheets.read(path, Three).bad
    for word in ("C7", "WB_CELL_ERROR", "#REF!", "fix the formula"):
        assert word in str(first.errors[0])
    for word in ("B10", "WB_NO_CACHED", "=SUM", "has no stored result", "open and save it in Excel"):
        assert word in str(second.errors[0])
    assert first.raw == {"number": "N5", "amount": 1, "third": "#REF!"}


def test_text_numbers_follow_the_declared_locale(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("number;amount\n1;1.234,56\n2;(5,00) \n3;12 %\n4;-0,5\n5;€ 7\n", encoding="utf-8")
    amounts = [row.data.amount for row in sheets.read(path, Invoice, locale="de").good]
    assert amounts == [Decimal("1234.56"), Decimal("-5.00"), Decimal("0.12"), Decimal("-0.5"), Decimal(7)]
    assert len(sheets.read(path, Invoice).bad) == 3
    with pytest.raises(UsageError, match="did you mean 'de'"):
        sheets.read(path, Invoice, locale="dee")


def test_a_number_that_reads_differently_elsewhere_needs_a_locale(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("number,amount\n1,1.234\n2,12.50\n3,１２\n")
    read = sheets.read(path, Invoice)
    assert [row.data.amount for row in read.good] == [Decimal("12.50"), Decimal(12)]
    assert "locale" in str(read.bad[0].errors[0])
    assert sheets.read(path, Invoice, locale="zh").good[0].data.amount == Decimal("1.234")
    assert sheets.read(path, Invoice, locale="de").good[0].data.amount == Decimal(1234)


def test_numbers_in_text_fields_keep_their_zeros_and_lose_their_point(tmp_path: Path) -> None:
    class Address(BaseModel):
        zip: str

    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet("A")
    page.append(["Zip"])
    for value, code in (
        (12345, "General"),
        (3695, "00000"),
        (1234567, "00000-0000"),
        (0.5, "0.0"),
        (42, '"No "000'),
    ):
        cell = WriteOnlyCell(page, value)
        cell.number_format = code
        page.append([cell])
    book.save(tmp_path / "a.xlsx")
    read = [row.data.zip for row in sheets.read(tmp_path / "a.xlsx", Address).good]
    assert read == ["12345", "03695", "00123-4567", "0.5", "No 042"]


def test_an_identifier_that_lost_digits_as_a_number_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["Number", "Amount"], [12345678901234567890, 1]])
    [bad] = sheets.read(path, Invoice).bad
    assert "more than 15 digits" in str(bad.errors[0])


class Colour(enum.StrEnum):
    RED = "red"


class Everything(BaseModel):
    text: str
    whole: Annotated[int, Field(ge=0)]
    money: Decimal | None
    ratio: float
    flag: bool
    day: dt.date
    moment: dt.datetime
    clock: dt.time
    colour: Colour
    size: Literal["S", "M"]
    level: Literal[1, 2]


GOOD: list[object] = [
    "x", 3, 0.1 + 0.2, 1.5, True, dt.date(2026, 2, 28), dt.datetime.fromisoformat("2026-02-28T01:02:03"), dt.time(14, 30), "red", "S", 2
]  # fmt: skip


def test_each_type_is_read_as_what_it_is(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [list(Everything.model_fields), GOOD])
    [row] = sheets.read(path, Everything).good
    values = list(row.data.model_dump().values())
    assert values == [*GOOD[:2], Decimal("0.3"), *GOOD[3:]]
    assert isinstance(row.data.money, Decimal)


@pytest.mark.parametrize("epoch1904", [False, True])
def test_both_date_systems_give_the_same_day(tmp_path: Path, epoch1904: bool) -> None:
    from openpyxl.utils.datetime import CALENDAR_MAC_1904

    class Day(BaseModel):
        day: dt.date

    book = openpyxl.Workbook()
    if epoch1904:
        book.epoch = CALENDAR_MAC_1904
    book.worksheets[0].append(["day"])
    book.worksheets[0].append([dt.date(2026, 2, 28)])
    book.save(tmp_path / "a.xlsx")
    assert sheets.read(tmp_path / "a.xlsx", Day).good[0].data.day == dt.date(2026, 2, 28)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("whole", 1.5, "whole number"),
        ("whole", -1, "greater than or equal to 0"),
        ("flag", "perhaps", "yes or no"),
        ("day", 46000, "expected a date"),
        ("day", "31.02.2026", "expected a date"),
        ("clock", "25:00", "expected a time"),
        ("colour", "blue", "'red'"),
        ("text", None, "is empty"),
        ("money", "abc", "expected a number"),
    ],
)
def test_a_value_of_the_wrong_kind_names_cell_and_expectation(
    tmp_path: Path, field: str, value: object, expected: str
) -> None:
    values = [
        value if name == field else good for name, good in zip(Everything.model_fields, GOOD, strict=True)
    ]
    path = workbook(tmp_path / "a.xlsx", [list(Everything.model_fields), values])
    [bad] = sheets.read(path, Everything, locale="de").bad
    [error] = bad.errors
    assert expected in str(error)
    assert error.where.startswith("Sheet1!")
    assert error.where.endswith("2")


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("de", "3.2.2026"),
        ("en", "2/3/2026"),
        ("en-GB", "03/02/2026"),
        (None, "2026-02-03"),
        ("zh", "2026年2月3日"),
    ],
)
def test_dates_in_text_follow_the_locale(tmp_path: Path, locale: str | None, text: str) -> None:
    class Day(BaseModel):
        day: dt.date

    path = tmp_path / "a.csv"
    path.write_text(f"day\n{text}\n", encoding="utf-8")
    assert sheets.read(path, Day, locale=locale).good[0].data.day == dt.date(2026, 2, 3)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_text_tables_are_read_whatever_their_encoding_and_delimiter(
    tmp_path: Path, encoding: str, delimiter: str
) -> None:
    path = tmp_path / "订单.csv"
    lines = [["number", "amount", "城市"], ["001", "2.50", '"北京, ""朝阳"""'], ["002", "3", '"two\nlines"']]
    path.write_text("".join(delimiter.join(line) + "\r\n" for line in lines), encoding=encoding, newline="")

    class Order(Invoice):
        city: str

    rows = sheets.read(path, Order, aliases={"city": ["城市"]})
    assert [(row.data.number, row.data.city, str(row.source)) for row in rows.good] == [
        ("001", '北京, "朝阳"', "订单.csv!2"),
        ("002", "two\nlines", "订单.csv!3"),
    ]


def test_the_first_visible_sheet_with_the_right_columns_is_taken(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.worksheets[0].title = "Read me"
    book.worksheets[0].append(["Fill in the next sheet"])
    hidden = book.create_sheet("Old")
    hidden.sheet_state = "hidden"
    for page in (hidden, book.create_sheet("Data")):
        page.append(["Number", "Amount"])
        page.append([page.title, 1])
    book.save(tmp_path / "a.xlsx")
    rows = sheets.read(tmp_path / "a.xlsx", Invoice)
    assert (rows.sheet, rows.good[0].data.number) == ("Data", "Data")
    assert sheets.read(tmp_path / "a.xlsx", Invoice, sheet="Old").good[0].data.number == "Old"


def test_a_rule_of_the_whole_row_is_an_error_of_the_row(tmp_path: Path) -> None:
    from pydantic import model_validator

    class Fussy(Invoice):
        @model_validator(mode="after")
        def never(self) -> Fussy:
            raise ValueError("sum is wrong")

    path = workbook(tmp_path / "a.xlsx", [["Number", "Amount"], ["1", 2]])
    [bad] = sheets.read(path, Fussy)
    assert isinstance(bad, BadRow)
    assert str(bad.errors[0]).startswith("Sheet1!2: WB_ROW: ")
    assert "sum is wrong" in str(bad.errors[0])


def test_real_orders_are_read_in_full() -> None:
    path = SHARED / "orders.xlsx"
    if not path.exists():
        pytest.skip("../shared/data is not there")

    class Order(BaseModel):
        name: str
        item: str
        zip: str

    rows = sheets.read(path, Order)
    assert len(rows) == len(rows.good) == 9
    assert rows.columns == {"name": "A", "item": "B", "zip": "C"}
    assert rows.good[0].data == Order(name="Sol Heaton", item="Sauce Labs Bolt T-Shirt", zip="3695")
    assert rows.good[8].data.item == "Sauce Labs Onesee"


OPEN_DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?><office:document-content
 xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>
<table:table table:name="T">{rows}</table:table></office:spreadsheet></office:body></office:document-content>"""
MANIFEST = """<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>"""


def open_document(path: Path, rows: str) -> Path:
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        package.writestr("META-INF/manifest.xml", MANIFEST)
        package.writestr("content.xml", OPEN_DOCUMENT.format(rows=rows))
    return path


def test_an_open_document_is_read_and_its_endless_blank_rows_are_not(tmp_path: Path) -> None:
    text = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    number = '<table:table-cell office:value-type="float" office:value="{}"/>'
    line = "<table:table-row>{}</table:table-row>".format
    blank = '<table:table-row table:number-rows-repeated="1048570"><table:table-cell table:number-columns-repeated="16384"/>'
    rows = line(text.format("Number") + text.format("Amount")) + line(number.format(7) + number.format(2.5))
    path = open_document(tmp_path / "a.ods", rows + blank + "</table:table-row>")
    [row] = sheets.read(path, Invoice)
    assert row == sheets.GoodRow(Invoice(number="7", amount=Decimal("2.5")), sheets.SourceRow(path, "T", 2))
    with pytest.raises(WorkbookError, match="no sheet 'U'"):
        sheets.read(path, Invoice, sheet="U")


@pytest.mark.parametrize("name", ["a.xls", "a.xlsb", "a.ods"])
def test_other_formats_are_guarded_too(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    for content, code in (
        (b"", "WB_EMPTY"),
        (b"a,b", "WB_NOT_XLSX"),
        (b"PK\3\4" + bytes(90), "WB_TRUNCATED"),
    ):
        path.write_bytes(content)
        with pytest.raises(WorkbookError, match=code):
            sheets.read(path, Invoice)
    path.write_bytes(bytes.fromhex("D0CF11E0A1B11AE1") + bytes(600))
    with pytest.raises(WorkbookError, match=r"WB_OLE|WB_DAMAGED"):
        sheets.read(path, Invoice)
    path = workbook(tmp_path / "plain.xlsx", [["Number", "Amount"]])
    with pytest.raises(WorkbookError, match="WB_NOT_XLSX"):
        sheets.patch_cells(tmp_path / name, tmp_path / "b.xlsx", None, {(1, 1): 1})


SAFE_TEXT = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Cn", "Co"), exclude_characters="\ufffe\uffff"), min_size=1
)


@settings(max_examples=40, deadline=None)
@given(
    text=SAFE_TEXT.filter(
        lambda t: t.strip() and not t.startswith("=") and not t.startswith("#") and "_x" not in t
    ),
    cents=st.integers(-(10**12), 10**12),
    day=st.dates(dt.date(1901, 1, 1), dt.date(9999, 12, 31)),
    flag=st.booleans(),
)
def test_what_openpyxl_wrote_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, text: str, cents: int, day: dt.date, flag: bool
) -> None:
    class Four(BaseModel):
        text: str
        money: Decimal
        day: dt.date
        flag: bool

    money = Decimal(cents) / 100
    path = tmp_path_factory.mktemp("w") / "a.xlsx"
    workbook(path, [list(Four.model_fields), [text, money, day, flag]])
    [row] = sheets.read(path, Four).good
    assert row.data == Four(text=text, money=money, day=day, flag=flag)


def test_importing_the_room_loads_no_reader() -> None:
    check = "import sys, runner.sheets; print([m for m in ('openpyxl', 'xlsxwriter', 'python_calamine') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", check],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    assert done.stdout.strip() == "[]"
