"""Who writes, and who is told of it: each save says which cells of which file it writes, to whoever keeps the record."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from runner.sheets.sheetxml import letters


@dataclass(frozen=True)
class Author:
    """In whose name cells are written: a run, its bot with its version, and the item at hand where there is one."""

    run: str
    bot: str
    version: str = ""
    item: str = ""


@dataclass(frozen=True)
class Written:
    """Cells that a save writes: areas such as ``H2:H101`` on one sheet of one file; `sha256` is that of the new file."""

    file: Path
    sheet: str
    cells: tuple[str, ...]
    sha256: str


class Witness(Protocol):
    """Keeps the record of what is written. Called when the new file is complete, before it takes its place."""

    def author(self) -> Author:
        """In whose name the present call writes."""
        ...

    def wrote(self, written: Written) -> None:
        """Record it; what this raises stops the save."""
        ...


_present: list[Witness] = []


def be_witnessed_by(witness: Witness | None) -> None:
    """Tell `witness` of every save of this process from now on; None: nobody."""
    _present[:] = [witness] if witness is not None else []


def witness() -> Witness | None:
    """Who is told, if anybody."""
    return _present[0] if _present else None


def areas_of(cells: Mapping[int, Collection[int]]) -> tuple[str, ...]:
    """Cells by row as a short list of areas: one for each unbroken run of rows in a column."""
    areas: list[str] = []
    starts: dict[int, int] = {}
    previous = 0
    for row in sorted(cells):
        ended = [column for column in starts if row > previous + 1 or column not in cells[row]]
        areas += [_area(column, starts.pop(column), previous) for column in sorted(ended)]
        for column in cells[row]:
            starts.setdefault(column, row)
        previous = row
    areas += [_area(column, first, previous) for column, first in sorted(starts.items())]
    return tuple(areas)


def _area(column: int, first: int, last: int) -> str:
    name = letters(column)
    return f"{name}{first}" if first == last else f"{name}{first}:{name}{last}"
