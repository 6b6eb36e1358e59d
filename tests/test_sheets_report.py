"""Reports: new workbooks with types, a header, widths and nothing that runs by itself."""

from __future__ import annotations

import datetime as dt
import enum
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from pydantic import BaseModel, Field

import runner.sheets
from runner import sheets
from runner.core.errors import WorkbookError


class State(enum.StrEnum):
    OPEN = "open"


class Line(BaseModel):
    name: str
    amount: Decimal
    due: dt.date = Field(title="Due date")
    seen: dt.datetime | None
    paid: bool
    count: int
    state: State


LINE = Line(
    name="北京" * 20,
    amount=Decimal("1234.50"),
    due=dt.date(2026, 2, 28),
    seen=dt.datetime.fromisoformat("2026-02-28T10:11:12"),
    paid=True,
    count=3,
    state=State.OPEN,
)


def test_a_report_has_types_a_header_widths_a_frozen_row_and_a_filter(tmp_path: Path) -> None:
    path = sheets.table(
        tmp_path / "r.xlsx", [LINE, LINE.model_copy(update={"seen": None})], title="Open lines", sheet="Lines"
    )
    page = openpyxl.load_workbook(path)["Lines"]
    assert page["A1"].value == "Open lines"
    assert [c.value for c in page[3]] == ["Name", "Amount", "Due date", "Seen", "Paid", "Count", "State"]
    assert page["A3"].font.bold
    read = [c.value for c in page[4]]
    assert read == [LINE.name, 1234.5, dt.datetime.fromisoformat("2026-02-28"), LINE.seen, True, 3, "open"]
    assert [c.number_format for c in page[4]][1:4] == ["#,##0.00", "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"]
    assert page["D5"].value is None
    assert (page.freeze_panes, page.auto_filter.ref) == ("A4", "A3:G5")
    assert page.column_dimensions["A"].width > 55
    assert page.column_dimensions["B"].width < page.column_dimensions["A"].width
    assert sheets.read(path, Line).good[0].data == LINE


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "http://127.0.0.1/", "0012", "{=1}"]
)
def test_text_stays_text_whatever_it_begins_with(tmp_path: Path, text: str) -> None:
    path = sheets.table(tmp_path / "r.xlsx", [{"a": text}])
    cell = openpyxl.load_workbook(path)["Data"]["A2"]
    assert (cell.data_type, cell.value.replace("_x000D_", "\r"), cell.hyperlink) == ("s", text, None)


def test_rows_can_be_sequences_and_columns_have_their_own_format(tmp_path: Path) -> None:
    columns: list[sheets.Column | str] = [sheets.Column("rate", "Rate", "0.0%", 30), "n"]
    path = sheets.table(tmp_path / "r.xlsx", [(0.125, 1), (1, None)], columns=columns)
    page = openpyxl.load_workbook(path)["Data"]
    assert [[c.value for c in row] for row in page.iter_rows()] == [["Rate", "n"], [0.125, 1], [1, None]]
    assert page["A2"].number_format == "0.0%"


def test_an_empty_report_still_has_its_header(tmp_path: Path) -> None:
    path = sheets.table(tmp_path / "r.xlsx", [], model=Line)
    assert openpyxl.load_workbook(path)["Data"].max_row == 1
    with pytest.raises(WorkbookError, match="columns of the report are not known"):
        sheets.table(tmp_path / "r.xlsx", [])


@pytest.mark.parametrize(
    "value", ["x\x0b", "x" * 40_000, dt.datetime.now(dt.UTC), float("nan"), 12345678901234567890]
)
def test_a_value_no_cell_holds_leaves_the_old_report(tmp_path: Path, value: object) -> None:
    path = sheets.table(tmp_path / "r.xlsx", [{"a": "old"}])
    before = path.read_bytes()

    def rows() -> Iterator[dict[str, object]]:
        yield {"a": 1}
        yield {"a": value}

    with pytest.raises(WorkbookError, match="cannot be stored in A3, reason"):
        sheets.table(path, rows())
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["r.xlsx"]


@pytest.mark.parametrize("name", ["", "x" * 32, "a/b", "a:b", "'a"])
def test_a_sheet_name_that_excel_refuses_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(WorkbookError, match="Excel wants"):
        sheets.table(tmp_path / "r.xlsx", [{"a": 1}], sheet=name)


def test_a_report_that_is_open_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "~$r.xlsx").write_bytes(b"")
    with pytest.raises(WorkbookError, match=r"WB_BUSY.*is open in Excel by somebody"):
        sheets.table(tmp_path / "r.xlsx", [{"a": 1}])


def test_every_public_name_can_be_loaded_and_is_listed() -> None:
    assert sorted(runner.sheets.__all__) == runner.sheets.__all__
    assert set(runner.sheets.__all__) == set(runner.sheets._HOMES)
    for name in runner.sheets.__all__:
        assert getattr(sheets, name).__doc__
    with pytest.raises(AttributeError):
        _ = sheets.nothing


def test_charts_stand_beside_the_table_and_rules_colour_its_cells(tmp_path: Path) -> None:
    rows = [{"month": f"2026-{n:02}", "amount": n * 100, "share": n / 10} for n in range(1, 6)]
    with sheets.report(tmp_path / "r.xlsx") as book:
        book.table(
            rows,
            sheet="Months",
            title="Months",
            charts=[
                sheets.Chart("column", "amount", by="month", title="Amount"),
                sheets.Chart("line", ["amount", "share"], by="month"),
            ],
            rules=[
                sheets.Rule("amount", "above", 300, look="good"), sheets.Rule("share", "bar"), sheets.Rule("month", "twice"),
            ],
        )  # fmt: skip
        book.table(({"n": n} for n in range(1000)), sheet="Numbers")
    found = openpyxl.load_workbook(tmp_path / "r.xlsx")
    assert found.sheetnames == ["Months", "Numbers"]
    assert found["Numbers"].max_row == 1001
    page = found["Months"]
    rules = {str(area.sqref): [rule.type for rule in area.rules] for area in page.conditional_formatting}
    assert rules == {"B4:B8": ["cellIs"], "C4:C8": ["dataBar"], "A4:A8": ["duplicateValues"]}
    with zipfile.ZipFile(tmp_path / "r.xlsx") as package:
        charts = [package.read(f"xl/charts/chart{n}.xml").decode() for n in (1, 2)]
    assert "Months!$B$4:$B$8" in charts[0]
    assert charts[1].count("<c:ser>") == 2


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"charts": [sheets.Chart("pie", "amuont", by="month")]}, "did you mean 'amount'"),
        ({"rules": [sheets.Rule("x", "bar")]}, "'x'"),
    ],
)
def test_a_chart_or_a_rule_of_an_unknown_column_is_refused(
    tmp_path: Path, options: dict[str, Any], word: str
) -> None:
    with pytest.raises(WorkbookError, match="WB_COLUMN") as caught:
        sheets.table(tmp_path / "r.xlsx", [{"month": "a", "amount": 1}], **options)
    assert word in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_length_of_time_and_a_formula(tmp_path: Path) -> None:
    path = sheets.table(tmp_path / "r.xlsx", [{"took": dt.timedelta(hours=30)}])
    cell = openpyxl.load_workbook(path)["Data"]["A2"]
    assert (cell.value, cell.number_format) == (dt.timedelta(hours=30), "[h]:mm:ss")
    with pytest.raises(WorkbookError, match="before it is calculated"):
        sheets.table(tmp_path / "f.xlsx", [{"sum": sheets.Formula("=1+1")}])
