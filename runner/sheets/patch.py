"""Changing cells in a worksheet's XML while it streams by: everything that is not concerned stays byte for byte the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from runner.core.errors import WorkbookLoss
from runner.sheets.cellxml import Content, Formula, Styled, Value, content, is_plain
from runner.sheets.columnwise import Edits, cells_of, columns_in
from runner.sheets.evenly import Beside, EvenRows
from runner.sheets.sheetxml import (
    Block,
    Cell,
    Row,
    SheetStream,
    Tags,
    address,
    attribute,
    cells,
    column_of,
    letters,
    masked,
    rows,
    span,
)

_DIMENSION = re.compile(rb"""(<(?:[\w.-]+:)?dimension\b[^>]*?\bref\s*=\s*["'])([^"']*)""")
_SPANS = re.compile(rb"""(\bspans\s*=\s*["'])(\d+):(\d+)(["'])""")
_MERGED = re.compile(rb"""<(?:[\w.-]+:)?mergeCell\b[^>]*?\bref\s*=\s*["']([^"']*)""")
_AREA_FORMULA = re.compile(rb"""<(?:[\w.-]+:)?f\b[^>]*?\bt\s*=\s*["'](?:array|dataTable)["'][^>]*""")
_ENCODING = re.compile(rb"""(?:\xef\xbb\xbf)?<\?xml[^>]*?encoding\s*=\s*["']([\w.-]+)""")
_PROTECTED = re.compile(rb"""<(?:[\w.-]+:)?sheetProtection\b[^>]*?\bsheet\s*=\s*["'](?:1|true)["']""")
_REF = re.compile(rb"""\bref\s*=\s*["']([^"']*)""")
_TEXTS_KEPT = 1000
_beside: Callable[[tuple[bytes, int]], Beside] = partial(tuple.__new__, Beside)


@dataclass
class SheetPatch:
    """New values for cells of one sheet: `edits[row][column]`, rows and columns counted from 1.

    `date_styles` gives the style index for "date", "datetime" and "time"; where one is missing the ISO text is written.
    `style_like` gives for a row the column whose style the new cells of that row take, `row_like` the attributes of a new row
    (its height). `has_formulas` tells after `run` whether the sheet has any. `unlocked`: the styles whose cells may be
    changed in a protected sheet; None: all. Use `run` once.
    """

    sheet: str
    edits: Edits
    date1904: bool = False
    date_styles: Mapping[str, int] = field(default_factory=dict)
    date_like: frozenset[int] = frozenset()
    style_like: Mapping[int, int] = field(default_factory=dict)
    row_like: Mapping[int, bytes] = field(default_factory=dict)
    unlocked: frozenset[int] | None = None
    has_formulas: bool = False

    def run(self, stream: SheetStream) -> Iterator[bytes]:
        """The patched worksheet. Raises WorkbookLoss where a change would break a formula, an array or a merged cell."""
        encoding = _ENCODING.match(stream.head)
        if stream.transcoded or (encoding and encoding[1].lower() not in {b"utf-8", b"us-ascii"}):
            raise self._loss("the sheet's XML is not stored as UTF-8", "a sheet stored as UTF-8")
        self.use(stream.tags)
        self._waiting = sorted(self.edits)
        self._next = 0
        self._last = -1
        yield self._head(stream.head, stream.has_rows)
        for block in stream.blocks():
            yield from self._block(block)
        yield b"".join(self._new_rows(None))
        if not stream.has_rows:
            yield self._tags.end(b"sheetData")
        tail = b"".join(stream.tail())
        self._refuse_areas(_MERGED.finditer(masked(tail)), "is inside of the merged cells", is_merged=True)
        if self._locked and _PROTECTED.search(masked(tail)):
            raise self._loss(
                f"the sheet is protected and cell {self._locked} is locked",
                "an unlocked cell, or a sheet without protection",
            )
        yield tail

    def use(self, tags: Tags) -> None:
        """Write cells under the namespace prefix of `tags` from now on."""
        self._tags = tags
        self._texts: dict[str, Content] = {}
        self._halves: dict[tuple[int, bytes, str | None], tuple[bytes, bytes]] = {}
        self._locked = ""
        self._cells = cells_of(self.edits)

    def cell(self, row: int, column: int, style: bytes, value: Value | Styled) -> bytes:
        """The whole XML of one cell."""
        if self.unlocked is None and (value is None or type(value) is str):
            halves = self._halves.get((column, style, value))
            if halves is not None:
                return b"%b%d%b" % (halves[0], row, halves[1])
            if value is not None and not style and not self._tags.prefix and is_plain(value):
                before = b'<c r="%b' % letters(column).encode()
                behind = b'" t="inlineStr"><is><t>%b</t></is></c>' % value.encode()
                if len(self._halves) < _TEXTS_KEPT:
                    self._halves[column, style, value] = before, behind
                return b"%b%d%b" % (before, row, behind)
        made = self._cell(row, column, style, value)
        if value is None or (isinstance(value, str) and value in self._texts):
            before, _, behind = made.partition(str(row).encode())
            self._halves[column, style, value] = before, behind
        return made

    def _cell(self, row: int, column: int, style: bytes, value: Value | Styled) -> bytes:
        if isinstance(value, Styled):
            style, value = str(value.style).encode() if value.style else b"", value.value
        if self.unlocked is not None and not self._locked and int(style or b"0") not in self.unlocked:
            self._locked = address(row, column)
        self.has_formulas = self.has_formulas or isinstance(value, Formula)
        made = self.content(row, column, value)
        if made.moment and not (style.isdigit() and int(style) in self.date_like):
            style = str(self.date_styles[made.moment]).encode()
        prefix = self._tags.prefix
        tag = b"<" + prefix + b'c r="' + address(row, column).encode() + b'"'
        tag += b' s="' + style + b'"' if style else b""
        tag += b' t="' + made.kind + b'"' if made.kind else b""
        return tag + b">" + made.inner + b"</" + prefix + b"c>" if made.inner else tag + b"/>"

    def content(self, row: int, column: int, value: Value | Styled) -> Content:
        """What goes into one cell."""
        if isinstance(value, Styled):
            value = value.value
        known = self._texts.get(value) if isinstance(value, str) else None
        if known is not None:
            return known
        where = f"{self.sheet}!{address(row, column)}"
        made = content(value, where, date1904=self.date1904, prefix=self._tags.prefix)
        if made.moment and made.moment not in self.date_styles:
            return content(str(value), where, prefix=self._tags.prefix)
        if isinstance(value, str) and len(self._texts) < _TEXTS_KEPT:
            self._texts[value] = made
        return made

    def _head(self, head: bytes, has_rows: bool) -> bytes:
        if not has_rows and self.edits:
            start = head.rindex(b"/>")
            head = head[:start].rstrip() + b">"
        found = _DIMENSION.search(masked(head))
        area = span(found[2].decode(errors="replace")) if found else None
        if found is None or area is None or not self.edits:
            return head
        columns = columns_in(self.edits)
        grown = (
            min(area[0], *self.edits), min(area[1], *columns), max(area[2], *self.edits), max(area[3], *columns),
        )  # fmt: skip
        if grown == area:
            return head
        text = f"{address(grown[0], grown[1])}:{address(grown[2], grown[3])}".encode()
        return head[: found.start(2)] + text + head[found.end(2) :]

    def _block(self, block: Block) -> Iterator[bytes]:
        text, mask, at = block.text, block.mask, 0
        has_formulas = b"<" + self._tags.prefix + b"f" in mask
        self.has_formulas = self.has_formulas or has_formulas
        may_have_areas = has_formulas or b":" in mask  # with another prefix
        if may_have_areas and (b"array" in mask or b"dataTable" in mask):
            tags = [_REF.search(found[0]) for found in _AREA_FORMULA.finditer(mask)]
            self._refuse_areas(
                (tag for tag in tags if tag), "is part of the array formula over", is_merged=False
            )
        even = EvenRows.of(block, self._tags)
        done = even.appended(self._last, self._waiting[self._next :], self.beside) if even else None
        if done is not None:
            self._last, self._next = done.last, self._next + done.edited
            yield done.text
            return
        for row in rows(self._tags, mask, max(0, self._last)):
            if row.number <= self._last:
                raise self._loss(
                    f"row {row.number} comes after row {self._last} in the file", "rows in order"
                )
            fresh = self._new_rows(row.number)
            self._last = row.number
            edits = self.edits.get(row.number)
            if fresh:
                yield text[at : row.start]
                yield from fresh
                at = row.start
            if edits:
                self._next += 1
                yield text[at : row.start]
                yield self._row(text, mask, row, edits)
                at = row.end
        yield text[at:]

    def beside(self, row: int, behind: int) -> Beside | None:
        """The new cells of a row; None where one is not behind that column, or takes the style of a cell in the row."""
        cells = self._cells(row)
        if row in self.style_like or not cells or cells[0][0] <= behind:
            return None
        number = b"%d" % row
        known = self._halves if self.unlocked is None else {}
        made: list[bytes] = []
        for column, value in cells:
            halves = known.get((column, b"", value)) if value is None or type(value) is str else None
            if halves is None:
                made.append(self.cell(row, column, b"", value))
            else:
                made += [halves[0], number, halves[1]]
        return _beside((b"".join(made), cells[-1][0]))

    def _new_rows(self, before: int | None) -> list[bytes]:
        """The rows that are not in the file and come before row `before` (None: all that are left)."""
        made = []
        while self._next < len(self._waiting) and (before is None or self._waiting[self._next] < before):
            number = self._waiting[self._next]
            self._next += 1
            inside = b"".join(
                self.cell(number, column, b"", value) for column, value in sorted(self.edits[number].items())
            )
            prefix = self._tags.prefix
            like = self.row_like.get(number, b"")
            made.append(b'<%brow r="%d"%b>%b</%brow>' % (prefix, number, like, inside, prefix))
        return made

    def _row(self, text: bytes, mask: bytes, row: Row, edits: Mapping[int, Value | Styled]) -> bytes:
        tag = self._with_spans(text[row.start : row.tag_end], edits)
        if row.empty:
            tag = tag[: tag.rindex(b"/")].rstrip() + b">"
            inside = self._appended(row.number, b"", edits)
            return tag + inside + self._tags.end(b"row")
        body_end = row.end - len(self._tags.end(b"row"))
        last = self._last_column(mask, row)
        if 0 < last < min(edits) and row.number not in self.style_like:
            return (
                tag
                + text[row.tag_end : body_end]
                + self._appended(row.number, b"", edits)
                + text[body_end : row.end]
            )
        return tag + self._merged_cells(text, mask, row, edits) + text[body_end : row.end]

    def _merged_cells(self, text: bytes, mask: bytes, row: Row, edits: Mapping[int, Value | Styled]) -> bytes:
        out, at, left = [], row.tag_end, dict(sorted(edits.items()))
        wanted = self.style_like.get(row.number, 0)
        style, previous = b"", 0
        for cell in cells(self._tags, mask, row):
            if cell.column <= previous:
                raise self._loss(f"the cells of row {row.number} are not in order", "cells in order")
            previous = cell.column
            new = [column for column in left if column < cell.column]
            if new:
                out += [
                    text[at : cell.start],
                    self._appended(row.number, style, {c: left.pop(c) for c in new}),
                ]
                at = cell.start
            if cell.column == wanted:
                style = attribute(cell.attributes, b"s")
            if cell.column in left:
                out += [
                    text[at : cell.start],
                    self._changed(text, row.number, cell, left.pop(cell.column), style),
                ]
                at = cell.end
        end = row.end - len(self._tags.end(b"row"))
        return b"".join([*out, text[at:end], self._appended(row.number, style, left)])

    def _changed(self, text: bytes, row: int, cell: Cell, value: Value | Styled, like: bytes) -> bytes:
        inner = text[cell.inner : cell.inner_end]
        place = address(row, cell.column)
        is_formula = isinstance(value.value if isinstance(value, Styled) else value, Formula)
        if b"<" + self._tags.prefix + b"f" in inner and not (is_formula and b"<f t=" not in inner):
            raise self._loss(
                f"cell {place} holds a formula that would be overwritten", "a cell without a formula"
            )
        if attribute(cell.attributes, b"vm") or attribute(cell.attributes, b"cm") or b"extLst" in inner:
            raise self._loss(f"cell {place} holds a data type that would be overwritten", "a plain cell")
        return self.cell(row, cell.column, like or attribute(cell.attributes, b"s"), value)

    def _appended(self, row: int, style: bytes, edits: Mapping[int, Value | Styled]) -> bytes:
        return b"".join(self.cell(row, column, style, value) for column, value in sorted(edits.items()))

    def _last_column(self, mask: bytes, row: Row) -> int:
        at = mask.rfind(b"<" + self._tags.prefix + b"c ", row.tag_end, row.end)
        found = self._tags.cell.match(mask, at) if at >= 0 else None
        return column_of(attribute(found[1], b"r")) if found else 0

    def _with_spans(self, tag: bytes, edits: Mapping[int, Value | Styled]) -> bytes:
        found = _SPANS.search(tag) if b"spans" in tag else None
        if found is None:
            return tag
        columns = [int(found[2]), int(found[3]), *edits]
        return (
            tag[: found.start()]
            + b"%b%d:%d%b" % (found[1], min(columns), max(columns), found[4])
            + tag[found.end() :]
        )

    def _refuse_areas(self, found: Iterator[re.Match[bytes]], why: str, *, is_merged: bool) -> None:
        for match in found:
            area = span(match[1].decode(errors="replace"))
            if area is None:
                continue
            for row in self._edited_rows(area[0], area[2]):
                for column in self.edits[row]:
                    is_corner = is_merged and (row, column) == area[:2]
                    if area[1] <= column <= area[3] and not is_corner:
                        raise self._loss(
                            f"cell {address(row, column)} {why} {match[1].decode()}", "a cell of its own"
                        )

    def _edited_rows(self, first: int, last: int) -> list[int]:
        if last - first < len(self.edits):
            return [row for row in range(first, last + 1) if row in self.edits]
        return [row for row in self.edits if first <= row <= last]

    def _loss(self, what: str, expected: str) -> WorkbookLoss:
        return WorkbookLoss(
            what, expected=expected, hint="choose another cell; nothing was written", where=self.sheet
        )


def mismatch(patch: SheetPatch, stream: SheetStream) -> str:
    """The address of the first cell that doesn't hold what `patch` gave it; empty where all do."""
    seen = number = 0
    for block in stream.blocks():
        even = EvenRows.of(block, stream.tags)
        found = even.ends_with(patch.edits, patch.beside) if even else None
        if even and found is not None:
            seen, number = seen + found, even.last_row
            continue
        for row in rows(stream.tags, block.mask, number):
            number = row.number
            edits = patch.edits.get(number)
            if edits:
                seen += 1
                wrong = _wrong_cell(patch, block, row, edits)
                if wrong:
                    return f"{letters(wrong)}{number}"
    return "" if seen == len(patch.edits) else "a row"


def _wrong_cell(patch: SheetPatch, block: Block, row: Row, edits: Mapping[int, Value | Styled]) -> int:
    for column, value in edits.items():
        reference = b'r="' + address(row.number, column).encode() + b'"'
        at = block.mask.find(reference, row.tag_end, row.end)
        start = block.mask.rfind(b"<", row.start, at) if at >= 0 else -1
        inner = patch.content(row.number, column, value).inner
        tag_end = block.mask.find(b">", start) + 1
        if start < 0 or block.text[tag_end : tag_end + len(inner)] != inner:
            return column
    return 0
