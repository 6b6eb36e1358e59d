"""Each cell that a run wrote is traced to run, item and version: by the journal, by the store, by the workbook where it is marked."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from runner import sheets
from runner.journal import read_journal
from runner.sheets import marking
from runner.sheets.marking import marks_of
from runner.sheets.witness import Author, Written, areas_of, be_witnessed_by
from tests.cli_project import make_project
from tests.sheets_workbook import changed, orders, parts

BOT = """
from pathlib import Path
from pydantic import BaseModel
from runner import Item, Queue, bot, run, sheets


class Order(BaseModel):
    name: str
    amount: float


orders = Queue("orders", Order, key="name")


@bot(results="in place")
def work(workbook: Path) -> None:
    rows = sheets.read(workbook, Order, sheet="Orders")
    orders.put(rows)
    orders.each(lambda item: note(item, workbook))
    run.output("result", orders.write_results(rows, marked=True))
    sheets.table(run.folder / "report.xlsx", [{"a": 1}, {"a": 2}])


def note(item: Item[Order], workbook: Path) -> None:
    if item.key == "customer 2":
        with sheets.edit(workbook.with_name("log.xlsx")) as book:
            book.sheet("Orders")["D7"] = item.key
"""


class Witness:
    def __init__(self) -> None:
        self.seen: list[Written] = []

    def author(self) -> Author:
        return Author("run-1", "work", "abc", "A&<1")

    def wrote(self, written: Written) -> None:
        self.seen.append(written)


def test_each_cell_of_a_run_is_traced_to_its_item_and_version(tmp_path: Path) -> None:
    cli = make_project(tmp_path / "project")
    (cli.project / "bots" / "invoice.py").write_text(BOT, "utf-8")
    (cli.project / "schedules.yaml").write_text("schedules: []\n")
    book, log = orders(tmp_path / "a.xlsx"), orders(tmp_path / "log.xlsx")
    cli("run", "work", f"--param=workbook={book}", code=1)  # the row of the sum has no name
    run = cli("runs", "list", "--json").json[0]
    status, amount, noted, elsewhere = cli.each(
        ["trace", str(book), "Orders!C4", "--json"], ["trace", str(book), "Orders!B4", "--json"],
        ["trace", str(log), "orders!D7", "--json"], ["trace", str(log), "Other!D7"],
    )  # fmt: skip
    assert [(one["run"], one["bot"], one["queue"], one["item"]) for one in status.json] == [
        (run["id"], "work", "orders", "customer 3")
    ]
    assert len(status.json[0]["version"]) >= 12
    assert amount.json == []
    assert [one["item"] for one in noted.json] == ["customer 2"]
    assert "No run is known to have written Other!D7 of log.xlsx." in elsewhere.out
    shown = cli("trace", str(book), "Orders!C4")
    for word in ("customer 3", "work", "orders"):
        assert word in shown.out
    [mark] = marks_of(book)
    assert (mark.author.run, mark.author.version) == (run["id"], status.json[0]["version"])
    assert mark.covers("Orders", 4, 3)
    assert marks_of(log) == []
    lines = [line for path in cli.home.glob("runs/**/journal.jsonl") for line in read_journal(path).lines]
    written = [line.data for line in lines if line.event == "workbook.written"]
    assert {(Path(one["file"]).name, one["sheet"]) for one in written} == {
        ("a.xlsx", "Orders"), ("log.xlsx", "Orders"), ("report.xlsx", "Data"),
    }  # fmt: skip
    (cli.home / "store.sqlite3").unlink()
    cli("rebuild")
    moved = book.rename(tmp_path / "moved")  # another folder would do as well
    (tmp_path / "sub").mkdir()
    moved = moved.rename(tmp_path / "sub" / "a.xlsx")
    [again] = cli("trace", str(moved), "Orders!C4", "--json").json
    assert (again["item"], again["moved"], again["known_from"]) == ("customer 3", True, "journal")
    cli("trace", str(moved), "C4", code=2)


def test_a_marked_workbook_tells_who_wrote_and_keeps_its_other_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, before = orders(tmp_path / "a.xlsx"), orders(tmp_path / "b.xlsx")
    witness = Witness()
    be_witnessed_by(witness)
    monkeypatch.setattr(marking, "MOST_MARKS", 3)
    try:
        for number in range(1, 6):
            with sheets.edit(path, marked=True) as book:
                book.sheet("Orders").set(number, 9, number)
                book.sheet("Other")["C1"] = number
    finally:
        be_witnessed_by(None)
    added = set(parts(path)) - set(parts(before))
    assert added == {"customXml/item1.xml"}
    assert {"xl/charts/chart1.xml", "xl/comments1.xml"} <= set(parts(path))
    assert openpyxl.load_workbook(path)["Orders"]["I5"].value == 5
    marks = marks_of(path)
    assert [(mark.sheet, mark.cells) for mark in marks][:2] == [("Other", ("C1",)), ("Orders", ("I5",))]
    assert marks[0].author == witness.author()
    assert len(marks) == 3
    assert [one.sheet for one in witness.seen] == ["Orders", "Other"] * 5


def test_without_a_run_and_without_a_wish_nothing_is_added_to_a_workbook(tmp_path: Path) -> None:
    path, before = orders(tmp_path / "a.xlsx"), orders(tmp_path / "b.xlsx")
    with sheets.edit(path, marked=True) as book:
        book.sheet("Orders")["I1"] = 1
    assert changed(before, path) == ["xl/worksheets/sheet1.xml"]


def test_a_save_that_is_not_recorded_is_not_made(tmp_path: Path) -> None:
    class Full(Witness):
        def wrote(self, written: Written) -> None:
            raise OSError(28, "No space left on device")

    path = orders(tmp_path / "a.xlsx")
    before = path.read_bytes()
    be_witnessed_by(Full())
    try:
        with pytest.raises(OSError, match="No space"):
            sheets.patch_cells(path, path, "Orders", {(2, 3): 1}, backups=0)
    finally:
        be_witnessed_by(None)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["a.xlsx"]


def test_cells_are_told_as_areas() -> None:
    assert areas_of({2: [8, 9], 3: [8], 4: [8, 9], 7: [8]}) == ("I2", "H2:H4", "I4", "H7")
    assert areas_of({}) == ()
