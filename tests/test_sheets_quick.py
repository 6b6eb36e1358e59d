"""The fast reader and the full parser agree, cell by cell and row by row."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator

from runner import sheets
from runner.core.errors import RunnerError, WorkbookError
from runner.sheets import quick
from runner.sheets.bands import Band, Cells, CellValue, Loose, Sheet
from runner.sheets.checking import RowCheck
from runner.sheets.facts import Facts
from runner.sheets.grid import XML_SUFFIXES, Grid
from runner.sheets.header import find_header
from runner.sheets.moments import moment, moment_of
from runner.sheets.package import Package
from runner.sheets.plain_models import limits_of, maker_of
from runner.sheets.readers import PackageReader
from runner.sheets.workbook import describe
from tests.sheets_workbook import with_sheet

CORPUS = Path(__file__).parents[1] / ".." / "shared" / "data" / "spreadsheets"
LEFT_TO_THE_PARSER = 20
TAKEN_AT_ONCE = 1_100


def cells_of(sheet: Sheet) -> dict[tuple[int, int], tuple[type, CellValue]]:
    return {
        (number, column): (type(value), value)
        for number, row in sheet.rows()
        for column, value in enumerate(row, 1)
        if value != ""
    }


def facts_of(facts: Facts) -> tuple[object, ...]:
    return facts.errors, facts.unsolved, facts.hidden, facts.merged


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.exists(), reason="../shared/data/spreadsheets is not there")
def test_on_the_corpus_both_readers_give_the_same_cells_and_facts() -> None:
    taken = left = 0
    for path in sorted(path for path in CORPUS.iterdir() if path.suffix in XML_SUFFIXES):
        try:
            package = Package(path.read_bytes(), path.name)
            workbook = describe(package)
            package.check()
        except RunnerError:
            continue
        reader = PackageReader(package, workbook)
        for page in workbook.worksheets:
            try:
                wholly = reader.wholly(page)
            except RunnerError as refused:
                with pytest.raises(RunnerError, match=refused.stable_code):
                    reader.read(page)
                continue
            quickly = reader.quickly(page)
            taken, left = taken + (quickly is not None), left + (quickly is None)
            if quickly is not None:
                assert cells_of(quickly[0]) == cells_of(wholly[0]), (path.name, page.name)
                assert facts_of(quickly[1]) == facts_of(wholly[1]), (path.name, page.name)
    assert taken >= TAKEN_AT_ONCE
    assert left <= LEFT_TO_THE_PARSER


FORMATS = [
    "General",
    "0.00",
    "yyyy-mm-dd",
    "[h]:mm",
    "d. mmm yyyy hh:mm",
    '"day" 0',
    "[Red]0;-0",
    "[$-407]d/m/yy",
]
NUMBERS = st.one_of(
    st.integers(-(10**16), 10**16),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(0, 60_000),
    st.integers(0, 60_000),
)
TEXTS = st.text(
    st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"), max_size=20
)
COLUMN = st.tuples(st.sampled_from(FORMATS), st.one_of(NUMBERS, TEXTS, st.booleans(), st.none()))


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.lists(COLUMN, min_size=1, max_size=6), min_size=1, max_size=12),
    alike=st.integers(1, 4),
    formulas=st.booleans(),
    epoch=st.booleans(),
)
def test_whatever_is_in_a_workbook_both_readers_give_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[list[tuple[str, object]]],
    alike: int,
    formulas: bool,
    epoch: bool,
) -> None:
    path = tmp_path_factory.mktemp("q") / "a.xlsx"
    book = xlsxwriter.Workbook(str(path), {"strings_to_numbers": False, "date_1904": epoch})
    page = book.add_worksheet("Data")
    styles = {code: book.add_format({"num_format": code}) for code in FORMATS}
    for number, row in enumerate(row for row in rows for _ in range(alike)):
        for column, (code, value) in enumerate(row):
            if isinstance(value, str):
                page.write_string(number, column, value, styles[code])
            elif formulas and isinstance(value, float):
                page.write_formula(number, column, "=1+1", styles[code], value)
            elif value is None:
                page.write_blank(number, column, None, styles[code])
            else:
                page.write(number, column, value, styles[code])
        if number % 5 == 3:
            page.set_row(number, options={"hidden": True})
    book.close()
    package = Package(path.read_bytes(), path.name)
    workbook = describe(package)
    reader = PackageReader(package, workbook)
    quickly = reader.quickly(workbook.sheets[0])
    try:
        wholly = reader.wholly(workbook.sheets[0])
    except WorkbookError:  # a length of time beyond all limits
        assert quickly is None
        return
    if quickly is not None:
        assert cells_of(quickly[0]) == cells_of(wholly[0])
        assert facts_of(quickly[1]) == facts_of(wholly[1])


class Everything(BaseModel):
    text: str = Field(max_length=8, pattern="^[^0-9]")  # a pattern is for pydantic to look at
    amount: Decimal = Field(ge=0)
    count: int
    share: float
    day: dt.date
    flag: bool
    note: str | None


class Plain(BaseModel):
    """The same without a rule beyond types."""

    text: str
    amount: Decimal
    count: int
    share: float
    day: dt.date
    flag: bool
    note: str | None


class Limited(BaseModel):
    """The same with limits, which some of the values keep."""

    text: str = Field(min_length=2, max_length=12)
    amount: Decimal = Field(ge=-1000, lt=Decimal("1e6"))
    count: int = Field(gt=0)
    share: float = Field(gt=-1.0, le=100.0)
    day: dt.date = Field(ge=dt.date(1950, 1, 1), lt=dt.date(8000, 1, 1))
    flag: bool
    note: str | None = Field(max_length=5)


KINDS = ["number", "number", "number", "number", "value", "value", "value"]
DIGITS = st.one_of(
    st.integers(-(10**17), 10**17).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(-(10**6), 10**6, places=2).map(str),
    st.sampled_from(["0", "-0", "1.50", "12.", ".5", "1e5", "0.30000000000000004", "1.2.3", "007"]),
)
DATES = st.dates(dt.date(1900, 3, 1), dt.date(9999, 12, 31))
MIXED: list[tuple[str, st.SearchStrategy[object]]] = [
    ("value", st.one_of(TEXTS.filter(bool), st.sampled_from(["  ", "1,5"]))),
    ("number", DIGITS),
    ("value", DATES),
    ("value", st.booleans()),
    ("value", st.one_of(TEXTS, DATES, st.booleans())),
]  # fmt: skip


@st.composite
def bands(draw: st.DrawFn) -> Band:
    size = draw(st.integers(1, 8))
    columns = {}
    for column in range(1, 8):
        if draw(st.integers(0, 9)) > 0:
            kind, values = MIXED[
                [0, 1, 1, 1, 2, 3, 4][column - 1] if draw(st.booleans()) else draw(st.integers(0, 4))
            ]
            drawn = draw(st.lists(values, min_size=size, max_size=size))
            columns[column] = Cells(kind, drawn)  # type: ignore[arg-type]
    return Band(list(range(2, 2 + size)), columns)


def judged(content: Sequence[Band | Loose], model: type[BaseModel]) -> list[object]:
    grid = Grid("a.xlsx", "Data", Sheet((Loose([1], [list(model.model_fields)]), *content)))
    check = RowCheck(model, grid, find_header(grid, model), None, Path("a.xlsx"))
    found = [row for band in content for row in check.rows(band)]
    return [
        (row.source, [*map(str, row.errors), row.raw])
        if isinstance(row, sheets.BadRow)
        else (row.source, row.data, repr(row.data), row.data.model_fields_set, row.data.model_dump_json())
        for row in found
    ]


@settings(max_examples=300, deadline=None)
@given(band=bands())
def test_a_band_checked_at_once_is_what_its_rows_are_one_by_one(band: Band) -> None:
    loose = Loose(band.numbers, [band.row(index) for index in range(len(band.numbers))])
    for model in (Everything, Plain, Limited):
        assert judged([band], model) == judged([loose], model)


def test_only_a_model_of_types_and_limits_is_made_without_its_validator() -> None:
    class Stepped(Plain):
        count: int = Field(ge=0, multiple_of=10)

    class Patterned(Plain):
        text: str = Field(pattern="^[a-z]")

    class Rounded(Plain):
        amount: Decimal = Field(ge=0.5)

    class Stripped(Plain):
        model_config = ConfigDict(str_strip_whitespace=True)

    class Checked(Plain):
        @field_validator("text")
        @classmethod
        def short(cls, text: str) -> str:
            return text[:3]

    class Started(Plain):
        _seen: int = PrivateAttr(0)

    class Named(Plain):
        kind: Literal["a"]

    assert maker_of(Plain) is not None
    assert limits_of(Plain) == {}
    assert maker_of(Limited) is not None
    asked = (Everything, Stepped, Patterned, Rounded, Stripped, Checked, Started, Named)
    assert [maker_of(one) for one in asked] == [None] * len(asked)
    assert [limits_of(one) for one in asked] == [None] * len(asked)


@pytest.mark.parametrize("spared", [0, 1, 2, 3, 4])
def test_a_value_at_its_limit_is_judged_as_pydantic_judges_it(spared: int) -> None:
    at: dict[str, list[Any]] = {
        "text": ["ab", "a" * 12, "a", "a" * 13], "amount": ["-1000", "999999.99", "-1000.01", "1000000"],
        "count": ["1", "7", "0", "-1"], "share": ["-0.99", "100", "-1", "100.01"],
        "day": [dt.date(1950, 1, 1), dt.date(7999, 12, 31), dt.date(1949, 12, 31), dt.date(8000, 1, 1)],
    }  # fmt: skip
    usual = {
        "text": "abc",
        "amount": "1",
        "count": "1",
        "share": "1",
        "day": dt.date(2026, 1, 2),
        "flag": True,
        "note": "x",
    }
    name = list(at)[spared]
    numbers = {"amount", "count", "share"}
    bad = []
    for value in at[name]:
        columns = {
            column: Cells("number" if field in numbers else "value", [one])
            for column, (field, one) in enumerate({**usual, name: value}.items(), 1)
        }
        band = Band([2], columns)
        (quickly,), (slowly,) = (judged([one], Limited) for one in (band, Loose([2], [band.row(0)])))
        assert quickly == slowly
        bad.append(len(quickly) == 2)  # type: ignore[arg-type]
    assert bad == [False, False, True, True]


def test_a_regular_band_is_taken_at_once() -> None:
    columns = {
        1: Cells("value", ["a", "b"]), 2: Cells("number", ["1.5", "2"]), 3: Cells("number", ["1", "2"]),
        4: Cells("number", ["1.5", "2e3"]), 5: Cells("value", [dt.date(2026, 1, 2)] * 2), 6: Cells("value", [True, False]),
    }  # fmt: skip
    grid = Grid("a.xlsx", "Data", Sheet((Loose([1], [list(Everything.model_fields)]),)))
    check = RowCheck(Everything, grid, find_header(grid, Everything), None, Path("a.xlsx"))
    found = quick.ready(Band([2, 3], columns), check.wishes)
    assert found is not None
    assert [row["amount"] for row in quick.rows_of(found)] == [Decimal("1.5"), Decimal(2)]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("General", ""), ("0.00", ""), ("yyyy-mm-dd", "date"), ("[h]:mm", "duration"), ("[Red]0.0", ""), ('0" days"', ""),
        (r"0\d", ""), ("[$-409]d-mmm-yy", "date"), ("0;yyyy", ""), ("[mm]:ss", "duration"), ('yyyy"年"m"月"', "date"),
    ],
)  # fmt: skip
def test_a_format_shows_a_date_a_length_of_time_or_neither(code: str, kind: str) -> None:
    assert moment_of(code) == kind


def test_serial_numbers_of_both_calendars() -> None:
    assert moment(1, "date", date1904=True) == dt.date(1904, 1, 2)
    assert moment(61, "date", date1904=False) == dt.date(1900, 3, 1)
    assert moment(59, "date", date1904=False) is None
    assert moment(0.75, "date", date1904=False) == dt.time(18)
    assert moment(1.5, "duration", date1904=False) == dt.timedelta(hours=36)
    assert moment(3_000_000, "date", date1904=False) is None


def test_a_sheet_in_an_unknown_spelling_is_read_by_the_parser(tmp_path: Path) -> None:
    class Row(BaseModel):
        name: str
        amount: int

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    page = book.add_worksheet()
    page.write_row(0, 0, ["name", "amount"])
    page.write_row(1, 0, ["a", 1])
    book.close()
    (tmp_path / "a.xlsx").write_bytes(out.getvalue())
    odd = with_sheet(
        tmp_path / "a.xlsx", tmp_path / "b.xlsx", lambda d: d.replace(b'<c r="A2"', b"<c  r='A2'")
    )
    assert [row.data for row in sheets.read(odd, Row).good] == [Row(name="a", amount=1)]
