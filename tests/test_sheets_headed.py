"""A table of which nothing is known yet: its sheets, its headings, its rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from runner.core.errors import WorkbookError
from runner.sheets.headed import headed


def book(path: Path, **sheets: list[tuple[Any, ...]]) -> Path:
    """A workbook of these sheets."""
    made = Workbook()
    made.remove(made.worksheets[0])
    for name, rows in sheets.items():
        page = made.create_sheet(name)
        for row in rows:
            page.append(list(row))
    made.save(path)
    return path


def test_a_title_above_the_headings_is_passed_over_and_a_sum_beside_the_table_is_no_row(
    tmp_path: Path,
) -> None:
    rows = [
        ("Orders of May",),
        (),
        ("Number", " Amount "),
        ("A-1", 5),
        (),
        ("A-2", None),
        (None, None, None, 5),
    ]
    found = headed(book(tmp_path / "a.xlsx", Orders=rows, Notes=[("x",)]))
    assert (found.sheets, found.sheet, found.header_row) == (("Orders", "Notes"), "Orders", 3)
    assert list(found.headings)[:2] == ["Number", "Amount"]
    assert [list(row)[:2] for row in found.rows] == [["A-1", 5], ["A-2"]]


def test_a_sheet_is_chosen_by_its_name_and_an_empty_or_unknown_one_is_said(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", Orders=[("a", "b"), (1, 2)], More=[("c", "d"), (3, 4)], Empty=[])
    assert list(headed(path, "More").headings) == ["c", "d"]
    with pytest.raises(WorkbookError, match="WB_EMPTY"):
        headed(path, "Empty")
    with pytest.raises(WorkbookError, match="WB_SHEET"):
        headed(path, "Nothing")


def test_a_text_table_has_no_sheets(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("订单号;金额\nA-1;5\n", encoding="utf-8")
    found = headed(tmp_path / "a.csv")
    assert (found.sheets, found.sheet) == ((), "")
    assert list(found.headings) == ["订单号", "金额"]
