"""A band of rows made ready for its model column by column; what needs a closer look is left to the check of single rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import repeat

from runner.sheets.bands import Band, Cells
from runner.sheets.values import SAFE_DIGITS

_HAS_EXPONENT = re.compile("[eE]").search
_ENDS_IN_ZEROS = re.compile(r"\.(?:[0-9]*0)?,").search
_MOST_SIGNS = 15


@dataclass(frozen=True, slots=True)
class Wish:
    """What a field wants of its column: `plain` is the type of cell values that it takes as they are, `kind` the type behind it."""

    name: str
    column: int
    plain: type | None
    kind: object
    is_required: bool
    takes_none: bool


def has_all(band: Band, wishes: Sequence[Wish]) -> bool:
    """Whether each field has a column in the band, so that none is left to its default."""
    return all(wish.column in band.columns or wish.is_required for wish in wishes)


def ready(band: Band, wishes: Sequence[Wish]) -> dict[str, Sequence[object]] | None:
    """The data of each field in the rows of `band`, by name; None where a cell of it must be looked at by itself."""
    columns: dict[str, Sequence[object]] = {}
    for wish in wishes:
        cells = band.columns.get(wish.column)
        if cells is None and not wish.is_required:
            continue
        column = _ready(cells, wish) if cells else ([None] * len(band.numbers) if wish.takes_none else None)
        if column is None:
            return None
        columns[wish.name] = column
    return columns or None


def rows_of(columns: Mapping[str, Sequence[object]]) -> Iterator[dict[str, object]]:
    """The data of each row."""
    return map(dict, map(zip, repeat(list(columns)), zip(*columns.values(), strict=True)))


def _ready(cells: Cells, wish: Wish) -> Sequence[object] | None:
    if cells.kind == "value":
        if cells.only is wish.plain and cells.only is not None:
            return cells.values
        if set(map(type, cells.values)) != {wish.plain}:
            return None
        blank = wish.plain is str and not all(map(str.strip, cells.values))  # type: ignore[arg-type]
        return None if blank else cells.values
    make = _MAKERS.get(wish.kind)
    try:
        return make(cells.values) if make else None  # type: ignore[arg-type]
    except (ValueError, InvalidOperation):  # digits that are no number: for the check of single rows to say
        return None


def _decimals(digits: Sequence[str]) -> Sequence[object] | None:
    """Digits as they are stored where they are at most 15 and no zeros end them: what `.15g` would make of them."""
    text = ",".join(digits) + ","
    if max(map(len, digits)) <= _MOST_SIGNS and not (_HAS_EXPONENT(text) or _ENDS_IN_ZEROS(text)):
        return list(map(Decimal, digits))
    numbers = [Decimal(f"{float(one):.15g}") for one in digits]
    return numbers if all(map(Decimal.is_finite, numbers)) else None


def _integers(digits: Sequence[str]) -> Sequence[object] | None:
    try:
        whole = list(map(int, digits))
        if min(whole) > -SAFE_DIGITS and max(whole) < SAFE_DIGITS:
            return whole
    except ValueError:
        pass
    numbers = list(map(float, digits))
    if all(one.is_integer() and abs(one) < SAFE_DIGITS for one in numbers):
        return list(map(int, numbers))
    return None


def _floats(digits: Sequence[str]) -> Sequence[object]:
    return list(map(float, digits))


_MAKERS: dict[object, Callable[[Sequence[str]], Sequence[object] | None]] = {
    Decimal: _decimals, int: _integers, float: _floats
}  # fmt: skip
