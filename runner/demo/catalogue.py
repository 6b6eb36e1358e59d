"""What the portal sells: the products of the order form and a price list of 180 products, the same on every machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache

PAGE_SIZE = 25

PRODUCTS = (
    "Adjustable desk",
    "Bookcase",
    "Cable tray",
    "Conference table",
    "Desk lamp",
    "Filing cabinet",
    "Footrest",
    "Monitor arm",
    "Office chair",
    "Pinboard",
    "Visitor chair",
    "Whiteboard",
)
"""The products that an order can name."""

_RANGE: dict[str, tuple[str, ...]] = {
    "Desks": ("Adjustable desk", "Bench desk", "Corner desk", "Folding table", "Standing desk"),
    "Lighting": ("Desk lamp", "Floor lamp", "Light panel", "Reading lamp", "Task light"),
    "Paper": ("Copy paper", "Envelopes", "Index cards", "Ledger book", "Notepad"),
    "Seating": ("Bar stool", "Lounge chair", "Office chair", "Saddle stool", "Visitor chair"),
    "Storage": ("Bookcase", "Drawer unit", "Filing cabinet", "Key cabinet", "Locker"),
    "Technology": ("Cable tray", "Docking station", "Headset", "Monitor arm", "Webcam"),
}
_FINISHES = ("Basic", "Comfort", "Compact", "Eco", "Plus", "Pro")
_CURRENCIES = ("EUR", "EUR", "EUR", "USD", "CNY")

CATEGORIES = tuple(_RANGE)
"""The categories that the price list can be filtered by."""


@dataclass(frozen=True, slots=True)
class Price:
    """One line of the price list."""

    sku: str
    name: str
    category: str
    price: Decimal
    currency: str
    valid_from: date
    stock: int


@dataclass(frozen=True, slots=True)
class PriceQuery:
    """What a reader of the price list asked for; `page` counts from 1, `sort` is a field, "-" before it turns it."""

    text: str = ""
    category: str = ""
    sort: str = "name"
    page: int = 1


@dataclass(frozen=True, slots=True)
class PricePage:
    """One page of the price list, with the count of all lines that match."""

    lines: tuple[Price, ...]
    total: int
    page: int
    pages: int


SORTS: dict[str, Callable[[Price], tuple[object, ...]]] = {
    "sku": lambda line: (line.sku,),
    "name": lambda line: (line.name, line.sku),
    "category": lambda line: (line.category, line.name, line.sku),
    "price": lambda line: (line.currency, line.price, line.sku),
    "valid_from": lambda line: (line.valid_from, line.sku),
    "stock": lambda line: (line.stock, line.sku),
}
"""The orders that the price list can be read in; a price sorts within its currency."""


@cache
def price_list() -> tuple[Price, ...]:
    """All 180 prices in the order of their numbers."""
    return tuple(_lines())


def price_of(sku: str) -> Price | None:
    """The line of `sku`, or None where there is no such product."""
    return next((line for line in price_list() if line.sku == sku), None)


def look_up(query: PriceQuery) -> PricePage:
    """The page of the price list that `query` asks for; a page beyond the last one is the last one."""
    text = query.text.strip().casefold()
    found = [
        line
        for line in price_list()
        if query.category in {"", line.category} and text in f"{line.sku} {line.name}".casefold()
    ]
    found.sort(key=SORTS.get(query.sort.removeprefix("-"), SORTS["name"]), reverse=query.sort.startswith("-"))
    pages = max(1, -(-len(found) // PAGE_SIZE))
    page = min(max(1, query.page), pages)
    return PricePage(tuple(found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]), len(found), page, pages)


def _lines() -> Iterator[Price]:
    number = 0
    for category, names in _RANGE.items():
        for name in names:
            for finish in _FINISHES:
                number += 1
                yield Price(
                    sku=f"SP-{1000 + number}",
                    name=f"{name} {finish}",
                    category=category,
                    price=Decimal(495 + number * 7919 % 89_000) / 100,
                    currency=_CURRENCIES[number * 7 % len(_CURRENCIES)],
                    valid_from=date(2026, 1, 1) + timedelta(days=number * 37 % 270),
                    stock=number * 53 % 211,
                )
