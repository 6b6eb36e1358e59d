"""`sheets.patch_cells`: new values for cells of an existing workbook, everything else kept byte for byte."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from runner.core.errors import WorkbookError
from runner.sheets.cellxml import Styled, Value
from runner.sheets.columnwise import ColumnEdits, Edits, values_in
from runner.sheets.comparing import compare, refuse_fixed_areas
from runner.sheets.draft import Draft
from runner.sheets.grid import XML_SUFFIXES, Fingerprint, load
from runner.sheets.marking import mark
from runner.sheets.package import Part
from runner.sheets.patch import SheetPatch
from runner.sheets.rewrite import Changes, rewrite
from runner.sheets.saving import refuse_if_busy, replace
from runner.sheets.sheetxml import MAX_COLUMNS, MAX_ROWS
from runner.sheets.witness import Written, areas_of, witness
from runner.sheets.workbook import SheetPart, choose, number_formats

BACKUPS_KEPT = 5
_ANY_FORMULA = re.compile(rb"<(?:[\w.-]+:)?f[ />]")
DATE_FORMATS = {"date": 14, "datetime": 22, "time": 21, "duration": 46}


def patch_cells(
    source: Path | str,
    target: Path | str,
    sheet: str | None,
    values: Mapping[tuple[int, int], Value],
    *,
    fingerprint: Fingerprint | None = None,
    style_like: Mapping[int, int] | None = None,
    backups: int = BACKUPS_KEPT,
) -> Path:
    """Write `values` by (row, column), both from 1, into a copy of `source` at `target`; the two may be the same file.

    All other cells keep value, style, formula and stored result, and all other parts of the package their bytes. Text, numbers,
    logical values, dates and None (empties a cell) can be written; a cell that exists keeps its style; new cells of row r take
    the style of the cell in column `style_like[r]`. `fingerprint`: the state in which the source was read. Where the source
    itself is changed, its last `backups` states are kept in the folder ``.backups`` beside it.

    Raises WorkbookError: WB_VALUE (a value that a cell can't hold), WB_BUSY (open, read-only or changed), and what the
    guard raises; WorkbookLoss where content would break. Nothing is written then.
    """
    source, target = Path(source), Path(target)
    if source.suffix.lower() not in XML_SUFFIXES:
        raise WorkbookError(
            f"'{source.suffix}' files can't be changed in place",
            expected="an .xlsx or .xlsm workbook",
            hint="save as .xlsx",
            where=source.name,
            code="WB_NOT_XLSX",
        )
    refuse_if_busy(target)
    loaded = load(source)
    if fingerprint is not None and fingerprint.sha256 != loaded.fingerprint.sha256:
        raise WorkbookError(
            f"{source.name} has changed since it was read",
            expected="the file that was read, not one that is open in Excel by somebody, or changed since",
            hint="nothing was written; read it again and repeat the run",
            where=source.name,
            code="WB_BUSY",
        )
    edits: dict[int, dict[int, Value | Styled]] = {}
    for (row, column), value in values.items():
        edits.setdefault(row, {})[column] = value
    is_same = source.resolve() == target.resolve()
    draft = Draft.of(loaded)
    page = choose(draft.package, draft.workbook, sheet)
    write_draft(
        draft,
        target,
        [SheetEdits(page, edits, style_like or {})],
        expected=loaded.fingerprint if is_same else None,
        backups=backups if is_same else 0,
    )
    return target


@dataclass(frozen=True)
class SheetEdits:
    """The cells to be written on one sheet, after all that the draft does to it; see `SheetPatch` for the rest."""

    page: SheetPart
    edits: Edits
    style_like: Mapping[int, int] = field(default_factory=dict)
    row_like: Mapping[int, bytes] = field(default_factory=dict)
    spares_locked: bool = False


def write_draft(
    draft: Draft,
    target: Path,
    sheets: Sequence[SheetEdits],
    *,
    expected: Fingerprint | None,
    backups: int = 0,
    marked: bool = False,
) -> None:
    """Write a draft with its edits to `target`; `expected` is the state of the target, None where it need not exist.

    The new file is read again before it takes its place: parts that are not concerned byte for byte, changed ones well-formed,
    each written cell as it was given. `marked`: the workbook itself tells in whose name this was written, where that is known.
    """
    for one in sheets:
        _refuse_outside(one.edits)
        refuse_fixed_areas(draft, one.page, one.edits)
    present = witness() if marked else None
    if present is not None:
        mark(draft, present.author(), {one.page.name: one.edits for one in sheets})
    formulas = _LooksForFormulas(draft, [one.page for one in sheets])
    draft.package.check(but=sheets[0].page.part if len(sheets) == 1 else None, look=formulas.look)
    patches = {one.page.part.name: _patch(draft, one) for one in sheets}
    for name, patch in patches.items():
        draft.passes(name, patch)
    save = _Save(draft, target, sheets, patches, formulas)
    replace(target, save.write, save.check, expected=expected, backups=backups, announce=save.announce)


class _Save:
    """What happens to a draft while it becomes a file: written, read again, announced."""

    def __init__(
        self,
        draft: Draft,
        target: Path,
        sheets: Sequence[SheetEdits],
        patches: Mapping[str, SheetPatch],
        formulas: _LooksForFormulas,
    ) -> None:
        self._draft, self._target, self._sheets, self._patches = draft, target, sheets, patches
        self._formulas = formulas
        self._main = draft.workbook.main.name
        self._replaced = draft.replaced()

    def write(self, out: BinaryIO) -> None:
        """Write the package."""
        draft = self._draft
        changes = Changes(self._replaced, draft.added, draft.removed, self._main, self._decide)
        rewrite(draft.package, changes, out)

    def check(self, temporary: Path) -> None:
        """Compare the new file with what was meant."""
        changed = {*self._replaced, *self._draft.added, *self._draft.removed}
        if self._draft.document(self._main).is_changed:
            changed.add(self._main)
        compare(self._draft, temporary, changed, self._patches)

    def announce(self, finished: Path) -> None:
        """Tell who keeps the record."""
        present = witness()
        if present is None:
            return
        file, sha256 = self._target.resolve(), hashlib.sha256(finished.read_bytes()).hexdigest()
        areas = {one.page.name: areas_of(one.edits) for one in self._sheets}
        areas |= {name: (area,) for name, area in self._draft.new_areas.items()}
        for name, cells in areas.items():
            present.wrote(Written(file, name, cells, sha256))

    def _decide(self) -> bytes | None:
        """Programs are asked to calculate anew where a formula may depend on what was written."""
        if self._formulas.found or any(patch.has_formulas for patch in self._patches.values()):
            self._draft.ask_for_calculation()
        main = self._draft.document(self._main)
        return main.content() if main.is_changed else None


@dataclass
class _LooksForFormulas:
    """Sees whether a worksheet that is not written to has formulas."""

    draft: Draft
    written: Sequence[SheetPart]
    found: bool = False

    def __post_init__(self) -> None:
        pages = [page.part.name for page in self.draft.workbook.worksheets]
        self._others = {*pages} - {page.part.name for page in self.written}

    def look(self, part: Part, piece: bytes) -> None:
        """One piece of a part."""
        if not self.found and part.name in self._others:
            self.found = bool(_ANY_FORMULA.search(piece))


def _patch(draft: Draft, one: SheetEdits) -> SheetPatch:
    has_texts_alone = set(map(type, values_in(one.edits))) <= {str, type(None)}
    moments = (
        set() if has_texts_alone else {kind for value in values_in(one.edits) if (kind := _moment(value))}
    )
    styles = (
        {moment: draft.styles.of_format(DATE_FORMATS[moment]) for moment in sorted(moments)}
        if moments
        else {}
    )
    known = {moment: style for moment, style in styles.items() if style is not None}
    like: frozenset[int] = frozenset()
    if moments:
        formats = number_formats(draft.package, draft.workbook)
        like = frozenset(at for at, code in enumerate(formats) if re.search("[ydh]", code))
    return SheetPatch(
        one.page.name,
        one.edits,
        draft.workbook.date1904,
        known,
        like,
        one.style_like,
        one.row_like,
        draft.styles.unlocked() if one.spares_locked else None,
    )


def _refuse_outside(edits: Edits) -> None:
    if isinstance(edits, ColumnEdits) and edits.are_within(MAX_ROWS, MAX_COLUMNS):
        return
    for row, cells in edits.items():
        if not cells or not (1 <= row <= MAX_ROWS and min(cells) >= 1 and max(cells) <= MAX_COLUMNS):
            raise ValueError(
                f"row {row}, columns {sorted(cells)}: not in a sheet of {MAX_ROWS} rows and {MAX_COLUMNS} columns"
            )


def _moment(value: Value | Styled) -> str:
    if value is None or type(value) is str:
        return ""
    if isinstance(value, Styled):
        value = value.value
    if isinstance(value, dt.datetime):
        return "datetime"
    if isinstance(value, dt.timedelta):
        return "duration"
    return "date" if isinstance(value, dt.date) else ("time" if isinstance(value, dt.time) else "")
