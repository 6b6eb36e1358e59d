"""Every line of the specification of bad input that is about workbooks: its code, its words, its exit code."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from pydantic import BaseModel

from runner import sheets
from runner.core.errors import RunnerError, exit_code_of

SPECIFICATION = Path(__file__).parents[1] / ".." / "shared" / "data" / "bad_inputs.json"
CASES: dict[str, dict[str, Any]] = (
    {one["id"]: one for one in json.loads(SPECIFICATION.read_text("utf-8"))["cases"] if one["area"] == "workbooks"}
    if SPECIFICATION.exists()
    else {}
)  # fmt: skip
DOCTYPE = b'<!DOCTYPE sst [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
OUTSIDE = b"<!DOCTYPE sst [<!ENTITY a SYSTEM 'file:///etc/hostname'>]>"

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CASES, reason="../shared/data/bad_inputs.json is not there"),
]


class Row(BaseModel):
    name: str
    amount: Decimal


def good(path: Path) -> Path:
    """Two sheets with shared strings and a column between the two that a row has."""
    book = xlsxwriter.Workbook(str(path))
    for name in ("S1", "S2"):
        page = book.add_worksheet(name)
        for number, cells in enumerate(
            [["Name", "x", "Amount"], *([f"n{n}", "", n * 1.5] for n in range(9))]
        ):
            page.write_row(number, 0, cells)
    book.close()
    return path


def packed(path: Path, change: Callable[[str, bytes], bytes | None]) -> None:
    """The package with other parts: what `change` gives for each, None: left out."""
    out = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            content = change(entry.filename, old.read(entry))
            if content is not None:
                new.writestr(entry.filename, content)
    path.write_bytes(out.getvalue())


def plain(path: Path, *lines: list[object]) -> None:
    book = openpyxl.Workbook()
    for line in lines:
        book.worksheets[0].append(line)
    book.save(path)


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as book:
        entry = book.getinfo("xl/worksheets/sheet1.xml")
    data[entry.header_offset + 30 + len(entry.filename) + entry.compress_size // 2] ^= 4
    path.write_bytes(data)


def doubled(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as book, pytest.warns(UserWarning, match="Duplicate name"):
        book.writestr("xl/worksheets/sheet1.xml", b"<worksheet/>")


def in_rows(xml: bytes) -> Callable[[str, bytes], bytes]:
    return lambda name, data: (
        data.replace(b"</sheetData>", xml + b"</sheetData>") if "sheet1" in name else data
    )


def in_strings(xml: bytes) -> Callable[[str, bytes], bytes]:
    return lambda name, data: data.replace(b"<sst", xml + b"<sst", 1) if "sharedStrings" in name else data


NINE: list[list[object]] = [[0, 1, "n"] for _ in range(8)]
FAR = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
SEVEN: list[list[object]] = [["Name", "x", "Amount"]]
SEVEN += [["b", None, n] for n in range(5)]
MADE: dict[str, Callable[[Path], object]] = {
    "WO01": lambda path: path.write_bytes(b"a,b\n"),
    "WO02": lambda path: path.write_bytes(b""),
    "WO03": lambda path: path.write_bytes(bytes.fromhex("D0CF11E0A1B11AE1") + bytes(600)),
    "WO04": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "WO05": flipped,
    "WO06": lambda path: packed(path, lambda name, data: None if name.endswith("sheet2.xml") else data),
    "WO07": lambda path: packed(path, lambda name, data: None if "sharedStrings" in name else data),
    "WO08": doubled,
    "WO09": lambda path: packed(path, in_rows(b" " * (60 << 20))),
    "WO10": lambda path: packed(path, in_strings(DOCTYPE)),
    "WO11": lambda path: packed(path, in_strings(OUTSIDE)),
    "WO12": lambda path: packed(path, in_rows(FAR)),
    "WO13": lambda path: plain(path, ["Name", "Amuont"], ["a", 1]),
    "WO14": lambda path: plain(path, ["Name", "x", "Amount", "y", "z", "Amount"], ["a", 0, 1, 0, 0, 1]),
    "WO15": lambda path: plain(path, *SEVEN, ["b", None, "1.234,56"], ["c", None, 7]),
    "WO16": lambda path: plain(path, *SEVEN, ["b", None, "#REF!"], ["c", None, 7]),
    "WO17": lambda path: plain(path, ["x", "Amount", "Name"], *NINE, [0, "=SUM(B2:B9)", "s"]),
}  # fmt: skip


def assert_says(case: str, error: RunnerError) -> None:
    wanted, said = CASES[case], str(error)
    assert f": {wanted['error_code']}: " in said
    assert exit_code_of(error) == wanted["exit_code"]
    assert [word for word in wanted["message_must_contain"] if word not in said] == [], said


@pytest.mark.parametrize("case", MADE)
def test_bad_input_is_answered_in_the_words_of_the_specification(case: str, tmp_path: Path) -> None:
    path = good(tmp_path / "x.xlsx")
    MADE[case](path)
    try:
        bad = sheets.read(path, Row).bad
    except RunnerError as refused:
        assert_says(case, refused)
        return
    assert len(bad) == 1
    assert_says(case, bad[0].errors[0])


def test_a_save_never_removes_what_the_specification_fears_for(tmp_path: Path) -> None:
    """WO18: sparklines and text boxes are kept, so that there is nothing to refuse."""
    path = tmp_path / "x.xlsx"
    book = xlsxwriter.Workbook(str(path))
    page = book.add_worksheet()
    page.write_row(0, 0, [1, 2, 3])
    page.add_sparkline("D1", {"range": "A1:C1"})
    page.insert_textbox("E5", "kept")
    page.write_dynamic_array_formula("A3:A5", "=SORT(A1:C1)")
    book.close()
    with zipfile.ZipFile(path) as before:
        parts = {name: before.read(name) for name in before.namelist()}
    sheets.patch_cells(path, path, None, {(9, 1): "new"})
    with zipfile.ZipFile(path) as after:
        kept = {name: after.read(name) for name in after.namelist()}
    changed = {name for name in parts if kept[name] != parts[name]}
    assert changed <= {"xl/worksheets/sheet1.xml", "xl/workbook.xml"}
    assert (
        b"x14:sparkline " in kept["xl/worksheets/sheet1.xml"]
        or b"<x14:sparkline>" in kept["xl/worksheets/sheet1.xml"]
    )
    assert b"kept" in kept["xl/drawings/drawing1.xml"]
    assert "xl/metadata.xml" in kept


@pytest.mark.parametrize("reason", ["open", "read-only", "changed"])
def test_a_file_that_is_in_use_is_left_alone(reason: str, tmp_path: Path) -> None:
    path = good(tmp_path / "x.xlsx")
    rows = sheets.read(path, Row)
    if reason == "open":
        (tmp_path / "~$x.xlsx").write_bytes(b"\x06Li Wei" + b" " * 48)
    elif reason == "read-only":
        path.chmod(0o444)
    else:
        plain(path, ["Name", "Amount"], ["other", 1])
    before = path.read_bytes()
    with pytest.raises(RunnerError) as caught:
        sheets.patch_cells(path, path, None, {(2, 9): "x"}, fingerprint=rows.fingerprint)
    assert_says("WO19", caught.value)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "value",
    ["a\x0bb", "x" * 40_000, dt.datetime(2026, 1, 1, tzinfo=dt.UTC), 12345678901234567890],
    ids=["control character", "too long", "time zone", "20 digits"],
)
def test_a_value_that_no_cell_holds_is_refused_with_its_reason(value: Any, tmp_path: Path) -> None:
    path = good(tmp_path / "x.xlsx")
    with pytest.raises(RunnerError) as caught:
        sheets.patch_cells(path, path, None, {(4, 1): value})
    assert_says("WO20", caught.value)


def test_every_line_is_tested_here() -> None:
    assert set(CASES) == {*MADE, "WO18", "WO19", "WO20"}
