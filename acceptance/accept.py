"""`make acceptance`: two bots against two systems and many workbooks, checked by what others say; exit code 0 when all holds.

1. 30 bills from a workbook into ihatemoney, 3 of them bad; the bad ones are corrected from the command line and retried.
2. 12 more bills, and the bot's process is killed in the middle of them.
3. ../shared/data/orders.xlsx, a workbook from another project, into the demo portal; one product is misspelt.
4. One cell is written into each workbook of ../shared/data/spreadsheets; LibreOffice reads all others as before.
5. `runner demo`, and its exception queue cleared on the desk in Chromium.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from openpyxl import Workbook

from acceptance.commands import Commands, left_over
from acceptance.first_hour import first_hour
from acceptance.ledger import Ledger
from acceptance.workbooks import check_workbooks
from runner.demo.serve import Portal

ROOT = Path(__file__).resolve().parents[1]
SHOP_ORDERS = ROOT.parent / "shared" / "data" / "orders.xlsx"
SHOP_PRODUCTS = ("Sauce Labs Bolt T-Shirt", "Sauce Labs Fleece Jacket", "Sauce Labs Onesie")
PARTICIPANTS = ("Ada", "Ben", "Cleo")
BAD = {"B-009": ("payer", "Dora", "Ada"), "B-017": ("amount", "12,5O", "12.50"), "B-026": ("day", None, None)}
"""Bill: the field that is wrong, what stands there, what it is corrected to (None: the right day)."""

Entry = tuple[str, str, Decimal, str]


class Checks:
    """What held and what did not, a line each."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def that(self, what: str, seen: object, expected: object) -> None:
        """Compare and say so."""
        if seen == expected:
            self.passed += 1
            print(f"  ok    {what}")
        else:
            self.failed += 1
            print(f"  WRONG {what}\n        seen     {seen!r}\n        expected {expected!r}")


def main() -> int:
    """Run both parts; the exit code."""
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="runner-acceptance-") as name:
        folder = Path(name)
        with Ledger(folder / "ledger", PARTICIPANTS) as ledger:
            enter_bills(folder, ledger, checks)
            kill_the_bot(folder, ledger, checks)
        if SHOP_ORDERS.exists():
            with Portal(folder / "portal", extra_products=SHOP_PRODUCTS) as portal:
                post_shop_orders(folder, portal, checks)
        else:
            print("== shop orders: ../shared/data/orders.xlsx is not there, left out")
        check_workbooks(folder, checks)
        first_hour(folder / "first-hour", checks)
        checks.that("no process is left behind", left_over(folder), [])
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


def enter_bills(folder: Path, ledger: Ledger, checks: Checks) -> None:
    """The expense ledger: enter, look, correct, enter the rest, look again."""
    print(f"== ledger: 30 bills into ihatemoney at {ledger.url}, {len(BAD)} of them bad")
    runner = Commands(ROOT / "acceptance", folder / "ledger-run", secrets={"ledger-code": ledger.code})
    workbook, right = make_bills(folder / "bills.xlsx", "B", 30)
    good = {number: entry for number, entry in right.items() if number not in BAD}

    code, run = runner.run("enter_bills", workbook=workbook, ledger=ledger.url)
    checks.that("the run ends with exceptions: exit code 1", (code, run["status"]), (1, "exceptions"))
    checks.that(
        "the run counts 27 done, 3 exceptions, 0 pending of 30",
        run["items"],
        {"total": 30, "done": 27, "exceptions": 3, "pending": 0},
    )
    checks.that(
        "the ledger has every good bill once, with its amount, payer and day",
        Counter(ledger.bills()),
        Counter(good.values()),
    )
    cases = {case["item"]: case for case in runner.open_cases()}
    checks.that("the bad ones, and nothing else, are in the exception queue", sorted(cases), sorted(BAD))
    checks.that("all are business exceptions", {case["kind"] for case in cases.values()}, {"business"})

    for number, (field, _, corrected) in BAD.items():
        value = corrected or right[number][3]
        code = runner.retry(cases[number]["id"], field, value)
        checks.that(f"{number} is corrected: {field}={value}", code, 0)
    code, run = runner.run("enter_bills", ledger=ledger.url)
    checks.that("the run that enters them is done: exit code 0", (code, run["status"]), (0, "done"))
    checks.that("the ledger has all 30 bills once", Counter(ledger.bills()), Counter(right.values()))
    states = {runner.case(case["id"])["status"] for case in cases.values()}
    checks.that("the three cases are resolved by the new attempt", states, {"resolved"})
    checks.that("nobody has anything left to decide", runner.open_cases(), [])

    code, run = runner.run("enter_bills", workbook=workbook, ledger=ledger.url)
    checks.that("the same workbook again enters nothing twice", len(ledger.bills()), 30)


def kill_the_bot(folder: Path, ledger: Ledger, checks: Checks) -> None:
    """Kill -9 in the middle: nothing is lost, nothing is entered twice, and what can't be known is asked."""
    print("== killed: 12 bills, and kill -9 for the bot's process after the fourth")
    runner = Commands(ROOT / "acceptance", folder / "killed-run", secrets={"ledger-code": ledger.code})
    workbook, right = make_bills(folder / "more.xlsx", "K", 12)

    def entered() -> Counter[Entry]:
        return Counter(bill for bill in ledger.bills() if bill[0].startswith("K-"))

    code = runner.run_and_kill(
        lambda: len(entered()) >= 4, "enter_bills", workbook=workbook, ledger=ledger.url
    )
    checks.that("the run fails: exit code 1", code, 1)
    checks.that("some bills are entered and some are not", 4 <= len(entered()) < 12, expected=True)
    cases = runner.open_cases()
    unknown = [case for case in cases if case["kind"] == "unknown"]
    checks.that("one case tells of the crash", len([case for case in cases if not case["item"]]), 1)
    checks.that("at most one submit had begun without an end", len(unknown) <= 1, expected=True)
    for case in unknown:
        happened = any(text.startswith(f"{case['item']} ") for text, *_ in ledger.bills())
        checks.that(
            f"{case['item']} is looked up in the ledger and attested",
            runner.attest(case["id"], done=happened),
            0,
        )

    code, run = runner.run("enter_bills", workbook=workbook, ledger=ledger.url)
    checks.that("the next run enters the rest", (code, run["status"]), (0, "done"))
    waiting = {case["item"]: case["message"] for case in runner.open_cases() if case["item"]}
    checks.that("no bill waits for a person", waiting, {})
    checks.that("every bill is entered once", entered(), Counter(right.values()))


def post_shop_orders(folder: Path, portal: Portal, checks: Checks) -> None:
    """The workbook from another project: eight orders and one that is misspelt."""
    print(f"== shop orders: {SHOP_ORDERS.name} into the demo portal at {portal.url}")
    runner = Commands(ROOT, folder / "shop-run", secrets={"portal/password": portal.password})
    code, run = runner.run("post_orders", workbook=SHOP_ORDERS, portal=portal.url)
    checks.that(
        "eight done, one exception",
        (code, run["items"]),
        (1, {"total": 9, "done": 8, "exceptions": 1, "pending": 0}),
    )
    entered = portal.orders()
    checks.that("every order was entered once", {order["times_entered"] for order in entered}, {1})
    checks.that(
        "customers and products are those of the workbook",
        Counter((order["customer"], order["product"]) for order in entered),
        Counter({
            ("Sol Heaton", "Sauce Labs Bolt T-Shirt"): 1,
            ("Gregg Arroyo", "Sauce Labs Onesie"): 1,
            ("Zoya Roche", "Sauce Labs Bolt T-Shirt"): 1,
            ("Gregg Arroyo", "Sauce Labs Bolt T-Shirt"): 1,
            ("Camden Martin", "Sauce Labs Bolt T-Shirt"): 1,
            ("Zoya Roche", "Sauce Labs Fleece Jacket"): 1,
            ("Zoya Roche", "Sauce Labs Onesie"): 1,
            ("Sol Heaton", "Sauce Labs Fleece Jacket"): 1,
        }),
    )  # fmt: skip
    checks.that(
        "zip codes that are numbers come out as text without '.0'",
        {word for order in entered for word in re.findall(r"[\d.]+", order["notes"])},
        {"3695", "4418", "3013", "1196"},
    )
    (case,) = runner.open_cases() or [{}]
    checks.that("the misspelt product is a business exception", case.get("kind"), "business")
    checks.that("… and it is named", "Sauce Labs Onesee" in str(case.get("message")), expected=True)


def make_bills(file: Path, letter: str, count: int) -> tuple[Path, dict[str, Entry]]:
    """Write the workbook; it, and the entry that each bill must become (the `BAD` ones once they are corrected)."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Bills"
    sheet.append(["Number", "Day", "What", "Payer", "Amount"])
    right: dict[str, Entry] = {}
    for index in range(1, count + 1):
        number, day = f"{letter}-{index:03}", date(2026, 3, 1) + timedelta(days=index)
        payer, amount = PARTICIPANTS[index % 3], Decimal(index * 737 % 9000 + 105) / 100
        what = ("Groceries", "Train tickets", "Gas & light", "Müll „Q1“")[index % 4]
        row: dict[str, object] = {
            "number": number,
            "day": day,
            "what": what,
            "payer": payer,
            "amount": amount,
        }
        if number in BAD:
            field, bad, corrected = BAD[number]
            row[field] = bad
            payer = corrected if field == "payer" and corrected else payer
            amount = Decimal(corrected) if field == "amount" and corrected else amount
        sheet.append(list(row.values()))
        right[number] = (f"{number} {what}", payer, amount, day.isoformat())
    file.parent.mkdir(parents=True, exist_ok=True)
    book.save(file)
    return file, right


if __name__ == "__main__":
    sys.exit(main())
