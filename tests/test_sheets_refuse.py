"""What a workbook is refused for, in the words of the specification of bad input."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from pydantic import BaseModel

from runner import sheets
from runner.core.errors import RunnerError, WorkbookError
from runner.sheets.package import Limits, Package

SPECIFICATION = Path(__file__).parents[1] / ".." / "shared" / "data" / "bad_inputs.json"


class Row(BaseModel):
    name: str
    amount: Decimal


def good_workbook(path: Path) -> Path:
    """Two sheets, shared strings, a few rows."""
    book = xlsxwriter.Workbook(str(path))
    for name in ("S1", "S2"):
        page = book.add_worksheet(name)
        page.write_row(0, 0, ["Name", "Amount"])
        for at in range(1, 200):
            page.write_row(at, 0, [f"customer {at}", at * 1.5])
    book.close()
    return path


def rewritten(source: Path, target: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """A copy of a package in which `change` gives the new content of each part, or None to leave it out."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            content = change(entry.filename, old.read(entry))
            if content is not None:
                new.writestr(entry.filename, content)
    return target


def refusal(path: Path, sheet: str | None = None) -> WorkbookError:
    with pytest.raises(WorkbookError) as caught:
        sheets.read(path, Row, sheet=sheet)
    return caught.value


def assert_says(error: RunnerError, code: str, *words: str) -> None:
    text = str(error)
    assert f": {code}: " in text
    assert [word for word in words if word not in text] == [], text


def test_text_with_a_workbook_ending_is_called_text(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    path.write_bytes(b"a,b\n")
    assert_says(refusal(path), "WB_NOT_XLSX", "x.xlsx", "is text, not an Excel workbook", "save as .xlsx")


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    path.write_bytes(b"")
    assert_says(refusal(path), "WB_EMPTY", "0 bytes", "upload or export may have failed")


def test_an_encrypted_or_old_workbook_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    path.write_bytes(bytes.fromhex("D0CF11E0A1B11AE1") + bytes(600))
    words = ("password-protected or in the old .xls format", "remove the password")
    assert_says(refusal(path), "WB_OLE", *words)


def test_half_a_file_is_incomplete(tmp_path: Path) -> None:
    data = good_workbook(tmp_path / "x.xlsx").read_bytes()
    (tmp_path / "x.xlsx").write_bytes(data[: len(data) // 2])
    assert_says(refusal(tmp_path / "x.xlsx"), "WB_TRUNCATED", "incomplete", "size", "download again")


def test_one_flipped_bit_in_a_part_is_found(tmp_path: Path) -> None:
    path = good_workbook(tmp_path / "x.xlsx")
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as book:
        entry = book.getinfo("xl/worksheets/sheet1.xml")
    data[entry.header_offset + 30 + len(entry.filename) + entry.compress_size // 2] ^= 4
    path.write_bytes(data)
    assert_says(refusal(path), "WB_CRC", "damaged", "checksum", "part", "sheet1.xml")


def test_a_missing_worksheet_is_never_no_rows(tmp_path: Path) -> None:
    good = good_workbook(tmp_path / "good.xlsx")
    path = rewritten(good, tmp_path / "x.xlsx", lambda n, d: None if n.endswith("sheet2.xml") else d)
    assert_says(refusal(path), "WB_PART_MISSING", "sheet 'S2'", "listed but missing", "workbook is damaged")


@pytest.mark.parametrize(
    "break_it",
    [
        pytest.param(lambda data: None, id="missing"),
        pytest.param(lambda data: data[:200], id="cut off"),
        pytest.param(lambda data: re.sub(rb"<si>.*?</si>", b"", data, count=150), id="too short"),
    ],
)
def test_broken_shared_strings_are_damage(tmp_path: Path, break_it: Callable[[bytes], bytes | None]) -> None:
    good = good_workbook(tmp_path / "good.xlsx")
    path = rewritten(
        good, tmp_path / "x.xlsx", lambda n, d: break_it(d) if n.endswith("sharedStrings.xml") else d
    )
    assert_says(refusal(path), "WB_DAMAGED", "shared strings", "damaged")


def test_two_parts_with_one_name_are_refused(tmp_path: Path) -> None:
    path = good_workbook(tmp_path / "x.xlsx")
    with zipfile.ZipFile(path, "a") as book, pytest.warns(UserWarning, match="Duplicate name"):
        book.writestr("xl/worksheets/sheet1.xml", b"<worksheet/>")
    assert_says(refusal(path), "WB_DUP_PART", "two parts named", "refused")


def test_a_zip_bomb_is_refused_from_the_directory(tmp_path: Path) -> None:
    good = good_workbook(tmp_path / "good.xlsx")
    spaces = b" " * (40 << 20)
    path = rewritten(
        good,
        tmp_path / "x.xlsx",
        lambda n, d: d.replace(b"</sheetData>", spaces + b"</sheetData>") if "sheet1" in n else d,
    )
    assert_says(refusal(path), "WB_TOO_BIG", "expands to", "limit", "ratio")


def test_a_directory_that_lies_about_a_size_is_found_while_inflating(tmp_path: Path) -> None:
    path = good_workbook(tmp_path / "x.xlsx")
    data = bytearray(path.read_bytes())
    at = data.find(b"PK\x01\x02", data.find(b"PK\x01\x02") + 1)
    data[at + 24 : at + 28] = (100).to_bytes(4, "little")
    path.write_bytes(data)
    assert_says(refusal(path), "WB_CRC", "damaged", "100 bytes announced")


def test_the_total_of_all_parts_has_a_limit(tmp_path: Path) -> None:
    data = good_workbook(tmp_path / "x.xlsx").read_bytes()
    with pytest.raises(WorkbookError) as caught:
        Package(data, "x.xlsx", Limits(total=1000))
    assert_says(caught.value, "WB_TOO_BIG", "expand to", "limit", "ratio")


BOMB = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
OUTSIDE = b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/hostname'>]>"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("declaration", [BOMB, OUTSIDE], ids=["entities", "external"])
def test_a_document_type_declaration_is_refused(tmp_path: Path, declaration: bytes, encoding: str) -> None:
    good = good_workbook(tmp_path / "good.xlsx")

    def planted(name: str, data: bytes) -> bytes:
        if not name.endswith("sharedStrings.xml"):
            return data
        text = data.replace(b"<sst", b"<!-- harmless -->" + declaration + b"<sst", 1).decode()
        return text.replace('encoding="UTF-8"', f'encoding="{encoding}"').encode(encoding)

    path = rewritten(good, tmp_path / "x.xlsx", planted)
    assert_says(refusal(path), "WB_XML_DTD", "document type declaration", "not allowed")


def test_one_far_off_cell_is_refused_and_counted(tmp_path: Path) -> None:
    good = good_workbook(tmp_path / "good.xlsx")
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    path = rewritten(
        good,
        tmp_path / "x.xlsx",
        lambda n, d: d.replace(b"</sheetData>", far) if n.endswith("sheet1.xml") else d,
    )
    words = ("1,048,576 rows", "16,384 columns", "only", "cells contain data")
    assert_says(refusal(path), "WB_DIMENSION", *words)


def test_a_missing_column_names_the_nearest_heading(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.worksheets[0].title = "Data"
    book.worksheets[0].append(["Name", "Amuont"])
    book.save(tmp_path / "x.xlsx")
    words = ("column 'Amount' not found", "row 1", "did you mean 'Amuont'", "'Data'", "'Name'")
    assert_says(refusal(tmp_path / "x.xlsx"), "WB_COLUMN", *words)


def test_a_heading_that_appears_twice_is_refused_with_both_columns(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.worksheets[0].append(["Name", "x", "Amount", "y", "z", "Amount"])
    book.save(tmp_path / "x.xlsx")
    assert_says(refusal(tmp_path / "x.xlsx"), "WB_COLUMN_DUP", "column 'Amount' appears twice", "C", "F")


def test_an_unknown_sheet_names_the_others(tmp_path: Path) -> None:
    path = good_workbook(tmp_path / "x.xlsx")
    assert_says(refusal(path, sheet="S3"), "WB_SHEET", "'S3'", "'S1'", "'S2'")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert_says(refusal(tmp_path / "gone.xlsx"), "WB_NOT_FOUND", "gone.xlsx")


def test_the_words_of_the_specification_are_the_ones_tested_here() -> None:
    if not SPECIFICATION.exists():
        pytest.skip("../shared/data/bad_inputs.json is not there")
    ours = "".join(path.read_text() for path in Path(__file__).parent.glob("test_sheets_*.py"))
    cases = [case for case in json.loads(SPECIFICATION.read_text())["cases"] if case["area"] == "workbooks"]
    built = [case for case in cases if case["id"] != "WO18"]
    missing = [
        (c["id"], w) for c in built for w in [c["error_code"], *c["message_must_contain"]] if w not in ours
    ]
    assert missing == []
