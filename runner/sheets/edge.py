"""What has to be known to write beside a table: its headings, and the last column that holds something. Its rows are not laid out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from runner.sheets.bands import Band, CellValue, Loose
from runner.sheets.package import Package
from runner.sheets.readers import moments_in
from runner.sheets.regular import Reader
from runner.sheets.sheetxml import SheetStream, column_of, letters
from runner.sheets.texts import Irregular, shared_texts
from runner.sheets.workbook import SheetPart, Workbook

_WITHOUT_PLACE = re.compile(rb'<c(?! r=")')


@dataclass(frozen=True, slots=True)
class Edge:
    """The number of the row of headings, its words by column, and the last column that holds something there or below."""

    header: int
    words: dict[int, str]
    last: int


def edge_of(package: Package, workbook: Workbook, page: SheetPart, header_row: int | None) -> Edge | None:
    """The edge of the table with this row of headings; None: the first row that holds something.

    None as the answer: the sheet is written in a way that has to be read cell by cell.
    """
    try:
        texts = shared_texts(package, workbook.shared_strings)
        reader = Reader(texts, moments_in(package, workbook), workbook.date1904)
        header, words = _headings(reader.bands(_stream(package, page)), header_row)
        return Edge(header, words, _last_column(_stream(package, page), header, max(words, default=0)))
    except Irregular:
        return None


def _stream(package: Package, page: SheetPart) -> SheetStream:
    return SheetStream(package.chunks(page.part), package.name)


def _headings(bands: Iterator[Band | Loose], header_row: int | None) -> tuple[int, dict[int, str]]:
    for band in bands:
        for index, number in enumerate(band.numbers):
            if header_row is not None and number > header_row:
                return header_row, {}
            words = _words(band.row(index)) if header_row in {None, number} else {}
            if words or number == header_row:
                return number, words
    return header_row or 1, {}


def _words(cells: Sequence[CellValue]) -> dict[int, str]:
    return {column: str(value) for column, value in enumerate(cells, 1) if value != ""}


def _last_column(stream: SheetStream, header: int, last: int) -> int:
    for block in stream.blocks():
        text = block.text
        if block.mask is not text or _WITHOUT_PLACE.search(text):
            raise Irregular("cells without their places")
        for found in _filled_beyond(last).finditer(text):
            if int(found[2]) >= header:
                last = max(last, column_of(found[1]))
    return last


@lru_cache(maxsize=64)
def _filled_beyond(column: int) -> re.Pattern[bytes]:
    """Cells with content in a column behind that one: of a long table there are none, and a search is quick to say so."""
    name = letters(column)
    longer = [f"[A-Z]{{{len(name) + 1},3}}"] if len(name) < 3 else []
    behind = [
        f"{name[:at]}[{chr(ord(letter) + 1)}-Z]{'[A-Z]' * (len(name) - at - 1)}"
        for at, letter in enumerate(name)
        if letter < "Z"
    ]
    places = "|".join([*behind, *longer]) or "(?!)"
    return re.compile(rf'<c r="({places})(\d{{1,7}})"[^>]*(?<!/)>(?!</c>)'.encode())
