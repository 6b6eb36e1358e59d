"""Real and nasty workbooks: read or refused in time and memory; one cell written, everything else untouched."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import openpyxl
import pytest
import python_calamine

from runner import sheets
from runner.core.errors import RunnerError, WorkbookError
from runner.sheets.grid import XML_SUFFIXES, grids, load
from runner.sheets.sheetxml import address
from runner.sheets.writing import patch_cells

CORPUS = Path(__file__).parents[1] / ".." / "shared" / "data" / "spreadsheets"
FILES = sorted(path.name for path in CORPUS.iterdir() if path.name != "INDEX.json") if CORPUS.exists() else []
BATCHES = [FILES[at::4] for at in range(4)]
WORKBOOK = "xl/workbook.xml"
SECONDS, MEGABYTES = 10, 400
CHILD = """
import json, sys, time
from pathlib import Path
from pydantic import BaseModel
from runner import sheets
from runner.core.errors import RunnerError, WorkbookError
from runner.sheets.grid import grids, load
class Nothing(BaseModel): pass
for name in sys.argv[1:]:
    start = time.process_time()
    try:
        cells = sum(len(row) for grid in grids(load(Path(name))) for _, row in grid.content.rows())
        said = f"read {cells}"
    except RunnerError as error:
        said = f"refused {error.stable_code}"
    # Not ru_maxrss, which a new program inherits from the process that started it.
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) // 1024
    print(json.dumps([Path(name).name, said, time.process_time() - start, peak]), flush=True)
"""
REFUSED = {
    "excelize__encryptSHA1.xlsx": "WB_OLE",
    "poifs__protected_sha512.xlsx": "WB_OLE",
    "openpyxl__null_archive.xlsx": "WB_NOT_XLSX",
    "poi__54764.xlsx": "WB_XML_DTD",
    "poi__54764-2.xlsx": "WB_XML_DTD",
    "poi__poc-xmlbomb.xlsx": "WB_XML_DTD",
    "poi__poc-xmlbomb-empty.xlsx": "WB_XML_DTD",
    "poi__clusterfuzz-testcase-minimized-POIXSSFFuzzer-5089447305609216.xlsx": "WB_TRUNCATED",
    "poi__clusterfuzz-testcase-minimized-XLSX2CSVFuzzer-5025401116950528.xlsx": "WB_DAMAGED",
    "poi__poc-shared-strings.xlsx": "WB_TOO_BIG",
    "poi__duplicate-filename-case-insensitive.xlsx": "WB_DUP_PART",
}

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not FILES, reason="../shared/data/spreadsheets is not there"),
]


@pytest.mark.parametrize("batch", range(4))
def test_each_file_is_read_or_refused_within_its_limits(batch: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *(str(CORPUS / name) for name in BATCHES[batch])],
        capture_output=True,
        text=True,
        timeout=5 * SECONDS * len(BATCHES[batch]),
        check=True,
        cwd=Path(__file__).parents[1],
    )
    found = {
        name: (said, seconds, peak) for name, said, seconds, peak in map(json.loads, done.stdout.splitlines())
    }
    assert sorted(found) == sorted(BATCHES[batch])
    for name, (said, seconds, peak) in found.items():
        assert said == f"refused {REFUSED[name]}" if name in REFUSED else said.startswith("read "), (
            name,
            said,
        )
        assert (name, seconds < SECONDS, peak < MEGABYTES) == (name, True, True)


Cells = dict[str, dict[tuple[int, int], object]]


def by_calamine(data: bytes) -> Cells | None:
    try:
        with python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
            pages = {meta.name: book.get_sheet_by_name(meta.name) for meta in book.sheets_metadata}
    except python_calamine.CalamineError:
        return None
    found: Cells = {}
    for name, page in pages.items():
        top, left = page.start or (0, 0)
        rows = enumerate(page.to_python(), top + 1)
        found[name] = {(r, c): v for r, row in rows for c, v in enumerate(row, left + 1) if v != ""}
    return found


def plain(value: object) -> str:
    """An array or table formula compares by its text."""
    return f"{getattr(value, 'ref', '')}{getattr(value, 'text', value)}"


def by_openpyxl(data: bytes) -> Cells | None:
    found: Cells = {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(io.BytesIO(data))
    except (KeyError, TypeError, ValueError):
        return None
    for page in book.worksheets:
        cells = (cell for row in page.iter_rows() for cell in row if cell.value is not None)
        found[page.title] = {(c.row, c.column): (plain(c.value), c.number_format, c.style_id) for c in cells}
    return found


def parts_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist()}


@pytest.mark.parametrize("name", [n for n in FILES if n.endswith(XML_SUFFIXES) and n not in REFUSED])
def test_writing_one_cell_changes_nothing_else(name: str, tmp_path: Path) -> None:
    source, target = CORPUS / name, tmp_path / name
    try:
        grid = next(grids(load(source)))
    except RunnerError as error:
        only_macro_or_chart_sheets = error.stable_code == "WB_SHEET"
        assert only_macro_or_chart_sheets
        return
    place = (grid.first_row + 1, grid.content.last_column(1) + 3)
    patch_cells(source, target, grid.sheet, {place: "written"})
    before, after = parts_of(source), parts_of(target)
    assert list(before) == list(after)
    different = {part for part in before if before[part] != after[part]}
    assert len(different - {WORKBOOK}) == 1
    if WORKBOOK in different:
        asked = re.sub(rb'<calcPr fullCalcOnLoad="1"/>| fullCalcOnLoad="1"', b"", after[WORKBOOK])
        assert asked == re.sub(rb' fullCalcOnLoad="0"', b"", before[WORKBOOK])
    for read in (by_calamine, by_openpyxl):
        old, new = read(source.read_bytes()), read(target.read_bytes())
        assert (old is None) == (new is None)
        if old is not None and new is not None and grid.sheet in new:
            written = new[grid.sheet].pop(place)
            assert written == "written" or (isinstance(written, tuple) and written[0] == "written")
            assert old == new, address(*place)


def add_a_row_and_a_sheet(path: Path) -> tuple[str, str]:
    """The sheet that got the row, and the code of the refusal."""
    try:
        with sheets.edit(path, protected=True) as book:
            page = book.sheet()
            page.append([["added"]])
            book.add_sheet("Added by a test", [{"a": 1}])
    except WorkbookError as refused:
        return "", refused.stable_code
    return page.name, ""


@pytest.mark.parametrize("name", [n for n in FILES if n.endswith(XML_SUFFIXES) and n not in REFUSED])
def test_a_row_and_a_sheet_are_added_in_place_and_the_rest_stays(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    before = (CORPUS / name).read_bytes()
    path.write_bytes(before)
    old, parts = by_calamine(before), parts_of(path)
    page, refusal = add_a_row_and_a_sheet(path)
    if refusal:
        assert refusal in {"WB_LOSS", "WB_COLUMN", "WB_SHEET"}  # torn apart; no headings; no sheet with cells
        assert path.read_bytes() == before
        assert [one.name for one in tmp_path.iterdir()] == [name]
        return
    after = parts_of(path)
    assert set(parts) - set(after) <= {"xl/calcChain.xml"}
    assert all(parts[one] == after[one] for one in parts if "/media/" in one or one.endswith(".bin"))
    new = by_calamine(path.read_bytes())
    assert (old is None) == (new is None)
    if old is None or new is None:
        return
    assert new.pop("Added by a test") == {(1, 1): "a", (2, 1): 1.0}
    row = next(number for (number, _), value in new[page].items() if value == "added")
    for sheet, cells in old.items():
        found = new[sheet]
        if sheet != page:
            assert found == cells
            continue
        # What is below has moved down by one row or, where nothing is, no cell has.
        moved = {(r + (r >= row), c): value for (r, c), value in cells.items()}
        kept = next(one for one in (cells, moved) if all(found.get(at) == value for at, value in one.items()))
        assert {place[0] for place in found.keys() - kept.keys()} == {row}


MAY_FOLLOW = re.compile(  # what names cells of a sheet, and so goes with rows that are put in
    r"xl/(workbook|calcChain|(?:worksheets|chartsheets|tables|drawings|charts|comments|threadedComments|pivotCache|pivotTables"
    r"|externalLinks|queryTables|xmlMaps|slicers|slicerCaches|ctrlProps|styles)\b.*)\.(xml|vml)"
    r"|xl/(?:.*/)?comments\w*\.xml|xl/drawings/.*|xl/_rels/workbook\.xml\.rels|\[Content_Types\]\.xml"
)


def as_template(source: Path, target: Path) -> tuple[str, int, int]:
    """A copy with a placeholder in its second row and, far below, a row for each entry of a list; sheet, row and free column."""
    grid = next(grids(load(source)))
    row, column = grid.first_row + 1, grid.content.last_column(1) + 3
    places = {(row, column): "{{name}}", (grid.last_row + 3, column): "{{lines.number}}"}
    patch_cells(source, target, grid.sheet, places)
    return grid.sheet, row, column


def fill(template: Path, filled: Path) -> str:
    """The code of the refusal, empty where there is none."""
    values = {"name": "filled", "lines": [{"number": number} for number in (1, 2, 3)]}
    try:
        with sheets.edit(template, save_as=filled, protected=True) as book:
            book.fill(values)
    except WorkbookError as refused:
        return refused.stable_code
    return ""


@pytest.mark.parametrize("name", [n for n in FILES if n.endswith(XML_SUFFIXES) and n not in REFUSED])
def test_a_template_is_filled_and_every_part_that_names_no_cells_stays(name: str, tmp_path: Path) -> None:
    template, filled = tmp_path / name, tmp_path / f"filled-{name}"
    try:
        sheet, row, column = as_template(CORPUS / name, template)
    except RunnerError:  # no sheet with cells
        return
    parts, old = parts_of(template), by_calamine(template.read_bytes())
    refusal = fill(template, filled)
    if refusal:
        assert refusal in {"WB_LOSS", "WB_PLACEHOLDER"}  # what would be torn apart; braces of its own
        assert [one.name for one in tmp_path.iterdir()] == [name]
        return
    after = parts_of(filled)
    assert set(parts) - set(after) <= {"xl/calcChain.xml"}
    assert set(after) <= set(parts)
    touched = {one for one in after if after[one] != parts[one]}
    assert {one for one in touched if not MAY_FOLLOW.fullmatch(one)} == set()
    new = by_calamine(filled.read_bytes())
    assert (old is None) == (new is None)
    if old is None or new is None or sheet not in old:
        return
    last = max(number for number, _ in old[sheet])
    wanted = {at: value for at, value in old[sheet].items() if at not in {(row, column), (last, column)}}
    wanted |= {(row, column): "filled"} | {(last + n, column): float(n + 1) for n in range(3)}
    assert {at: value for at, value in new[sheet].items() if value != ""} == wanted
    assert {one: cells for one, cells in new.items() if one != sheet} == {
        one: cells for one, cells in old.items() if one != sheet
    }
