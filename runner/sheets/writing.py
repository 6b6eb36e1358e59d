"""`sheets.patch_cells`: new values for cells of an existing workbook, everything else kept byte for byte."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO
from xml.parsers import expat

from runner.core.errors import WorkbookError, WorkbookLoss
from runner.sheets.cellxml import Value
from runner.sheets.grid import XML_SUFFIXES, Fingerprint, Source, load
from runner.sheets.package import Package, Part
from runner.sheets.patch import Edits, SheetPatch, mismatch
from runner.sheets.rewrite import differences, rewrite
from runner.sheets.saving import refuse_if_busy, replace
from runner.sheets.sheetxml import MAX_COLUMNS, MAX_ROWS, SheetStream, address, masked
from runner.sheets.workbook import SheetPart, Workbook, choose, describe, number_formats, table_headings

_STYLES_END = re.compile(
    rb"(<((?:[\w.-]+:)?)cellXfs\b[^>]*?\bcount\s*=\s*[\"'])(\d+)([\"'][^>]*>)(.*?)(</\2cellXfs\s*>)",
    re.DOTALL,
)
_DATE_FORMATS = {"date": 14, "datetime": 22, "time": 21}


def patch_cells(
    source: Path | str,
    target: Path | str,
    sheet: str | None,
    values: Mapping[tuple[int, int], Value],
    *,
    fingerprint: Fingerprint | None = None,
    style_like: Mapping[int, int] | None = None,
) -> Path:
    """Write `values` by (row, column), both from 1, into a copy of `source` at `target`; the two may be the same file.

    All other cells keep value, style, formula and stored result, and all other parts of the package their bytes. Text, numbers,
    logical values, dates and None (empties a cell) can be written; a cell that exists keeps its style; new cells of row r take
    the style of the cell in column `style_like[r]`. `fingerprint`: the state in which the source was read.

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
    edits: dict[int, dict[int, Value]] = {}
    for (row, column), value in values.items():
        edits.setdefault(row, {})[column] = value
    is_same = source.resolve() == target.resolve()
    write_patched(
        loaded, target, sheet, edits, style_like or {}, expected=loaded.fingerprint if is_same else None
    )
    return target


def write_patched(
    source: Source,
    target: Path,
    sheet: str | None,
    edits: Edits,
    style_like: Mapping[int, int],
    *,
    expected: Fingerprint | None,
) -> None:
    """What `patch_cells` does once the source is read; `edits` by row, then column, `expected` the state of the target."""
    package = Package(source.data, source.path.name)
    _refuse_signature(package)
    _refuse_outside(edits)
    workbook = describe(package)
    page = choose(package, workbook, sheet)
    package.check(but=page.part)
    _refuse_table_headings(package, page, edits)
    replaced: dict[str, Iterable[bytes]] = {}
    styles, like = _dates(package, workbook, edits, replaced)
    patch = SheetPatch(page.name, edits, workbook.date1904, styles, like, style_like)
    name = source.path.name
    replaced[page.part.name] = patch.run(SheetStream(package.chunks(page.part), name))

    def write(out: BinaryIO) -> None:
        rewrite(package, replaced, out)

    def check(temporary: Path) -> None:
        _check(package, temporary, page.part, patch, set(replaced))

    replace(target, write, check, expected=expected)


def _refuse_outside(edits: Edits) -> None:
    for row, cells in edits.items():
        if not cells or not (1 <= row <= MAX_ROWS and min(cells) >= 1 and max(cells) <= MAX_COLUMNS):
            raise ValueError(
                f"row {row}, columns {sorted(cells)}: not in a sheet of {MAX_ROWS} rows and {MAX_COLUMNS} columns"
            )


def _dates(
    package: Package, workbook: Workbook, edits: Edits, replaced: dict[str, Iterable[bytes]]
) -> tuple[dict[str, int], frozenset[int]]:
    """The styles for the kinds of dates among the values, and the styles that show dates already."""
    moments = {kind for cells in edits.values() for value in cells.values() if (kind := _moment(value))}
    if not moments or not workbook.styles:
        return {}, frozenset()
    styles, changed = _date_styles(package, workbook.styles, moments)
    if changed:
        replaced[workbook.styles.name] = [changed]
    formats = number_formats(package, workbook)
    return styles, frozenset(at for at, code in enumerate(formats) if re.search("[ydh]", code))


def _moment(value: Value) -> str:
    if isinstance(value, dt.datetime):
        return "datetime"
    return "date" if isinstance(value, dt.date) else ("time" if isinstance(value, dt.time) else "")


def _date_styles(package: Package, styles: Part, moments: Iterable[str]) -> tuple[dict[str, int], bytes]:
    """A plain style for each kind of date, appended to the styles; and their new content."""
    content = package.read(styles.name)
    found = _STYLES_END.search(masked(content))
    if found is None:
        return {}, b""
    count, prefix, body, added, index = int(found[3]), found[2], found[5], b"", {}
    for moment in sorted(moments):
        style = b'<%bxf numFmtId="%d" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>' % (
            prefix,
            _DATE_FORMATS[moment],
        )
        at = body.find(style)
        index[moment] = body.count(b"<" + prefix + b"xf ", 0, at) if at >= 0 else count
        if at < 0:
            count, added = count + 1, added + style
    head = content[: found.start(3)] + str(count).encode() + content[found.end(3) : found.start(6)]
    return index, head + added + content[found.start(6) :] if added else b""


def _refuse_signature(package: Package) -> None:
    if any(part.name.lower().startswith("_xmlsignatures/") for part in package.parts):
        raise WorkbookLoss(
            "the workbook is digitally signed: any change would break the signature",
            expected="an unsigned workbook",
            hint="remove the signature in Excel; nothing was written",
            where=package.name,
        )


def _refuse_table_headings(package: Package, page: SheetPart, edits: Edits) -> None:
    """A table lists its headings in a part of its own; Excel calls the file damaged where the two differ."""
    for name, (row, first, _, last) in table_headings(package, page):
        for column in edits.get(row, {}):
            if first <= column <= last:
                raise WorkbookLoss(
                    f"cell {address(row, column)} is a heading of the table '{name}'",
                    expected="a cell that is no table heading",
                    hint="rename the heading in Excel; nothing was written",
                    where=page.name,
                )


def _check(package: Package, temporary: Path, part: Part, patch: SheetPatch, replaced: set[str]) -> None:
    """Read the new file again: parts byte for byte, the sheet well-formed, each written cell as it was given."""
    fresh = Package(temporary.read_bytes(), package.name)
    wrong = differences(package, fresh, replaced)
    changed = fresh.find(part.name)
    if len(replaced) > 1:
        number_formats(fresh, describe(fresh))  # the styles can be read
    if not wrong and changed is not None:
        parser = expat.ParserCreate()
        try:
            for chunk in fresh.chunks(changed):
                parser.Parse(chunk, False)
            parser.Parse(b"", True)
            cell = mismatch(patch, SheetStream(fresh.chunks(changed), package.name))
            wrong = [f"cell {cell}"] if cell else []
        except expat.ExpatError as broken:
            wrong = [f"{part.name} ({broken})"]
    if wrong or changed is None:
        raise WorkbookLoss(
            f"reading the new file again found differences in {', '.join(wrong[:5]) or part.name}",
            expected="the old content and the new cells",
            hint="nothing was written; keep the workbook and report it",
            where=package.name,
        )
