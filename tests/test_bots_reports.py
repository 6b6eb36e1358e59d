"""The example bots that enter nothing: `collect_prices` and `reconcile`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from runner.demo.catalogue import price_list
from runner.demo.data import DIFFERENCES, make_payments
from runner.demo.serve import Portal
from runner.journal import read_journal
from runner.store.models import Case, Item, Run
from tests.main_job import Job

pytestmark = pytest.mark.usefixtures("store")


def run_bot(job: Job, bot: str, **parameters: Any) -> Run:
    run_id, _ = job.worker.run_now(bot, parameters, requested_by="test")
    return Run.objects.get(pk=run_id)


@pytest.mark.browser
def test_the_whole_price_list_is_collected_although_pages_fail(tmp_path: Path) -> None:
    with Portal(tmp_path / "portal") as portal:
        job = Job(tmp_path, portal)
        portal.set_faults(fail_next=[{"path": "/prices", "status": 503, "times": 2}])
        everything = run_bot(job, "collect_prices", portal=portal.url)
        seating = run_bot(job, "collect_prices", portal=portal.url, category="Seating")

    assert (everything.status, seating.status) == ("done", "done")
    rows = rows_of(job.output(everything, "prices"))
    assert len(rows) == 180
    expected = {
        line.sku: (line.name, line.category, float(line.price), line.currency, line.valid_from, line.stock)
        for line in price_list()
    }
    assert {row[0]: (*row[1:5], row[5].date(), row[6]) for row in rows} == expected
    assert {row[2] for row in rows_of(job.output(seating, "prices"))} == {"Seating"}
    balances = [line.data for line in journal_of(job, everything) if line.event == "balance"]
    assert balances == [{"name": "prices", "read": 180, "entered": 180, "ok": True}]


def rows_of(workbook: Path) -> list[tuple[Any, ...]]:
    table = list(load_workbook(workbook)["Prices"].iter_rows(values_only=True))
    header = next(number for number, row in enumerate(table) if row[0] == "Number")
    assert table[header] == ("Number", "Product", "Category", "Price", "Currency", "Valid from", "Stock")
    assert isinstance(table[header + 1][5], datetime)
    return table[header + 1 :]


def journal_of(job: Job, run: Run) -> Any:
    return read_journal(job.settings.runs / run.folder / "lane-1" / "journal.jsonl").lines


def test_each_difference_between_bank_and_ledger_is_a_case(tmp_path: Path) -> None:
    bank, ledger = make_payments(tmp_path)
    book = load_workbook(ledger)
    sheet = book.worksheets[0]
    sheet.append(["INV-3002", datetime(2026, 10, 1), "Alder & Finch", 5])  # noqa: DTZ001 - workbooks have no zones
    sheet.append(["INV-9999", "soon", "Nobody", 5])
    book.save(ledger)
    job = Job(tmp_path, Portal(tmp_path / "portal", port=1), password="not-needed")

    run = run_bot(job, "reconcile", bank=str(bank), ledger=str(ledger))

    assert (run.status, run.total, run.exceptions) == ("exceptions", 32, 6)
    codes = {
        case.item.key: case.error["code"]
        for case in Case.objects.select_related("item")
        if case.item and case.error and case.kind == "business"
    }
    assert codes == {
        **dict(
            zip(
                DIFFERENCES, ("AMOUNT_DIFFERS", "DATE_DIFFERS", "ONLY_IN_BANK", "ONLY_IN_LEDGER"), strict=True
            )
        ),
        "INV-3002": "TWICE",
        "INV-9999": "WB_CELL_TYPE",
    }
    assert Item.objects.filter(status="done").count() == 26
