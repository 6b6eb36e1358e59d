"""Workbooks as forms: some columns to fill in, the rest locked, with choices; written to be read back by us."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

from runner.core.errors import WorkbookError
from runner.sheets import saving
from runner.sheets.bands import CellValue
from runner.sheets.cellxml import content
from runner.sheets.grid import Grid, grids, load
from runner.sheets.reporting import check_written, is_doubtful
from runner.sheets.sheetxml import address, letters

MARKS: Final = "_runner"  # the hidden sheet that says what the file is
NAMES_ROW: Final = 1  # hidden: the columns' own names, whatever language their headings have
HEADINGS_ROW: Final = 2
FIRST_ROW: Final = 3
_LONGEST_LIST: Final = 250  # characters that Excel allows in a list of choices (255 with its signs)
_FORMATS: Final[Mapping[str, str]] = {
    "text": "@", "json": "@", "choice": "@", "boolean": "General", "number": "General", "decimal": "General",
    "integer": "General", "date": "yyyy-mm-dd", "datetime": "yyyy-mm-dd hh:mm:ss",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FormColumn:
    """One column: `name` is how it is read back, `heading` what people see, `kind` a key of the cell formats."""

    name: str
    heading: str
    kind: str = "text"
    width: float = 16
    is_editable: bool = False
    is_hidden: bool = False
    choices: tuple[str, ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True)
class FormRow:
    """One row: values by column name, links (addresses) by column name, choices where they differ from the column's."""

    values: Mapping[str, Any]
    links: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FormSheet:
    """One sheet; `name` has to be one that Excel accepts (`sheet_names` makes them)."""

    name: str
    columns: tuple[FormColumn, ...]
    rows: Sequence[FormRow]


@dataclass(frozen=True, slots=True)
class FilledRow:
    """A row as it came back: its number, and the cells under the columns' names (an empty one is the empty text)."""

    number: int
    cells: Mapping[str, CellValue]


@dataclass(frozen=True, slots=True)
class FilledSheet:
    """A sheet as it came back. `columns` are the letters of the columns by name, for naming a place in an error."""

    name: str
    columns: Mapping[str, str]
    rows: tuple[FilledRow, ...]

    def where(self, row: int, column: str) -> str:
        """``orders!G7``."""
        return f"{self.name}!{self.columns.get(column, '')}{row}"


def write_form(
    path: Path, sheets: Sequence[FormSheet], *, marks: Mapping[str, str], guide: tuple[str, Sequence[str]]
) -> Path:
    """Write the form; the file written. `marks` come back from `read_form`; `guide` is a sheet's name and its lines.

    Sheets are protected without a password: locked cells can't be changed by accident, filters work. Text stays text, whatever
    it begins with. Raises WorkbookError: WB_VALUE, WB_BUSY, WB_NOT_XLSX.
    """
    if path.suffix.lower() != ".xlsx":
        raise WorkbookError(
            f"a form can't be written as '{path.suffix}'", expected="a name ending in .xlsx", where=path.name,
            code="WB_NOT_XLSX",
        )  # fmt: skip

    def write(out: BinaryIO) -> None:
        import xlsxwriter

        plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        book = xlsxwriter.Workbook(out, plain)
        try:
            styles = _Styles(book)
            _write_guide(book, guide)
            for form in sheets:
                _write_sheet(book, form, styles)
            hidden = book.add_worksheet(MARKS)
            for number, (name, value) in enumerate(marks.items()):
                hidden.write_string(number, 0, name)
                hidden.write_string(number, 1, value)
            hidden.protect()
            hidden.very_hidden()
            for sheet in book.worksheets()[1:2]:
                sheet.activate()
        finally:
            book.close()

    saving.replace(path, write, check_written)
    return path


def read_form(path: Path) -> tuple[dict[str, str], list[FilledSheet]]:
    """The marks of a form and its sheets, as people saved it with whatever program.

    Raises WorkbookError: WB_FORM for a file that is no form of ours, and what reading any workbook raises.
    """
    source = load(path)
    try:
        hidden = next(iter(grids(source, MARKS)))
    except WorkbookError as error:
        if error.stable_code == "WB_SHEET":
            raise _no_form(path) from error
        raise
    marks = {str(row[0]): str(row[1]) for _, row in hidden.content.rows() if len(row) > 1}
    found = [sheet for grid in grids(source) if (sheet := _filled(grid)) is not None]
    return marks, found


def sheet_names(wanted: Sequence[str]) -> dict[str, str]:
    """A name that Excel accepts for each of `wanted`, all different."""
    names: dict[str, str] = {}
    for one in wanted:
        plain = "".join("_" if sign in "[]:*?/\\'" else sign for sign in one).strip()[:28] or "sheet"
        name, number = plain, 2
        while name.casefold() in {other.casefold() for other in names.values()} | {MARKS, "history"}:
            name, number = f"{plain}~{number}", number + 1
        names[one] = name
    return names


class _Styles:
    """Cell formats of a workbook, each made once."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[tuple[str, bool], Any] = {}
        self.heading = book.add_format({"bold": True, "bg_color": "#E8ECF1", "border": 1, "border_color": "#C5CCD6",
                                        "text_wrap": True, "valign": "top"})  # fmt: skip
        self.to_fill = book.add_format({"bold": True, "bg_color": "#FFF3C4", "border": 1, "border_color": "#D9B44A",
                                        "text_wrap": True, "valign": "top"})  # fmt: skip
        self.link = book.add_format({"font_color": "#0B57D0", "underline": 1})

    def of(self, column: FormColumn) -> Any:
        """The format of a column's cells."""
        key = (column.kind, column.is_editable)
        if key not in self._made:
            look = {"num_format": _FORMATS[column.kind], "valign": "top", "locked": not column.is_editable}
            if column.is_editable:
                look |= {"bg_color": "#FFFDF2", "border": 1, "border_color": "#E5DCB8"}
            else:
                look |= {"font_color": "#3C4756"}
            self._made[key] = self._book.add_format(look)
        return self._made[key]


def _write_guide(book: Any, guide: tuple[str, Sequence[str]]) -> None:
    name, lines = guide
    sheet = book.add_worksheet(name)
    sheet.set_column(0, 0, 110)
    title = book.add_format({"bold": True, "font_size": 14})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    for number, line in enumerate(lines):
        sheet.write_string(number, 0, line, title if number == 0 else wrapped)
    sheet.hide_gridlines(2)
    sheet.protect()


def _write_sheet(book: Any, form: FormSheet, styles: _Styles) -> None:
    sheet = book.add_worksheet(form.name)
    for at, column in enumerate(form.columns):
        sheet.set_column(at, at, column.width, None, {"hidden": column.is_hidden})
        sheet.write_string(NAMES_ROW - 1, at, column.name)
        sheet.write_string(
            HEADINGS_ROW - 1, at, column.heading, styles.to_fill if column.is_editable else styles.heading
        )
        if column.hint:
            sheet.write_comment(HEADINGS_ROW - 1, at, column.hint)
    sheet.set_row(NAMES_ROW - 1, None, None, {"hidden": True})
    last = HEADINGS_ROW - 1
    for last, row in enumerate(form.rows, FIRST_ROW - 1):
        for at, column in enumerate(form.columns):
            _write_cell(sheet, (last, at), row, column, styles=styles, where=form.name)
    for at, column in enumerate(form.columns):
        if column.choices and form.rows:
            _offer(sheet, (FIRST_ROW - 1, at, last, at), column.choices)
    for number, row in enumerate(form.rows, FIRST_ROW - 1):
        for at, column in enumerate(form.columns):
            if column.name in row.choices:
                _offer(sheet, (number, at, number, at), row.choices[column.name])
    frozen = sum(1 for column in form.columns[:3] if not column.is_editable)
    sheet.freeze_panes(FIRST_ROW - 1, frozen)
    sheet.autofilter(HEADINGS_ROW - 1, 0, max(last, FIRST_ROW - 1), len(form.columns) - 1)
    sheet.protect("", {"autofilter": True, "sort": True, "format_columns": True, "format_rows": True})


def _offer(sheet: Any, place: tuple[int, int, int, int], choices: tuple[str, ...]) -> None:
    """A drop-down; a list that is too long for one stays a cell to write into, and is checked when it comes back."""
    if len(",".join(choices)) <= _LONGEST_LIST and not any("," in one for one in choices):
        sheet.data_validation(*place, {"validate": "list", "source": list(choices), "ignore_blank": True})


def _write_cell(
    sheet: Any, place: tuple[int, int], row: FormRow, column: FormColumn, *, styles: _Styles, where: str
) -> None:
    value, style = row.values.get(column.name), styles.of(column)
    if is_doubtful(value):
        content(value, f"{where}!{address(place[0] + 1, place[1] + 1)}")
    if column.name in row.links:
        sheet.write_url(*place, row.links[column.name], styles.link, string=str(value or ""))
    elif value is None or value == "":
        sheet.write_blank(*place, None, style)
    elif isinstance(value, bool):
        sheet.write_boolean(*place, value, style)
    elif isinstance(value, str):
        sheet.write_string(*place, value, style)
    elif isinstance(value, int | float) or hasattr(value, "as_tuple"):
        sheet.write_number(*place, value, style)
    else:
        sheet.write_datetime(*place, value, style)


def _filled(grid: Grid) -> FilledSheet | None:
    """A sheet of ours, told by the names in its first row; None for the guide and for sheets that people added."""
    names = [str(cell).strip() for cell in grid.row(NAMES_ROW)]
    if not names or names[0] != "case":
        return None
    places = {name: at for at, name in enumerate(names) if name}
    rows = tuple(_filled_rows(grid, places))
    return FilledSheet(grid.sheet, {name: letters(at + 1) for name, at in places.items()}, rows)


def _filled_rows(grid: Grid, places: Mapping[str, int]) -> Iterator[FilledRow]:
    for number, cells in grid.content.rows():
        if number < FIRST_ROW:
            continue
        found = {name: cells[at] if at < len(cells) else "" for name, at in places.items()}
        if any(value != "" for value in found.values()):
            yield FilledRow(number, found)


def _no_form(path: Path) -> WorkbookError:
    return WorkbookError(
        "this workbook was not exported from the exception queue",
        expected="a file made by: runner cases export, with all its sheets",
        hint="export the cases again and fill in that file",
        where=path.name,
        code="WB_FORM",
    )
