"""`sheets.read`: a spreadsheet file as validated rows, bad rows with every error named by sheet and cell."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

from pydantic import BaseModel

from runner.core.errors import UsageError, WorkbookError
from runner.sheets.bands import Band, Loose
from runner.sheets.checking import RowCheck
from runner.sheets.choosing import SEVERAL, Chosen, choose_table, unclear_error
from runner.sheets.frames import columns_of, pandas_frame, polars_frame
from runner.sheets.grid import XML_SUFFIXES, Grid, Source, grids, load
from runner.sheets.header import Header, find_header
from runner.sheets.judged import BadRow, GoodRow, SourceRow
from runner.sheets.package import Package
from runner.sheets.sheetxml import MAX_ROWS, letters, span
from runner.sheets.wording import locale_of
from runner.sheets.workbook import describe

M = TypeVar("M", bound=BaseModel)
Corners: TypeAlias = tuple[int, int, int, int]


class Rows(Generic[M]):
    """The rows of one sheet below its header, blank ones left out; validated while they are read out.

    `area`: where they are, header included (``A3:C9``; empty where the caller said it); `other_tables`: further tables on the sheet.
    `len()` counts good and bad rows. Iterating, `good` and `bad` can be used as often as wanted; only the cells are kept in
    memory, so a long sheet costs little until its rows are used. `encoding` and `delimiter` say how a text table was written,
    `locale` how its text cells are.
    """

    def __init__(self, source: Source, place: RowsPlace, check: RowCheck[M]) -> None:
        grid, header = place.grid, place.header
        self.path = source.path
        self.sheet = grid.sheet
        self.header_row = header.row
        self.columns = {field: letters(column) for field, column in header.columns.items()}
        self.fingerprint = source.fingerprint
        self.encoding, self.delimiter = grid.encoding, grid.delimiter
        self.locale: str | None = None
        chosen = place.chosen
        self.area = str(chosen.area) if chosen else ""
        self.other_tables = tuple(map(str, chosen.others)) if chosen else ()
        self._check, self._model = check, check.model
        self._anew: Callable[[], Rows[M]] | None = None
        last = (
            place.last if not place.until_blank else _last_before_blank(grid, header.row, place.last, check)
        )
        self._bands = list(grid.content.between(header.row + 1, last))
        self._unclear = None if place.until_blank else _unclear_row(source, place, check)
        if place.skip_hidden and grid.facts.hidden:
            self._bands = [part for band in self._bands for part in _shown(band, grid.facts.hidden)]

    @cached_property
    def _count(self) -> int:
        return sum(self._check.count(band) for band in self._bands) + (self._unclear is not None)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[GoodRow[M] | BadRow]:
        rows = chain.from_iterable(map(self._check.rows, self._bands))
        return rows if self._unclear is None else chain(rows, (self._unclear,))

    def anew(self) -> Rows[M]:
        """The rows of the file as it is now, read in the same way. Raises what `read` raises."""
        return self if self._anew is None else self._anew()

    @property
    def good(self) -> tuple[GoodRow[M], ...]:
        """The rows that fit, in the order of the sheet."""
        return tuple(row for row in self if isinstance(row, GoodRow))

    @cached_property
    def bad(self) -> tuple[BadRow, ...]:
        """The rows that don't, in the order of the sheet."""
        return tuple(row for row in self if isinstance(row, BadRow))

    def to_polars(self) -> Any:
        """The good rows as a polars DataFrame, with the types of the fields; needs the extra `dataframes`."""
        return polars_frame(self._model, columns_of(self._model, [row.data for row in self.good]))

    def to_pandas(self) -> Any:
        """The good rows as a pandas DataFrame, with the types of the fields; needs the extra `dataframes`."""
        return pandas_frame(self._model, columns_of(self._model, [row.data for row in self.good]))


@dataclass(frozen=True)
class RowsPlace:
    """Where the rows are: below a header, down to row `last`, or to the first blank one; `chosen`: among which tables."""

    grid: Grid
    header: Header
    last: int = MAX_ROWS
    until_blank: bool = False
    skip_hidden: bool = False
    chosen: Chosen | None = None


def read(
    path: Path | str,
    model: type[M],
    *,
    sheet: str | None = None,
    table: str | None = None,
    area: str | None = None,
    header_row: int | None = None,
    until_blank: bool = False,
    skip_hidden: bool = False,
    aliases: Mapping[str, Sequence[str]] | None = None,
    locale: str | None = None,
    encoding: str | None = None,
) -> Rows[M]:
    """The rows of a spreadsheet file, each checked against `model`.

    `sheet`: by name; without it the first visible sheet whose header has the model's columns. Of several tables on it, parted by
    blank rows or columns, the one that names the most fields is read; WB_TABLES where two do. `table`: an Excel table by name.
    `area`: a named range, or an area such as ``Prices!B2:F90``, whose first row is the header. `header_row`: by number; without it
    the best of the first 20 rows of each table. `until_blank`: only the rows down to the first blank one, where another table follows.
    `skip_hidden`: without the rows that a filter or a person hides. `aliases`: further headings per field, as in
    ``{"amount": ["Betrag", "金额"]}``. `locale` says how numbers and dates in *text* cells are written (``"de"``, ``"zh"``,
    ``"en-GB"``), `encoding` how a text table is (``"cp1252"``), where that is known.

    A row that doesn't fit becomes a `BadRow` and the others go on. What concerns the whole file is raised as WorkbookError
    (a missing column, a damaged package, see `docs/spreadsheets.md`); the file is read once and never changed.
    """
    path = Path(path)
    conventions, source = locale_of(locale), load(path)
    if table is not None or area is not None:
        where, corners = _named_place(source, table, area)
        grid = next(grids(source, where, encoding=encoding))
        header = find_header(
            grid, model, header_row=corners[0], aliases=aliases, columns=(corners[1], corners[3])
        )
        place = RowsPlace(grid, header, corners[2], until_blank, skip_hidden)
    else:
        found = grids(source, sheet, encoding=encoding)
        grid, chosen = _first_that_fits(found, model, header_row, aliases)
        header = chosen.header
        place = RowsPlace(grid, header, chosen.last, until_blank, skip_hidden, chosen)
    rows = Rows(source, place, RowCheck(model, grid, header, conventions, path))
    rows.locale = locale
    rows._anew = partial(  # noqa: SLF001 - only here is known how it was read
        read, path, model, sheet=sheet, table=table, area=area, header_row=header_row, until_blank=until_blank,
        skip_hidden=skip_hidden, aliases=aliases, locale=locale, encoding=encoding,
    )  # fmt: skip
    return rows


def _named_place(source: Source, table: str | None, area: str | None) -> tuple[str | None, Corners]:
    """Sheet and corners of a table (its header to its last row of data) or of a named area."""
    from runner.sheets.tables import find_range, find_table

    if table is not None and area is not None:
        raise UsageError(
            f"table '{table}' and area '{area}' are given", expected="one of them", code="WB_RANGE"
        )
    if source.path.suffix.lower() in XML_SUFFIXES:
        package = Package(source.data, source.path.name)
        if table is None:
            range_ = find_range(package, describe(package), area or "")
            return range_.sheet, range_.area
        found = find_table(package, describe(package), table)
        if found.header_rows != 1:
            raise package.error(
                "WB_TABLE",
                f"the table '{found.name}' has no header row",
                expected="a table that shows its headings",
                hint="show them: Table Design, Header Row",
            )
        return found.sheet.name, (found.area[0], found.area[1], found.last, found.area[3])
    name, _, place = (area or "").rpartition("!")
    corners = span(place)
    if table is not None or corners is None:
        raise WorkbookError(
            f"a '{source.path.suffix}' file has no {f'table {table!r}' if table else f'range {area!r}'}",
            expected="an area such as Sheet1!A1:F90",
            hint="give the area, or save as .xlsx",
            where=source.path.name,
            code="WB_TABLE" if table else "WB_RANGE",
        )
    return name.strip("'").replace("''", "'") or None, corners


def _unclear_row(source: Source, place: RowsPlace, check: RowCheck[M]) -> BadRow | None:
    """The row below the table of which nobody can tell whether it belongs to it: a person has to."""
    if place.chosen is None or place.chosen.unclear is None:
        return None
    grid, number = place.grid, place.chosen.unclear.top
    raw, error = check.raw(number, grid.row(number)), unclear_error(grid, place.chosen)
    return BadRow(raw, (error,), SourceRow(source.path, grid.sheet, number))


def _last_before_blank(grid: Grid, header: int, last: int, check: RowCheck[M]) -> int:
    number = header
    for band in grid.content.between(header + 1, last):
        for index, found in enumerate(band.numbers):
            if found != number + 1 or not check.is_used(found, band.row(index)):
                return number
            number = found
    return number


def _shown(band: Band | Loose, hidden: Collection[int]) -> Iterator[Band | Loose]:
    """The pieces of a band between its hidden rows."""
    start = 0
    for index, number in enumerate(band.numbers):
        if number in hidden:
            if start < index:
                yield band.part(start, index)
            start = index + 1
    if start < len(band.numbers):
        yield band.part(start, len(band.numbers)) if start else band


def _first_that_fits(
    found: Iterator[Grid],
    model: type[BaseModel],
    header_row: int | None,
    aliases: Mapping[str, Sequence[str]] | None,
) -> tuple[Grid, Chosen]:
    """The first sheet with a table that fits; if none has one, the error of the first.

    A sheet with two that fit equally well is not passed over: which one is meant is for a person to say.
    """
    first: WorkbookError | None = None
    for grid in found:
        try:
            return grid, choose_table(grid, model, header_row=header_row, aliases=aliases)
        except WorkbookError as unfit:
            if unfit.stable_code == SEVERAL:
                raise
            first = first or unfit
    raise first or WorkbookError("there is no sheet with cells", expected="a table", code="WB_SHEET")
