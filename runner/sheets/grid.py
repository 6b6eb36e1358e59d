"""Any spreadsheet file as rows of plain cell values, with what is known about single cells beside it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from runner.core.errors import WorkbookError
from runner.sheets.bands import CellValue, Loose, Sheet
from runner.sheets.facts import Facts, Place, styles_in, styles_of
from runner.sheets.package import Package
from runner.sheets.readers import PackageReader, other_sheets
from runner.sheets.workbook import SheetPart, Workbook, choose, describe, number_formats

XML_SUFFIXES = (".xlsx", ".xlsm", ".xltx", ".xltm")
TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
OTHER_SUFFIXES = (".xls", ".xlsb", ".ods")
LARGEST_FILE = 512 << 20
_DIGITS_ONLY = re.compile(r'(?:0|[-/ ]|\\.|"[^"0]*")*')


@dataclass(frozen=True)
class Fingerprint:
    """Which state of a file was read: its SHA-256, size in bytes and time of change in nanoseconds."""

    sha256: str
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Grid:
    """One sheet: its cells (an empty one is the empty text) and what is known about single ones.

    `is_text`: every value is text, as in a .csv. `encoding` and `delimiter` say how it was written. `masks` gives the number formats made of
    zeros, such as 00000, of the cells in the given columns; `styles` the number of the look of each cell in the given rows.
    """

    file: str
    sheet: str
    content: Sheet
    facts: Facts = field(default_factory=Facts)
    is_text: bool = False
    encoding: str = ""
    delimiter: str = ""
    masks: Callable[[Collection[int]], dict[Place, str]] = lambda _columns: {}
    styles: Callable[[Collection[int]], dict[Place, int]] = lambda _rows: {}

    @property
    def first_row(self) -> int:
        """The number of the first row that has cells, else 1."""
        return self.content.first_row

    @property
    def last_row(self) -> int:
        """The number of the last row that has cells, else 0."""
        return self.content.last_row

    def row(self, number: int) -> Sequence[CellValue]:
        """The cells of row `number` from column A; empty where it has none."""
        return self.content.row(number)

    def where(self, row: int, column: str = "") -> str:
        """How errors name a place: ``Sheet1!C7``; ``orders.csv!C7`` for a text table."""
        return f"{self.sheet or self.file}!{column}{row}"


@dataclass(frozen=True)
class Source:
    """The bytes of a spreadsheet file as they were read once, so that all checks speak about the same file."""

    path: Path
    data: bytes
    fingerprint: Fingerprint


def load(path: Path) -> Source:
    """Read the file.

    Raises WorkbookError: WB_NOT_FOUND, WB_NOT_XLSX (a folder, an unknown ending), WB_TOO_BIG, WB_BUSY (no permission).
    """
    if path.suffix.lower() not in (*XML_SUFFIXES, *TEXT_SUFFIXES, *OTHER_SUFFIXES):
        raise WorkbookError(
            f"'{path.suffix or path.name}' is not an ending of a spreadsheet file",
            expected="one of " + ", ".join((*XML_SUFFIXES[:2], *TEXT_SUFFIXES[:2], *OTHER_SUFFIXES)),
            hint="save as .xlsx",
            where=path.name,
            code="WB_NOT_XLSX",
        )
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_size > LARGEST_FILE:
                raise WorkbookError(
                    f"the file has {status.st_size:,} bytes",
                    expected=f"the limit is {LARGEST_FILE:,} bytes",
                    hint="split the file",
                    where=path.name,
                    code="WB_TOO_BIG",
                )
            data = file.read()
    except FileNotFoundError as missing:
        raise WorkbookError(
            f"there is no file '{path}'", hint="check name and folder", where=path.name, code="WB_NOT_FOUND"
        ) from missing
    except OSError as refused:
        raise WorkbookError(
            f"the file can't be read ({refused.strerror})",
            expected="a file that this account may read",
            hint="close the program that has it open, or give permission",
            where=path.name,
            code="WB_BUSY",
        ) from refused
    return Source(path, data, Fingerprint(hashlib.sha256(data).hexdigest(), len(data), status.st_mtime_ns))


def grids(source: Source, sheet: str | None = None, *, encoding: str | None = None) -> Iterator[Grid]:
    """The sheet called `sheet`; without a name the visible worksheets, one after the other.

    Raises WorkbookError as the guard does, and WB_SHEET.
    """
    suffix, name = source.path.suffix.lower(), source.path.name
    if suffix in TEXT_SUFFIXES:
        from runner.sheets import delimited

        table = delimited.parse(source.data, name, encoding)
        yield Grid(
            name,
            "",
            Sheet((Loose(range(1, len(table.rows) + 1), table.rows),)),
            is_text=True,
            encoding=table.encoding,
            delimiter=table.delimiter,
        )
    elif suffix in XML_SUFFIXES:
        yield from _package_grids(source, sheet)
    else:
        for one, content in other_sheets(source.data, name, suffix, sheet):
            yield Grid(name, one, content)


def _package_grids(source: Source, sheet: str | None) -> Iterator[Grid]:
    package = Package(source.data, source.path.name)
    workbook = describe(package)
    first = choose(package, workbook, sheet)
    others = [s for s in workbook.worksheets if s.visible and s is not first] if sheet is None else []
    package.check(but=first.part)
    reader = PackageReader(package, workbook)
    for one in (first, *others):
        content, facts = reader.read(one)
        yield Grid(
            package.name,
            one.name,
            content,
            facts,
            masks=partial(_masks, package, workbook, one),
            styles=partial(styles_in, package, one.part),
        )


def _masks(
    package: Package, workbook: Workbook, sheet: SheetPart, columns: Collection[int]
) -> dict[Place, str]:
    formats = number_formats(package, workbook)
    wanted = {
        index: text
        for index, text in enumerate(formats)
        if text.count("0") > 1 and _DIGITS_ONLY.fullmatch(text)
    }
    if not wanted:
        return {}
    styles = styles_of(package, sheet.part, columns)
    return {place: wanted[style] for place, style in styles.items() if style in wanted}
