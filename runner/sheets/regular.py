"""Sheets that are written regularly, read a thousand rows at a time.

Spreadsheet programs write row after row in one shape. A pattern made from one row of a block usually fits all of them, and one
search then gives every column at once. Rows of another shape are taken apart cell by cell. Whatever is spelt in a way that
this reader doesn't know makes it give up (`Irregular`), and the sheet is read by a full parser; both must agree, which is tested.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import ge

from runner.sheets.bands import Band, Cells, CellValue, Loose
from runner.sheets.facts import Extent, merged_areas
from runner.sheets.moments import moment
from runner.sheets.sheetxml import SheetStream, column_of
from runner.sheets.texts import Irregular, plain_text

_ROW = re.compile(r'<row r="(\d{1,7})"((?: [^>]*)?)>')
_EMPTY_ROW = re.compile(r'<row r="(\d{1,7})"((?: [^>]*)?)/>')
_CELL = re.compile(
    r'<c r="([A-Z]{1,3})(\d{1,7})"((?: [a-z]+="[^"]*")*)(?:/>|>(<f[^>]*/>|<f[^>]*>[^<]*</f>)?'
    r'(?:<v>([^<]*)</v>|<is><t(?: xml:space="preserve")?>([^<]*)</t></is>|<v/>)?</c>)'
)
_KIND = re.compile(r' t="([a-zA-Z]+)"')
_STYLE = re.compile(r' s="(\d+)"')
_HIDDEN = re.compile(r' hidden="(?:1|true)"')
_VALUES = {
    "": "([0-9.eE+-]+)",
    "n": "([0-9.eE+-]+)",
    "s": "([0-9]+)",
    "b": "([01])",
    "str": "([^<]*)",
    "inlineStr": "([^<]*)",
}


@dataclass(frozen=True)
class Shape:
    """The pattern of a whole row, and for each cell with a value its column, its type and its style."""

    pattern: re.Pattern[str]
    cells: tuple[tuple[int, str, int], ...]


@dataclass
class Reader:
    """Reads the rows of one sheet; `texts` are the shared strings, `moments` says which styles show dates or lengths of time.

    After `bands()`: `hidden` has the numbers of hidden rows, `extent` how far the cells reach, `marks` how many error
    values and formulas without a stored result there are, `merged` the merged areas.
    """

    texts: Sequence[str]
    moments: Mapping[int, str]
    date1904: bool
    hidden: set[int] = field(default_factory=set)
    extent: Extent = field(default_factory=Extent)
    marks: int = 0
    merged: tuple[tuple[int, int, int, int], ...] = ()
    _last: int = 0
    _shape: Shape | None = None
    _has_blanks: bool = False
    _serials: dict[str, dict[str, CellValue]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._has_blanks = not all(map(str.strip, self.texts))

    def bands(self, stream: SheetStream) -> Iterator[Band | Loose]:
        """The rows that have cells. Raises Irregular."""
        if stream.tags.prefix or stream.transcoded:
            raise Irregular("a prefix or another encoding")
        for block in stream.blocks():
            if block.mask is not block.text and block.mask != block.text:
                raise Irregular("comments among the rows")
            try:
                text = block.text.decode()
            except UnicodeDecodeError as broken:
                raise Irregular("not UTF-8") from broken
            yield from self._block(text)
        self.merged = merged_areas(stream.tail())

    def _block(self, text: str) -> Iterator[Band | Loose]:
        shape = self._middle_shape(text)
        if shape is not None and len(shape.cells) > 0:
            found = shape.pattern.findall(text)
            if found and _is_all(text, len(found)):
                yield self._columns(found, shape)
                return
        if "<row>" in text or "<row/" in text:
            raise Irregular("rows without a number")
        yield from self._row_by_row(text, shape)

    def _middle_shape(self, text: str) -> Shape | None:
        """The shape of the row in the middle, which is usually that of all."""
        start = text.find("<row ", len(text) // 2)
        if self._shape is None or not self._shape.pattern.match(text, max(start, 0)):
            at = _ROW.search(text, max(start, 0))
            end = text.find("</row>", at.end()) if at else -1
            self._shape = shape_of(text[at.end() : end]) if at and end >= 0 else None
        return self._shape

    def _columns(self, found: list[tuple[str, ...]], shape: Shape) -> Band:
        numbers, attributes, *values = zip(*found, strict=True)
        rows = list(map(int, numbers))
        if rows[0] <= self._last or any(map(ge, rows, rows[1:])):
            raise Irregular("rows that are not in order")
        self._last = rows[-1]
        for one in set(attributes):
            if _HIDDEN.search(one):
                self.hidden.update(n for n, a in zip(rows, attributes, strict=True) if a == one)
        columns = {
            column: self._cells(kind, style, value)
            for (column, kind, style), value in zip(shape.cells, values, strict=True)
        }
        self.extent.note(self._last, max(columns), len(rows) * len(columns))
        return Band(rows, columns)

    def _cells(self, kind: str, style: int, values: Sequence[str]) -> Cells:
        if kind == "s":
            try:
                found = list(map(self.texts.__getitem__, map(int, values)))
            except IndexError as missing:
                raise Irregular("a text that is not there") from missing
            return Cells("value", found, None if self._has_blanks else str)
        if kind == "b":
            return Cells("value", [value == "1" for value in values])
        if kind in {"str", "inlineStr"}:
            return Cells("value", [plain_text(value) for value in values])
        shown = self.moments.get(style)
        return Cells("value", self._moments(values, shown)) if shown else Cells("number", values)

    def _moments(self, values: Sequence[str], shown: str) -> Sequence[CellValue]:
        known = self._serials.setdefault(shown, {})
        try:
            return list(map(known.__getitem__, values))
        except KeyError:  # days that were not met before
            pass
        for value in set(values).difference(known):
            try:
                found = moment(float(value), shown, date1904=self.date1904)
            except ValueError:
                found = None
            if found is None:
                raise Irregular("a date that programs differ about")
            known[value] = found
        return list(map(known.__getitem__, values))

    def _row_by_row(self, text: str, shape: Shape | None) -> Iterator[Band | Loose]:
        """Rows one after the other: runs of the shape as bands, what is between as loose rows."""
        alike: list[tuple[str, ...]] = []
        numbers: list[int] = []
        rows: list[Sequence[CellValue]] = []
        at = text.find("<row ")
        while at >= 0:
            match = shape.pattern.match(text, at) if shape and shape.cells else None
            if match:
                if rows:
                    yield Loose(numbers, rows)
                    numbers, rows = [], []
                alike.append(match.groups())
                end = match.end()
            else:
                if alike and shape:
                    yield self._columns(alike, shape)
                    alike = []
                marks = self.marks
                number, cells, end = self._one_row(text, at)
                if self.marks > marks or any(cell != "" for cell in cells):
                    numbers.append(number)
                    rows.append(cells)
            at = text.find("<row ", end)
        if alike and shape:
            yield self._columns(alike, shape)
        if rows:
            yield Loose(numbers, rows)

    def _one_row(self, text: str, at: int) -> tuple[int, Sequence[CellValue], int]:
        empty = _EMPTY_ROW.match(text, at)
        found = empty or _ROW.match(text, at)
        if found is None:
            raise Irregular("an unknown spelling of a row")
        number = int(found[1])
        if number <= self._last:
            raise Irregular("rows that are not in order")
        self._last = number
        if _HIDDEN.search(found[2]):
            self.hidden.add(number)
        if empty:
            return number, (), empty.end()
        end = text.find("</row>", found.end())
        if end < 0:
            raise Irregular("a row without an end")
        return number, self._loose_cells(text, found.end(), end, number), end + 6

    def _loose_cells(self, text: str, at: int, end: int, number: int) -> Sequence[CellValue]:
        cells: list[CellValue] = []
        for found in _CELL.finditer(text, at, end):
            if text[at : found.start()].strip() or int(found[2]) != number:
                raise Irregular("an unknown spelling of a cell")
            at = found.end()
            column = column_of(found[1].encode())
            if column <= len(cells):
                raise Irregular("cells that are not in order")
            value = self._loose_value(found)
            if value != "":
                cells += [""] * (column - len(cells) - 1)
                cells.append(value)
        if text[at:end].strip():
            raise Irregular("an unknown spelling of a cell")
        self.extent.note(number, len(cells), text.count("<c ", at, end))
        return cells

    def _loose_value(self, found: re.Match[str]) -> CellValue:
        kind, style = _kind_and_style(found[3])
        if kind == "e" or (found[4] and not found[5] and not (found[5] == "" and kind == "str")):
            self.marks += 1
            return ""
        raw = found[6] if kind == "inlineStr" else found[5]
        if raw is None or (raw == "" and kind != "str"):
            return ""
        if kind not in _VALUES or not re.fullmatch(_VALUES[kind], raw):
            raise Irregular(f"a cell of type {kind}")
        return self._cells(kind, style, (raw,)).value(0)


def _is_all(text: str, found: int) -> bool:
    """Whether as many rows as were found are all that the text has, none of another shape between them."""
    if text.count('</row><row r="') == found - 1 and text.startswith("<row ") and text.endswith("</row>"):
        return True
    return text.count("<row") == found


@lru_cache(maxsize=256)
def shape_of(cells: str) -> Shape | None:
    """The shape of a row with these cells; None where it has one that is not to be taken in at once."""
    pattern = ['<row r="([0-9]+)"([^>]*)>']
    taken: list[tuple[int, str, int]] = []
    at, before = 0, 0
    for found in _CELL.finditer(cells):
        kind, style = _kind_and_style(found[3])
        column = column_of(found[1].encode())
        if found.start() != at or column <= before or kind not in _VALUES:
            return None
        at, before = found.end(), column
        head = f'<c r="{found[1]}\\1"{re.escape(found[3])}'
        value = found[6] if kind == "inlineStr" else found[5]
        if value is None and not found[4]:
            pattern.append(f"{head}(?:/>|></c>)")
        elif not value and kind != "str":
            return None
        else:
            pattern.append(head + ">" + _inside(kind, found[4]))
            taken.append((column, kind, style))
    return (
        Shape(re.compile("".join(pattern) + "</row>"), tuple(taken))
        if at == len(cells) and len(taken) < 90
        else None
    )


def _inside(kind: str, formula: str | None) -> str:
    if kind == "inlineStr":
        return r'<is><t(?: xml:space="preserve")?>' + _VALUES[kind] + "</t></is></c>"
    calculated = "(?:<f[^>]*/>|<f[^>]*>[^<]*</f>)" if formula else ""
    return f"{calculated}<v>{_VALUES[kind]}</v></c>"


@lru_cache(maxsize=1024)
def _kind_and_style(attributes: str) -> tuple[str, int]:
    kind, style = _KIND.search(attributes), _STYLE.search(attributes)
    return kind[1] if kind else "", int(style[1]) if style else 0
