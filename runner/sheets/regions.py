"""Where a table of rows is on a sheet, what is below it, and what its last row looks like."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

from runner.core.errors import WorkbookError, did_you_mean
from runner.sheets.cellxml import Value
from runner.sheets.columns import plain_value
from runner.sheets.grid import Grid
from runner.sheets.header import field_names, normal
from runner.sheets.package import Package
from runner.sheets.references import copied
from runner.sheets.sheetxml import SheetStream, address, attribute, cells, letters, rows
from runner.sheets.tables import Table, tables_of
from runner.sheets.workbook import SheetPart

ROWS_SEARCHED = 20
_FORMULA = re.compile(rb"<(?:[\w.-]+:)?f((?:\s[^>]*?)?)(?:/>|>([^<]*)<)")
_ROW_NUMBER = re.compile(
    rb"""\sr\s*=\s*["']\d+["']|\sspans\s*=\s*["'][^"']*["']|\s(?:hidden|collapsed)\s*=\s*["'][^"']*["']"""
)


@dataclass(frozen=True)
class Region:
    """A table: the row of its header, its rows of data (`last` is the header's where there are none), its columns by number.

    `has_more_below`: there are cells below it in its columns, or a totals row.
    """

    header: int
    last: int
    left: int
    right: int
    words: Mapping[int, str]
    table: Table | None
    has_more_below: bool


@dataclass
class RowLook:
    """What one row looks like: its attributes without its number, and by column the style and the formula of its cells."""

    attributes: bytes = b""
    cells: dict[int, tuple[int, str]] = field(default_factory=dict)


def region_of(
    package: Package, page: SheetPart, grid: Grid, *, table: str | None = None, header_row: int | None = None
) -> Region:
    """The table to which rows are added: the Excel table `table`, the only one on the sheet, or the one below `header_row`.

    Without either the header is the row among the first 20 with the most words. Raises WorkbookError (WB_TABLE, WB_COLUMN).
    """
    every = tables_of(package, page)
    if table is not None or (header_row is None and every):
        return _of_table(grid, _chosen(page, every, table))
    header = header_row or _header(grid)
    words = _words(grid, header)
    if not words:
        raise WorkbookError(
            f"row {header} of sheet '{page.name}' has no headings",
            expected="a row with the names of the columns",
            hint="give header_row, or put the headings in",
            where=f"{page.name}!{header}",
            code="WB_COLUMN",
        )
    inside = next(
        (one for one in every if one.area[0] == header and one.area[1] <= min(words) <= one.area[3]), None
    )
    if inside is not None:
        return _of_table(grid, inside)
    left, right, last = min(words), max(words), header
    while _holds(grid, last + 1, left, right):
        last += 1
    if last > header + 1 and _is_total(package, page, last, left, right):
        return Region(header, last - 1, left, right, words, None, has_more_below=True)
    return Region(header, last, left, right, words, None, _is_used_below(grid, last, left, right))


def look_of(package: Package, page: SheetPart, wanted: int) -> RowLook:
    """What row `wanted` looks like; shared formulas are written out."""
    return looks_of(package, page, {wanted})[wanted]


def looks_of(package: Package, page: SheetPart, wanted: set[int]) -> dict[int, RowLook]:
    """What several rows look like, in one pass."""
    stream = SheetStream(package.chunks(page.part), package.name)
    shared: dict[bytes, tuple[str, str]] = {}
    found = {number: RowLook() for number in wanted}
    last = 0
    for block in stream.blocks():
        for row in rows(stream.tags, block.mask, last):
            last = row.number
            is_shared = block.mask.find(b"shared", row.start, row.end) >= 0
            if row.number not in wanted and not is_shared:
                continue
            look = found.get(row.number, RowLook())
            look.attributes = (
                _ROW_NUMBER.sub(b"", b" " + row.attributes.strip()) if row.attributes.strip() else b""
            )
            for cell in cells(stream.tags, block.mask, row):
                style = attribute(cell.attributes, b"s")
                formula = _formula(
                    block.text[cell.inner : cell.inner_end], address(row.number, cell.column), shared
                )
                look.cells[cell.column] = (int(style) if style.isdigit() else 0, formula)
    return found


def values_of(region: Region, row: object, sheet: str) -> dict[int, Value]:
    """The cells of a row to be added, by column: of a mapping by heading, of a model by field, of a sequence in order."""
    if isinstance(row, Mapping):
        named = {normal(word): column for column, word in region.words.items()}
        return {_column(named, str(key), [], region, sheet): plain_value(value) for key, value in row.items()}
    if isinstance(row, BaseModel):
        named = {normal(word): column for column, word in region.words.items()}
        names = field_names(type(row), {})
        return {
            _column(named, key, words, region, sheet): plain_value(getattr(row, key))
            for key, words in names.items()
        }
    if isinstance(row, Sequence) and not isinstance(row, str):
        if len(row) > region.right - region.left + 1:
            raise WorkbookError(
                f"a row has {len(row)} values",
                expected=f"at most {region.right - region.left + 1}, one for each column of the table",
                hint="give the row as a mapping by heading",
                where=f"{sheet}!{region.header}",
                code="WB_COLUMN",
            )
        return {region.left + at: plain_value(value) for at, value in enumerate(row)}
    raise TypeError(f"a row to be added is a model, a mapping or a sequence, not {type(row).__name__}")


def _column(named: Mapping[str, int], key: str, words: Sequence[str], region: Region, sheet: str) -> int:
    for word in [normal(key), *words]:
        if word in named:
            return named[word]
    shown = list(region.words.values())
    raise WorkbookError(
        f"there is no column '{key}' in row {region.header}",
        expected="one of " + ", ".join(f"'{word}'" for word in shown),
        hint=did_you_mean(key, shown) or "correct the name",
        where=f"{sheet}!{region.header}",
        code="WB_COLUMN",
    )


def _chosen(page: SheetPart, every: Sequence[Table], name: str | None) -> Table:
    fitting = [one for one in every if name is None or one.name.casefold() == name.casefold()]
    if len(fitting) != 1:
        names = [one.name for one in every]
        what = (
            f"there is no table '{name}' on sheet '{page.name}'"
            if name
            else f"sheet '{page.name}' has {len(names)} tables"
        )
        raise WorkbookError(
            what,
            expected="one of " + ", ".join(f"'{one}'" for one in names)
            if names
            else "a sheet with an Excel table",
            hint=did_you_mean(name or "", names) or 'name one, as in table="Orders"',
            where=page.name,
            code="WB_TABLE",
        )
    return fitting[0]


def _of_table(grid: Grid, table: Table) -> Region:
    _, left, bottom, right = table.area
    words = {left + at: heading for at, heading in enumerate(table.headings)}
    last = table.last
    if last == table.first and not _holds(grid, last, left, right):
        last -= 1  # a table without data has one empty row, which is filled first
    below = table.totals_rows > 0 or _is_used_below(grid, bottom, left, right)
    return Region(table.first - 1, last, left, right, words, table, below)


def _header(grid: Grid) -> int:
    best, most = grid.first_row, 0
    for number in range(grid.first_row, grid.first_row + ROWS_SEARCHED):
        words = sum(isinstance(cell, str) and bool(cell.strip()) for cell in grid.row(number))
        if words > most:
            best, most = number, words
    return best


def _words(grid: Grid, header: int) -> dict[int, str]:
    """The headings in one row without a gap, from the first one."""
    words: dict[int, str] = {}
    for column, cell in enumerate(grid.row(header), 1):
        if str(cell).strip():
            words[column] = str(cell)
        elif words:
            break
    return words


def _holds(grid: Grid, row: int, left: int, right: int) -> bool:
    if any(cell != "" for cell in grid.row(row)[left - 1 : right]):
        return True
    facts = grid.facts
    return any(
        (row, column) in facts.errors or (row, column) in facts.unsolved for column in range(left, right + 1)
    )


def _is_used_below(grid: Grid, last: int, left: int, right: int) -> bool:
    return any(
        number > last and _holds(grid, number, left, right) for number in range(last + 1, grid.last_row + 1)
    )


def _is_total(package: Package, page: SheetPart, row: int, left: int, right: int) -> bool:
    """Whether a row sums up what is above it: a formula over a range of its own column that ends in the row before."""
    for column, (_, formula) in look_of(package, page, row).cells.items():
        name = letters(column)
        above = re.search(rf"\$?{name}\$?(\d+):\$?{name}\$?{row - 1}(?!\d)", formula)
        if left <= column <= right and above and int(above[1]) < row - 1:
            return True
    return False


def _formula(inner: bytes, place: str, shared: dict[bytes, tuple[str, str]]) -> str:
    found = _FORMULA.search(inner)
    if found is None:
        return ""
    text = html.unescape((found[2] or b"").decode("utf-8", "replace"))
    kind, number = attribute(found[1], b"t"), attribute(found[1], b"si")
    if kind == b"shared":
        if text:
            shared[number] = (text, place)
        origin, first = shared.get(number, ("", place))
        return text or (copied(origin, first, place) if origin else "")
    return "" if kind in {b"array", b"dataTable"} else text
