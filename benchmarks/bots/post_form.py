"""The job as a Runner bot: the queue, the journal, the step that is never repeated, results beside the rows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

from playwright.sync_api import Page
from pydantic import BaseModel, Field

from benchmarks.form_job import enter
from runner import Item, Queue, bot, run, sheets, step, web


class Order(BaseModel):
    """A row of the workbook."""

    number: str = Field(title="Order number")
    customer: str
    product: str
    quantity: int
    amount: Decimal
    delivery_date: date


orders = Queue("bench", Order, key="number")


@bot
def post_form(workbook: Path, form: str) -> None:
    """Enter every row of the workbook into the form."""
    sheet = sheets.read(workbook, Order)
    rows = list(sheet)
    orders.put(rows)
    orders.each(lambda item, page: post_one(item, page, form), session=web.page)
    target = run.folder / sheets.result_path(workbook).name
    sheets.write_results(
        workbook, target, orders.results(rows), sheet=sheet.sheet, header_row=sheet.header_row, fingerprint=sheet.fingerprint
    )  # fmt: skip


@step
def post_one(item: Item[Order], page: Page, form: str) -> None:
    """Enter one row."""
    order = item.data
    row = (
        order.number,
        order.customer,
        order.product,
        str(order.quantity),
        str(order.amount),
        order.delivery_date.isoformat(),
    )
    item.output["confirmation"] = item.irreversible("post", lambda: enter(page, form, row))  # fmt: skip


@bot
def count_steps(steps: int) -> None:
    """Do nothing, in so many steps."""
    for _ in range(steps):
        nothing()


@step
def nothing() -> None:
    """Do nothing."""
