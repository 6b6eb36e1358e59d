"""A person who records an order on the demo portal, and the workbook that the person has: chart, picture and macro in it."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import xlsxwriter
from playwright.sync_api import Page

from runner.demo.serve import Portal
from runner.kit.record import Recorder
from runner.kit.replay_window import window
from runner.recordings.library import Place

BAD_ROWS: Final = (4, 9, 14, 20)
"""The sheet rows that are wrong: a product that is none, a number with a letter, a number that the portal refuses, a blank."""
MACRO: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(range(256)) * 8


def record_an_order(portal: Portal, place: Place) -> None:
    """Record on the portal: sign in, enter the order of the workbook's first row, mark its confirmation number."""
    with ThreadPoolExecutor(1) as thread:  # a driver of its own, whatever the test has open
        thread.submit(_record, portal, place).result(120)


def _record(portal: Portal, place: Place) -> None:
    with window(headed=False) as context:
        recorder = Recorder(context, "Enter an order", secret="portal/password", panel="en")
        page = recorder.open(portal.url)
        for act in _acts(page, portal):
            act()
            recorder.settle()
        page.get_by_role("button", name="Done").click()
        recorder.wait()
        recorder.finish().write(place)


def _acts(page: Page, portal: Portal) -> list[Callable[[], object]]:
    """What the person does, one thing after the other."""
    label, button = page.get_by_label, partial(page.get_by_role, "button")
    return [
        lambda: label("User name").fill(portal.user),
        lambda: label("Password").press_sequentially(portal.password),
        lambda: button(name="Sign in").click(),
        lambda: page.get_by_role("navigation").get_by_role("link", name="New order").click(),
        lambda: label("Order number").press_sequentially("REC-1"),
        lambda: label("Customer").fill("Alder & Finch"),
        lambda: label("Product").select_option("Desk lamp"),
        lambda: label("Quantity").fill("1"),
        lambda: label("Amount").fill("39.50"),
        lambda: label("Delivery date").fill("2026-12-01"),
        lambda: button(name="Post order").click(),
        lambda: button(name="Read a value").click(),
        lambda: page.get_by_test_id("confirmation").click(),
    ]


def make_order_book(path: Path, count: int = 30, bad: Sequence[int] = BAD_ROWS) -> Path:
    """An .xlsm of `count` orders with a chart, a picture, a formula, a comment and a macro."""
    path.parent.mkdir(parents=True, exist_ok=True)
    macro = path.with_name("vbaProject.bin")
    macro.write_bytes(MACRO)
    book = xlsxwriter.Workbook(str(path))
    book.add_vba_project(str(macro))
    sheet = book.add_worksheet("Orders")
    bold, day, money = (
        book.add_format(one)
        for one in ({"bold": True}, {"num_format": "dd.mm.yyyy"}, {"num_format": "#,##0.00"})
    )
    for column, heading in enumerate(
        ("Order no.", "Customer", "Product", "Quantity", "Amount", "Deliver on")
    ):
        sheet.write(0, column, heading, bold)
    for row in range(1, count + 1):
        for column, value in enumerate(_order(row, bad)):
            if isinstance(value, datetime):
                sheet.write_datetime(row, column, value, day)
            else:
                sheet.write(row, column, value, money if column == 4 else None)
    sheet.write_formula(count + 2, 8, f"=SUM(E2:E{count + 1})")
    sheet.write_comment("A2", "the first one")
    chart: Any = book.add_chart({"type": "column"})
    chart.add_series({"values": ["Orders", 1, 4, count, 4]})
    sheet.insert_chart("K2", chart)
    sheet.insert_image("K20", "dot.png", {"image_data": io.BytesIO(_dot())})
    book.close()
    macro.unlink()
    return path


def _order(row: int, bad: Sequence[int]) -> tuple[Any, ...]:
    number: Any = f"REC-{row}"
    product, amount, customer = "Desk lamp", row * 39.5, "Alder & Finch"
    wrong = dict(zip(bad, ("product", "amount", "number", "customer"), strict=False)).get(row + 1)
    return (
        "REC no 13!" if wrong == "number" else number,
        "" if wrong == "customer" else customer,
        "Desk lmap" if wrong == "product" else product,
        row,
        "12,5O" if wrong == "amount" else amount,
        datetime(2026, 12, 1 + (row - 1) % 28),  # noqa: DTZ001 - a cell has no zone,
    )


def _dot() -> bytes:
    """A PNG of one pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0\xff\0\0"))
        + chunk(b"IEND", b"")
    )
