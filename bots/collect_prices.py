"""Collects the price list of the supplier portal, page by page, as a workbook."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated

from playwright.sync_api import Page
from pydantic import BaseModel, BeforeValidator, Field

from bots._portal import open_page, signed_in
from runner import Retry, bot, run, sheets, step

Money = Annotated[Decimal, BeforeValidator(lambda text: text.replace(",", ""))]


class Price(BaseModel):
    """A line of the price list, in the order of the portal's columns."""

    number: str
    product: str
    category: str
    price: Money
    currency: str = Field(pattern="^[A-Z]{3}$")
    valid_from: date
    stock: int


@bot(process="purchasing", time_limit="10m", secrets=["portal/password"])
def collect_prices(portal: str, category: str = "") -> None:
    """Collect the portal's price list, or one category of it, as a workbook."""
    prices: dict[str, Price] = {}
    with signed_in(portal) as page:
        path: str | None = f"/prices?category={category}"
        while path:
            shown, lines, path = read_page(page, path)
            prices |= {line.number: line for line in lines}
    run.balance("prices", read=shown, entered=len(prices))
    file = run.folder / "outputs" / "prices.xlsx"
    file.parent.mkdir(exist_ok=True)
    sheets.table(file, prices.values(), model=Price, title=f"Price list {category}".strip(), sheet="Prices")
    run.output("prices", file)


@step(retry=Retry(times=3, wait="500ms", longest_wait="10s"))
def read_page(page: Page, path: str) -> tuple[int, list[Price], str | None]:
    """One page of the list: how many products there are in all, its lines, and the path of the next page."""
    open_page(page, path)
    shown = int(page.get_by_test_id("total").inner_text().split()[0].replace(",", ""))
    rows = page.locator("table tbody tr").evaluate_all(
        "rows => rows.map(r => [...r.cells].map(c => c.innerText))"
    )
    lines = [Price.model_validate(dict(zip(Price.model_fields, cells, strict=True))) for cells in rows]
    further = page.get_by_role("link", name="Next", exact=True)
    return shown, lines, further.get_attribute("href") if further.count() else None
