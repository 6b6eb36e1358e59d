"""`sheets.table` and `sheets.report`: new workbooks for people to read, streamed, with types, widths, charts and a filter."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import BaseModel

from runner.core.errors import UsageError, WorkbookError
from runner.sheets import saving
from runner.sheets.cellxml import Formula, Value, content, refused
from runner.sheets.charts import Chart, Place, Rule, colour, draw
from runner.sheets.columns import (
    ROWS_MEASURED,
    Column,
    check_sheet_name,
    chosen_columns,
    mapped,
    plain_value,
    width_of,
)
from runner.sheets.package import Limits, Package
from runner.sheets.sheetxml import MAX_ROWS, address
from runner.sheets.witness import Written, witness

Row = BaseModel | Mapping[str, Any] | Sequence[Any]
_HEADER = {"bold": True, "bg_color": "#E8EDF3", "bottom": 1, "text_wrap": True, "valign": "top"}
_FORMATS = {
    Decimal: "#,##0.00",
    dt.date: "yyyy-mm-dd",
    dt.datetime: "yyyy-mm-dd hh:mm:ss",
    dt.time: "hh:mm:ss",
    dt.timedelta: "[h]:mm:ss",
}
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def table(
    path: Path | str,
    rows: Iterable[Row],
    *,
    columns: Sequence[Column | str] | None = None,
    model: type[BaseModel] | None = None,
    title: str | None = None,
    sheet: str = "Data",
    charts: Sequence[Chart] = (),
    rules: Sequence[Rule] = (),
) -> Path:
    """Write a new workbook with one table; the file written.

    A row is a model, a mapping or a sequence in the order of `columns`. Without `columns` they follow from `model`, or from the
    first row. Rows are streamed, so a million of them need little memory. Text stays text, whatever it begins with (``=``, ``+``,
    ``-``, ``@``). `charts` stand to the right of the table, `rules` colour its cells. An existing file is replaced in one step; it
    is not touched where it is open in Excel (WB_BUSY). For several sheets see `report`.

    Raises WorkbookError: WB_VALUE (a value no cell holds, more rows than a sheet has, a sheet name Excel refuses), WB_COLUMN,
    WB_BUSY.
    """
    with report(path) as book:
        book.table(rows, columns=columns, model=model, title=title, sheet=sheet, charts=charts, rules=rules)
    return Path(path)


@contextmanager
def report(path: Path | str) -> Iterator[Report]:
    """A new workbook of several sheets, written when the ``with`` block has ended without an error.

    ::

        with sheets.report("month.xlsx") as book:
            book.table(totals, sheet="Totals", charts=[sheets.Chart("column", "amount", by="month")])
            book.table(lines, sheet="Lines", rules=[sheets.Rule("amount", "above", 1000)])

    Raises WorkbookError as `table` does.
    """
    target = Path(path)
    if target.suffix.lower() != ".xlsx":
        raise WorkbookError(
            f"a report can't be written as '{target.suffix}'",
            expected="a name ending in .xlsx",
            where=target.name,
            code="WB_NOT_XLSX",
        )
    made = Report(target)
    yield made
    made.save()


@dataclass(frozen=True)
class _Page:
    """Everything about one sheet except its rows."""

    columns: Sequence[Column]
    title: str | None
    name: str
    charts: Sequence[Chart]
    rules: Sequence[Rule]
    measured: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def header_row(self) -> int:
        """The header's row, from 0."""
        return 2 if self.title else 0


class Report:
    """The sheets of a report; made by `report`. Rows are taken when it is saved, sheet after sheet, and never kept."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pages: list[tuple[_Page, Iterator[Mapping[str, Any]]]] = []
        self._areas: dict[str, str] = {}

    def table(
        self,
        rows: Iterable[Row],
        *,
        columns: Sequence[Column | str] | None = None,
        model: type[BaseModel] | None = None,
        title: str | None = None,
        sheet: str = "Data",
        charts: Sequence[Chart] = (),
        rules: Sequence[Rule] = (),
    ) -> None:
        """Add a sheet with one table; everything as in `sheets.table`."""
        check_sheet_name(sheet, self._path.name)
        if sheet.casefold() in {page.name.casefold() for page, _ in self._pages}:
            raise refused(
                self._path.name, f"a second sheet called '{sheet}'", "names are there once", "choose another"
            )
        stream = iter(rows)
        first = list(itertools.islice(stream, ROWS_MEASURED))
        chosen = chosen_columns(columns, model, first)
        measured = [mapped(row, chosen) for row in first]
        place = Place(sheet, chosen, 0, 1)
        for key in [
            *(one for chart in charts for one in (chart.by, *_keys(chart))),
            *(rule.key for rule in rules),
        ]:
            place.index(key)
        page = _Page(chosen, title, sheet, charts, rules, measured)
        self._pages.append((page, itertools.chain(measured, (mapped(row, chosen) for row in stream))))

    def save(self) -> None:
        """Write the workbook."""
        if not self._pages:
            raise UsageError(
                f"the report {self._path.name} has no sheet",
                expected="at least one table",
                hint="call table()",
            )

        def announce(finished: Path) -> None:
            present = witness()
            if present is not None:
                sha256 = hashlib.sha256(finished.read_bytes()).hexdigest()
                for name, area in self._areas.items():
                    present.wrote(Written(self._path.resolve(), name, (area,), sha256))

        saving.replace(self._path, self._write, check_written, announce=announce)

    def _write(self, out: BinaryIO) -> None:
        import xlsxwriter

        book = xlsxwriter.Workbook(out, _OPTIONS)
        try:
            present = witness()
            if present is not None:
                author = present.author()
                for name, value in (("run", author.run), ("bot", author.bot), ("version", author.version)):
                    book.set_custom_property(f"Runner {name}", value)
            styles = _styles(book)
            for page, rows in self._pages:
                last = _write_page(book, page, rows, styles)
                self._areas[page.name] = f"A1:{address(last + 1, max(1, len(page.columns)))}"
        finally:
            book.close()


def _keys(chart: Chart) -> Sequence[str]:
    return [chart.values] if isinstance(chart.values, str) else chart.values


def _styles(book: Any) -> Callable[[str], Any]:
    """The formats of a workbook, made once for each number format."""
    known: dict[str, Any] = {}

    def style(code: str) -> Any:
        if code not in known:
            known[code] = book.add_format({"num_format": code})
        return known[code]

    return style


def _write_page(
    book: Any, page: _Page, rows: Iterator[Mapping[str, Any]], style: Callable[[str], Any]
) -> int:
    """One sheet; the number of its last row, from 0."""
    sheet = book.add_worksheet(page.name)
    header = book.add_format(_HEADER)
    styles = {kind: style(code) for kind, code in _FORMATS.items()}
    own = {c.key: style(c.number_format) for c in page.columns if c.number_format}
    for at, column in enumerate(page.columns):
        sheet.set_column(at, at, column.width or width_of(column, page.measured))
    if page.title:
        sheet.write_string(0, 0, page.title, book.add_format({"bold": True, "font_size": 14}))
    for at, column in enumerate(page.columns):
        sheet.write_string(page.header_row, at, column.heading, header)
    last = page.header_row
    for number, row in enumerate(rows, page.header_row + 1):
        last = number
        for at, column in enumerate(page.columns):
            value = plain_value(row.get(column.key))
            _write_cell(sheet, (number, at), value, page.name, own.get(column.key) or styles.get(type(value)))
    sheet.freeze_panes(page.header_row + 1, 0)
    end = max(last, page.header_row + 1)
    if page.columns:
        sheet.autofilter(page.header_row, 0, end, len(page.columns) - 1)
    place = Place(page.name, page.columns, page.header_row, end)
    draw(book, sheet, place, page.charts)
    colour(book, sheet, place, page.rules)
    return last


def _write_cell(sheet: Any, place: tuple[int, int], value: Value, where: str, style: Any) -> None:
    if place[0] >= MAX_ROWS:
        raise refused(where, "a row", f"a sheet has {MAX_ROWS:,} rows", "split the report")
    if is_doubtful(value):
        content(value, f"{where}!{address(place[0] + 1, place[1] + 1)}")
    if isinstance(value, str):
        sheet.write_string(*place, value, style)
    elif isinstance(value, bool):
        sheet.write_boolean(*place, value, style)
    elif isinstance(value, int | float | Decimal):
        sheet.write_number(*place, value, style)
    elif isinstance(value, Formula):
        raise refused(
            f"{where}!{address(place[0] + 1, place[1] + 1)}",
            f"the formula {value.text[:60]}",
            "a report holds values, a formula has none before it is calculated",
            "calculate the value, or add it with sheets.edit",
        )
    elif value is not None:
        sheet.write_datetime(*place, value, style)


def is_doubtful(value: Value) -> bool:
    """Whether a cell might not hold it: then it is looked at closely, which takes time."""
    if isinstance(value, str):
        return len(value) > 16_000 or not value.isprintable()
    if isinstance(value, float):
        return not math.isfinite(value)
    return not (isinstance(value, int) and abs(value) < 10**15)


def check_written(path: Path) -> None:
    """Read a workbook that was just written again: sizes and checksums."""
    unlimited = Limits(total=1 << 40, ratio=1 << 30)
    Package(path.read_bytes(), path.name, unlimited).check()
