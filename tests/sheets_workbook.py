"""Workbooks for the tests of writing, and what is in them: parts, cells."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import xlsxwriter
from pydantic import BaseModel


class Order(BaseModel):
    name: str
    amount: Decimal


def orders(path: Path) -> Path:
    """A formatted workbook with a formula, its stored result, a chart, a comment, a filter, a validation and a second sheet."""
    book = xlsxwriter.Workbook(str(path))
    page, other = book.add_worksheet("Orders"), book.add_worksheet("Other")
    bold, border = book.add_format({"bold": True}), book.add_format({"border": 1, "num_format": "0.00"})
    page.write_row(0, 0, ["Name", "Amount"], bold)
    for at in range(1, 6):
        page.write_string(at, 0, f"customer {at}")
        page.write_number(at, 1, at * 1.5, border)
    page.write_formula(8, 1, "=SUM(B2:B6)", border, 22.5)
    page.write_blank(2, 2, None, border)
    page.write_comment(1, 0, "look")
    page.data_validation(1, 1, 5, 1, {"validate": "decimal", "criteria": ">", "value": 0})
    page.autofilter(0, 0, 5, 1)
    chart = book.add_chart({"type": "line"})
    assert chart is not None
    chart.add_series({"values": "=Orders!$B$2:$B$6"})
    page.insert_chart("H2", chart)
    other.write_row(0, 0, ["kept", 1])
    other.merge_range(2, 0, 3, 1, "merged")
    book.close()
    return path


def parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as package:
        assert package.testzip() is None
        return {name: package.read(name) for name in package.namelist()}


def changed(before: Path, after: Path) -> list[str]:
    old, new = parts(before), parts(after)
    assert list(old) == list(new)
    return [name for name in old if old[name] != new[name]]


def with_sheet(
    source: Path, target: Path, change: Callable[[bytes], bytes], part: str = "xl/worksheets/sheet1.xml"
) -> Path:
    content = parts(source)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in content.items():
            package.writestr(name, change(data) if name == part else data)
    return target


def cell(path: Path, sheet: str, address: str) -> Any:
    book = openpyxl.load_workbook(path, data_only=True)
    return book[sheet][address]
