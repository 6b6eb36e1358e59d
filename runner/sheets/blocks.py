"""The blocks of cells on a sheet: areas that blank rows and blank columns part from each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from runner.sheets.bands import Band, CellValue, Loose
from runner.sheets.grid import Grid
from runner.sheets.sheetxml import address

DEEPEST = 8
MOST_WORK = 2_000_000
"""Runs times columns up to which one cut is made; a sheet in more pieces than that is no page of tables."""


class Block(NamedTuple):
    """The first and last row and column of a block; `str()` is ``A3:C9``."""

    top: int
    left: int
    bottom: int
    right: int

    def __str__(self) -> str:
        return f"{address(self.top, self.left)}:{address(self.bottom, self.right)}"

    def meets(self, left: int, right: int) -> bool:
        """Whether the block reaches into the columns from `left` to `right`."""
        return self.left <= right and self.right >= left


class _Run(NamedTuple):
    """Consecutive rows that are filled in the same columns."""

    first: int
    last: int
    columns: frozenset[int]


def blocks(grid: Grid) -> list[Block]:
    """The blocks of a sheet, from the top down and from left to right.

    The sheet is cut at its blank rows, each piece at the columns that are blank all the way down, and these again at blank
    rows, so that tables below and beside each other come apart. A cell of blanks only is blank; one that shows an error is not.
    """
    found: list[Block] = []
    waiting = [(list(_runs(grid)), 0)]
    while waiting:
        runs, depth = waiting.pop()
        for piece in _parted(runs):
            spans = _spans(frozenset[int]().union(*(run.columns for run in piece)))
            if len(spans) == 1 or depth == DEEPEST or len(spans) * len(piece) > MOST_WORK:
                found.append(Block(piece[0].first, spans[0][0], piece[-1].last, spans[-1][1]))
                continue
            waiting += [(_within(piece, left, right), depth + 1) for left, right in spans]
    return sorted(found)


def is_blank(value: CellValue) -> bool:
    """Whether a cell holds nothing that people see."""
    return value == "" or (isinstance(value, str) and value.isspace())


def _runs(grid: Grid) -> Iterator[_Run]:
    marked: dict[int, set[int]] = {}
    for row, column in (*grid.facts.errors, *grid.facts.unsolved):
        marked.setdefault(row, set()).add(column)
    for band in grid.content.bands:
        if isinstance(band, Band) and _is_filled(band):
            columns = frozenset(column for column, cells in band.columns.items() if cells.holds_something)
            for first, last in _consecutive(band.numbers):
                yield _Run(first, last, columns)
        else:
            yield from _row_by_row(band, marked)


def _is_filled(band: Band) -> bool:
    """Whether some column has something in every row, so that no row is blank."""
    return any(
        cells.kind == "number" or cells.only is not None or not any(map(is_blank, cells.values))
        for cells in band.columns.values()
    )


def _row_by_row(band: Band | Loose, marked: dict[int, set[int]]) -> Iterator[_Run]:
    filled = (
        (number, _columns(band.row(index), marked.get(number, ())))
        for index, number in enumerate(band.numbers)
    )
    for columns, rows in groupby(filled, key=lambda row: row[1]):
        if columns:
            for first, last in _consecutive([number for number, _ in rows]):
                yield _Run(first, last, columns)


def _columns(cells: Sequence[CellValue], more: Iterable[int]) -> frozenset[int]:
    found = frozenset(
        at
        for at, value in enumerate(cells, 1)
        if value != "" and not (value.__class__ is str and value.isspace())
    )
    return found.union(more) if more else found


def _consecutive(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The first and last number of each stretch without a gap."""
    if numbers[-1] - numbers[0] + 1 == len(numbers):
        yield numbers[0], numbers[-1]
        return
    first = last = numbers[0]
    for number in numbers[1:]:
        if number != last + 1:
            yield first, last
            first = number
        last = number
    yield first, last


def _parted(runs: Iterable[_Run]) -> Iterator[list[_Run]]:
    """The pieces between blank rows."""
    piece: list[_Run] = []
    for run in runs:
        if piece and run.first != piece[-1].last + 1:
            yield piece
            piece = []
        piece.append(run)
    if piece:
        yield piece


def _spans(columns: frozenset[int]) -> list[tuple[int, int]]:
    """The stretches of columns between blank ones."""
    return list(_consecutive(sorted(columns)))


def _within(runs: Iterable[_Run], left: int, right: int) -> list[_Run]:
    """The runs as far as they are in the columns from `left` to `right`."""
    found = []
    for run in runs:
        columns = frozenset(column for column in run.columns if left <= column <= right)
        if columns:
            found.append(_Run(run.first, run.last, columns))
    return found
