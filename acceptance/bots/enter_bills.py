"""Enters the bills of a workbook into the expense ledger ihatemoney, each of them once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path

from playwright.sync_api import Page
from pydantic import BaseModel, Field

from runner import BusinessError, Item, Queue, Retry, bot, run, secret, sheets, step, web


class Bill(BaseModel):
    """One row of the workbook; `number` stands in front of the text in the ledger, so that it can be found again."""

    number: str
    day: date
    what: str
    payer: str
    amount: Decimal = Field(gt=0, max_digits=12, decimal_places=2)


bills = Queue("bills", Bill, key="number", retry=Retry(times=2, wait="1s", longest_wait="10s"))


@bot(process="expenses", time_limit="15m", stop_after=5, secrets=["ledger-code"])
def enter_bills(ledger: str, workbook: Path | None = None, project: str = "house") -> None:
    """Enter the bills of a workbook into the ledger's project, paid for everyone."""
    home = f"{ledger.rstrip('/')}/{project}/"
    if workbook:
        put = bills.put(sheets.read(workbook, Bill))
        run.output("rows", {"new": put.new, "known": put.known, "bad": put.bad})
    bills.each(lambda item, page: enter_one(item, page, home), session=lambda: signed_in(ledger, project))


@contextmanager
def signed_in(ledger: str, project: str) -> Iterator[Page]:
    """A page that is signed in to the project."""
    with web.page(locale="en-GB", timeout="15s") as page:
        page.goto(f"{ledger.rstrip('/')}/authenticate?project_id={project}")
        page.get_by_label("Private code").fill(secret("ledger-code"))
        page.get_by_role("button", name="submit").click()
        page.get_by_text("Add a new bill").first.wait_for()
        yield page


@step
def enter_one(item: Item[Bill], page: Page, home: str) -> None:
    """Fill in the form of one bill and submit it."""
    bill = item.data
    page.goto(f"{home}add")
    payer = page.get_by_label("Who paid?")
    participants = payer.locator("option").all_inner_texts()
    if bill.payer not in participants:
        raise BusinessError(
            f"'{bill.payer}' does not take part in this ledger",
            expected=f"one of {', '.join(name for name in participants if name.strip())}",
            hint="correct the payer and retry",
            code="UNKNOWN_PAYER",
        )
    page.get_by_label("When?").fill(bill.day.isoformat())
    page.get_by_label("What?").fill(f"{bill.number} {bill.what}")
    payer.select_option(bill.payer)
    page.get_by_label("How much?").fill(str(bill.amount))
    page.get_by_role("link", name="Everyone").click()
    item.irreversible(
        "submit", lambda: submit(page, home), already_done=lambda: is_entered(page, home, bill.number)
    )
    item.output["entered"] = bill.amount


def submit(page: Page, home: str) -> None:
    """Submit the form and wait for the list, which the ledger shows when it has the bill; its notice fades away."""
    page.get_by_role("button", name="Submit", exact=True).click()
    page.wait_for_url(home)


def is_entered(page: Page, home: str, number: str) -> bool:
    """Whether the list of bills has this number; it only looks."""
    page.goto(f"{home}?search={number}")
    page.get_by_text("Add a new bill").first.wait_for()
    texts = page.locator("#bill_table tbody tr td:nth-child(3)").all_inner_texts()
    return any(text.split(" ")[0] == number for text in texts)
