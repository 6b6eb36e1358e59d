"""Recordings and tables made for the tests of the rooms `recordings` and `kit`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from runner.recordings.model import Recording
from runner.recordings.reading import parse_recording

DATA: Final = Path(__file__).resolve().parents[1].parent / "shared" / "data"
CORPUS: Final = DATA / "recordings"
HEADINGS: Final = ("Order number", "Customer", "Product", "Amount", "Delivery date")
SITE: Final = "http://portal.example"


def field(name: str, value: str, *more: str) -> dict[str, Any]:
    """A step that fills in the field with that label."""
    return {
        "type": "change",
        "value": value,
        "selectors": [[f"aria/{name}"], *([one] for one in more)],
        "target": "main",
    }


def click(name: str, leads_to: str = "", role: str = "button") -> dict[str, Any]:
    """A step that clicks something, and the page that follows."""
    step = {"type": "click", "selectors": [[f'aria/{name}[role="{role}"]']], "offsetX": 5, "offsetY": 5}
    return {**step, "assertedEvents": [{"type": "navigation", "url": SITE + leads_to}]} if leads_to else step


def own(name: str, **parameters: Any) -> dict[str, Any]:
    """One of Runner's own steps."""
    return {"type": "customStep", "name": f"runner.{name}", "parameters": parameters}


def recording(*steps: dict[str, Any], title: str = "Enter an order") -> Recording:
    """A recording of these steps."""
    return parse_recording(json.dumps({"title": title, "steps": list(steps)}), "made.json")


def order_recording() -> Recording:
    """Sign in, enter one order, read its confirmation number."""
    return recording(
        {"type": "setViewport", "width": 1280, "height": 800, "deviceScaleFactor": 1, "isMobile": False, "hasTouch": False, "isLandscape": False},
        {"type": "navigate", "url": f"{SITE}/"},
        field("User name", "clerk"),
        field("Password", "${secret:portal/password}"),
        click("Sign in", "/"),
        click("New order", "/orders/new", role="link"),
        field("Order number", "A-2", "#number"),
        field("Customer", "Birch & Co"),
        {**field("Product", "Desk lamp"), "selectors": [['aria/Product[role="combobox"]'], ["#product"]]},
        field("Amount", "1.250,50"),
        field("Delivery date", "02.12.2026"),
        click("Post order", "/orders/confirmation/PC-000001"),
        own("read", selectors=[['[data-testid="confirmation"]']], output="confirmation", sample="PC-000001"),
    )  # fmt: skip
