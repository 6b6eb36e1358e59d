"""Where rows are: Excel tables, named ranges, headings over several columns, hidden rows, several tables; encodings; data frames."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import openpyxl
import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pytest
import xlsxwriter
from pydantic import BaseModel, Field

from runner import sheets
from runner.core.errors import UsageError, WorkbookError


class Entry(BaseModel):
    name: str
    amount: Decimal


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """Two tables side by side, one with totals, a named range below, a hidden row."""
    path = tmp_path / "a.xlsx"
    made = xlsxwriter.Workbook(str(path))
    page = made.add_worksheet("Pages 1")
    page.write_string("A1", "Name")
    one = [{"header": "Name", "total_string": "Sum"}, {"header": "Amount", "total_function": "sum"}]
    page.add_table(
        "B3:C6", {"name": "First", "columns": one, "total_row": True, "data": [["a", 1], ["b", 2]]}
    )
    two = [{"header": "Name"}, {"header": "Amount"}]
    page.add_table("E3:F5", {"name": "Second", "columns": two, "data": [["c", 3], ["d", 4]]})
    page.write_row("H10", ["Name", "Amount"])
    page.write_row("H11", ["e", 5])
    page.write_row("H12", ["f", 6])
    page.write_row("H13", ["g", 7])
    page.set_row(11, options={"hidden": True})
    made.define_name("Third", "='Pages 1'!$H$10:$I$12")
    made.close()
    return path


def names(rows: sheets.Rows[Entry]) -> list[str]:
    assert not rows.bad
    return [row.data.name for row in rows.good]


def test_an_excel_table_and_a_named_range_are_read_by_name(book: Path) -> None:
    assert names(sheets.read(book, Entry, table="First")) == ["a", "b"]
    second = sheets.read(book, Entry, table="SECOND")
    assert names(second) == ["c", "d"]
    assert (second.header_row, second.columns) == (3, {"name": "E", "amount": "F"})
    assert names(sheets.read(book, Entry, area="third")) == ["e", "f"]
    assert names(sheets.read(book, Entry, area="'Pages 1'!H10:I13")) == ["e", "f", "g"]
    assert names(sheets.read(book, Entry, area="Third", skip_hidden=True)) == ["e"]
    for wanted, code, word in (
        ({"table": "Frst"}, "WB_TABLE", "did you mean 'First'"),
        ({"area": "Thrid"}, "WB_RANGE", "did you mean 'Third'"),
    ):
        with pytest.raises(WorkbookError, match=word) as caught:
            sheets.read(book, Entry, **wanted)  # type: ignore[arg-type]
        assert caught.value.stable_code == code
    with pytest.raises(UsageError, match="one of them"):
        sheets.read(book, Entry, table="First", area="Third")


def test_of_two_tables_one_below_the_other_each_is_read_down_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    made = openpyxl.Workbook()
    lines: list[list[object]] = [["Name", "Amount"], ["a", 1], ["b", 2], [], ["Country", "People"], ["x", 9]]
    for line in lines:
        made.worksheets[0].append(line)
    made.save(path)
    assert names(sheets.read(path, Entry, until_blank=True)) == ["a", "b"]
    rows = sheets.read(path, Entry)
    assert [row.data.name for row in rows.good] == ["a", "b"]
    assert [row.source.row for row in rows.bad] == [5]

    class Country(BaseModel):
        country: str
        people: int

    assert [row.data.people for row in sheets.read(path, Country).good] == [9]


def test_hidden_rows_are_read_unless_they_are_not_wanted(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    made = openpyxl.Workbook()
    page = made.worksheets[0]
    page.append(["Name", "Amount"])
    for number in range(2, 40):
        page.append([f"n{number}", number])
        page.row_dimensions[number].hidden = number % 3 == 0
    made.save(path)
    assert len(sheets.read(path, Entry)) == 38
    shown = sheets.read(path, Entry, skip_hidden=True)
    assert len(shown) == 25
    assert [row.source.row for row in shown.good] == [n for n in range(2, 40) if n % 3]


def test_headings_over_several_columns_and_rows_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    made = openpyxl.Workbook()
    page = made.worksheets[0]
    page.append(["Report for March"])
    page.append(["No.", "Bill to", None, "Ship to", None, "Amount"])
    page.append([None, "Street", "City", "Street", "City", None])
    page.append([7, "Main St", "Ulm", "High St", "Bonn", 2.5])
    for area in ("A1:F1", "A2:A3", "B2:C2", "D2:E2", "F2:F3"):
        page.merge_cells(area)
    made.save(path)

    class Shipment(BaseModel):
        number: int = Field(alias="No.")
        bill_to_city: str
        street: str = Field(json_schema_extra={"aliases": ["Ship to street"]})
        amount: Decimal

    rows = sheets.read(path, Shipment)
    assert (rows.header_row, rows.columns) == (
        3,
        {"number": "A", "bill_to_city": "C", "street": "D", "amount": "F"},
    )
    assert rows.good[0].data.street == "High St"

    class Ambiguous(BaseModel):
        city: str

    with pytest.raises(WorkbookError, match="WB_COLUMN_DUP"):
        sheets.read(path, Ambiguous)


@pytest.mark.parametrize(
    ("data", "encoding", "text"),
    [
        ("name;amount\nMüller & Söhne;1\nStraßenbau;2\n".encode("cp1252"), "cp1252", "Müller & Söhne"),
        ("name;amount\n北京分公司;1\n".encode("gb18030"), "gb18030", "北京分公司"),
        ("name;amount\nOrder 北京 Beijing;1\n".encode("gbk"), "gb18030", "Order 北京 Beijing"),
        ("name;amount\nMüller;1\n".encode("utf-8-sig"), "utf-8-sig", "Müller"),
        ("name\tamount\nŻółć\t1\n".encode("utf-16"), "utf-16", "Żółć"),
        (
            "name;amount\nЗаказ номер один;1\nПоставка товара;2\n".encode("cp1251"),
            "cp1251",
            "Заказ номер один",
        ),
    ],
    ids=["western", "chinese", "mixed", "mark", "utf16", "cyrillic"],
)
def test_the_encoding_of_a_text_table_is_found_and_stated(
    tmp_path: Path, data: bytes, encoding: str, text: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    rows = sheets.read(path, Entry)
    assert rows.good[0].data.name == text
    assert rows.encoding == encoding or (
        encoding == "cp1252" and rows.encoding in {"cp1252", "cp1250", "latin_1"}
    )
    assert rows.delimiter == ("\t" if b"\t" in data else ";")


def test_a_declared_encoding_is_taken_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("name,amount\nЁлка,1\n".encode("koi8-r"))
    rows = sheets.read(path, Entry, encoding="koi8-r")
    assert (rows.good[0].data.name, rows.encoding, rows.delimiter) == ("Ёлка", "koi8-r", ",")
    for wrong in ("utf-8", "no such"):
        with pytest.raises(WorkbookError, match="WB_ENCODING"):
            sheets.read(path, Entry, encoding=wrong)


class Everything(BaseModel):
    name: str
    amount: Decimal
    count: int | None = None
    share: float
    day: dt.date
    seen: dt.datetime | None = None
    flag: bool


def test_good_rows_become_data_frames_with_their_types(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    made = openpyxl.Workbook()
    page = made.worksheets[0]
    page.append(list(Everything.model_fields))
    day, seen = dt.date(2026, 1, 2), dt.datetime.fromisoformat("2026-01-02T03:04:05")
    page.append(["a", 1.25, 3, 0.5, day, seen, True])
    page.append(["b", 2, None, 1, day, None, False])
    page.append(["bad", "x", None, 1, day, None, False])
    made.save(path)
    rows = sheets.read(path, Everything)
    assert len(rows.bad) == 1
    frame = rows.to_polars()
    assert frame.schema == pl.Schema({
        "name": pl.String(), "amount": pl.Decimal(38, 2), "count": pl.Int64(), "share": pl.Float64(),
        "day": pl.Date(), "seen": pl.Datetime("us"), "flag": pl.Boolean(),
    })  # fmt: skip
    assert frame.rows()[0] == ("a", Decimal("1.25"), 3, 0.5, day, seen, True)
    assert frame["count"].null_count() == 1
    table = rows.to_pandas()
    assert [str(kind) for kind in table.dtypes] == [
        "string", "object", "Int64", "Float64", "datetime64[us]", "datetime64[us]", "boolean",
    ]  # fmt: skip
    assert table["amount"].tolist() == [Decimal("1.25"), Decimal(2)]
    assert table["count"].isna().tolist() == [False, True]
    assert table["day"][0] == pd.Timestamp(day)
