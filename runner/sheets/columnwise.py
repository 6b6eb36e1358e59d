"""Edits kept column by column: what is written beside a hundred thousand rows, in a tenth of the room that a dictionary a row takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Final, TypeAlias, cast

from runner.sheets.cellxml import Styled, Value

Edits: TypeAlias = Mapping[int, Mapping[int, Value | Styled]]
"""New values of cells: `edits[row][column]`, rows and columns counted from 1."""


class Kept:
    """In the place of a value: the cell stays as it is."""


KEPT: Final = Kept()


class ColumnEdits(Mapping[int, Mapping[int, Value]]):
    """Edits of the same columns in many rows.

    `rows` has for each row its values in the order of `columns`; KEPT, or nothing at the end, leaves a cell alone.
    """

    def __init__(self, columns: Sequence[int], rows: Mapping[int, Sequence[Value | Kept]]) -> None:
        self.columns = tuple(columns)
        self._rows = rows
        self._is_ascending = list(columns) == sorted(columns)

    def __getitem__(self, row: int) -> Mapping[int, Value]:
        found = zip(self.columns, self._rows[row], strict=False)
        return {c: cast("Value", v) for c, v in found if v is not KEPT}

    def __contains__(self, row: object) -> bool:
        return row in self._rows

    def __iter__(self) -> Iterator[int]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def cells(self, row: int) -> list[tuple[int, Value | Styled]]:
        """The columns and values that are written in a row, from the left; none where the row is not edited."""
        values = self._rows.get(row, ())
        found: list[tuple[int, Value | Styled]] = [
            (c, cast("Value", v)) for c, v in zip(self.columns, values, strict=False) if v is not KEPT
        ]
        return found if self._is_ascending else sorted(found, key=itemgetter(0))

    def are_within(self, last_row: int, last_column: int) -> bool:
        """Whether all that is written lies in a sheet of that size, as far as can be said without a look at each row."""
        return (
            min(self._rows, default=1) >= 1
            and max(self._rows, default=1) <= last_row
            and min(self.columns, default=1) >= 1
            and max(self.columns, default=1) <= last_column
            and all(map(self._writes_first, self._rows.values()))
        )

    @staticmethod
    def _writes_first(values: Sequence[Value | Kept]) -> bool:
        return bool(values) and values[0] is not KEPT

    def every_value(self) -> Iterator[Value]:
        """All values that are written, without their places."""
        return (value for values in self._rows.values() for value in values if not isinstance(value, Kept))


def columns_in(edits: Edits) -> set[int]:
    """The columns that edits may write to."""
    if isinstance(edits, ColumnEdits):
        return set(edits.columns)
    return {column for cells in edits.values() for column in cells}


def values_in(edits: Edits) -> Iterator[Value | Styled]:
    """All values that edits write."""
    if isinstance(edits, ColumnEdits):
        return edits.every_value()
    return (value for cells in edits.values() for value in cells.values())


def cells_of(edits: Edits) -> Callable[[int], list[tuple[int, Value | Styled]]]:
    """What tells of a row the columns and values that edits write there, from the left; none where it is not edited."""
    if isinstance(edits, ColumnEdits):
        return edits.cells
    return lambda row: sorted(edits.get(row, {}).items(), key=itemgetter(0))
