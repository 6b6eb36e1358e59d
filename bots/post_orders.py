"""Enters the orders of a workbook into the supplier portal, and writes the confirmation numbers beside its rows."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from playwright.sync_api import Locator, Page
from pydantic import BaseModel, Field

from bots._portal import open_page, signed_in
from runner import ApplicationError, BusinessError, Item, Queue, Retry, bot, run, sheets, step, web
from runner.core.errors import WorkbookError


class Order(BaseModel):
    """A row of the order workbook; headings in other words are in `aliases`."""

    number: str = Field(title="Order number", json_schema_extra={"aliases": ["Order no.", "订单号"]})
    customer: str = Field(json_schema_extra={"aliases": ["Client", "客户"]})
    product: str = Field(json_schema_extra={"aliases": ["Article", "产品"]})
    quantity: int = Field(gt=0, json_schema_extra={"aliases": ["Qty", "数量"]})
    amount: Decimal = Field(gt=0, max_digits=11, decimal_places=2, json_schema_extra={"aliases": ["金额"]})
    delivery_date: date = Field(json_schema_extra={"aliases": ["Deliver on", "交货日期"]})
    notes: str = Field("", json_schema_extra={"aliases": ["Remarks", "备注"]})


class ShopOrder(BaseModel):
    """A row of the web shop's list, which has only name, item and zip code."""

    name: str
    item: str
    zip: str


orders = Queue("orders", Order, key="number", retry=Retry(times=3, wait="1s", longest_wait="30s"))


@bot(process="order-entry", time_limit="30m", stop_after=5, secrets=["portal/password"])
def post_orders(portal: str, workbook: Path | None = None) -> None:
    """Enter the orders of a workbook into the supplier portal.

    Orders that were entered before are left alone. Without a workbook, what waits in the queue is entered.
    """
    sheet = read_orders(workbook) if workbook else None
    rows = list(as_orders(sheet)) if sheet else []
    orders.put(rows)
    orders.each(post_one, session=lambda: signed_in(portal))
    if sheet:
        target = run.folder / "outputs" / sheets.result_path(sheet.path).name
        target.parent.mkdir(exist_ok=True)
        orders.write_results(sheet, put=rows, target=target)
        run.output("result", target)


def read_orders(workbook: Path) -> sheets.Rows[Order] | sheets.Rows[ShopOrder]:
    """The rows of an order workbook, or of the web shop's list, which is known by its columns Name, Item and Zip."""
    try:
        return sheets.read(workbook, Order)
    except WorkbookError as no_orders:
        if no_orders.stable_code != "WB_COLUMN":
            raise
        try:
            return sheets.read(workbook, ShopOrder)
        except WorkbookError:
            raise no_orders from None


def as_orders(
    rows: sheets.Rows[Order] | sheets.Rows[ShopOrder],
) -> Iterator[sheets.GoodRow[Order] | sheets.BadRow]:
    """The rows as orders. The web shop numbers none and agrees prices later: its rows are named by their place."""
    for row in rows:
        if isinstance(row, sheets.BadRow):
            yield row
        elif isinstance(row.data, Order):
            yield sheets.GoodRow(row.data, row.source)
        else:
            order = Order(
                number=f"{row.source.file.stem}-{row.source.row:04}",
                customer=row.data.name,
                product=row.data.item,
                quantity=1,
                amount=Decimal("0.01"),
                delivery_date=date.today() + timedelta(days=14),  # noqa: DTZ011 - the day on the wall counts
                notes=f"Zip code {row.data.zip}; price to be agreed",
            )
            yield sheets.GoodRow(order, row.source)


@step
def post_one(item: Item[Order], page: Page) -> None:
    """Enter one order and keep the portal's confirmation number."""
    fill_in(page, item.data)
    confirmation = item.irreversible(
        "submit", lambda: submit(page), already_done=lambda: bool(confirmation_of(page, item.data))
    )
    item.output["confirmation"] = confirmation or confirmation_of(page, item.data)


@step
def fill_in(page: Page, order: Order) -> None:
    """Fill in the order form."""
    open_page(page, "/orders/new")
    product = entry(page, "product", "Product")
    on_sale = product.locator("option").all_inner_texts()
    if order.product not in on_sale:
        near = difflib.get_close_matches(order.product, on_sale, n=1)
        raise BusinessError(
            f"the portal has no product '{order.product}'",
            expected=f"did you mean '{near[0]}'?" if near else "a product of its order form",
            hint="correct the product and retry",
            code="UNKNOWN_PRODUCT",
        )
    entry(page, "number", "Order number").fill(order.number)
    entry(page, "customer", "Customer").fill(order.customer)
    product.select_option(order.product)
    entry(page, "quantity", "Quantity").fill(str(order.quantity))
    entry(page, "amount", "Amount").fill(str(order.amount))
    entry(page, "delivery_date", "Delivery date").fill(order.delivery_date.isoformat())
    entry(page, "notes", "Notes").fill(order.notes)


def entry(page: Page, name: str, label: str) -> Locator:
    """A field of the form by its label, or, should the portal change its words, by its name in the form."""
    return web.find(page, name, [page.get_by_label(label, exact=True), page.locator(f"[name={name}]")])


def submit(page: Page) -> str:
    """Post the form; the confirmation number. What the portal objects to is a business exception."""
    with page.expect_response(lambda answer: answer.request.method == "POST") as posted:
        page.locator("form#order button").click()
    if posted.value.status >= 500:
        raise ApplicationError(f"the portal answers the order with {posted.value.status}")
    confirmation, refusal = page.get_by_test_id("confirmation"), page.get_by_role("alert")
    confirmation.or_(refusal).wait_for()
    if refusal.is_visible():
        raise BusinessError(f"the portal refuses the order: {' '.join(refusal.inner_text().split())}")
    return confirmation.inner_text()


@step(retry=Retry(times=3, wait="200ms", longest_wait="2s"))
def confirmation_of(page: Page, order: Order) -> str | None:
    """The confirmation number of exactly this order, None where it has not been entered. It only looks."""
    open_page(page, f"/orders/find?number={order.number}")
    found = page.get_by_role("row").filter(has=page.get_by_role("link", name=order.number, exact=True))
    for row in found.all():
        _, customer, product, amount, _, confirmation = row.get_by_role("cell").all_inner_texts()
        if (customer, product, amount) == (order.customer, order.product, f"{order.amount:,.2f}"):
            return confirmation
    return None
