"""What a fast reader doesn't tell about cells: error values, formulas without a result, number formats, lying sizes."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace

from runner.core.errors import WorkbookError
from runner.sheets.package import Package, Part
from runner.sheets.sheetxml import (
    MAX_COLUMNS,
    MAX_ROWS,
    Cell,
    Row,
    SheetStream,
    attribute,
    cells,
    column_of,
    rows,
    span,
)

AREA_WITHOUT_QUESTION = 2_000_000
CELLS_PER_VALUE = 50
TEXT_WITHOUT_QUESTION, MOST_TEXT = 128 << 20, 1 << 30
MOST_MERGED = 10_000
_MERGED = re.compile(rb"""<(?:[\w.-]+:)?mergeCell\b[^>]*?\sref\s*=\s*["']([^"']*)["']""")
_ERROR = re.compile(rb"""\bt\s*=\s*["']e["']""")
_WIDE = re.compile(rb"""\br\s*=\s*["']([A-Z]{2,})""")
_TOO_FAR = re.compile(rb"""\br\s*=\s*["'](?:[A-Z]{4}|[A-Z]*\d{8})""")
_ODD_PLACE = re.compile(rb'r="(?:[A-Z]{2}|[A-Z]?\d{8})')  # a literal beginning makes this five times as fast
_SPACE_BEFORE = re.compile(rb"\s=")
_SHARED = re.compile(rb"""\bt\s*=\s*["']s["'][^>]*>\s*<(?:[\w.-]+:)?v>(\d+)<""")
_ROW_NUMBER = re.compile(rb"""\br\s*=\s*["'](\d{1,7})["']""")

Place = tuple[int, int]


@dataclass(frozen=True)
class Facts:
    """By (row, column): errors shown, formulas without a stored result; and the hidden rows and merged areas."""

    errors: dict[Place, str] = field(default_factory=dict)
    unsolved: dict[Place, str] = field(default_factory=dict)
    hidden: frozenset[int] = frozenset()
    merged: tuple[tuple[int, int, int, int], ...] = ()


@dataclass
class Extent:
    """What one pass has seen of the sheet's size."""

    last_row: int = 0
    columns: int = 26
    cells: int = 0

    def add(self, prefix: bytes, mask: bytes, is_odd: bool) -> None:
        """What one block of rows shows; `is_odd`: it may have columns behind Z."""
        tag = mask.rfind(b"<" + prefix + b"row")
        number = _ROW_NUMBER.search(mask, tag) if tag >= 0 else None
        self.last_row = (
            max(self.last_row, int(number[1]))
            if number
            else self.last_row + mask.count(b"<" + prefix + b"row")
        )
        self.cells += mask.count(b"<" + prefix + b"c ")
        if is_odd:
            self.columns = max(self.columns, *(column_of(found) for found in _WIDE.findall(mask)), 0)

    def note(self, row: int, column: int, cells: int) -> None:
        """Rows up to `row` and columns up to `column`, with so many cells more."""
        self.last_row, self.columns = max(self.last_row, row), max(self.columns, column)
        self.cells += cells

    @property
    def is_plausible(self) -> bool:
        """Whether there are enough cells for the area that they span."""
        area = self.last_row * self.columns
        return area <= AREA_WITHOUT_QUESTION or area <= CELLS_PER_VALUE * self.cells


def look_through(package: Package, part: Part, sheet: str, strings: Part | None = None) -> Facts:
    """One streamed pass over a worksheet, before any reader lays it out in memory.

    Raises WorkbookError: WB_TOO_BIG where a long text in the shared `strings` is used so often that the cells' text would not
    fit into memory; WB_DIMENSION where a few far-off values span an area that nobody can hold; WB_DAMAGED for cell
    addresses outside of what a sheet can have.
    """
    stream = SheetStream(package.chunks(part), package.name)
    notes, extent, last = _Notes(stream.tags.prefix), Extent(), 0
    formula, hidden = b"<" + stream.tags.prefix + b"f", list[int]()
    for block in stream.blocks():
        mask = block.mask
        is_free = mask.count(b"=") != mask.count(b'="') or bool(_SPACE_BEFORE.search(mask, 0, 4096))
        is_odd = is_free or bool(_ODD_PLACE.search(mask))
        extent.add(stream.tags.prefix, mask, is_odd)
        if (is_odd and _TOO_FAR.search(mask)) or extent.last_row > MAX_ROWS:
            raise package.error(
                "WB_DAMAGED",
                f"sheet '{sheet}' has a cell outside of {MAX_ROWS:,} rows and {MAX_COLUMNS:,} columns",
                hint="the workbook is damaged: export it again",
            )
        if b't="e"' in mask or formula in mask or (is_free and _ERROR.search(mask)):
            for row in rows(stream.tags, mask, last):
                for cell in cells(stream.tags, mask, row):
                    notes.add(row.number, cell, block.text)
        if b"hidden" in mask:
            hidden += [row.number for row in rows(stream.tags, mask, last) if is_hidden(row)]
        last = extent.last_row
    refuse_unheld(package, part, sheet, strings, extent)
    return replace(notes.facts, hidden=frozenset(hidden), merged=merged_areas(stream.tail()))


def refuse_unheld(
    package: Package, part: Part, sheet: str, strings: Part | None, extent: Extent, *, longest: int = -1
) -> None:
    """Refuse what can't be held in memory: a few far-off cells (WB_DIMENSION), long texts used very often (WB_TOO_BIG).

    `longest`: the length of the longest shared string, where it is known and texts are not copied into each cell.
    """
    if not extent.is_plausible:
        _refuse_lying_size(package, part, sheet)
    if 0 <= longest * extent.cells <= MOST_TEXT:
        return
    if strings and extent.cells * strings.size > TEXT_WITHOUT_QUESTION:
        _refuse_repeated_text(package, part, sheet, strings, extent.cells)


def merged_areas(tail: Iterable[bytes]) -> tuple[tuple[int, int, int, int], ...]:
    """The merged areas that the end of a worksheet lists; the first 10,000."""
    found: list[tuple[int, int, int, int]] = []
    rest = b""
    for piece in tail:
        rest += piece
        areas = (span(one[1].decode("ascii", "replace")) for one in _MERGED.finditer(rest))
        found += [area for area in areas if area]
        rest = rest[rest.rfind(b"<") :] if b"<" in rest else b""
    return tuple(dict.fromkeys(found[:MOST_MERGED]))


def is_hidden(row: Row) -> bool:
    """Whether people don't see the row: hidden by hand or by a filter."""
    return attribute(row.attributes, b"hidden") in {b"1", b"true"}


def styles_of(package: Package, part: Part, columns: Collection[int]) -> dict[Place, int]:
    """The style index of each cell in `columns` that has one other than 0."""
    found: dict[Place, int] = {}

    def keep(row: int, cell: Cell, _text: bytes) -> None:
        style = attribute(cell.attributes, b"s")
        if cell.column in columns and style.isdigit() and style != b"0":
            found[row, cell.column] = int(style)

    _each_cell(package, part, keep)
    return found


def styles_in(package: Package, part: Part, wanted: Collection[int]) -> dict[Place, int]:
    """The style index of each cell in the rows `wanted`."""
    found: dict[Place, int] = {}
    stream = SheetStream(package.chunks(part), package.name)
    last = 0
    for block in stream.blocks():
        for row in rows(stream.tags, block.mask, last):
            last = row.number
            if last in wanted:
                for cell in cells(stream.tags, block.mask, row):
                    style = attribute(cell.attributes, b"s")
                    found[last, cell.column] = int(style) if style.isdigit() else 0
    return found


def text_of(inner: bytes, prefix: bytes, element: bytes) -> str | None:
    """The text of the first `element` in the content of a cell; None where there is no such element."""
    tag = re.escape(prefix + element)
    found = re.search(rb"<" + tag + rb"(?:\s[^>]*)?(?:/>|>(.*?)</" + tag + rb"\s*>)", inner, re.DOTALL)
    if found is None:
        return None
    import html

    raw = (found[1] or b"").removeprefix(b"<![CDATA[").removesuffix(b"]]>")
    return html.unescape(raw.decode("utf-8", errors="replace"))


@dataclass
class _Notes:
    """Collects the facts of one sheet; shared formulas are written out once and referred to by number."""

    prefix: bytes
    facts: Facts = field(default_factory=Facts)
    shared: dict[bytes, str] = field(default_factory=dict)

    def add(self, row: int, cell: Cell, text: bytes) -> None:
        kind = attribute(cell.attributes, b"t")
        inner = text[cell.inner : cell.inner_end]
        if kind == b"e":
            self.facts.errors[row, cell.column] = text_of(inner, self.prefix, b"v") or "#ERROR!"
        if b"<" + self.prefix + b"f" not in inner:
            return
        formula = text_of(inner, self.prefix, b"f") or ""
        number = re.search(rb"""\ssi\s*=\s*["'](\d+)""", inner)
        if number:
            formula = self.shared.setdefault(number[1], formula)
        result = text_of(inner, self.prefix, b"v")
        if not result and not (result == "" and kind == b"str"):
            self.facts.unsolved[row, cell.column] = f"={formula}"


def _each_cell(package: Package, part: Part, keep: Callable[[int, Cell, bytes], None]) -> None:
    stream = SheetStream(package.chunks(part), package.name)
    last = 0
    for block in stream.blocks():
        for row in rows(stream.tags, block.mask, last):
            last = row.number
            for cell in cells(stream.tags, block.mask, row):
                keep(row.number, cell, block.text)


def _refuse_repeated_text(package: Package, part: Part, sheet: str, strings: Part, cells_seen: int) -> None:
    lengths = _lengths(package, strings)
    if max(lengths, default=0) * cells_seen <= TEXT_WITHOUT_QUESTION:
        return
    total = 0
    for block in SheetStream(package.chunks(part), package.name).blocks():
        total += sum(lengths[at] for at in map(int, _SHARED.findall(block.mask)) if at < len(lengths))
    if total > MOST_TEXT:
        raise package.error(
            "WB_TOO_BIG",
            f"the text of sheet '{sheet}' expands to {total:,} bytes, ratio {total / len(package.data):.0f}",
            expected=f"the limit is {MOST_TEXT:,} bytes",
            hint="the file was not made by a spreadsheet program: ask where it comes from",
        )


def _lengths(package: Package, strings: Part) -> list[int]:
    """About how many bytes each shared string takes."""
    lengths: list[int] = []
    before, tail = 0, b""
    for chunk in package.chunks(strings):
        *items, last = (tail + chunk).split(b"</si>")
        for item in items:
            lengths.append(before + len(item))
            before = 0
        tail = last[-4:]
        before += len(last) - len(tail)
    return lengths


def _refuse_lying_size(package: Package, part: Part, sheet: str) -> None:
    """Count the cells that hold something; an area is refused only when they are far too few for it."""
    seen = [0, 0, 0, MAX_ROWS, MAX_COLUMNS]

    def measure(row: int, cell: Cell, _text: bytes) -> None:
        if cell.inner_end > cell.inner:
            seen[:] = [
                seen[0] + 1, max(seen[1], row), max(seen[2], cell.column), min(seen[3], row), min(seen[4], cell.column)
            ]  # fmt: skip

    _each_cell(package, part, measure)
    count, last_row, last_column, first_row, first_column = seen
    area = max(0, last_row - first_row + 1) * max(0, last_column - first_column + 1)
    if area > AREA_WITHOUT_QUESTION and area > CELLS_PER_VALUE * count:
        raise WorkbookError(
            f"sheet '{sheet}' spans {last_row:,} rows and {last_column:,} columns, but only {count:,} cells contain data",
            expected="data in one block",
            hint="delete the far-off cell (Ctrl+End goes there) and save again",
            where=package.name,
            code="WB_DIMENSION",
        )
