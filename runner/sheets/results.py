"""`sheets.write_results`: what became of each row, written beside it in a copy of the workbook."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from runner.core.errors import WorkbookError, WorkbookLoss
from runner.sheets import delimited, saving
from runner.sheets.bands import CellValue
from runner.sheets.cellxml import LONGEST_TEXT, Value
from runner.sheets.columns import ROWS_MEASURED, Column, width_of
from runner.sheets.columnwise import KEPT, ColumnEdits, Kept
from runner.sheets.draft import Draft
from runner.sheets.edge import Edge, edge_of
from runner.sheets.grid import TEXT_SUFFIXES, XML_SUFFIXES, Fingerprint, Grid, Source, grids, load
from runner.sheets.package import Package
from runner.sheets.widening import NewColumns, widen
from runner.sheets.workbook import choose, describe
from runner.sheets.writing import BACKUPS_KEPT, SheetEdits, write_draft

STATUS, MESSAGE = "Runner status", "Runner message"
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one source row: a word, a message for people, and outputs by name."""

    row: int
    status: str
    message: str = ""
    output: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Headings:
    """The words above the status and the message column."""

    status: str = STATUS
    message: str = MESSAGE


@dataclass(frozen=True)
class _Frame:
    """Where the header is (None: the first row with anything in it) and what our columns are called."""

    header_row: int | None
    headings: Headings


def result_path(source: Path) -> Path:
    """Where results go by default: ``orders.xlsx`` → ``orders.result.xlsx`` in the same folder."""
    return source.with_name(f"{source.stem}.result{source.suffix}")


def write_results(
    source: Path | str,
    target: Path | str | None,
    results: Iterable[Result],
    *,
    sheet: str | None = None,
    header_row: int | None = None,
    fingerprint: Fingerprint | None = None,
    headings: Headings = Headings(),
    backups: int = BACKUPS_KEPT,
    marked: bool = False,
) -> Path:
    """Write status, message and outputs of each row to the right of the used columns; the file written.

    `target` None: a copy, `result_path(source)`. `target` the source itself: in place, all else kept, its last `backups` states
    in the folder ``.backups`` beside it. A copy from an earlier run is brought up to date: its columns are used again,
    rows not in `results` keep what they have (where the row itself is still the same), outputs with new names get columns.
    What people added to it stays as long as the source is unchanged. `sheet`, `header_row` and `fingerprint` are those of the
    `Rows` that were read. New columns get a width, and the filter or the Excel table that ends beside them takes them in. A text
    table gets a text table, never in place. `marked`: the workbook itself tells which run wrote it (see `sheets.edit`).

    Raises WorkbookError: WB_IN_PLACE (a text table in place), WB_BUSY (open, read-only, changed since read), WB_VALUE (an output
    that no cell can hold); WorkbookLoss where the copy exists and was not written by this function, or where content
    can't be kept. Nothing is written then.
    """
    source = Path(source)
    target = Path(target) if target is not None else result_path(source)
    _refuse_in_place(source, target)
    saving.refuse_if_busy(target)
    frame, loaded = _Frame(header_row, headings), load(source)
    if fingerprint is not None:
        saving.refuse_if_changed(source, fingerprint)
    is_same = source.resolve() == target.resolve()
    if target.exists() and not is_same:
        old = load(target)
        wanted = {result.row: result for result in results}
        base, grid, wanted = _brought_forward(loaded, _grid(loaded, sheet), old, wanted, frame)
        beside = _beside(_edge_of_grid(grid, header_row), wanted.values(), headings)
        expected: Fingerprint | None = old.fingerprint
    else:
        base, expected = loaded, loaded.fingerprint if is_same else None
        beside = _beside(_edge(loaded, sheet, header_row), results, headings)
    if source.suffix.lower() in TEXT_SUFFIXES:
        _write_text(base, target, beside.edits, expected)
        return target
    draft = Draft.of(base)
    page = choose(draft.package, draft.workbook, beside.sheet)
    widen(draft, page, beside.new)
    one = SheetEdits(page, beside.edits, beside.like, spares_locked=is_same)
    write_draft(draft, target, [one], expected=expected, backups=backups if is_same else 0, marked=marked)
    return target


def _refuse_in_place(source: Path, target: Path) -> None:
    if source.suffix.lower() not in (*XML_SUFFIXES, *TEXT_SUFFIXES):
        raise WorkbookError(
            f"results can't be written into a '{source.suffix}' file",
            expected="an .xlsx, .xlsm, .csv or .tsv file",
            hint="save the source as .xlsx",
            where=source.name,
            code="WB_NOT_XLSX",
        )
    if source.resolve() == target.resolve() and source.suffix.lower() in TEXT_SUFFIXES:
        raise WorkbookError(
            f"{source.name} is a text table, and results are not written in place into one",
            expected=f"a copy such as {result_path(source).name}",
            hint="leave the target out; nothing was written",
            where=source.name,
            code="WB_IN_PLACE",
        )


def _grid(source: Source, sheet: str | None) -> Grid:
    return next(grids(source, sheet))


def _brought_forward(
    source: Source,
    fresh: Grid,
    old: Source,
    wanted: dict[int, Result],
    frame: _Frame,
) -> tuple[Source, Grid, dict[int, Result]]:
    """What to write on: the earlier target while the source's rows are the same, else the source with old results."""
    earlier = _grid(old, fresh.sheet or None)
    header = _header_number(earlier, frame.header_row)
    columns = {str(word): column for column, word in _row(earlier, header).items()}
    first = columns.get(frame.headings.status)
    if first is None:
        raise WorkbookLoss(
            f"{old.path.name} exists and has no column '{frame.headings.status}': it was not written by Runner",
            expected="a file from an earlier run, or none",
            hint="move it away or give another target; nothing was written",
            where=old.path.name,
        )
    numbers = range(1, max(fresh.last_row, earlier.last_row) + 1)
    changed = {
        n for n in numbers if _row(fresh, n) != {c: v for c, v in _row(earlier, n).items() if c < first}
    }
    if not changed:
        return old, earlier, wanted
    names = {column: word for word, column in columns.items() if column >= first}
    for number in numbers:
        if number > header and number not in changed and number not in wanted:
            cells = {names[c]: v for c, v in _row(earlier, number).items() if c in names}
            if cells:
                wanted[number] = _carried(number, cells, frame.headings)
    return source, fresh, wanted


def _carried(number: int, cells: dict[str, CellValue], headings: Headings) -> Result:
    status, message = (str(cells.pop(word, "")) for word in (headings.status, headings.message))
    output = {word: str(v) if isinstance(v, dt.timedelta) else v for word, v in cells.items()}
    return Result(number, status, message, output)


@dataclass(frozen=True, slots=True)
class _Beside:
    """What is written beside the rows: the cells, whose style new headings take, and which columns are new."""

    sheet: str
    edits: ColumnEdits
    like: dict[int, int]
    new: NewColumns


def _edge(source: Source, sheet: str | None, header_row: int | None) -> tuple[str, Edge]:
    """The sheet, and what has to be known of it to write beside its rows; they are only laid out where there is no other way."""
    if source.path.suffix.lower() in XML_SUFFIXES:
        package = Package(source.data, source.path.name)
        workbook = describe(package)
        page = choose(package, workbook, sheet)
        found = edge_of(package, workbook, page, header_row)
        if found is not None:
            return page.name, found
    return _edge_of_grid(_grid(source, sheet), header_row)


def _edge_of_grid(grid: Grid, header_row: int | None) -> tuple[str, Edge]:
    header = _header_number(grid, header_row)
    words = {column: str(word) for column, word in _row(grid, header).items()}
    return grid.sheet, Edge(header, words, max([*words, grid.content.last_column(header)], default=0))


def _beside(found: tuple[str, Edge], results: Iterable[Result], headings: Headings) -> _Beside:
    sheet, edge = found
    first = next((column for column, word in edge.words.items() if word == headings.status), None)
    known = {word: column for column, word in edge.words.items() if first is not None and column >= first}
    names: dict[str, int] = {headings.status: 0, headings.message: 1}
    rows: dict[int, list[Value | Kept] | tuple[Value | Kept, ...]] = {edge.header: []}
    for result in results:
        cells: list[Value | Kept] = [result.status, _printable(result.message) if result.message else None]
        for name, value in result.output.items():
            at = names.setdefault(name, len(names))
            cells += [KEPT] * (at + 1 - len(cells))
            cells[at] = value
        rows[result.row] = tuple(cells)
    last, new = edge.last, {}
    for name in names:
        if name not in known:
            last += 1
            known[name], new[last] = last, name
    columns = [known[name] for name in names]
    rows[edge.header] = [new.get(column, KEPT) for column in columns]
    if not new:
        del rows[edge.header]
    like = {edge.header: max(edge.words)} if edge.words and new else {}
    edits = ColumnEdits(columns, rows)
    return _Beside(sheet, edits, like, NewColumns(edge.header, new, _widths(new, edits)))


def _widths(new: Mapping[int, str], edits: ColumnEdits) -> dict[int, float]:
    sample = list(itertools.islice(edits.values(), ROWS_MEASURED))
    return {
        column: width_of(Column("", word), ({"": cells.get(column)} for cells in sample))
        for column, word in new.items()
    }


def _printable(message: str) -> str:
    """A message is for people: characters that no cell holds become ``?``, and the end of a long one is cut off."""
    plain = _UNPRINTABLE.sub("?", message)
    return plain if len(plain) < LONGEST_TEXT // 2 else f"{plain[:16_000]} … ({len(plain):,} characters)"


def _header_number(grid: Grid, header_row: int | None) -> int:
    if header_row is not None:
        return header_row
    return next((n for n in range(grid.first_row, grid.last_row + 1) if _row(grid, n)), 1)


def _row(grid: Grid, number: int) -> dict[int, CellValue]:
    """The cells of a row that hold something, by column."""
    return {column: value for column, value in enumerate(grid.row(number), 1) if value != ""}


def _write_text(
    base: Source, target: Path, edits: Mapping[int, Mapping[int, Value]], expected: Fingerprint | None
) -> None:
    table = delimited.parse(base.data, base.path.name)
    rows = [list(row) for row in table.rows]
    for number, cells in edits.items():
        rows += [[] for _ in range(number - len(rows))]
        row = rows[number - 1]
        for column, value in cells.items():
            row += [""] * (column - len(row))
            row[column - 1] = "" if value is None else str(value)
    table = replace(table, rows=rows)
    content = delimited.written(table, rows)

    def write(out: BinaryIO) -> None:
        out.write(content)

    def check(temporary: Path) -> None:
        if temporary.read_bytes() != content:
            raise WorkbookLoss(
                "the file written reads differently", hint="nothing was written", where=target.name
            )

    saving.replace(target, write, check, expected=expected)
