"""Several tables on one sheet: the one that the model means is found, with its end; what is unclear is said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.styles import Font
from pydantic import BaseModel

from runner import sheets
from runner.core.errors import WorkbookError
from runner.sheets.bands import CellValue, Loose, Sheet
from runner.sheets.blocks import Block, blocks
from runner.sheets.facts import Facts
from runner.sheets.grid import Grid


class Entry(BaseModel):
    name: str
    amount: Decimal
    note: str | None = None


class Country(BaseModel):
    country: str
    people: int


Lines = Sequence[Sequence[object]]
ENTRIES: Lines = [["Name", "Amount"], ["a", 1], ["b", 2]]
COUNTRIES: Lines = [["Country", "People"], ["Andorra", 80], ["Malta", 540]]


def page(path: Path, *tables: tuple[int, int, Lines], bold: bool = True) -> Path:
    """A workbook with each table's first cell at (row, column); `bold`: as people make them, with headings in bold."""
    book = openpyxl.Workbook()
    for top, left, lines in tables:
        for row, line in enumerate(lines, top):
            for column, value in enumerate(line, left):
                cell = book.worksheets[0].cell(row, column, value)  # type: ignore[call-overload]
                if bold and row == top and len(line) > 1:
                    cell.font = Font(bold=True)
    book.save(path)
    return path


def names(rows: sheets.Rows[Entry]) -> list[str]:
    assert not rows.bad
    return [row.data.name for row in rows.good]


@pytest.mark.parametrize(
    ("first", "second"),
    [((1, 1), (5, 1)), ((5, 1), (1, 1)), ((1, 1), (1, 4)), ((3, 4), (1, 1)), ((1, 1), (40, 3))],
    ids=["below", "above", "right", "left", "far below"],
)
def test_of_two_tables_the_one_with_the_models_columns_is_read(
    tmp_path: Path, first: tuple[int, int], second: tuple[int, int]
) -> None:
    path = page(tmp_path / "a.xlsx", (*first, ENTRIES), (*second, COUNTRIES))
    rows = sheets.read(path, Entry)
    assert names(rows) == ["a", "b"]
    assert rows.header_row == first[0]
    assert rows.area == str(Block(*first, first[0] + 2, first[1] + 1))
    assert rows.other_tables == (str(Block(*second, second[0] + 2, second[1] + 1)),)
    others = sheets.read(path, Country)
    assert [row.data.people for row in others.good] == [80, 540]
    assert not others.bad


def test_the_example_of_the_documentation_is_true(tmp_path: Path) -> None:
    class Stock(BaseModel):
        item: str
        pieces: int

    orders: Lines = [["Name", "Amount"], ["Ada", 10], [], ["Grace", 20]]
    stock: Lines = [["Item", "Pieces"], ["Lamp", 3], ["Desk", 1]]
    path = page(tmp_path / "a.xlsx", (1, 1, orders), (1, 4, COUNTRIES), (6, 1, stock))
    found = [sheets.read(path, model) for model in (Entry, Country, Stock)]
    assert [rows.area for rows in found] == ["A1:B4", "D1:E3", "A6:B8"]
    assert [len(rows.good) for rows in found] == [2, 2, 2]
    assert not any(rows.bad for rows in found)


def test_tables_that_share_a_heading_are_told_apart(tmp_path: Path) -> None:
    people: Lines = [["Name", "Street"], ["x", "y"]]
    path = page(tmp_path / "a.xlsx", (2, 1, people), (2, 4, ENTRIES), (20, 4, COUNTRIES))
    assert names(sheets.read(path, Entry)) == ["a", "b"]


def test_two_tables_that_fit_equally_well_are_named_with_their_areas(tmp_path: Path) -> None:
    path = page(tmp_path / "a.xlsx", (3, 1, ENTRIES), (3, 5, ENTRIES), (9, 1, [["Sum", 3]]))
    with pytest.raises(WorkbookError) as caught:
        sheets.read(path, Entry)
    assert caught.value.stable_code == "WB_TABLES"
    for words in ("2 tables of sheet 'Sheet'", "columns of Entry", "A3:B5 and E3:F5", 'area="Sheet!A3:B5"'):
        assert words in str(caught.value)
    assert names(sheets.read(path, Entry, area="Sheet!E3:F5")) == ["a", "b"]


def test_a_second_table_with_more_of_the_fields_is_the_better_one(tmp_path: Path) -> None:
    noted: Lines = [["Name", "Amount", "Note"], ["c", 3, "late"]]
    path = page(tmp_path / "a.xlsx", (1, 1, ENTRIES), (8, 1, noted))
    rows = sheets.read(path, Entry)
    assert (names(rows), rows.header_row) == (["c"], 8)
    first = sheets.read(path, Entry, header_row=1)
    assert (names(first), first.area) == (["a", "b"], "A1:B3")


def test_a_misspelt_heading_is_looked_for_in_the_table_that_was_meant(tmp_path: Path) -> None:
    class Three(Entry):
        due: dt.date

    entries: Lines = [["Name", "Amount", "Deu"], ["a", 1, dt.date(2026, 1, 1)]]
    path = page(tmp_path / "a.xlsx", (1, 1, COUNTRIES), (40, 2, entries))
    with pytest.raises(WorkbookError, match=r"column 'Due' not found in row 40.*did you mean 'Deu'"):
        sheets.read(path, Three)


def test_the_same_headings_again_below_are_a_question_unless_a_row_is_given(tmp_path: Path) -> None:
    path = page(tmp_path / "a.xlsx", (1, 1, ENTRIES), (6, 1, ENTRIES))
    with pytest.raises(WorkbookError, match="A1:B3 and A6:B8"):
        sheets.read(path, Entry)
    assert names(sheets.read(path, Entry, header_row=1)) == ["a", "b"]
    assert sheets.read(path, Entry, header_row=6).area == "A6:B8"


def test_blank_rows_within_a_table_do_not_end_it(tmp_path: Path) -> None:
    lines: Lines = [*ENTRIES, [], ["c", 3], [], ["d", "late"], ["e", 5], [], ["f", "n/a"], ["g", 7]]
    rows = sheets.read(page(tmp_path / "a.xlsx", (1, 1, lines)), Entry)
    assert [row.data.name for row in rows.good] == ["a", "b", "c", "e", "g"]
    assert [row.source.row for row in rows.bad] == [7, 10]
    assert rows.other_tables == ()


def test_what_may_be_the_rest_of_a_table_or_another_one_is_left_to_a_person(tmp_path: Path) -> None:
    lines: Lines = [*ENTRIES, [], ["c", "late"], ["d", 4]]
    path = page(tmp_path / "a.xlsx", (1, 1, lines), bold=False)
    rows = sheets.read(path, Entry)
    assert [row.data.name for row in rows.good] == ["a", "b"]
    assert (len(rows), rows.bad[0].raw, rows.bad[0].source.row) == (3, {"name": "c", "amount": "late"}, 5)
    [error] = rows.bad[0].errors
    for words in (
        "WB_TABLES",
        "row 5 looks like the headings of another table (A5:B6)",
        "delete the blank row",
        'area="Sheet!A1:B3"',
    ):
        assert words in str(error)
    assert names(sheets.read(path, Entry, until_blank=True)) == ["a", "b"]
    assert names(sheets.read(path, Entry, area="Sheet!A1:B3")) == ["a", "b"]


def test_columns_apart_belong_together_where_no_table_alone_has_as_many(tmp_path: Path) -> None:
    lines: Lines = [["Name", None, "Amount", None, "Note"], ["a", None, 1, None, "x"], [], ["b", None, 2]]
    rows = sheets.read(page(tmp_path / "a.xlsx", (4, 2, lines)), Entry)
    assert names(rows) == ["a", "b"]
    assert rows.columns == {"name": "B", "amount": "D", "note": "F"}
    assert rows.good[0].data.note == "x"


def test_a_title_above_the_next_table_belongs_to_that_one(tmp_path: Path) -> None:
    path = page(
        tmp_path / "a.xlsx",
        (1, 1, ENTRIES),
        (5, 1, [["Countries"]]),
        (7, 1, [["as of 2026"]]),
        (8, 1, COUNTRIES),
    )
    assert names(sheets.read(path, Entry)) == ["a", "b"]
    assert [row.data.people for row in sheets.read(path, Country).good] == [80, 540]


def test_a_table_of_other_width_below_is_another_even_where_all_is_text(tmp_path: Path) -> None:
    class Person(BaseModel):
        name: str
        street: str

    people: Lines = [["Name", "Street"], ["x", "y"]]
    path = page(
        tmp_path / "a.xlsx", (1, 1, people), (4, 1, [["Code", "Meaning", "Since"], ["A", "open", "May"]])
    )
    assert [row.data.name for row in sheets.read(path, Person).good] == ["x"]


def test_a_text_table_of_several_parts_is_read_in_the_same_way(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name;amount\na;1\nb;2\n;\ncountry;people;since\nMalta;540;1964\n", encoding="utf-8")
    rows = sheets.read(path, Entry)
    assert (names(rows), rows.area, rows.other_tables) == (["a", "b"], "A1:B3", ("A5:C6",))
    assert [row.data.people for row in sheets.read(path, Country).good] == [540]


def test_a_sheet_with_two_that_fit_is_not_passed_over_for_the_next(tmp_path: Path) -> None:
    path = page(tmp_path / "a.xlsx", (1, 1, ENTRIES), (1, 4, ENTRIES))
    book = openpyxl.load_workbook(path)
    other = book.create_sheet("Other")
    for line in ENTRIES:
        other.append(list(line))
    book.save(path)
    with pytest.raises(WorkbookError, match="WB_TABLES"):
        sheets.read(path, Entry)
    assert names(sheets.read(path, Entry, sheet="Other")) == ["a", "b"]


def test_a_row_that_holds_nothing_but_an_error_is_a_bad_row(tmp_path: Path) -> None:
    path = page(tmp_path / "a.xlsx", (1, 1, [*ENTRIES, [None, "#REF!"], ["c", 3]]))
    rows = sheets.read(path, Entry)
    assert [row.source.row for row in rows.bad] == [4]
    assert any("WB_CELL_ERROR" in str(error) for error in rows.bad[0].errors)
    assert [row.data.name for row in rows.good] == ["a", "b", "c"]


def grid(lines: Sequence[Sequence[CellValue]], facts: Facts | None = None) -> Grid:
    return Grid("a.xlsx", "Data", Sheet((Loose(range(1, len(lines) + 1), lines),)), facts or Facts())


def test_blocks_are_cut_at_blank_rows_and_columns() -> None:
    lines: list[list[CellValue]] = [
        ["t", "", "", ""],
        ["", "", "", ""],
        ["a", "b", " ", 1],
        ["c", "d", "", 2],
        ["", "", "", 3],
    ]
    assert blocks(grid(lines)) == [Block(1, 1, 1, 1), Block(3, 1, 4, 2), Block(3, 4, 5, 4)]
    assert blocks(grid([])) == []
    marked = grid([["a", ""], ["", ""], ["b", ""]], Facts(errors={(2, 1): "#N/A"}))
    assert blocks(marked) == [Block(1, 1, 3, 1)]


CELLS = st.sampled_from(["", "", "", "x", " ", 1.5, dt.date(2026, 1, 1)])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=6, max_size=6), max_size=10))
def test_every_cell_is_in_exactly_one_block_and_no_block_ends_in_a_blank_line(
    lines: list[list[CellValue]],
) -> None:
    found = blocks(grid(lines))
    filled = {
        (row, column)
        for row, line in enumerate(lines, 1)
        for column, value in enumerate(line, 1)
        if str(value).strip()
    }
    for row, column in filled:
        inside = [b for b in found if b.top <= row <= b.bottom and b.left <= column <= b.right]
        assert len(inside) == 1
    for block in found:
        for edge in (
            {(block.top, c) for c in range(block.left, block.right + 1)},
            {(block.bottom, c) for c in range(block.left, block.right + 1)},
            {(r, block.left) for r in range(block.top, block.bottom + 1)},
            {(r, block.right) for r in range(block.top, block.bottom + 1)},
        ):
            assert edge & filled
