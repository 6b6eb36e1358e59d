"""The readers behind a grid: the fast one for regular sheets, calamine, and openpyxl for what calamine refuses."""

from __future__ import annotations

import datetime as dt
import gc
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from runner.core.errors import WorkbookError
from runner.sheets.bands import CellValue, Loose, Sheet
from runner.sheets.facts import Facts, look_through, refuse_unheld
from runner.sheets.moments import BUILTIN_MOMENTS, moment_of
from runner.sheets.package import Package, refuse_other_formats
from runner.sheets.regular import Reader
from runner.sheets.sheetxml import SheetStream
from runner.sheets.texts import Irregular, shared_texts
from runner.sheets.workbook import SheetPart, Workbook, format_ids, no_such_sheet

_PANICS = {"PanicException", "OverflowError"}  # a length of time that Python can't hold


class PackageReader:
    """The sheets of one package; what they share (texts, styles, an opened calamine) is read when it is first wanted."""

    def __init__(self, package: Package, workbook: Workbook) -> None:
        self._package, self._workbook = package, workbook
        self._calamine = _CalamineOnce(package, workbook)
        self._texts: list[str] | None = None
        self._moments: dict[int, str] | None = None

    def read(self, sheet: SheetPart) -> tuple[Sheet, Facts]:
        """The cells of a sheet, and what is known about single ones."""
        return self.quickly(sheet) or self.wholly(sheet)

    def quickly(self, sheet: SheetPart) -> tuple[Sheet, Facts] | None:
        """The sheet by the fast reader; None where it is written in a way that is left to the others."""
        try:
            if self._texts is None:
                self._texts = shared_texts(self._package, self._workbook.shared_strings)
                self._moments = moments_in(self._package, self._workbook)
            reader = Reader(self._texts, self._moments or {}, self._workbook.date1904)
            stream = SheetStream(self._package.chunks(sheet.part), self._package.name)
            with _no_collections():
                found = Sheet(tuple(reader.bands(stream)))
        except Irregular:
            return None
        strings, longest = self._workbook.shared_strings, max(map(len, self._texts), default=0)
        refuse_unheld(self._package, sheet.part, sheet.name, strings, reader.extent, longest=longest)
        if reader.marks:
            return found, look_through(self._package, sheet.part, sheet.name, strings)
        return found, Facts(hidden=frozenset(reader.hidden), merged=reader.merged)

    def wholly(self, sheet: SheetPart) -> tuple[Sheet, Facts]:
        """The sheet by a full parser."""
        facts = look_through(self._package, sheet.part, sheet.name, self._workbook.shared_strings)
        cells, row, column = self._calamine.cells(sheet)
        return Sheet((Loose(range(row, row + len(cells)), cells, column),)), facts


@contextmanager
def _no_collections() -> Iterator[None]:
    """Let the search for garbage in circles rest: each thousand tuples would start one, through all cells read so far, for nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def moments_in(package: Package, workbook: Workbook) -> dict[int, str]:
    """Which cell styles show dates or lengths of time."""
    shown = {}
    for style, (number, code) in enumerate(format_ids(package, workbook)):
        kind = moment_of(code) if code is not None else BUILTIN_MOMENTS.get(number, "")
        if kind:
            shown[style] = kind
    return shown


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
            if type(panic).__name__ not in _PANICS:
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


def other_sheets(data: bytes, name: str, suffix: str, sheet: str | None) -> Iterator[tuple[str, Sheet]]:
    """Name and cells of the sheet called `sheet`, or of all visible ones, of an .xls, .xlsb or .ods file."""
    import python_calamine as calamine

    if data.startswith(b"PK"):
        Package(data, name).check()
    elif suffix != ".xls" or not data.startswith(b"\xd0\xcf"):
        refuse_other_formats(data, name)
    try:
        with calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
            names = [
                meta.name
                for meta in book.sheets_metadata
                if meta.typ == calamine.SheetTypeEnum.WorkSheet
                and meta.visible == calamine.SheetVisibleEnum.Visible
            ]
            for one in _wanted(name, names, book.sheet_names, sheet):
                opened = book.get_sheet_by_name(one)
                start = opened.start or (0, 0)
                cells = opened.to_python()
                yield (
                    one,
                    Sheet((Loose(range(start[0] + 1, start[0] + 1 + len(cells)), cells, start[1] + 1),)),
                )
    except calamine.PasswordError:
        refuse_other_formats(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", name)
    except calamine.CalamineError as broken:
        raise WorkbookError(
            f"the workbook is damaged ({broken})", hint="save as .xlsx in Excel", where=name
        ) from broken
    except BaseException as panic:  # a panic of the Rust library is no Exception
        if type(panic).__name__ not in _PANICS:
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
