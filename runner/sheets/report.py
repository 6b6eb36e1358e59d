"""`sheets.table`: new workbooks for people to read, streamed, with types, widths, a frozen header and a filter."""

from __future__ import annotations

import datetime as dt
import enum
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import BaseModel

from runner.core.errors import WorkbookError
from runner.sheets import saving
from runner.sheets.cellxml import Value, content, refused
from runner.sheets.header import shown_name
from runner.sheets.package import Limits, Package
from runner.sheets.sheetxml import MAX_ROWS, address

ROWS_MEASURED = 200
NARROWEST, WIDEST = 8, 60
_HEADER = {"bold": True, "bg_color": "#E8EDF3", "bottom": 1, "text_wrap": True, "valign": "top"}
_FORMATS = {
    Decimal: "#,##0.00",
    dt.date: "yyyy-mm-dd",
    dt.datetime: "yyyy-mm-dd hh:mm:ss",
    dt.time: "hh:mm:ss",
}
_FORBIDDEN = "[]:*?/\\"


@dataclass(frozen=True)
class Column:
    """One column of a report: the key of its values in a row, its heading, its number format and width where not automatic."""

    key: str
    heading: str = ""
    number_format: str = ""
    width: float = 0


@dataclass(frozen=True)
class _Page:
    """Everything about one sheet except its rows."""

    columns: Sequence[Column]
    title: str | None
    name: str
    measured: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def header_row(self) -> int:
        """The header's row, from 0."""
        return 2 if self.title else 0


def table(
    path: Path | str,
    rows: Iterable[BaseModel | Mapping[str, Any] | Sequence[Any]],
    *,
    columns: Sequence[Column | str] | None = None,
    model: type[BaseModel] | None = None,
    title: str | None = None,
    sheet: str = "Data",
) -> Path:
    """Write a new workbook with one table; the file written.

    A row is a model, a mapping or a sequence in the order of `columns`. Without `columns` they follow from `model`, or from the
    first row. Rows are streamed, so a million of them need little memory. Text stays text, whatever it begins with (``=``, ``+``,
    ``-``, ``@``). An existing file is replaced in one step; it is not touched where it is open in Excel (WB_BUSY).

    Raises WorkbookError: WB_VALUE (a value no cell holds, more rows than a sheet has, a sheet name Excel refuses), WB_BUSY.
    """
    path = Path(path)
    if path.suffix.lower() != ".xlsx":
        raise WorkbookError(
            f"a report can't be written as '{path.suffix}'",
            expected="a name ending in .xlsx",
            where=path.name,
            code="WB_NOT_XLSX",
        )
    check_sheet_name(sheet, path.name)
    stream = iter(rows)
    first = list(itertools.islice(stream, ROWS_MEASURED))
    chosen = chosen_columns(columns, model, first)
    measured = [mapped(row, chosen) for row in first]
    page = _Page(chosen, title, sheet, measured)
    every = itertools.chain(measured, (mapped(row, chosen) for row in stream))

    def write(out: BinaryIO) -> None:
        _write(out, page, every)

    saving.replace(path, write, check_written)
    return path


def check_sheet_name(name: str, file: str) -> None:
    """Raise WB_VALUE for a sheet name that Excel refuses."""
    if not 0 < len(name) <= 31 or set(name) & set(_FORBIDDEN) or name.startswith("'") or name.endswith("'"):
        raise refused(
            file,
            f"a sheet called '{name}'",
            f"Excel wants 1 to 31 characters without {_FORBIDDEN}",
            "shorten it",
        )


def chosen_columns(
    given: Sequence[Column | str] | None, model: type[BaseModel] | None, first: Sequence[object]
) -> list[Column]:
    """The columns given, or those that follow from the model or the first row; WB_COLUMN where neither says them."""
    if model is None and first and isinstance(first[0], BaseModel):
        model = type(first[0])
    fields = model.model_fields if model else {}
    if given is not None:
        plain = [column if isinstance(column, Column) else Column(column) for column in given]
        return [_named(column, fields) for column in plain]
    if fields:
        return [_named(Column(name), fields) for name in fields]
    if first and isinstance(first[0], Mapping):
        return [_named(Column(str(key)), {}) for key in first[0]]
    raise WorkbookError(
        "the columns of the report are not known",
        expected="columns=…, model=… or a first row that is a model or a mapping",
        hint="name the columns",
        code="WB_COLUMN",
    )


def _named(column: Column, fields: Mapping[str, Any]) -> Column:
    if column.heading:
        return column
    heading = shown_name(column.key, fields[column.key]) if column.key in fields else column.key
    return Column(column.key, heading, column.number_format, column.width)


def mapped(row: object, columns: Sequence[Column]) -> Mapping[str, Any]:
    """A row by the keys of its columns."""
    if isinstance(row, Mapping):
        return row
    if isinstance(row, BaseModel):
        return {column.key: getattr(row, column.key, None) for column in columns}
    if isinstance(row, Sequence) and not isinstance(row, str):
        return {column.key: value for column, value in zip(columns, row, strict=False)}
    raise TypeError(f"a row of a report is a model, a mapping or a sequence, not {type(row).__name__}")


def _write(out: BinaryIO, page: _Page, rows: Iterator[Mapping[str, Any]]) -> None:
    import xlsxwriter

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    book = xlsxwriter.Workbook(out, options)
    try:
        sheet = book.add_worksheet(page.name)
        header = book.add_format(_HEADER)
        styles = {kind: book.add_format({"num_format": code}) for kind, code in _FORMATS.items()}
        own = {
            c.key: book.add_format({"num_format": c.number_format}) for c in page.columns if c.number_format
        }
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
                style = own.get(column.key) or styles.get(type(value))
                _write_cell(sheet, (number, at), value, page.name, style)
        sheet.freeze_panes(page.header_row + 1, 0)
        if page.columns:
            sheet.autofilter(page.header_row, 0, max(last, page.header_row + 1), len(page.columns) - 1)
    finally:
        book.close()


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
    elif value is not None:
        sheet.write_datetime(*place, value, style)


def is_doubtful(value: Value) -> bool:
    """Whether a cell might not hold it: then it is looked at closely, which takes time."""
    if isinstance(value, str):
        return len(value) > 16_000 or not value.isprintable()
    if isinstance(value, float):
        return not math.isfinite(value)
    return not (isinstance(value, int) and abs(value) < 10**15)


def plain_value(value: Any) -> Value:
    """What a cell can hold of a value: enums by their value, what is unknown as text."""
    if isinstance(value, enum.Enum):
        return plain_value(value.value)
    if value is None or isinstance(value, str | bool | int | float | Decimal | dt.date | dt.time):
        return value
    return str(value)


def width_of(column: Column, rows: Iterable[Mapping[str, Any]]) -> float:
    """The width that shows the heading and the rows measured, within bounds."""
    longest = max((length_of(row.get(column.key)) for row in rows), default=0)
    return float(min(WIDEST, max(NARROWEST, longest, length_of(column.heading) + 2)) + 1)


def length_of(value: Any) -> int:
    """How wide a value is shown: Chinese characters count twice."""
    if isinstance(value, dt.datetime):
        return 19
    lines = str("" if value is None else value).splitlines()
    return max((sum(2 if sign > "\u2e80" else 1 for sign in line) for line in lines), default=0)


def check_written(path: Path) -> None:
    """Refuse a file that was written and can't be read."""
    unlimited = Limits(total=1 << 40, ratio=1 << 30)
    Package(path.read_bytes(), path.name, unlimited).check()
