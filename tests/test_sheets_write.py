"""Writing cells and results: what is changed, what is kept, what is refused."""

from __future__ import annotations

import datetime as dt
import math
import os
import re
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from runner import sheets
from runner.core.errors import WorkbookError, WorkbookLoss
from runner.sheets import saving
from runner.sheets.cellxml import Value

STRICT = b"http://purl.oclc.org/ooxml/spreadsheetml/main"
PLAIN = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"


class Order(BaseModel):
    name: str
    amount: Decimal


def orders(path: Path) -> Path:
    """A formatted workbook with a formula, its stored result, a chart, a comment, a filter, a validation and a second sheet."""
    book = xlsxwriter.Workbook(str(path))
    page, other = book.add_worksheet("Orders"), book.add_worksheet("Other")
    bold, border = book.add_format({"bold": True}), book.add_format({"border": 1, "num_format": "0.00"})
    page.write_row(0, 0, ["Name", "Amount"], bold)
    for at in range(1, 6):
        page.write_string(at, 0, f"customer {at}")
        page.write_number(at, 1, at * 1.5, border)
    page.write_formula(8, 1, "=SUM(B2:B6)", border, 22.5)
    page.write_blank(2, 2, None, border)
    page.write_comment(1, 0, "look")
    page.data_validation(1, 1, 5, 1, {"validate": "decimal", "criteria": ">", "value": 0})
    page.autofilter(0, 0, 5, 1)
    chart = book.add_chart({"type": "line"})
    assert chart is not None
    chart.add_series({"values": "=Orders!$B$2:$B$6"})
    page.insert_chart("H2", chart)
    other.write_row(0, 0, ["kept", 1])
    other.merge_range(2, 0, 3, 1, "merged")
    book.close()
    return path


def parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as package:
        assert package.testzip() is None
        return {name: package.read(name) for name in package.namelist()}


def changed(before: Path, after: Path) -> list[str]:
    old, new = parts(before), parts(after)
    assert list(old) == list(new)
    return [name for name in old if old[name] != new[name]]


def with_sheet(
    source: Path, target: Path, change: Callable[[bytes], bytes], part: str = "xl/worksheets/sheet1.xml"
) -> Path:
    content = parts(source)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in content.items():
            package.writestr(name, change(data) if name == part else data)
    return target


def cell(path: Path, sheet: str, address: str) -> Any:
    book = openpyxl.load_workbook(path, data_only=True)
    return book[sheet][address]


def test_only_the_sheet_changes_and_only_the_cells_given(tmp_path: Path) -> None:
    source, target = orders(tmp_path / "a.xlsx"), tmp_path / "b.xlsx"
    values: dict[tuple[int, int], Value] = {
        (1, 3): "Status", (2, 3): "done", (3, 3): "  & <kept> ", (7, 2): 5, (12, 30): True, (4, 1): None
    }  # fmt: skip
    assert sheets.patch_cells(source, target, "Orders", values, style_like={1: 2}) == target
    assert changed(source, target) == ["xl/worksheets/sheet1.xml"]
    assert cell(target, "Orders", "C1").font.bold
    assert cell(target, "Orders", "C3").value == "  & <kept> "
    assert cell(target, "Orders", "C3").border.left.style == "thin"
    assert cell(target, "Orders", "B9").value == 22.5
    assert cell(target, "Orders", "AD12").value is True
    assert cell(target, "Orders", "A4").value is None
    sheet = parts(target)["xl/worksheets/sheet1.xml"]
    assert b'<dimension ref="A1:AD12"/>' in sheet
    for new in (
        rb'<c r="C1" s="1" t="inlineStr"><is><t>Status</t></is></c>',
        rb'<c r="C2" t="inlineStr"><is><t>done</t></is></c>',
    ):
        assert sheet.count(new) == 1


def test_dates_get_a_date_format_and_the_workbooks_own_calendar(tmp_path: Path) -> None:
    source, target = orders(tmp_path / "a.xlsx"), tmp_path / "b.xlsx"
    moment = dt.datetime.fromisoformat("2026-02-28T13:45:00")
    values: dict[tuple[int, int], Value] = {(2, 4): moment.date(), (3, 4): moment, (4, 4): moment.time()}
    sheets.patch_cells(source, target, "Orders", values)
    assert set(changed(source, target)) == {"xl/styles.xml", "xl/worksheets/sheet1.xml"}
    read = [cell(target, "Orders", f"D{row}") for row in (2, 3, 4)]
    assert [c.value for c in read] == [dt.datetime.combine(moment.date(), dt.time()), moment, moment.time()]
    styles = parts(target)["xl/styles.xml"]
    sheets.patch_cells(target, target, "Orders", {(5, 4): moment.date()})
    assert parts(target)["xl/styles.xml"] == styles
    old = with_sheet(
        source,
        tmp_path / "1904.xlsx",
        lambda d: d.replace(b"<workbookPr", b'<workbookPr date1904="1"'),
        "xl/workbook.xml",
    )
    sheets.patch_cells(old, target, "Orders", {(2, 4): moment.date()})
    assert cell(target, "Orders", "D2").value.date() == moment.date()


PREFIXED = re.compile(rb"<(/?)(worksheet|dimension|sheetData|row|c|v|f|is|t)(?=[ />])")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda d: d.replace(PLAIN, STRICT), id="strict"),
        pytest.param(lambda d: PREFIXED.sub(rb"<\1x:\2", d).replace(b"xmlns=", b"xmlns:x=", 1), id="prefixed"),
        pytest.param(lambda d: re.sub(rb'<row r="\d+"', b"<row", re.sub(rb'<c r="[A-Z]+\d+"', b"<c", d)), id="no addresses"),
        pytest.param(lambda d: d.replace(b"<sheetData>", b"<sheetData><!-- <row r='1'/></sheetData> -->"), id="comment"),
        pytest.param(lambda d: re.sub(rb'r="([A-Z]*\d+)"', rb"r = '\1'", d), id="single quotes"),
        pytest.param(lambda d: d.replace(b"<row ", b"\n  <row ").replace(b"</row>", b"\n </row>\n"), id="line ends"),
        pytest.param(lambda d: re.sub(rb"<sheetData>.*</sheetData>", b"<sheetData/>", d, flags=re.DOTALL), id="no rows"),
        pytest.param(lambda d: b"\xef\xbb\xbf" + d, id="byte order mark"),
        pytest.param(
            lambda d: d.replace(b"</sheetData>", b'</sheetData><mc:AlternateContent xmlns:mc="m"><mc:Choice/></mc:AlternateContent>'),
            id="alternate content",
        ),
    ],
)  # fmt: skip
def test_every_spelling_of_a_sheet_can_be_changed(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    source = with_sheet(orders(tmp_path / "o.xlsx"), tmp_path / "a.xlsx", change)
    target = tmp_path / "b.xlsx"
    values: dict[tuple[int, int], Value] = {(1, 3): "head", (3, 3): "inside", (4, 5): 7, (30, 1): "new row"}
    sheets.patch_cells(source, target, "Orders", values)
    old = parts(source)["xl/worksheets/sheet1.xml"]
    new = parts(target)["xl/worksheets/sheet1.xml"]
    for text in (b"head", b"inside", b"new row"):
        assert new.count(b">" + text + b"<") == 1
    tail = old[old.rindex(b"sheetData") + 10 :].lstrip(b">")
    assert new.endswith(tail)

    class Anything(BaseModel):
        head: str | None = None

    rows = {row.source.row for row in sheets.read(target, Anything, sheet="Orders", header_row=1).good}
    assert rows == {3}


def test_a_formula_an_array_and_a_merged_cell_are_never_overwritten(tmp_path: Path) -> None:
    source = orders(tmp_path / "a.xlsx")
    for sheet, place, word in (("Orders", (9, 2), "formula"), ("Other", (4, 2), "merged")):
        with pytest.raises(WorkbookLoss, match=word):
            sheets.patch_cells(source, tmp_path / "b.xlsx", sheet, {place: "x"})
    book = xlsxwriter.Workbook(str(tmp_path / "c.xlsx"))
    book.add_worksheet("A").write_array_formula("A1:A3", "{=B1:B3*2}", None, 0)
    book.close()
    with pytest.raises(WorkbookLoss, match="array formula"):
        sheets.patch_cells(tmp_path / "c.xlsx", tmp_path / "b.xlsx", "A", {(3, 1): "x"})
    book = xlsxwriter.Workbook(str(tmp_path / "d.xlsx"))
    book.add_worksheet("A").add_table("B2:C4", {"columns": [{"header": "x"}, {"header": "y"}]})
    book.close()
    with pytest.raises(WorkbookLoss, match="C2 is a heading of the table"):
        sheets.patch_cells(tmp_path / "d.xlsx", tmp_path / "b.xlsx", "A", {(2, 3): "z"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.xlsx", "c.xlsx", "d.xlsx"]
    sheets.patch_cells(tmp_path / "d.xlsx", tmp_path / "b.xlsx", "A", {(2, 4): "z", (3, 3): 1})


def test_a_signed_workbook_is_not_changed(tmp_path: Path) -> None:
    source = orders(tmp_path / "a.xlsx")
    with zipfile.ZipFile(source, "a") as package:
        package.writestr("_xmlsignatures/sig1.xml", "<Signature/>")
    with pytest.raises(WorkbookLoss, match="WB_LOSS: the workbook is digitally signed"):
        sheets.patch_cells(source, tmp_path / "b.xlsx", "Orders", {(2, 3): 1})


def test_real_orders_get_their_results_in_the_formatted_columns(tmp_path: Path) -> None:
    source = Path(__file__).parents[1] / ".." / "shared" / "data" / "orders.xlsx"
    if not source.exists():
        pytest.skip("../shared/data is not there")
    results = [sheets.Result(row, "done", output={"confirmation": f"C-{row}"}) for row in range(2, 11)]
    target = sheets.write_results(source, tmp_path / "o.xlsx", results)
    assert changed(source, target) == ["xl/worksheets/sheet1.xml"]
    page = openpyxl.load_workbook(target).worksheets[0]
    assert [c.value for c in page[1]][:7] == [
        "Name",
        "Item",
        "Zip",
        "Runner status",
        "Runner message",
        "confirmation",
        None,
    ]
    assert [c.value for c in page[10]][2:6] == [3695, "done", None, "C-10"]
    assert page["D10"].style_id == openpyxl.load_workbook(source).worksheets[0]["D10"].style_id


@pytest.mark.parametrize(
    "value",
    ["a\x0b", "x" * 40_000, "\ud800", dt.datetime.now(dt.UTC), 12345678901234567890, math.inf, Decimal("NaN"), dt.date(1899, 1, 1)],
    ids=["control", "long", "surrogate", "zone", "digits", "infinite", "nan", "old"],
)  # fmt: skip
def test_what_no_cell_can_hold_is_refused_with_the_reason(tmp_path: Path, value: Value) -> None:
    source = orders(tmp_path / "a.xlsx")
    with pytest.raises(WorkbookError) as caught:
        sheets.patch_cells(source, tmp_path / "b.xlsx", "Orders", {(4, 1): value})
    assert str(caught.value).startswith("Orders!A4: WB_VALUE: ")
    for word in ("A4", "cannot be stored", "reason"):
        assert word in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["a.xlsx"]


def busy_words(error: WorkbookError) -> None:
    for word in ("WB_BUSY", "is open in Excel by", "or changed since", "nothing was written"):
        assert word in str(error)


def excel_lock(owner: str) -> bytes:
    name = owner.encode("utf-16-le")
    return (
        bytes([len(owner)])
        + owner.encode("cp1252", "replace").ljust(53)
        + bytes([len(owner), 0])
        + name.ljust(109, b" ")
    )


@pytest.mark.parametrize(
    ("lock", "content", "who"),
    [
        ("~$a.xlsx", excel_lock("Ann Bo"), "Excel by Ann Bo"),
        ("~$a.xlsx", excel_lock("李伟"), "Excel by 李伟"),
        ("~$a.xlsx", b"", "Excel by somebody"),
        (".~lock.a.xlsx#", b"Ann Bo,ann,host,24.11.2026 10:00,file:///x;", "LibreOffice by Ann Bo"),
    ],
)
def test_an_open_workbook_is_left_alone_and_its_owner_named(
    tmp_path: Path, lock: str, content: bytes, who: str
) -> None:
    path = orders(tmp_path / "a.xlsx")
    before = path.read_bytes()
    (tmp_path / lock).write_bytes(content)
    with pytest.raises(WorkbookError) as caught:
        sheets.patch_cells(path, path, "Orders", {(2, 3): "x"})
    busy_words(caught.value)
    assert who in str(caught.value)
    assert path.read_bytes() == before


def test_a_read_only_target_and_a_changed_source_are_left_alone(tmp_path: Path) -> None:
    path = orders(tmp_path / "a.xlsx")
    read = sheets.read(path, Order)
    path.chmod(0o444)
    with pytest.raises(WorkbookError, match="read-only") as caught:
        sheets.patch_cells(path, path, "Orders", {(2, 3): "x"})
    busy_words(caught.value)
    path.chmod(0o644)
    sheets.patch_cells(path, path, "Orders", {(2, 3): "x"})
    for stale in (read.fingerprint, sheets.Fingerprint("0" * 64, 1, 1)):
        with pytest.raises(WorkbookError, match="has changed since it was read") as caught:
            sheets.patch_cells(path, path, "Orders", {(2, 3): "y"}, fingerprint=stale)
        busy_words(caught.value)
        with pytest.raises(WorkbookError, match="has changed since it was read") as caught:
            sheets.write_results(path, None, [], fingerprint=stale)
        busy_words(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["a.xlsx"]


def test_a_change_during_the_save_is_noticed_before_the_file_is_replaced(tmp_path: Path) -> None:
    path = orders(tmp_path / "a.xlsx")
    seen = sheets.read(path, Order).fingerprint

    def meanwhile(_new: Path) -> None:
        path.write_bytes(b"theirs")

    with pytest.raises(WorkbookError, match="has changed since it was read"):
        saving.replace(path, lambda out: None, meanwhile, expected=seen)
    assert path.read_bytes() == b"theirs"
    assert [p.name for p in tmp_path.iterdir()] == ["a.xlsx"]


def test_a_failing_check_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = orders(tmp_path / "a.xlsx")
    before = path.read_bytes()

    def fails(_new: Path) -> None:
        raise WorkbookLoss("differs")

    with pytest.raises(WorkbookLoss):
        saving.replace(path, lambda out: None, fails)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.xlsx"]


SAVER = """
import sys
from pathlib import Path
from runner import sheets
number = 0
while True:
    number += 1
    print(number, flush=True)
    sheets.patch_cells(sys.argv[1], sys.argv[1], "Orders", {(2, 3): number, (3, 3): number})
"""


@pytest.mark.parametrize("saves", [1, 2, 3, 5, 8, 13])
def test_a_kill_during_a_save_leaves_the_old_file_or_the_new_one(tmp_path: Path, saves: int) -> None:
    path = orders(tmp_path / "a.xlsx")
    command = [sys.executable, "-c", SAVER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]) as child:
        assert child.stdout is not None
        started = [child.stdout.readline() for _ in range(saves)]
        child.kill()
        started += child.stdout.readlines()
    assert started[0] == "1\n"
    found = cell(path, "Orders", "C2").value, cell(path, "Orders", "C3").value
    assert found in {(n or None, n or None) for n in range(len(started) + 1)}
    assert cell(path, "Orders", "B9").value == 22.5
    left = [p for p in tmp_path.iterdir() if p != path]
    assert len(left) <= 1
    for unfinished in left:
        os.utime(unfinished, (0, 0))
    sheets.patch_cells(path, path, "Orders", {(2, 3): "done"})
    assert [p.name for p in tmp_path.iterdir()] == ["a.xlsx"]


def test_the_new_file_is_on_disk_before_it_takes_the_place_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = orders(tmp_path / "a.xlsx")
    before = path.stat().st_ino
    synced: list[tuple[str, bool]] = []
    sync = os.fsync

    def watched(handle: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file"
        synced.append((kind, path.stat().st_ino == before))
        sync(handle)

    monkeypatch.setattr(os, "fsync", watched)
    sheets.patch_cells(path, path, "Orders", {(2, 3): "x"})
    assert synced == [("file", True), ("folder", False)]


def test_a_link_to_a_workbook_stays_a_link(tmp_path: Path) -> None:
    path, link = orders(tmp_path / "a.xlsx"), tmp_path / "link.xlsx"
    link.symlink_to(path)
    sheets.patch_cells(link, link, "Orders", {(2, 3): "x"})
    assert link.is_symlink()
    assert cell(path, "Orders", "C2").value == "x"


def test_results_go_into_a_copy_beside_each_row(tmp_path: Path) -> None:
    source = orders(tmp_path / "orders.xlsx")
    before = source.read_bytes()
    rows = sheets.read(source, Order)
    first = [
        sheets.Result(2, "done", output={"confirmation": "C-1", "on": dt.date(2026, 1, 2)}),
        sheets.Result(3, "exception", "no such\x07customer"),
    ]
    options: dict[str, Any] = {
        "sheet": rows.sheet,
        "header_row": rows.header_row,
        "fingerprint": rows.fingerprint,
    }
    target = sheets.write_results(source, None, first, **options)
    assert target == tmp_path / "orders.result.xlsx"
    assert source.read_bytes() == before
    assert set(changed(source, target)) == {"xl/worksheets/sheet1.xml", "xl/styles.xml"}
    page = openpyxl.load_workbook(target)["Orders"]
    assert [c.value for c in page[1]] == [
        "Name",
        "Amount",
        "Runner status",
        "Runner message",
        "confirmation",
        "on",
    ]
    assert page["C1"].font.bold
    assert [c.value for c in page[2]][2:5] == ["done", None, "C-1"]
    assert page["F2"].value == dt.datetime.fromisoformat("2026-01-02")
    assert [c.value for c in page[3]][2:] == ["exception", "no such?customer", None, None]
    assert page["B9"].value == "=SUM(B2:B6)"

    retried = [sheets.Result(3, "done", output={"confirmation": "C-2", "fee": Decimal("1.10")})]
    sheets.write_results(source, None, retried, **options)
    page = openpyxl.load_workbook(target)["Orders"]
    assert [c.value for c in page[1]][2:] == ["Runner status", "Runner message", "confirmation", "on", "fee"]
    assert [c.value for c in page[2]][2:5] == ["done", None, "C-1"]
    assert [c.value for c in page[3]][2:] == ["done", None, "C-2", None, 1.1]


def test_a_changed_source_gets_a_fresh_copy_that_keeps_the_results_of_unchanged_rows(tmp_path: Path) -> None:
    source = orders(tmp_path / "orders.xlsx")
    results = [sheets.Result(2, "done", "first"), sheets.Result(3, "done", "second")]
    target = sheets.write_results(source, None, results)
    sheets.patch_cells(source, source, "Orders", {(3, 1): "somebody else", (7, 1): "new row"})
    sheets.write_results(source, None, [sheets.Result(7, "done")])
    page = openpyxl.load_workbook(target)["Orders"]
    found = {
        row: (page.cell(row, 1).value, page.cell(row, 3).value, page.cell(row, 4).value) for row in (2, 3, 7)
    }
    assert found == {
        2: ("customer 1", "done", "first"),
        3: ("somebody else", None, None),
        7: ("new row", "done", None),
    }


def test_in_place_and_a_foreign_target_are_refused(tmp_path: Path) -> None:
    source = orders(tmp_path / "orders.xlsx")
    with pytest.raises(WorkbookError, match="not written in place") as caught:
        sheets.write_results(source, source, [])
    assert caught.value.stable_code == "WB_IN_PLACE"
    orders(tmp_path / "orders.result.xlsx")
    with pytest.raises(WorkbookLoss, match="was not written by Runner"):
        sheets.write_results(source, None, [])


def test_a_text_table_gets_its_results_as_a_text_table(tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    source.write_bytes("名称;amount\r\n北京;2,5\r\n".encode("gb18030"))
    target = sheets.write_results(source, None, [sheets.Result(2, "done", output={"nr": "C;1"})])
    assert target.name == "a.result.csv"
    expected = '名称;amount;Runner status;Runner message;nr\r\n北京;2,5;done;;"C;1"\r\n'
    assert target.read_bytes().decode("gb18030") == expected
    sheets.write_results(source, None, [sheets.Result(2, "rejected", "no")])
    assert '北京;2,5;rejected;no;"C;1"' in target.read_bytes().decode("gb18030")


TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"), max_size=60)
VALUES = st.one_of(
    TEXT.filter(lambda t: t.strip()),
    st.booleans(),
    st.integers(-(10**15) + 1, 10**15 - 1),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e100, max_value=1e100),
    st.decimals(-10**9, 10**9, places=2),
    st.dates(dt.date(1900, 3, 1)),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(
    values=st.dictionaries(st.tuples(st.integers(1, 40), st.integers(3, 40)), VALUES, min_size=1, max_size=12)
)
def test_every_value_written_is_read_back_by_another_program(
    tmp_path_factory: pytest.TempPathFactory, values: dict[tuple[int, int], Value]
) -> None:
    folder = tmp_path_factory.mktemp("w")
    source, target = orders(folder / "a.xlsx"), folder / "b.xlsx"
    sheets.patch_cells(source, target, "Orders", values)
    book = openpyxl.load_workbook(target)
    page = book["Orders"]
    for (row, column), value in values.items():
        found = page.cell(row, column).value
        if isinstance(value, Decimal | float):
            assert found == pytest.approx(float(value), rel=1e-14)
        elif isinstance(value, dt.date):
            assert isinstance(found, dt.datetime)
            assert found.date() == value
        else:
            assert found == (
                re.sub("_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", value) if isinstance(value, str) else value
            )
    assert page["B9"].value == "=SUM(B2:B6)"


PARTS = [
    "[Content_Types].xml",
    "_rels/.rels",
    "xl/_rels/workbook.xml.rels",
    "xl/sharedStrings.xml",
    "xl/styles.xml",
    "xl/workbook.xml",
    "xl/worksheets/_rels/sheet1.xml.rels",
    "xl/worksheets/sheet1.xml",
    "xl/worksheets/sheet2.xml",
]


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_mutated_workbook_gives_rows_or_a_typed_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("m")
    path = folder / "a.xlsx"
    content = bytearray(orders(path).read_bytes())

    def place(size: int) -> int:
        return data.draw(st.integers(0, 999_999)) * size // 1_000_000

    if data.draw(st.booleans()):
        for _ in range(data.draw(st.integers(1, 4))):
            content[place(len(content))] = data.draw(st.integers(0, 255))
        path.write_bytes(content[: place(len(content))] if data.draw(st.booleans()) else content)
    else:
        part = data.draw(st.sampled_from(PARTS))
        new = data.draw(
            st.sampled_from([b"", b"<", b"9", b'"', b"</row>", b"<row>", b"<c>", b"&#0;", b"\x00"])
        )
        cut = data.draw(st.booleans())

        def change(xml: bytes) -> bytes:
            first, second = sorted((place(len(xml)), place(len(xml))))
            return xml[:first] + new + xml[second if cut else first :]

        path = with_sheet(path, folder / "b.xlsx", change, part)
    try:
        list(sheets.read(path, Order))
        sheets.patch_cells(path, folder / "c.xlsx", None, {(2, 9): "x", (50, 1): 1})
    except WorkbookError:
        pass
    assert not [p for p in folder.iterdir() if p.suffix == ".part"]
