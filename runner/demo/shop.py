"""What all pages of the portal share: its order book, its faults, its products and who may sign in."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from flask import Flask, current_app

from runner.demo.catalogue import PRODUCTS
from runner.demo.faults import Faults
from runner.demo.orders import OrderBook

_KEY = "portal"


@dataclass(slots=True)
class Shop:
    """One portal. `stopping` is set when the server is to end, so that no request waits any longer."""

    book: OrderBook
    user: str
    password: str
    products: tuple[str, ...] = PRODUCTS
    faults: Faults = field(default_factory=Faults)
    stopping: threading.Event = field(default_factory=threading.Event)


def open_shop(data_dir: Path, user: str, password: str, extra_products: Sequence[str] = ()) -> Shop:
    """The portal whose store is in `data_dir`, which is made when it is not there."""
    data_dir.mkdir(parents=True, exist_ok=True)
    products = tuple(sorted({*PRODUCTS, *extra_products}))
    return Shop(OrderBook(data_dir / "portal.sqlite3"), user, password, products)


def attach(app: Flask, shop: Shop) -> None:
    """Make `shop` the one that the pages of `app` work for."""
    app.extensions[_KEY] = shop


def shop_of(app: Flask) -> Shop:
    """The shop that was attached to `app`."""
    return cast("Shop", app.extensions[_KEY])


def the_shop() -> Shop:
    """The shop of the request that is being answered."""
    return shop_of(current_app)
