"""`sheets.edit`: changes to an existing workbook, collected and then written in one save that keeps everything else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import BaseModel

from runner.core.errors import UsageError, WorkbookError
from runner.sheets.bands import CellValue
from runner.sheets.cellxml import Formula, Styled, Value
from runner.sheets.columns import Column
from runner.sheets.draft import Draft
from runner.sheets.filling import Filling, Template
from runner.sheets.grid import XML_SUFFIXES, Fingerprint, Grid, grids, load
from runner.sheets.moving import move
from runner.sheets.newsheet import NewSheet
from runner.sheets.references import Growth, Movement, copied
from runner.sheets.regions import Region, RowLook, look_of, region_of, values_of
from runner.sheets.saving import refuse_if_busy, refuse_if_changed
from runner.sheets.sheetxml import address, span
from runner.sheets.workbook import SheetPart, choose
from runner.sheets.writing import BACKUPS_KEPT, SheetEdits, write_draft

Row = BaseModel | Mapping[str, Any] | Sequence[Any]


def edit(
    path: Path | str,
    *,
    save_as: Path | str | None = None,
    fingerprint: Fingerprint | None = None,
    backups: int = BACKUPS_KEPT,
    protected: bool = False,
    marked: bool = False,
) -> Edit:
    """Open an .xlsx or .xlsm workbook for changes; they are written at the end of the ``with`` block, all or none.

    ::

        with sheets.edit("orders.xlsx") as book:
            book.sheet("Orders")["C7"] = "paid"
            book.sheet("Log").append([{"Day": today, "Rows": 7}])

    Everything that is not concerned keeps its bytes: see `docs/spreadsheets.md`. `save_as` leaves the file itself as it is, as for
    a template. `fingerprint`: the state in which the rows were read. The last `backups` states of a file changed in place are kept
    in the folder ``.backups`` beside it. `protected`: locked cells of a protected sheet may be changed, too. `marked`: a bot notes run, item and version in a part of the
    workbook that nobody sees; the journal has them in any case.

    Raises WorkbookError as `sheets.read` does, WB_BUSY (open, read-only, changed), WB_VALUE; WorkbookLoss for what can't be kept.
    Nothing is written then.
    """
    source, target = Path(path), Path(save_as) if save_as is not None else None
    return Edit(source, target, fingerprint, Saving(backups, protected, marked))


@dataclass(frozen=True)
class Saving:
    """How an edit is saved: see `edit`."""

    backups: int
    protected: bool
    marked: bool


class Edit:
    """A workbook with changes that are not written yet; made by `sheets.edit`."""

    def __init__(
        self, path: Path, save_as: Path | None, fingerprint: Fingerprint | None, saving: Saving
    ) -> None:
        for one in (path, save_as or path):
            if one.suffix.lower() not in XML_SUFFIXES:
                raise WorkbookError(
                    f"'{one.suffix}' files can't be changed in place",
                    expected="an .xlsx or .xlsm workbook",
                    hint="save as .xlsx",
                    where=one.name,
                    code="WB_NOT_XLSX",
                )
        self.path = path
        self.target = save_as or path
        refuse_if_busy(self.target)
        self._source = load(path)
        if fingerprint is not None:
            refuse_if_changed(path, fingerprint)
        self._saving = saving
        self.draft = Draft.of(self._source)
        self._pages: dict[str, Page] = {}
        self._is_saved = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if kind is None and not self._is_saved:
            self.save()

    @property
    def sheets(self) -> list[str]:
        """The names of the sheets with cells."""
        return [page.name for page in self.draft.workbook.worksheets]

    def sheet(self, name: str | None = None) -> Page:
        """The sheet called `name`, or the first visible one; WB_SHEET where there is none."""
        part = choose(self.draft.package, self.draft.workbook, name)
        if part.name not in self._pages:
            self._pages[part.name] = Page(self, part)
        return self._pages[part.name]

    def fill(self, values: Mapping[str, Any]) -> None:
        """Put values in the places of ``{{name}}`` on all sheets, in headers, footers, text boxes and chart titles.

        A cell that is one placeholder takes the value with its type and keeps its style. ``{{lines.amount}}`` with a list in
        ``values["lines"]`` repeats its row for each entry: styles, formulas and merged cells too, what is below moves down, and
        tables, charts and sums over the row grow. Raises WorkbookError (WB_PLACEHOLDER) naming the cell without a value.
        """
        template = Template(self.draft, values)
        for part in self.draft.workbook.worksheets:
            template.fill(self.sheet(part.name).filling)
        template.fill_drawings()

    def add_sheet(
        self, name: str, rows: Iterable[Row] = (), *, columns: Sequence[Column | str] | None = None
    ) -> None:
        """Add a sheet behind the others, with a heading row and rows as `sheets.table` takes them.

        Raises WorkbookError: WB_SHEET (there is one of this name), WB_VALUE (a name or a value that Excel refuses).
        """
        NewSheet(self.draft, name).write(rows, columns)

    def save(self) -> Path:
        """Write all changes; the file written. An edit is saved once."""
        if self._is_saved:
            raise UsageError(
                f"{self.path.name} was saved already",
                expected="one save",
                hint="open it with sheets.edit again",
            )
        pages = [page for page in self._pages.values() if page.is_changed]
        edits = [page.made() for page in pages]
        is_same = self.path.resolve() == self.target.resolve()
        write_draft(
            self.draft,
            self.target,
            edits,
            expected=self._source.fingerprint if is_same else None,
            backups=self._saving.backups if is_same else 0,
            marked=self._saving.marked,
        )
        self._is_saved = True
        return self.target

    def grid(self, page: SheetPart) -> Grid:
        """The cells of a sheet as the file was opened."""
        return next(grids(self._source, page.name))

    @property
    def spares_locked(self) -> bool:
        """Whether locked cells of protected sheets are left alone."""
        return not self._saving.protected


@dataclass
class _Added:
    """Rows to be added below one table."""

    region: Region
    rows: list[dict[int, Value]]


@dataclass
class Page:
    """One sheet of an `Edit`. Addresses are those of the file as it was opened, whatever is added above."""

    edit: Edit
    part: SheetPart
    _edits: dict[int, dict[int, Value | Styled]] = field(default_factory=dict)
    _added: dict[tuple[int, int], _Added] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the sheet."""
        return self.part.name

    def __getitem__(self, place: str) -> CellValue | None:
        """What a cell (``"C7"``) held when the file was opened; None where it is empty."""
        row, column = _place(place)
        cells = self._grid.row(row)
        found = cells[column - 1] if column <= len(cells) else ""
        return None if found == "" else found

    def __setitem__(self, place: str, value: Value) -> None:
        """Give a cell (``"C7"``) a value; None empties it."""
        row, column = _place(place)
        self.set(row, column, value)

    def set(self, row: int, column: int, value: Value) -> None:
        """Give the cell in `row` and `column`, both from 1, a value; None empties it."""
        self._edits.setdefault(row, {})[column] = value

    def append(self, rows: Iterable[Row], *, table: str | None = None, header_row: int | None = None) -> int:
        """Add rows below a table of this sheet; how many.

        Mappings go by heading, models by their fields (as in `sheets.read`), sequences in order. New rows get the styles and, where
        no value is given, the formulas of the last row; Excel tables, filters, validations, conditional formats, named ranges,
        charts, pivot sources and formulas that cover the table grow with it; what is below moves down.
        `table`: an Excel table by name; `header_row`: the row of the headings of a table that is none for Excel.
        Raises WorkbookError (WB_TABLE, WB_COLUMN), WorkbookLoss at the save.
        """
        region = region_of(self.edit.draft.package, self.part, self._grid, table=table, header_row=header_row)
        new = [values_of(region, row, self.name) for row in rows]
        added = self._added.setdefault((region.header, region.left), _Added(region, []))
        added.rows += new
        return len(new)

    @cached_property
    def filling(self) -> Filling:
        """The placeholders of this sheet and what is put in their places."""
        return Filling(self.edit.draft, self.part, self._grid)

    @cached_property
    def _grid(self) -> Grid:
        return self.edit.grid(self.part)

    @property
    def is_changed(self) -> bool:
        """Whether there is anything to write."""
        has_filled = "filling" in self.__dict__ and self.filling.is_changed
        return bool(self._edits or has_filled or any(added.rows for added in self._added.values()))

    def made(self) -> SheetEdits:
        """The cells to be written, at their new places, after everything else has been told to move."""
        filling = self.filling if "filling" in self.__dict__ else None
        inserts = list(filling.inserts) if filling else []
        growths = list(filling.growths) if filling else []
        for added in self._added.values():
            region, count = added.region, len(added.rows) - self._empty_rows(added.region)
            if count > 0:
                growths.append(
                    Growth(
                        region.header,
                        region.last + self._empty_rows(region),
                        region.left,
                        region.right,
                        count,
                    )
                )
                if region.has_more_below:
                    inserts.append((region.last + self._empty_rows(region) + 1, count))
        movement = Movement(self.name, tuple(sorted(inserts)), tuple(growths))
        if inserts or growths:
            move(self.edit.draft, self.part, movement)
        out: dict[int, dict[int, Value | Styled]] = {}
        like: dict[int, bytes] = {}
        for row, cells in [*self._edits.items(), *(filling.edits.items() if filling else ())]:
            out.setdefault(movement.row(row), {}).update(cells)
        if filling:
            filling.repeat(movement, out, like)
        for added in self._added.values():
            self._place_rows(added, movement, out, like)
        return SheetEdits(self.part, out, {}, like, self.edit.spares_locked)

    def _empty_rows(self, region: Region) -> int:
        """1 where an Excel table has no data but an empty row, which is filled first."""
        return 1 if region.table and region.last < region.table.last else 0

    def _place_rows(
        self,
        added: _Added,
        movement: Movement,
        out: dict[int, dict[int, Value | Styled]],
        like: dict[int, bytes],
    ) -> None:
        region = added.region
        model_row = region.last if region.last > region.header else region.last + self._empty_rows(region)
        look = (
            look_of(self.edit.draft.package, self.part, model_row) if model_row > region.header else RowLook()
        )
        start, origin = movement.row(region.last) + 1, movement.row(model_row)
        for number, values in enumerate(added.rows, start):
            cells = out.setdefault(number, {})
            like[number] = look.attributes
            for column in range(region.left, region.right + 1):
                style, formula = look.cells.get(column, (0, ""))
                value = values.get(column)
                if column not in values and formula and number != origin:
                    moved = movement.formula(formula, own=True)
                    value = Formula(copied(moved, address(origin, column), address(number, column)))
                if value is not None or style:
                    cells[column] = Styled(value, style) if style else value


def _place(text: str) -> tuple[int, int]:
    area = span(text)
    if area is None or area[:2] != area[2:]:
        raise UsageError(
            f"'{text}' is no cell", expected="an address such as C7", hint="correct it", code="WB_CELL"
        )
    return area[0], area[1]
