"""The XML of one worksheet as a stream of blocks of complete rows, so that a large sheet is never held in memory.

Scanning runs on a mask: the same bytes with comments, CDATA sections and processing instructions blanked out, so that
what looks like a tag is a tag. Positions in the mask are positions in the text.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from runner.core.errors import WorkbookError

MAX_ROWS, MAX_COLUMNS = 1_048_576, 16_384
_HIDDEN = re.compile(rb"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<\?.*?(?:\?>|\Z)", re.DOTALL)
# Without possessive quantifiers: Python before 3.11.5 matches them wrongly. Unrolled, so that a mismatch stays linear.
ATTRIBUTES = rb"""([^>"'/]*(?:(?:"[^"]*"|'[^']*'|/(?!>))[^>"'/]*)*)(/?)>"""
_SHEET_DATA = re.compile(rb"<((?:[\w.-]+:)?)sheetData\b" + ATTRIBUTES)
_ATTRIBUTE = re.compile(rb"""([\w.:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_REFERENCE = re.compile(r"\$?([A-Za-z]{1,3})\$?(\d{1,7})")


class Block(NamedTuple):
    """Complete rows: the bytes as they are, and the mask to scan."""

    text: bytes
    mask: bytes


class Row(NamedTuple):
    """Where one row is in a block: its number and the borders of its start tag and of the whole element."""

    number: int
    start: int
    tag_end: int
    end: int
    attributes: bytes
    empty: bool


class Cell(NamedTuple):
    """Where one cell is in a block: column number (1 = A), attributes, borders of its content and of the element."""

    column: int
    attributes: bytes
    start: int
    inner: int
    inner_end: int
    end: int


@dataclass(frozen=True)
class Tags:
    """The patterns for rows and cells under the namespace prefix that the sheet uses (often none)."""

    prefix: bytes
    row: re.Pattern[bytes]
    cell: re.Pattern[bytes]

    @classmethod
    def of(cls, prefix: bytes) -> Tags:
        """The patterns for `prefix` (with its colon)."""
        head = rb"<" + re.escape(prefix)
        return cls(
            prefix,
            re.compile(head + rb"row\b" + ATTRIBUTES),
            re.compile(head + rb"c(?=[\s/>])" + ATTRIBUTES),
        )

    def end(self, name: bytes) -> bytes:
        """The end tag of an element."""
        return b"</" + self.prefix + name + b">"


class SheetStream:
    """One pass over a worksheet: `head`, then `blocks()`, then `tail()`, together exactly the part's bytes.

    `has_rows` is False for a self-closed `<sheetData/>`, which then is the end of `head`. `transcoded` tells that the part
    was UTF-16 and what is handed out is UTF-8. Raises WorkbookError (WB_DAMAGED) where there is no sheet data.
    """

    def __init__(self, chunks: Iterator[bytes], where: str) -> None:
        first = next(chunks, b"")
        self.transcoded = first[:2] in {b"\xff\xfe", b"\xfe\xff"} or b"\0" in first[:4]
        self.where = where
        self._chunks = _to_utf8(first, chunks) if self.transcoded else _again(first, chunks)
        self._rest = b""
        self._read_head()

    def blocks(self) -> Iterator[Block]:
        """Blocks of complete rows, in order."""
        if not self.has_rows:
            return
        row_end, data_end = self.tags.end(b"row"), b"</" + self.tags.prefix + b"sheetData"
        while True:
            mask = masked(self._rest)
            stop = mask.find(data_end)
            if stop >= 0:
                block, self._rest = self._block(mask, stop), self._rest[stop:]
                yield block
                return
            cut = mask.rfind(row_end)
            if cut >= 0:
                cut += len(row_end)
                block, self._rest = self._block(mask, cut), self._rest[cut:]
                yield block
            self._more("the rows of the sheet have no end")

    def _block(self, mask: bytes, end: int) -> Block:
        """What is waiting, up to `end`; text and mask are one where nothing is hidden."""
        text = self._rest[:end]
        return Block(text, text if mask is self._rest else mask[:end])

    def tail(self) -> Iterator[bytes]:
        """What follows the rows; only after `blocks()` has been read to its end."""
        rest, self._rest = self._rest, b""
        yield rest
        yield from self._chunks

    def _read_head(self) -> None:
        while True:
            found = _SHEET_DATA.search(masked(self._rest))
            if found:
                break
            self._more("there is no sheet data in the part")
        self.tags = Tags.of(found[1])
        self.has_rows = not found[3]
        self.head, self._rest = self._rest[: found.end()], self._rest[found.end() :]

    def _more(self, otherwise: str) -> None:
        """Read on: at least as much as is waiting already, so that one enormous row costs linear time."""
        pieces, wanted = [self._rest], max(1, len(self._rest))
        while wanted > 0:
            piece = next(self._chunks, None)
            if piece is None:
                break
            pieces.append(piece)
            wanted -= len(piece)
        if len(pieces) == 1:
            raise WorkbookError(
                f"{otherwise}: the workbook is damaged",
                hint="open it in Excel and save it again",
                where=self.where,
            )
        self._rest = b"".join(pieces)


def masked(text: bytes) -> bytes:
    """`text` with comments, CDATA sections and processing instructions blanked out, of the same length."""
    if (b"!" not in text or b"<!" not in text) and (b"?" not in text or b"<?" not in text):
        return text  # looking for a single byte first is ten times as fast
    return _HIDDEN.sub(lambda hidden: b" " * len(hidden[0]), text)


def rows(tags: Tags, mask: bytes, after: int = 0) -> Iterator[Row]:
    """The rows of a block; `after` is the number of the row before it (rows may leave out their number)."""
    at, number, closing = 0, after, tags.end(b"row")
    while found := tags.row.search(mask, at):
        attributes, empty = found[1], bool(found[2])
        given = attribute(attributes, b"r")
        number = int(given) if given.isdigit() and len(given) < 9 else number + 1
        at = found.end() if empty else mask.find(closing, found.end()) + len(closing)
        if at < found.end():
            return
        yield Row(number, found.start(), found.end(), at, attributes, empty)


def cells(tags: Tags, mask: bytes, row: Row) -> Iterator[Cell]:
    """The cells of a row, in the order of the file."""
    at, column, closing = row.tag_end, 0, tags.end(b"c")
    while found := tags.cell.search(mask, at, row.end):
        attributes = found[1]
        column = column_of(attribute(attributes, b"r")) or column + 1
        inner = inner_end = at = found.end()
        if not found[2]:
            inner_end = mask.find(closing, inner, row.end)
            if inner_end < 0:
                return
            at = inner_end + len(closing)
        yield Cell(column, attributes, found.start(), inner, inner_end, at)


def attribute(attributes: bytes, name: bytes) -> bytes:
    """The value of one attribute, or empty bytes."""
    for found in _ATTRIBUTE.finditer(attributes):
        if found[1] == name:
            return found[2] if found[2] is not None else found[3]
    return b""


def column_of(reference: bytes) -> int:
    """The column number in a reference such as ``B7``; 0 where it is none."""
    number = 0
    for byte in reference[:4]:
        if not 65 <= byte <= 90:
            break
        number = number * 26 + byte - 64
    return number


@lru_cache(maxsize=1024)
def letters(column: int) -> str:
    """The letters of a column number: 1 is A, 28 is AB."""
    text = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def address(row: int, column: int) -> str:
    """The address people read: ``C7``."""
    return f"{letters(column)}{row}"


def span(reference: str) -> tuple[int, int, int, int] | None:
    """First row, first column, last row, last column of ``A1:C9`` or ``C7``; None where it is no area."""
    first, _, last = reference.partition(":")
    one, two = _REFERENCE.fullmatch(first), _REFERENCE.fullmatch(last or first)
    if not one or not two:
        return None
    return int(one[2]), column_of(one[1].upper().encode()), int(two[2]), column_of(two[1].upper().encode())


def _again(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from chunks


def _to_utf8(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    has_mark = first[:2] in {b"\xff\xfe", b"\xfe\xff"}
    name = "utf-16" if has_mark else ("utf-16-le" if first[1:2] == b"\0" else "utf-16-be")
    decoder = codecs.getincrementaldecoder(name)(errors="replace")
    for chunk in _again(first, chunks):
        yield decoder.decode(chunk).encode()
