"""A desk with a recording of one order and the workbook that it was made with, and the form that binds the two."""

from __future__ import annotations

import html
import io
import re
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from openpyxl import Workbook

from runner.recordings.library import Place
from tests.desk_place import Desk
from tests.recordings_made import order_recording

ORDERS: list[tuple[Any, ...]] = [
    ("Order number", "Customer", "Product", "Amount", "Delivery date"),
    ("A-1", "Alder & Finch", "Desk lamp", 39.5, datetime(2026, 12, 1)),  # noqa: DTZ001 - a cell has no zone
    ("A-2", "Birch & Co", "Desk lamp", 1250.5, datetime(2026, 12, 2)),  # noqa: DTZ001
    ("A-3", "Cedar", "Desk lamp", "12,5O", datetime(2026, 12, 3)),  # noqa: DTZ001
    ("A-4", None, "Bookcase", 5, datetime(2026, 12, 4)),  # noqa: DTZ001
    ("A-2", "Birch & Co", "Bookcase", 7, datetime(2026, 12, 4)),  # noqa: DTZ001
]
BIND = "/recordings/enter-order/bind"
WORKBOOK = "?workbook=inbox/orders.xlsx"


def order_book(*, rows: list[tuple[Any, ...]] | None = None, sheet: str = "Orders") -> bytes:
    """A workbook of orders; the second row is what was typed while recording."""
    book = Workbook()
    page = book.worksheets[0]
    page.title = sheet
    for row in rows or ORDERS:
        page.append(list(row))
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


@pytest.fixture
def enter_order(desk: Desk) -> Place:
    """The place of a recording of one order, on a desk whose project has the workbook it was made with."""
    place = Place(desk.cli.project, "enter-order")
    place.write(order_recording())
    inbox = desk.cli.project / "inbox"
    inbox.mkdir()
    (inbox / "orders.xlsx").write_bytes(order_book())
    return place


def fields_of(text: str) -> dict[str, str]:
    """What the form on a page would send."""
    form = text[text.index('<form id="bind"') :]
    form = form[: form.index("</form>")]
    found = {}
    for tag in re.findall(r"<input[^>]*>", form):
        given = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        if given.get("type") in {"radio", "checkbox"} and " checked" not in tag:
            continue
        if "name" in given:
            found[given["name"]] = html.unescape(given.get("value", ""))
    for name, inside in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', inside)
        found[name] = html.unescape(chosen[1]) if chosen else ""
    return found


def page_of(client: Client, path: str = BIND + WORKBOOK) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def save(client: Client, **changes: str) -> Any:
    """Send the form as the page shows it, with some fields changed."""
    fields = {**fields_of(page_of(client)), "act": "save"}
    return client.post(
        BIND, {**fields, **{name.replace("__", "."): value for name, value in changes.items()}}
    )
