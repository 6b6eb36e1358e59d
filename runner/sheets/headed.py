"""A spreadsheet file as people see it before anything is known of its columns: its sheets, and the headings and rows of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.core.errors import WorkbookError
from runner.sheets.bands import CellValue
from runner.sheets.grid import Grid, grids, load


@dataclass(frozen=True, slots=True)
class Headed:
    """One sheet: the names of all (none in a text table), its own, its headings, and the rows below that have cells under one of them.

    `header_row` is the number of the row with the headings. An empty cell is the empty text.
    """

    sheets: tuple[str, ...]
    sheet: str
    header_row: int
    headings: Sequence[str]
    rows: Sequence[Sequence[CellValue]]


def headed(path: Path, sheet: str | None = None) -> Headed:
    """Headings and rows of the sheet called `sheet`, or of the first visible one.

    The headings are in the first row with more than one filled cell, or in the first row: a title above them is passed over.
    Raises WorkbookError as `sheets.read` does, and WB_EMPTY.
    """
    source = load(path)
    found = list(grids(source))
    names = tuple(grid.sheet for grid in found if grid.sheet)
    if sheet and sheet not in names:
        found = list(grids(source, sheet))  # a hidden one, or none, which is told there
    grid = next((one for one in found if not sheet or one.sheet == sheet), found[0])
    return _headed(grid, names, path.name)


def _headed(grid: Grid, names: tuple[str, ...], file: str) -> Headed:
    rows = [list(grid.row(number)) for number in range(grid.first_row, grid.last_row + 1)]
    used = [sum(cell != "" for cell in row) for row in rows]
    if not any(used):
        raise WorkbookError(
            f"the sheet '{grid.sheet}' is empty" if grid.sheet else "the table is empty",
            expected="headings and rows", hint="choose another sheet", where=grid.where(1) if grid.sheet else file,
            code="WB_EMPTY",
        )  # fmt: skip
    header = next((at for at, count in enumerate(used) if count > 1), 0)
    headings = [str(cell).strip() for cell in rows[header]]
    named = [at for at, heading in enumerate(headings) if heading]
    behind = [row for row in rows[header + 1 :] if any(at < len(row) and row[at] != "" for at in named)]
    return Headed(names, grid.sheet, grid.first_row + header, headings, behind)
