"""What has become of rows, told to the bot that read them; and rows that have one key twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.styles import Font

from runner.core.contract import ItemOrder
from tests.kit_worker import Project

ORDERS = """
    from pathlib import Path
    from pydantic import BaseModel
    from runner import Item, Queue, bot, sheets

    class Order(BaseModel):
        number: str
        amount: int

    orders = Queue("orders", Order, key="number")

    @bot
    def work(workbook: Path) -> None:
        rows = sheets.read(workbook, Order)
        orders.put(rows)
        orders.each(lambda item: None)
        for result in orders.results(rows):
            print("result", result.row, result.status, result.message, dict(result.output))
"""


def workbook(folder: Path, *rows: tuple[str, str | int]) -> Path:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Orders"
    for row in (("Number", "Amount"), *rows):
        sheet.append(row)
    book.save(folder / "orders.xlsx")
    return folder / "orders.xlsx"


def test_the_journal_says_what_else_is_on_the_sheet(tmp_path: Path) -> None:
    source = workbook(tmp_path, ("A", 1), ("", ""), ("Country", "People"), ("Malta", 540))
    book = load_workbook(source)
    for column in "AB":
        for row in (1, 4):
            book["Orders"][f"{column}{row}"].font = Font(bold=True)
    book.save(source)
    finished = Project(tmp_path, ORDERS).run(
        "work", parameters={"workbook": str(source)}, also={"results": told()}
    )
    (put,) = finished.events("items.put")
    assert put.message == "1 rows for queue orders from Orders!A1:B2 (not read: A4:B5)"


def told(*keys: str) -> Any:
    def answer(request: dict[str, Any]) -> dict[str, Any]:
        items = {"A": {"status": "done", "message": "", "output": {"number": "PC-1", "list": [1, 2]}}}
        return {"items": {**items, **{key: {"status": "exception", "message": "?"} for key in keys}}}

    return answer


def test_each_row_gets_what_has_become_of_its_item(tmp_path: Path) -> None:
    source = workbook(tmp_path, ("A", 1), ("B", "many"), ("C", 3))
    parameters = {"workbook": str(source)}
    finished = Project(tmp_path, ORDERS).run("work", parameters=parameters, also={"results": told("B")})

    assert finished.code == 0, finished.console
    assert [line for line in finished.console.splitlines() if line.startswith("result")] == [
        "result 2 done  {'number': 'PC-1', 'list': '[1, 2]'}",
        "result 3 exception ? {}",
        "result 4 not put this row was not put into the queue {}",
    ]
    asked = next(request for request in finished.asked if request["op"] == "results")
    assert (asked["queue"], asked["keys"]) == ("orders", ["A", "B", "C"])


def test_a_row_whose_values_are_others_than_its_item_was_worked_on_with_says_so(tmp_path: Path) -> None:
    source = workbook(tmp_path, ("A", 1), ("B", 2), ("C", 3), ("D", 7))
    had = {
        "A": {"number": "A", "amount": 10},
        "B": {"number": "B", "amount": "2.0"},
        "C": {"number": "C", "amount": "***"},
        "D": {"number": "D", "amount": "007"},
    }

    def answer(_request: dict[str, Any]) -> dict[str, Any]:
        return {"items": {key: {"status": "done", "message": "", "data": data} for key, data in had.items()}}

    finished = Project(tmp_path, ORDERS).run(
        "work", parameters={"workbook": str(source)}, also={"results": answer}
    )
    assert [line for line in finished.console.splitlines() if line.startswith("result")] == [
        "result 2 done amount was 10, the row has 1 {}",
        "result 3 done  {}",
        "result 4 done  {}",
        "result 5 done amount was 007, the row has 7 {}",
    ]


def test_a_row_that_did_not_fit_and_was_corrected_says_with_which_values_its_item_was_worked_on(
    tmp_path: Path,
) -> None:
    source = workbook(tmp_path, ("A", "12O"), (" B ", "many"), ("C", "x"), ("D", ""), ("E", "***"))
    had: dict[str, dict[str, Any]] = {
        "A": {"number": "A", "amount": 120},
        " B ": {"number": "B", "amount": "many"},
        "C": {"number": "C", "amount": "***"},
        "D": {"number": "D", "amount": 4},
    }

    def answer(_request: dict[str, Any]) -> dict[str, Any]:
        return {"items": {key: {"status": "done", "message": "", "data": data} for key, data in had.items()}}

    finished = Project(tmp_path, ORDERS).run(
        "work", parameters={"workbook": str(source)}, also={"results": answer}
    )
    assert [line for line in finished.console.splitlines() if line.startswith("result")] == [
        "result 2 done amount was 120, the row has 12O {}",
        "result 3 done  {}",
        "result 4 done  {}",
        "result 5 done amount was 4, the row has nothing {}",
        "result 6 not put this row was not put into the queue {}",
    ]


def test_a_workbook_that_was_changed_meanwhile_gets_its_results_beside_the_rows_as_they_are_now(
    tmp_path: Path,
) -> None:
    source = workbook(tmp_path, ("A", 1), ("B", "many"))
    changing = (
        ORDERS.replace("orders.each(lambda item: None)", "orders.each(lambda item: add_a_row(workbook))")
        + """
        orders.write_results(rows)

    def add_a_row(workbook: Path) -> None:
        from openpyxl import load_workbook
        book = load_workbook(workbook)
        if book["Orders"]["A2"].value == "NEW":
            return
        book["Orders"].insert_rows(2)
        book["Orders"]["A2"], book["Orders"]["B2"] = "NEW", 5
        book.save(workbook)
"""
    )
    order = ItemOrder(queue="orders", key="A", data={"number": "A", "amount": 1}, attempt=1)
    finished = Project(tmp_path, changing).run(
        "work", parameters={"workbook": str(source)}, items=[order], also={"results": told("B")}
    )
    (end,) = finished.events("run.finished")
    assert end.data["status"] == "done", finished.console
    rows = list(load_workbook(tmp_path / "orders.result.xlsx")["Orders"].values)
    assert [(row[0], row[2]) for row in rows[1:]] == [("NEW", "not put"), ("A", "done"), ("B", "exception")]


def test_a_key_that_comes_twice_with_other_data_is_a_bad_row_of_its_own(tmp_path: Path) -> None:
    source = workbook(tmp_path, ("A", 1), ("A", 2), ("A", 1), ("B", "many"), ("B", 5))
    parameters = {"workbook": str(source)}
    finished = Project(tmp_path, ORDERS).run("work", parameters=parameters, also={"results": told()})

    (put,) = finished.events("items.put")
    assert [row["key"] for row in put.data["items"]] == ["A", "A"]
    assert [(row["key"], row["errors"][0]["code"]) for row in put.data["bad"]] == [
        ("orders.xlsx/Orders!3", "ITEM_TWICE"),
        ("B", "WB_CELL_TYPE"),
        ("orders.xlsx/Orders!6", "ITEM_TWICE"),
    ]
    assert put.message == "5 rows for queue orders from Orders!A1:B6"
    error = put.data["bad"][0]["errors"][0]
    assert error["what"] == "number 'A' is in orders.xlsx/Orders!2 already, with other data"
    assert put.data["bad"][0]["raw"] == {"number": "A", "amount": 2}
