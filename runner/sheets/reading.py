"""`sheets.read`: a spreadsheet file as validated rows, bad rows with every error named by sheet and cell."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel

from runner.core.errors import WorkbookError
from runner.sheets.checking import Json, RowCheck
from runner.sheets.grid import Grid, Source, grids, load
from runner.sheets.header import Header, find_header
from runner.sheets.sheetxml import letters
from runner.sheets.wording import locale_of

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class SourceRow:
    """Where a row came from: file, sheet ("" in a text table) and the row number people see."""

    file: Path
    sheet: str
    row: int

    def __str__(self) -> str:
        return f"{self.file.name}/{self.sheet}!{self.row}" if self.sheet else f"{self.file.name}!{self.row}"


@dataclass(frozen=True, slots=True)
class GoodRow(Generic[M]):
    """A row that fits the model."""

    data: M
    source: SourceRow


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that doesn't fit: its cells by field name as JSON values, and one error per cell that is wrong."""

    raw: dict[str, Json]
    errors: tuple[WorkbookError, ...]
    source: SourceRow


class Rows(Generic[M]):
    """The rows of one sheet below its header, blank ones left out; validated while they are read out.

    `len()` counts good and bad rows. Iterating, `good` and `bad` can be used as often as wanted; only the cells are kept in
    memory, so a long sheet costs little until its rows are used.
    """

    def __init__(self, source: Source, grid: Grid, header: Header, check: RowCheck[M]) -> None:
        self.path = source.path
        self.sheet = grid.sheet
        self.header_row = header.row
        self.columns = {field: letters(column) for field, column in header.columns.items()}
        self.fingerprint = source.fingerprint
        self._check = check
        self._bands = [
            (band, start)
            for band in grid.content.bands
            if (start := bisect_right(band.numbers, header.row)) < len(band.numbers)
        ]

    @cached_property
    def _count(self) -> int:
        return sum(self._check.count(band, start) for band, start in self._bands)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[GoodRow[M] | BadRow]:
        path, sheet = self.path, self.sheet
        for band, start in self._bands:
            for number, found, place, index in self._check.checked_band(band, start):
                source = SourceRow(path, sheet, number)
                if isinstance(found, tuple):
                    yield BadRow(self._check.raw(number, place.row(index)), found, source)
                else:
                    yield GoodRow(found, source)

    @property
    def good(self) -> tuple[GoodRow[M], ...]:
        """The rows that fit, in the order of the sheet."""
        return tuple(row for row in self if isinstance(row, GoodRow))

    @cached_property
    def bad(self) -> tuple[BadRow, ...]:
        """The rows that don't, in the order of the sheet."""
        return tuple(row for row in self if isinstance(row, BadRow))


def read(
    path: Path | str,
    model: type[M],
    *,
    sheet: str | None = None,
    header_row: int | None = None,
    aliases: Mapping[str, Sequence[str]] | None = None,
    locale: str | None = None,
) -> Rows[M]:
    """The rows of a spreadsheet file, each checked against `model`.

    `sheet`: by name; without it the first visible sheet whose header has the model's columns. `header_row`: by number;
    without it the best of the first 20 rows. `aliases`: further headings per field, as in ``{"amount": ["Betrag", "金额"]}``.
    `locale` says how numbers and dates in *text* cells are written (``"de"``, ``"zh"``, ``"en-GB"``).

    A row that doesn't fit becomes a `BadRow` and the others go on. What concerns the whole file is raised as WorkbookError
    (a missing column, a damaged package, see `docs/spreadsheets.md`); the file is read once and never changed.
    """
    path = Path(path)
    place, source = locale_of(locale), load(path)
    grid, header = _first_that_fits(grids(source, sheet), model, header_row, aliases)
    return Rows(source, grid, header, RowCheck(model, grid, header, place))


def _first_that_fits(
    found: Iterator[Grid],
    model: type[BaseModel],
    header_row: int | None,
    aliases: Mapping[str, Sequence[str]] | None,
) -> tuple[Grid, Header]:
    """The first sheet whose header fits; if none does, the error of the first."""
    first: WorkbookError | None = None
    for grid in found:
        try:
            return grid, find_header(grid, model, header_row=header_row, aliases=aliases)
        except WorkbookError as unfit:
            first = first or unfit
    raise first or WorkbookError("there is no sheet with cells", expected="a table", code="WB_SHEET")
