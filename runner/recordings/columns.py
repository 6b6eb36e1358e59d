"""The columns of a table to which a recording is bound: what they are called, what they hold, how a cell was typed."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from runner.recordings.binding import Kind
from runner.recordings.placeholders import written

_DATES: Final = (
    "%Y-%m-%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%Y/%m/%d",
    "%d-%m-%Y",
    "%d.%m.%y",
    "%Y年%m月%d日",
    "%Y%m%d",
)
_NUMBERS: Final = ("", "0.00", "0,00", "#,##0.00", "#.##0,00", "0", "#,##0", "0.0", "0,0")


class Column:
    """A column of the table: its name, its heading, its place in a row, its cells, and the kind that most of them have."""

    def __init__(self, name: str, heading: str, at: int, cells: list[object]) -> None:
        self.name = name
        self.heading = heading
        self.at = at
        self.cells = cells
        self.filled = [cell for cell in cells if cell not in (None, "")]
        self.kind = _kind(self.filled)

    @property
    def may_be_empty(self) -> bool:
        """Whether so many cells are empty that an empty one is no mistake."""
        return len(self.filled) < 0.9 * len(self.cells)

    @property
    def is_unique(self) -> bool:
        """Whether nearly every cell is filled, and nearly all of them differ: one wrong row must not spoil the key."""
        return (
            bool(self.cells)
            and not self.may_be_empty
            and len({str(c) for c in self.filled}) >= 0.9 * len(self.filled)
        )

    def form_of(self, cell: object, value: str) -> str | None:
        """The format in which a cell was typed as `value`; None where it was not."""
        if cell in (None, "") or isinstance(cell, bool):
            return None
        if isinstance(cell, dt.datetime):
            cell = cell.date()
        if isinstance(cell, dt.date):
            found = next((form for form in _DATES if cell.strftime(form) == value), None)
            return "" if found == "%Y-%m-%d" else found
        if isinstance(cell, int | float | Decimal):
            return next((form for form in self._number_forms() if written(cell, form) == value), None)
        return "" if " ".join(str(cell).split()) == " ".join(value.split()) else None

    def form_like(self, value: str) -> str:
        """The format that a value was typed in which no cell has: a date is typed again as that date was, an amount as that amount."""
        if self.kind is Kind.DATE:
            found = next((form for form in _DATES if _is_date(value, form)), "")
            return "" if found == "%Y-%m-%d" else found
        if self.kind in {Kind.NUMBER, Kind.WHOLE}:
            return next((form for form in self._number_forms() if form and _is_number(value, form)), "")
        return ""

    def _number_forms(self) -> Iterator[str]:
        """Forms without decimals would round the cells of a column that has some."""
        whole = self.kind is Kind.WHOLE
        return (
            form for form in _NUMBERS if not form or whole or form.endswith(("0.00", "0,00", "0.0", "0,0"))
        )


def columns_of(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> list[Column]:
    """The columns of a table, each with a name of its own; those without a heading are left out."""
    return [
        Column(name, heading, at, [cell_of(row, at) for row in rows])
        for at, heading, name in _named(headings)
    ]


def field_name(heading: str) -> str:
    """A placeholder's name made of a heading: ``Order no.`` gives ``order_no``."""
    plain = unicodedata.normalize("NFKC", heading).casefold()
    words = re.findall(r"\w+", plain)
    name = "_".join(words)[:60] or "column"
    return f"c_{name}" if name[0].isdigit() else name


def cell_of(row: Sequence[object], at: int) -> object:
    """The cell at a place of a row, None where the row is shorter."""
    return row[at] if at < len(row) else None


def _named(headings: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """Each heading with its place and a name of its own; columns without a heading are left out."""
    names: set[str] = set()
    for at, heading in enumerate(headings):
        if not str(heading).strip():
            continue
        name = base = field_name(str(heading))
        number = 1
        while name in names:
            number += 1
            name = f"{base}_{number}"
        names.add(name)
        yield at, str(heading).strip(), name


def _kind(cells: Sequence[object]) -> Kind:
    """What most of the cells are: a column with one mistake in it is still a column of numbers."""
    counts: dict[Kind, int] = {}
    for cell in cells:
        found = _kind_of(cell)
        counts[found] = counts.get(found, 0) + 1
    if not counts:
        return Kind.TEXT
    if counts.get(Kind.NUMBER) and counts.get(Kind.WHOLE):
        counts[Kind.NUMBER] += counts.pop(Kind.WHOLE)
    kind, most = max(counts.items(), key=lambda pair: pair[1])
    return kind if most >= 0.7 * len(cells) else Kind.TEXT


def _kind_of(cell: Any) -> Kind:
    if isinstance(cell, bool):
        return Kind.YES_NO
    if isinstance(cell, dt.date):
        return Kind.DATE
    if isinstance(cell, int | float | Decimal):
        return Kind.WHOLE if _is_whole(cell) else Kind.NUMBER
    return Kind.TEXT


def _is_whole(cell: float | Decimal) -> bool:
    try:
        return Decimal(str(cell)) == Decimal(str(cell)).to_integral_value()
    except InvalidOperation:
        return False


def _is_date(value: str, form: str) -> bool:
    try:
        return dt.datetime.strptime(value, form).strftime(form) == value  # noqa: DTZ007 - a cell has no zone
    except ValueError:
        return False


def _is_number(value: str, form: str) -> bool:
    point = form[-3] if form.endswith("00") else form[-2] if len(form) > 1 and form[-2] in ".," else ""
    plain = "".join("." if sign == point else sign for sign in value if sign == point or sign not in ".,' ")
    try:
        return written(Decimal(plain), form) == value
    except InvalidOperation:
        return False
