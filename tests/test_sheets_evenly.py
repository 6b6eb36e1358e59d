"""Cells behind the last ones of evenly written rows, by the block: the same bytes as cell by cell, or nothing is done this way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from runner import sheets
from runner.core.errors import WorkbookLoss
from runner.sheets.columnwise import KEPT, ColumnEdits, Edits, cells_of, columns_in, values_in
from runner.sheets.evenly import EvenRows
from runner.sheets.patch import SheetPatch, mismatch
from runner.sheets.sheetxml import SheetStream
from tests.sheets_workbook import parts, with_sheet

HEAD, TAIL = b'<worksheet><dimension ref="A1:C9"/><sheetData>', b"</sheetData></worksheet>"
ROWS = st.lists(
    st.sampled_from([
        b'<row r="%d"><c r="A%d"><v>1</v></c></row>',
        b'<row r="%d" spans="1:3" s="2"><c r="A%d"><v>1</v></c><c r="B%d" s="1"/></row>',
        b'<row r="%d"><c r="A%d" t="inlineStr"><is><t>x</t></is></c><c r="F%d"><v>2</v></c></row>',
        b'<row r="%d"/>',
        b"<row r='%d'><c r='A%d'><v>1</v></c></row>",
        b'<row r="%d"><!-- <row> --><c r="A%d"/></row>',
        b'\n<row r="%d"><c r="A%d"><v>1</v></c></row>',
    ]),
    max_size=8,
)  # fmt: skip
EDITS = st.dictionaries(
    st.integers(1, 10),
    st.dictionaries(st.integers(1, 8), st.sampled_from(["done", 2, None]), min_size=1),
    max_size=6,
)


def sheet_of(rows: list[bytes]) -> bytes:
    """A worksheet of these rows, each with its number wherever it is asked for."""
    return HEAD + b"".join(re.sub(rb"%d", b"%d" % number, row) for number, row in enumerate(rows, 1)) + TAIL


def patched(sheet: bytes, edits: Any) -> bytes | str:
    """The sheet with its edits, or what is said against them."""
    try:
        return b"".join(SheetPatch("S", edits).run(SheetStream(iter([sheet]), "S")))
    except WorkbookLoss as loss:
        return loss.what


@settings(max_examples=300)
@given(ROWS, EDITS)
def test_by_the_block_and_cell_by_cell_give_the_same_bytes(
    rows: list[bytes], edits: dict[int, dict[int, Any]]
) -> None:
    sheet = sheet_of(rows)
    quick = patched(sheet, edits)
    with pytest.MonkeyPatch.context() as slowly:
        slowly.setattr(EvenRows, "of", classmethod(lambda *_: None))
        assert patched(sheet, edits) == quick
        assert isinstance(quick, str) or mismatch_of(quick, edits) == ""
    if isinstance(quick, bytes):
        assert mismatch_of(quick, edits) == ""


def mismatch_of(sheet: bytes, edits: dict[int, dict[int, Any]]) -> str:
    """Where the sheet is not as the edits say."""
    made, stream = SheetPatch("S", edits), SheetStream(iter([sheet]), "S")
    made.use(stream.tags)
    return mismatch(made, stream)


def test_evenly_written_rows_are_taken_by_the_block_and_a_wrong_byte_in_one_is_found() -> None:
    sheet = sheet_of([b'<row r="%d"><c r="A%d"><v>1</v></c></row>'] * 5)
    edits = {row: {2: "done"} for row in range(1, 6)}
    stream = SheetStream(iter([sheet]), "S")
    (block,) = stream.blocks()
    assert EvenRows.of(block, stream.tags) is not None
    made = patched(sheet, edits)
    assert isinstance(made, bytes)
    assert made.count(b"done") == 5
    assert (
        mismatch_of(
            made.replace(b'r="B3" t="inlineStr"><is><t>done', b'r="B3" t="inlineStr"><is><t>gone'), edits
        )
        == "B3"
    )
    assert mismatch_of(made.replace(b'<row r="4">', b'<row r="44">'), edits) != ""


def test_edits_by_columns_are_edits_like_others() -> None:
    made = ColumnEdits([4, 5], {2: ("done", 1), 3: ("done",), 1: ("Status", KEPT)})
    assert {row: dict(cells) for row, cells in made.items()} == {
        2: {4: "done", 5: 1},
        3: {4: "done"},
        1: {4: "Status"},
    }
    assert (columns_in(made), list(values_in(made))) == ({4, 5}, ["done", 1, "done", "Status"])
    assert [cells_of(made)(row) for row in (1, 2, 4)] == [[(4, "Status")], [(4, "done"), (5, 1)], []]
    assert (1 in made, 4 in made) == (True, False)
    plain: Edits = {1: {4: "x"}, 2: {7: None}}
    assert (columns_in(plain), list(values_in(plain))) == ({4, 7}, ["x", None])
    assert [cells_of(plain)(row) for row in (1, 3)] == [[(4, "x")], []]


@given(
    st.permutations([2, 4, 7]),
    st.dictionaries(
        st.integers(1, 10),
        st.lists(st.sampled_from(["done", "a b", "<&>", None, 2, KEPT]), min_size=1, max_size=3).filter(
            lambda values: values[0] is not KEPT
        ),
        max_size=6,
    ),
    ROWS,
)
def test_edits_by_columns_write_the_same_bytes_as_others(
    columns: list[int], rows: dict[int, list[Any]], sheet: list[bytes]
) -> None:
    made = ColumnEdits(columns, rows)
    plain = {row: dict(cells) for row, cells in made.items()}
    found, wanted = (patched(sheet_of(sheet), edits) for edits in (made, plain))
    assert _without_area(found) == _without_area(wanted)
    assert made.are_within(10, 7)
    assert not made.are_within(10, 6)
    assert not rows or not made.are_within(max(rows) - 1, 7)
    assert not ColumnEdits(columns, {**rows, 3: [KEPT]}).are_within(10, 7)


def _without_area(made: bytes | str) -> bytes | str:
    """Without the area of all cells: edits by columns say of every column that it may be written to."""
    return made if isinstance(made, str) else re.sub(rb"<dimension[^>]*>", b"", made)


def cases() -> Iterator[tuple[str, bytes, int]]:
    """Rows 2 and 3 of a sheet with two headings, and the column of the first result."""
    yield "nothing beyond", b'<row r="2"><c r="A2"><v>1</v></c></row>', 3
    yield "a number beyond", b'<row r="2"><c r="A2"><v>1</v></c><c r="F2"><v>7</v></c></row>', 7
    yield "a far one", b'<row r="2"><c r="A2"><v>1</v></c><c r="AB2"><v>7</v></c></row>', 29
    yield "only a look", b'<row r="2"><c r="A2"><v>1</v></c><c r="F2" s="0"/></row>', 3
    yield "a formula without a result", b'<row r="2"><c r="A2"><v>1</v></c><c r="D2"><f>A2</f></c></row>', 5
    yield "without places", b'<row r="2"><c><v>1</v></c><c/><c/><c><v>3</v></c></row>', 5
    yield "in other quotes", b"<row r='2'><c r='A2'><v>1</v></c><c r='E2'><v>3</v></c></row>", 6


@pytest.mark.parametrize(("rows", "column"), [one[1:] for one in cases()], ids=[one[0] for one in cases()])
def test_results_go_behind_whatever_stands_to_the_right(tmp_path: Path, rows: bytes, column: int) -> None:
    source = tmp_path / "a.xlsx"
    book = xlsxwriter.Workbook(str(source))
    page = book.add_worksheet("S")
    page.write(0, 0, "Orders of this week, and a long title that is nothing")
    page.write(0, 9, "printed on Monday")
    page.write_row(1, 0, ["name", "amount"])
    page.write_row(2, 0, ["a", 1])
    book.close()
    end = re.compile(rb'<row r="3".*</row>', re.DOTALL)
    moved = (
        re.sub(rb'([A-Z]+)2(?=["\'])', rb"\g<1>3", rows)
        .replace(b'r="2"', b'r="3"')
        .replace(b"r='2'", b"r='3'")
    )
    source = with_sheet(source, tmp_path / "b.xlsx", lambda data: end.sub(moved, data))
    target = sheets.write_results(source, None, [sheets.Result(3, "done", output={"no": "7"})], header_row=2)
    shown = openpyxl.load_workbook(target)["S"]
    assert [shown.cell(2, column + at).value for at in range(3)] == ["Runner status", "Runner message", "no"]
    assert [shown.cell(3, column).value, shown.cell(3, column + 2).value] == ["done", "7"]
    assert shown["J1"].value == "printed on Monday"
    assert set(parts(target)) == set(parts(source))
