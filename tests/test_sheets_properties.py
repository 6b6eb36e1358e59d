"""Properties of reading and writing workbooks, looked for by hypothesis."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner import sheets
from runner.core.errors import WorkbookError
from runner.sheets.cellxml import Value
from tests.sheets_workbook import Order, orders, with_sheet

TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"), max_size=60)
VALUES = st.one_of(
    TEXT.filter(lambda t: t.strip()),
    st.booleans(),
    st.integers(-(10**15) + 1, 10**15 - 1),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e100, max_value=1e100),
    st.decimals(-10**9, 10**9, places=2),
    st.dates(dt.date(1900, 3, 1)),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(
    values=st.dictionaries(st.tuples(st.integers(1, 40), st.integers(3, 40)), VALUES, min_size=1, max_size=12)
)
def test_every_value_written_is_read_back_by_another_program(
    tmp_path_factory: pytest.TempPathFactory, values: dict[tuple[int, int], Value]
) -> None:
    folder = tmp_path_factory.mktemp("w")
    source, target = orders(folder / "a.xlsx"), folder / "b.xlsx"
    sheets.patch_cells(source, target, "Orders", values)
    book = openpyxl.load_workbook(target)
    page = book["Orders"]
    for (row, column), value in values.items():
        found = page.cell(row, column).value
        if isinstance(value, Decimal | float):
            assert found == pytest.approx(float(value), rel=1e-14)
        elif isinstance(value, dt.date):
            assert isinstance(found, dt.datetime)
            assert found.date() == value
        else:
            assert found == (
                re.sub("_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", value) if isinstance(value, str) else value
            )
    assert page["B9"].value == "=SUM(B2:B6)"


PARTS = [
    "[Content_Types].xml",
    "_rels/.rels",
    "xl/_rels/workbook.xml.rels",
    "xl/sharedStrings.xml",
    "xl/styles.xml",
    "xl/workbook.xml",
    "xl/worksheets/_rels/sheet1.xml.rels",
    "xl/worksheets/sheet1.xml",
    "xl/worksheets/sheet2.xml",
]


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_mutated_workbook_gives_rows_or_a_typed_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("m")
    path = folder / "a.xlsx"
    content = bytearray(orders(path).read_bytes())

    def place(size: int) -> int:
        return data.draw(st.integers(0, 999_999)) * size // 1_000_000

    if data.draw(st.booleans()):
        for _ in range(data.draw(st.integers(1, 4))):
            content[place(len(content))] = data.draw(st.integers(0, 255))
        path.write_bytes(content[: place(len(content))] if data.draw(st.booleans()) else content)
    else:
        part = data.draw(st.sampled_from(PARTS))
        new = data.draw(
            st.sampled_from([b"", b"<", b"9", b'"', b"</row>", b"<row>", b"<c>", b"&#0;", b"\x00"])
        )
        cut = data.draw(st.booleans())

        def change(xml: bytes) -> bytes:
            first, second = sorted((place(len(xml)), place(len(xml))))
            return xml[:first] + new + xml[second if cut else first :]

        path = with_sheet(path, folder / "b.xlsx", change, part)
    try:
        list(sheets.read(path, Order))
        sheets.patch_cells(path, folder / "c.xlsx", None, {(2, 9): "x", (50, 1): 1})
    except WorkbookError:
        pass
    assert not [p for p in folder.iterdir() if p.suffix == ".part"]
