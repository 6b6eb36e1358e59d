"""Collects the price list of the supplier portal, page by page, as a workbook."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from playwright.sync_api import Page
from pydantic import BaseModel, Field

from bots._portal import open_page, signed_in
from runner import Retry, bot, run, sheets, step, web


class Price(BaseModel):
    """A line of the price list; its fields are found by the headings of the columns."""

    number: str
    product: str
    category: str
    price: Decimal
    currency: str = Field(pattern="^[A-Z]{3}$")
    valid_from: date
    stock: int


@bot(process="purchasing", time_limit="10m", secrets=["portal/password"])
def collect_prices(portal: str, category: str = "") -> None:
    """Collect the portal's price list, or one category of it, as a workbook."""
    with signed_in(portal) as page:
        prices = read_prices(page, category)
    run.balance("prices", read=prices.total or 0, entered=len(prices.good))
    file = run.folder / "outputs" / "prices.xlsx"
    file.parent.mkdir(exist_ok=True)
    sheets.table(file, prices.models, model=Price, title=f"Price list {category}".strip(), sheet="Prices")
    run.output("prices", file)


@step(retry=Retry(times=3, wait="500ms", longest_wait="10s"))
def read_prices(page: Page, category: str) -> web.WebTable[Price]:
    """The whole list, page after page; as many lines as the portal says there are."""
    open_page(page, f"/prices?category={category}")
    return web.table(
        page.get_by_role("table"),
        Price,
        next_page=page.get_by_role("link", name="Next", exact=True),
        total=page.get_by_test_id("total"),
        key="number",
        locale="en",
    )
