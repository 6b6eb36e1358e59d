"""Workbooks of other projects, one cell written into each, as LibreOffice sees them before and after: all other cells the same."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from runner import sheets
from runner.core.errors import RunnerError
from runner.sheets.grid import XML_SUFFIXES, grids, load

ROOT: Final = Path(__file__).resolve().parents[1]
CORPUS: Final = ROOT.parent / "shared" / "data" / "spreadsheets"
WRITTEN: Final = "written by Runner"
START_LIMIT_S, EACH_LIMIT_S = (
    120,
    15,
)  # one workbook takes a second or two alone, ten where seven others want the machine
INSTALL_LIMIT_S: Final = 600
ALL_SHEETS: Final = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"

Table = dict[tuple[int, int], str]


class Checks(Protocol):
    """What held and what did not."""

    def that(self, what: str, seen: object, expected: object) -> None:
        """Compare and say so."""
        ...


def check_workbooks(folder: Path, checks: Checks) -> None:
    """Write one cell into every workbook of the corpus that opens, and compare what LibreOffice reads."""
    if not CORPUS.exists():
        print("== workbooks: ../shared/data/spreadsheets is not there, left out")
        return
    program = _libreoffice()
    if program is None:
        print("== workbooks: LibreOffice is not there (apt-get install libreoffice-calc-nogui), left out")
        return
    work = folder / "workbooks"
    work.mkdir()
    places = _write_all(work)
    print(f"== workbooks: one cell written into each of {len(places)}, read by LibreOffice before and after")
    tables = _converted(
        program, work, [f"{state}-{name}" for name in places for state in ("old", "again", "new")]
    )
    opened = [name for name in places if any(key.startswith(f"old-{name}/") for key in tables)]
    checks.that("LibreOffice opens at least 55 of them", len(opened) >= 55, expected=True)
    lost, wrong, missing = [], [], []
    for name in opened:
        before = {
            key.removeprefix("old-"): table for key, table in tables.items() if key.startswith(f"old-{name}/")
        }
        if not any(key.startswith(f"new-{name}/") for key in tables):
            lost.append(name)
            continue
        seen = 0
        for key, table in before.items():
            after = tables.get(f"new-{key}", {})
            moving = _different(table, tables.get(f"again-{key}", {}))  # the time of day, random numbers
            changed = _different(table, after) - moving
            own = {cell for cell in changed if after.get(cell) == WRITTEN}
            seen += len(own)
            wrong += [
                f"{key} {cell}" for cell in sorted(changed - own) if not _is_random(CORPUS / name, key, cell)
            ]
        if seen != 1:
            missing.append(f"{name}: {seen} times")
    checks.that("it opens each of them afterwards", lost, [])
    checks.that("no other cell reads differently", wrong[:10], [])
    checks.that("the written cell is there, once", missing[:10], [])


def _write_all(work: Path) -> list[str]:
    """Copies of the workbooks, and the same with one cell written; the names of those that can be written to."""
    names = []
    for source in sorted(CORPUS.iterdir()):
        if source.suffix not in XML_SUFFIXES:
            continue
        try:
            grid = next(grids(load(source)))
            place = (grid.first_row + 1, grid.content.last_column(1) + 3)
            sheets.patch_cells(source, work / f"new-{source.name}", grid.sheet, {place: WRITTEN})
        except RunnerError:
            continue
        for state in ("old", "again"):
            shutil.copyfile(source, work / f"{state}-{source.name}")
        names.append(source.name)
    return names


def _converted(program: str, work: Path, names: Sequence[str]) -> dict[str, Table]:
    """Every sheet as LibreOffice reads it, by ``NAME/SHEET``; one process for all of them."""
    out = work / "csv"
    words = [
        program,
        f"-env:UserInstallation={(work / 'profile').as_uri()}",
        "--headless",
        "--norestore",
        "--convert-to",
        ALL_SHEETS,
    ]
    limit = START_LIMIT_S + EACH_LIMIT_S * len(names)
    try:
        subprocess.run(
            [*words, "--outdir", str(out), *(str(work / name) for name in names)],
            capture_output=True, check=False, timeout=limit, env={**os.environ, "HOME": str(work)},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        print(f"  LibreOffice was ended after {limit} s")
    tables = {}
    for path in sorted(out.glob("*.csv")):
        name = max((one for one in names if path.name.startswith(f"{Path(one).stem}-")), key=len, default="")
        if name:
            tables[f"{name}/{path.name.removeprefix(Path(name).stem)}"] = _table(path)
    return tables


def _table(path: Path) -> Table:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        rows = csv.reader(file)
        return {(r, c): text for r, row in enumerate(rows, 1) for c, text in enumerate(row, 1) if text}


def _different(one: Table, other: Table) -> set[tuple[int, int]]:
    return {cell for cell in one.keys() | other.keys() if one.get(cell) != other.get(cell)}


def _is_random(path: Path, sheet: str, cell: tuple[int, int]) -> bool:
    """Whether a cell draws lots or tells the time: two looks may be the same by chance, and the third one not."""
    import warnings

    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(path)
    formulas = [
        str(page.cell(*cell).value) for page in book.worksheets if sheet.endswith(f"-{page.title}.csv")
    ]
    return any(word in formula for formula in formulas for word in ("RAND", "NOW(", "TODAY("))


def _libreoffice() -> str | None:
    """The program; installed where this is root's Debian."""
    found = shutil.which("soffice")
    if found or not (os.geteuid() == 0 and Path("/etc/debian_version").exists() and shutil.which("apt-get")):
        return found
    print("installing libreoffice-calc-nogui with apt-get")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-qq", "-y", "--no-install-recommends", "libreoffice-calc-nogui"],
    ):
        try:
            subprocess.run(words, env=environment, capture_output=True, check=False, timeout=INSTALL_LIMIT_S)
        except subprocess.TimeoutExpired:
            return None
    return shutil.which("soffice")
