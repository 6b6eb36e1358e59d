"""The whole job as a script does it, by openpyxl: rows into a form, confirmation numbers out. No framework in it."""

from __future__ import annotations

from openpyxl import load_workbook
from playwright.sync_api import Page

from benchmarks.form_job import enter


def enter_all(page: Page, form: str, workbook: str, result: str) -> None:
    """The whole job by openpyxl, as anybody would write it who has no framework for it."""
    book = load_workbook(workbook)
    sheet = book.worksheets[0]
    sheet.cell(1, 7, "Confirmation")
    for number, row in enumerate(sheet.iter_rows(min_row=2, max_col=6, values_only=True), start=2):
        name, customer, product, quantity, amount, day = row
        texts = (str(name), str(customer), str(product), str(quantity), str(amount), f"{day:%Y-%m-%d}")
        sheet.cell(number, 7, enter(page, form, texts))
    book.save(result)
