"""The order in a run folder: written before anything else, and read back."""

from __future__ import annotations

import os
from pathlib import Path

from runner.core.contract import ORDER_FILE, Order


def write_order(folder: Path, order: Order) -> None:
    """Make the run folder and its `order.json`, on the disk when this returns."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / ORDER_FILE
    with path.open("w", encoding="utf-8") as file:
        file.write(order.model_dump_json(indent=2))
        file.flush()
        os.fsync(file.fileno())


def read_order(folder: Path) -> Order:
    """The order that `write_order` left."""
    return Order.model_validate_json((folder / ORDER_FILE).read_text("utf-8"))
