"""Any spreadsheet file as rows of plain cell values, with what is known about single cells beside it."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import os
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from runner.core.errors import WorkbookError
from runner.sheets import delimited
from runner.sheets.facts import Facts, Place, look_through, styles_of
from runner.sheets.package import Package, refuse_other_formats
from runner.sheets.workbook import SheetPart, Workbook, choose, describe, no_such_sheet, number_formats

CellValue: TypeAlias = str | int | float | bool | dt.date | dt.datetime | dt.time | dt.timedelta
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
    """One sheet: `rows[0]` is sheet row `first_row`, its first cell is in column `first_column` (both from 1).

    An empty cell is the empty text. `is_text`: every value is text, as in a .csv. `masks` gives the number formats made of
    zeros, such as 00000, of the cells in the given columns.
    """

    file: str
    sheet: str
    rows: list[list[CellValue]]
    first_row: int = 1
    first_column: int = 1
    facts: Facts = field(default_factory=Facts)
    is_text: bool = False
    masks: Callable[[Collection[int]], dict[Place, str]] = lambda _columns: {}

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


def grids(source: Source, sheet: str | None = None) -> Iterator[Grid]:
    """The sheet called `sheet`; without a name the visible worksheets, one after the other.

    Raises WorkbookError as the guard does, and WB_SHEET.
    """
    suffix, name = source.path.suffix.lower(), source.path.name
    if suffix in TEXT_SUFFIXES:
        table = delimited.parse(source.data, name)
        yield Grid(name, "", [[*row] for row in table.rows], is_text=True)
    elif suffix in XML_SUFFIXES:
        yield from _package_grids(source, sheet)
    else:
        yield from _other_grids(source, sheet)


def _package_grids(source: Source, sheet: str | None) -> Iterator[Grid]:
    package = Package(source.data, source.path.name)
    workbook = describe(package)
    first = choose(package, workbook, sheet)
    others = [s for s in workbook.worksheets if s.visible and s is not first] if sheet is None else []
    package.check(but=first.part)
    reader = _CalamineOnce(package, workbook)
    for one in (first, *others):
        facts = look_through(package, one.part, one.name, workbook.shared_strings)
        cells, row, column = reader.cells(one)
        masks = partial(_masks, package, workbook, one)
        yield Grid(package.name, one.name, cells, row, column, facts, masks=masks)


class _CalamineOnce:
    """Opens the workbook with calamine when the first sheet is wanted; a workbook can have a thousand of them."""

    def __init__(self, package: Package, workbook: Workbook) -> None:
        self._package, self._workbook = package, workbook
        self._book: Any = None

    def cells(self, sheet: SheetPart) -> tuple[list[list[CellValue]], int, int]:
        """The rows of a sheet and the numbers of its first row and column; WB_DAMAGED names what is broken."""
        import python_calamine as calamine

        try:
            if self._book is None:
                self._book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(self._package.data))
            opened = self._book.get_sheet_by_name(sheet.name)
            start = opened.start or (0, 0)
            return opened.to_python(), start[0] + 1, start[1] + 1
        except calamine.CalamineError as broken:
            blame(self._package, self._workbook, sheet, str(broken))
            return _openpyxl(self._package, sheet)
        except BaseException as panic:  # a panic of the Rust library is no Exception
            if type(panic).__name__ != "PanicException":
                raise
            raise self._package.error(
                "WB_DAMAGED",
                f"sheet '{sheet.name}' is damaged ({panic})",
                hint="open it in Excel and save it again",
            ) from panic


def blame(package: Package, workbook: Workbook, sheet: SheetPart, message: str) -> None:
    """Raise WB_DAMAGED naming the part that is to blame for a reader's `message`, where one is."""
    from xml.parsers import expat

    if "string" in message.lower() and "shared" in message.lower():
        raise package.error(
            "WB_DAMAGED",
            f"sheet '{sheet.name}' refers to texts that the shared strings don't have: the workbook is damaged",
            hint="open it in Excel and save it again",
        )
    for part, what in (
        (workbook.shared_strings, "the shared strings"),
        (sheet.part, "the sheet"),
        (workbook.styles, "the styles"),
    ):
        parser = expat.ParserCreate()
        try:
            for chunk in package.chunks(part) if part else ():
                parser.Parse(chunk, False)
            if part:
                parser.Parse(b"", True)
        except (expat.ExpatError, LookupError) as broken:
            raise package.error(
                "WB_DAMAGED",
                f"{what} (part '{part.name if part else ''}') can't be read: damaged, {broken}",
                hint="open it in Excel and save it again",
            ) from broken


def _openpyxl(package: Package, sheet: SheetPart) -> tuple[list[list[CellValue]], int, int]:
    """The slow path, for workbooks that calamine refuses although their parts are sound (macro sheets, odd ranges)."""
    import warnings

    import openpyxl

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(io.BytesIO(package.data), read_only=True, data_only=True)
            page = book[sheet.name]
            page.reset_dimensions()
            found = [[_plain(value) for value in row] for row in page.iter_rows(values_only=True)]
    except Exception as broken:  # a reader meets damaged files with whatever it stumbles over
        raise package.error(
            "WB_DAMAGED",
            f"sheet '{sheet.name}' is damaged: {type(broken).__name__}: {broken}",
            hint="open it in Excel and save it again",
        ) from broken
    width = max(map(len, found), default=0)
    return [[*row, *[""] * (width - len(row))] for row in found], 1, 1


def _plain(value: object) -> CellValue:
    if value is None:
        return ""
    return value if isinstance(value, str | int | float | dt.date | dt.time | dt.timedelta) else str(value)


def _other_grids(source: Source, sheet: str | None) -> Iterator[Grid]:
    import python_calamine as calamine

    name = source.path.name
    if source.data.startswith(b"PK"):
        Package(source.data, name).check()
    elif source.path.suffix.lower() != ".xls" or not source.data.startswith(b"\xd0\xcf"):
        refuse_other_formats(source.data, name)
    try:
        with calamine.CalamineWorkbook.from_filelike(io.BytesIO(source.data)) as book:
            names = [
                meta.name
                for meta in book.sheets_metadata
                if meta.typ == calamine.SheetTypeEnum.WorkSheet
                and meta.visible == calamine.SheetVisibleEnum.Visible
            ]
            for one in _wanted(name, names, book.sheet_names, sheet):
                opened = book.get_sheet_by_name(one)
                start = opened.start or (0, 0)
                yield Grid(name, one, opened.to_python(), start[0] + 1, start[1] + 1)
    except calamine.PasswordError:
        refuse_other_formats(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", name)
    except calamine.CalamineError as broken:
        raise WorkbookError(
            f"the workbook is damaged ({broken})", hint="save as .xlsx in Excel", where=name
        ) from broken
    except BaseException as panic:  # a panic of the Rust library is no Exception
        if type(panic).__name__ != "PanicException":
            raise
        raise WorkbookError(
            f"the workbook is damaged ({panic})", hint="save as .xlsx in Excel", where=name
        ) from panic


def _wanted(file: str, visible: list[str], every: list[str], sheet: str | None) -> list[str]:
    if sheet is None:
        return visible
    if sheet not in every:
        raise no_such_sheet(file, sheet, every)
    return [sheet]


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
