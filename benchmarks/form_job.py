"""One row of the job that all sides do, written once: its texts into a form, the confirmation number out."""

from __future__ import annotations

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
