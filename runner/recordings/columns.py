"""The columns of a table to which a recording is bound: what they are called, what they hold, how a cell was typed."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterator, Sequence

from runner.recordings.forms import FORMS, Kind, fits, kind_of, like, most_telling, without_rounding, written


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
        """The form in which a cell was typed as `value`; None where it was not."""
        if cell in (None, "") or isinstance(cell, bool):
            return None
        kind = kind_of(cell)
        if kind is Kind.TEXT:
            return "" if " ".join(str(cell).split()) == " ".join(value.split()) else None
        if kind is not Kind.DATE:
            kind = self.kind if self.kind in {Kind.WHOLE, Kind.NUMBER} else Kind.NUMBER
        elif isinstance(cell, dt.datetime):
            cell = cell.date()
        usual = FORMS[kind] if kind is Kind.DATE else without_rounding(kind)
        form = next((one for one in usual if written(cell, one) == value), None)
        return form if form is None or fits(form, self.kind) else ""

    def form_like(self, value: str) -> str:
        """The form that a value was typed in which no cell has: a date is typed again as that date was, an amount as that amount."""
        return like(value, self.kind)

    @property
    def sample(self) -> object:
        """A cell that shows well what forms do to the column; None where none holds what the column holds."""
        return most_telling(self.filled, self.kind)


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
        found = kind_of(cell)
        counts[found] = counts.get(found, 0) + 1
    if not counts:
        return Kind.TEXT
    if counts.get(Kind.NUMBER) and counts.get(Kind.WHOLE):
        counts[Kind.NUMBER] += counts.pop(Kind.WHOLE)
    kind, most = max(counts.items(), key=lambda pair: pair[1])
    return kind if most >= 0.7 * len(cells) else Kind.TEXT
