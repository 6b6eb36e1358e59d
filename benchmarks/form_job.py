"""The job that all sides do, written once: rows into a form, confirmation numbers out. No framework in it."""

from __future__ import annotations

from openpyxl import load_workbook
from playwright.sync_api import Page

COLUMNS = ("Order number", "Customer", "Product", "Quantity", "Amount", "Delivery date")


def enter(page: Page, form: str, row: tuple[str, str, str, str, str, str]) -> str:
    """Fill in the form with the texts of one row and post it; the confirmation number."""
    number, customer, product, quantity, amount, day = row
    page.goto(form)
    page.get_by_label("Order number").fill(number)
    page.get_by_label("Customer").fill(customer)
    page.get_by_label("Product").select_option(product)
    page.get_by_label("Quantity").fill(quantity)
    page.get_by_label("Amount").fill(amount)
    page.get_by_label("Delivery date").fill(day)
    page.get_by_role("button", name="Post order").click()
    return page.get_by_test_id("confirmation").inner_text()


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
