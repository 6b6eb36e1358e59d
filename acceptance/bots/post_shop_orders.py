"""Posts the orders of a workbook from elsewhere, which has no order numbers, into the demo portal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from playwright.sync_api import Page
from pydantic import BaseModel, Field

from runner import BusinessError, Item, Queue, Retry, bot, secret, sheets, step, web


class Row(BaseModel):
    """A row as the workbook has it."""

    customer: str = Field(min_length=1)
    product: str = Field(min_length=1)
    postcode: str = Field(pattern=r"^\d{4,5}$")


class Order(Row):
    """A row with the number it gets here, from its place in the workbook: the same row is the same order tomorrow."""

    number: str


orders = Queue("shop-orders", Order, key="number", retry=Retry(times=2, wait="1s", longest_wait="10s"))


@bot(process="sales", time_limit="10m", stop_after=5, secrets=["portal-password"])
def post_shop_orders(
    portal: str, delivery: date, workbook: Path | None = None, user: str = "clerk", prefix: str = "SHOP"
) -> None:
    """Post the orders of a workbook with the columns Name, Item and Zip."""
    if workbook:
        names = {"customer": ["Name"], "product": ["Item"], "postcode": ["Zip"]}
        orders.put(numbered(sheets.read(workbook, Row, aliases=names), prefix))
    orders.each(
        lambda item, page: post_one(item, page, portal, delivery), session=lambda: signed_in(portal, user)
    )


def numbered(rows: sheets.Rows[Row], prefix: str) -> Iterator[sheets.GoodRow[Order] | sheets.BadRow]:
    """The rows with a number each."""
    for row in rows:
        if isinstance(row, sheets.GoodRow):
            order = Order(number=f"{prefix}-{row.source.row:04}", **row.data.model_dump())
            yield sheets.GoodRow(order, row.source)
        else:
            yield row


@contextmanager
def signed_in(portal: str, user: str) -> Iterator[Page]:
    """A page that is signed in to the portal."""
    with web.page(timeout="15s") as page:
        page.goto(f"{portal}/login")
        page.get_by_label("User name").fill(user)
        page.get_by_label("Password").fill(secret("portal-password"))
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{portal}/")
        yield page


@step
def post_one(item: Item[Order], page: Page, portal: str, delivery: date) -> None:
    """Fill in one order and keep the portal's confirmation number."""
    order = item.data
    page.goto(f"{portal}/orders/new")
    product = page.get_by_label("Product")
    if order.product not in product.locator("option").all_inner_texts():
        raise BusinessError(
            f"the catalogue has no product '{order.product}'",
            expected="a product of the order form",
            hint="correct the name and retry",
            code="UNKNOWN_PRODUCT",
        )
    page.get_by_label("Order number").fill(order.number)
    page.get_by_label("Customer").fill(order.customer)
    product.select_option(order.product)
    page.get_by_label("Quantity").fill("1")
    page.get_by_label("Amount").fill("29.00")
    page.get_by_label("Delivery date").fill(delivery.isoformat())
    page.get_by_label("Notes").fill(f"Postcode {order.postcode}")
    item.irreversible("post", lambda: post(page), already_done=lambda: is_posted(page, portal, order.number))
    page.goto(f"{portal}/orders/{order.number}")
    item.output["confirmation"] = page.get_by_text("PC-").first.inner_text()


def post(page: Page) -> None:
    """Post the form and wait for the portal's confirmation."""
    page.get_by_role("button", name="Post order").click()
    page.get_by_test_id("confirmation").wait_for()


def is_posted(page: Page, portal: str, number: str) -> bool:
    """Whether the portal has this order; it only looks."""
    answer = page.goto(f"{portal}/orders/{number}")
    return answer is not None and answer.ok
