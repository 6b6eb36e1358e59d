"""The price list: pages of 25, a filter, a sort order, and a page for each product."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from flask import Blueprint, abort, render_template, request, url_for

from runner.demo.catalogue import CATEGORIES, SORTS, PriceQuery, look_up, price_of

pages = Blueprint("prices", __name__, url_prefix="/prices")

_TITLES = {
    "sku": "Number",
    "name": "Product",
    "category": "Category",
    "price": "Price",
    "valid_from": "Valid from",
    "stock": "Stock",
}


@dataclass(frozen=True, slots=True)
class Column:
    """The head of one column: its title, the link that sorts by it, and how it is sorted now (ARIA's words)."""

    title: str
    href: str
    order: str
    is_number: bool


@pages.get("")
def listing() -> str:
    """The page of the price list that the query asks for (q, category, sort, page)."""
    sort = request.args.get("sort", "name")
    query = PriceQuery(
        text=request.args.get("q", ""),
        category=request.args.get("category", ""),
        sort=sort if sort.removeprefix("-") in SORTS else "name",
        page=request.args.get("page", default=1, type=int),
    )
    result = look_up(query)
    return render_template(
        "prices.html",
        query=query,
        result=result,
        categories=CATEGORIES,
        columns=[_column(query, field) for field in SORTS],
        previous=_href(replace(query, page=result.page - 1)) if result.page > 1 else None,
        next=_href(replace(query, page=result.page + 1)) if result.page < result.pages else None,
    )


@pages.get("/<sku>")
def product(sku: str) -> str:
    """All that is known about one product; 404 when there is none."""
    line = price_of(sku)
    if line is None:
        abort(404, f"There is no product with number {sku}.")
    return render_template("product.html", line=line)


def _column(query: PriceQuery, field: str) -> Column:
    order = {field: "ascending", f"-{field}": "descending"}.get(query.sort, "none")
    sort = f"-{field}" if order == "ascending" else field
    return Column(
        _TITLES[field], _href(replace(query, sort=sort, page=1)), order, is_number=field in {"price", "stock"}
    )


def _href(query: PriceQuery) -> str:
    fields = {"q": query.text, "category": query.category, "sort": query.sort, "page": query.page}
    return f"{url_for('prices.listing')}?{urlencode({name: value for name, value in fields.items() if value != ''})}"
