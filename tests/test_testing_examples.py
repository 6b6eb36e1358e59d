"""The example bots tested without the live site: recorded once from the demo portal, replayed with the portal gone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from openpyxl import load_workbook

from runner.core.contract import Viewing
from runner.demo.catalogue import price_list
from runner.demo.data import DIFFERENCES, make_payments
from runner.demo.serve import Portal
from runner.kit import web
from runner.kit.exchanges import read_recordings
from runner.kit.rehearsal import Rehearsal
from runner.kit.rehearsal_queues import RehearsedQueues
from runner.testing import BotRunner, ClockSetter, HarPortals
from tests.main_job import ROOT, make_workbook

WRONG = [(3, "Product", "Desk lump")]
NOT_REAL = "not-the-real-one"


@dataclass(frozen=True)
class Recorded:
    """What was recorded of the live portal, which is gone now."""

    orders: Path
    prices: Path
    password: str


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("recorded")
    with Portal(folder / "portal") as portal:
        live = Rehearsal(
            ROOT,
            folder / "runs",
            {"portal/password": portal.password},
            viewing=Viewing(record_network="always"),
        )
        book = make_workbook(folder / "orders.xlsx", 3, WRONG)
        orders = live.run("post_orders", {"portal": portal.url, "workbook": str(book)})
        prices = live.run("collect_prices", {"portal": portal.url, "category": "Seating"})
        web.close()
    assert (orders.status, prices.status) == ("exceptions", "done")
    folders = [run.folder / "lane-1" / "evidence" for run in (orders, prices)]
    assert [len(list(folder.glob("*.har.zip"))) for folder in folders] == [
        2,
        1,
    ]  # a failed item begins a new context
    return Recorded(folders[0], folders[1], portal.password)


@pytest.fixture(autouse=True)
def password(bot_secrets: dict[str, str]) -> None:
    bot_secrets["portal/password"] = NOT_REAL


@pytest.mark.browser
def test_orders_are_entered_by_the_recording(
    recorded: Recorded,
    run_bot: BotRunner,
    portal_from_har: HarPortals,
    queue: RehearsedQueues,
    tmp_path: Path,
) -> None:
    portal = portal_from_har(recorded.orders)

    run = run_bot(
        "post_orders", portal=portal.url, workbook=make_workbook(tmp_path / "orders.xlsx", 3, WRONG)
    )

    assert queue("orders").statuses == {"A-1": "done", "A-2": "exception", "A-3": "done"}, portal.missing
    assert queue("orders")["A-3"].output == {"confirmation": "PC-000002"}
    assert (run.status, run.items["A-2"].attempts) == ("exceptions", 1)
    confirmed = [row[7] for row in load_workbook(run.output("result"))["Orders"].iter_rows(values_only=True)]
    assert confirmed[1:] == ["done", "exception", "done"]


@pytest.mark.browser
def test_what_was_not_recorded_is_an_error_that_names_what_differs(
    recorded: Recorded,
    run_bot: BotRunner,
    portal_from_har: HarPortals,
    queue: RehearsedQueues,
) -> None:
    portal = portal_from_har(recorded.orders)
    order = {"number": "A-3", "customer": "Alder & Finch", "product": "Desk lamp", "quantity": 4, "amount": "118.5",
             "delivery_date": "2026-12-03"}  # fmt: skip
    queue("orders").put("A-3", order)

    run = run_bot("post_orders", portal=portal.url)

    assert run.status == "exceptions"
    assert f"POST {portal.url}/orders/new with quantity='4' (recorded: '3')" in portal.missing
    assert run.missing == tuple(portal.missing)


@pytest.mark.browser
def test_prices_are_collected_by_the_recording(
    recorded: Recorded, run_bot: BotRunner, portal_from_har: HarPortals
) -> None:
    portal = portal_from_har(recorded.prices)

    run = run_bot("collect_prices", portal=portal.url, category="Seating")

    assert (run.status, portal.missing) == ("done", [])
    rows = list(load_workbook(run.output("prices"))["Prices"].iter_rows(min_row=4, values_only=True))
    assert len(rows) == len([line for line in price_list() if line.category == "Seating"])


def test_differences_between_bank_and_ledger_are_exceptions(
    tmp_path: Path, run_bot: BotRunner, queue: RehearsedQueues
) -> None:
    bank, ledger = make_payments(tmp_path)

    run = run_bot("reconcile", bank=bank, ledger=ledger)

    assert run.status == "exceptions"
    failed = {
        key: (item.error or {})["code"] for key, item in run.items.items() if item.status == "exception"
    }
    codes = ("AMOUNT_DIFFERS", "DATE_DIFFERS", "ONLY_IN_BANK", "ONLY_IN_LEDGER")
    assert failed == dict(zip(DIFFERENCES, codes, strict=True))
    assert len(queue("reconciliation")) == len(run.items)


def test_the_clock_of_a_bot_stands_still(
    fixed_clock: ClockSetter, rehearsal: Rehearsal, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    (project / "bots").mkdir(parents=True)
    (project / "bots" / "told.py").write_text("""
import datetime as dt
from datetime import date, datetime, timedelta
from runner import bot, run

@bot
def told(since: date = date(2026, 1, 1)) -> None:
    run.output("days", [date.today(), datetime.now(dt.UTC), dt.date.today() + timedelta(days=1)])
    run.output("real", [isinstance(date(2026, 1, 2), date), type(dt.datetime(2026, 1, 2)).__name__, since])
""")
    rehearsal.project = project
    fixed_clock("2024-02-28T12:00:00+00:00")

    told = rehearsal.run("told")

    assert told.outputs["days"] == ["2024-02-28", "2024-02-28T12:00:00Z", "2024-02-29"]
    assert told.outputs["real"] == [True, "datetime", "2026-01-01"]


def test_recordings_hold_no_password_and_no_session(recorded: Recorded) -> None:
    for path in (recorded.orders, recorded.prices):
        for exchange in read_recordings(path).exchanges:
            assert recorded.password.encode() not in exchange.body + exchange.content
            cookies = [value for name, value in exchange.headers if name.lower() == "set-cookie"]
            assert all(value.startswith("portal_session=***") for value in cookies)
