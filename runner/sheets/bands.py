"""Rows of a sheet in bands: loose ones cell by cell, or many of one shape column by column, so that they are checked together."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

CellValue: TypeAlias = str | int | float | bool | dt.date | dt.datetime | dt.time | dt.timedelta


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of one column in a band; `kind` "number": the digits as they are stored, else finished values.

    `only`: the type that all of them have, where that is known without a look, texts that are not blank.
    """

    kind: Literal["number", "value"]
    values: Sequence[str] | Sequence[CellValue]
    only: type | None = None

    def value(self, index: int) -> CellValue:
        """One cell; digits that are no number (a damaged file) are the text they are."""
        found = self.values[index]
        if self.kind == "number":
            try:
                return float(found)  # type: ignore[arg-type]
            except ValueError:
                pass
        return found

    @property
    def holds_something(self) -> bool:
        """Whether any of the cells is not empty."""
        return self.kind == "number" or any(value != "" for value in self.values)


@dataclass(frozen=True, slots=True)
class Band:
    """Consecutive rows of one shape: their numbers, ascending, and for each column that is filled its cells."""

    numbers: Sequence[int]
    columns: dict[int, Cells]

    def row(self, index: int) -> Sequence[CellValue]:
        """One row, from column A."""
        cells: list[CellValue] = [""] * max(self.columns, default=0)
        for column, content in self.columns.items():
            cells[column - 1] = content.value(index)
        return cells

    def part(self, first: int, stop: int) -> Band:
        """The rows from index `first` up to `stop`."""
        columns = {
            column: Cells(cells.kind, cells.values[first:stop], cells.only)
            for column, cells in self.columns.items()
        }
        return Band(self.numbers[first:stop], columns)


@dataclass(frozen=True, slots=True)
class Loose:
    """Rows of any shape: their numbers, ascending, and their cells from column `first_column` on."""

    numbers: Sequence[int]
    cells: Sequence[Sequence[CellValue]]
    first_column: int = 1

    def row(self, index: int) -> Sequence[CellValue]:
        """One row, from column A."""
        cells = self.cells[index]
        return [*[""] * (self.first_column - 1), *cells] if self.first_column > 1 else cells

    def part(self, first: int, stop: int) -> Loose:
        """The rows from index `first` up to `stop`."""
        return Loose(self.numbers[first:stop], self.cells[first:stop], self.first_column)


@dataclass(frozen=True, slots=True)
class Sheet:
    """All rows of a sheet that have cells, in order."""

    bands: Sequence[Band | Loose]

    def __post_init__(self) -> None:
        object.__setattr__(self, "bands", tuple(band for band in self.bands if band.numbers))

    @property
    def first_row(self) -> int:
        """The number of the first row that has cells, else 1."""
        return self.bands[0].numbers[0] if self.bands else 1

    @property
    def last_row(self) -> int:
        """The number of the last row that has cells, else 0."""
        return self.bands[-1].numbers[-1] if self.bands else 0

    def row(self, number: int) -> Sequence[CellValue]:
        """The cells of row `number` from column A; empty where it has none."""
        at = bisect_left(self.bands, number, key=lambda band: band.numbers[-1])
        if at == len(self.bands):
            return ()
        band = self.bands[at]
        index = bisect_left(band.numbers, number)
        return band.row(index) if index < len(band.numbers) and band.numbers[index] == number else ()

    def rows(self) -> Iterator[tuple[int, Sequence[CellValue]]]:
        """Each row that has cells, with its number."""
        for band in self.bands:
            for index, number in enumerate(band.numbers):
                yield number, band.row(index)

    def between(self, first: int, last: int) -> Iterator[Band | Loose]:
        """The bands with the rows from number `first` to number `last`, cut where they reach beyond."""
        for band in self.bands:
            start, stop = bisect_left(band.numbers, first), bisect_right(band.numbers, last)
            if start < stop:
                yield band if stop - start == len(band.numbers) else band.part(start, stop)

    def last_column(self, first_row: int) -> int:
        """The last column that holds something in `first_row` or below it; 0 where nothing does."""
        last = 0
        for band in self.bands:
            if band.numbers[-1] < first_row:
                continue
            if isinstance(band, Band):
                last = max(
                    [last, *(c for c, cells in band.columns.items() if c > last and cells.holds_something)]
                )
                continue
            for number, cells in zip(band.numbers, band.cells, strict=True):
                width = len(cells) if number >= first_row else 0
                while width + band.first_column - 1 > last and cells[width - 1] == "":
                    width -= 1
                last = max(last, width + band.first_column - 1 if width else 0)
        return last
