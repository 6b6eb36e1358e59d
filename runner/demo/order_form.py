"""The order form: its fields, their labels (which can move) and the check of what was typed."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from datetime import date
from decimal import Decimal

from werkzeug.datastructures import FileStorage
from werkzeug.utils import secure_filename

from runner.demo.orders import Attachment, Order

APPROVAL_LIMIT = Decimal(50_000)

LABELS: Mapping[str, str] = {
    "number": "Order number",
    "customer": "Customer",
    "product": "Product",
    "quantity": "Quantity",
    "amount": "Amount",
    "delivery_date": "Delivery date",
    "notes": "Notes",
    "attachment": "Attachment",
    "post": "Post order",
}
"""The words that stand on the form."""

MOVED_LABELS: Mapping[str, str] = {
    **LABELS,
    "number": "Order no.",
    "customer": "Account",
    "amount": "Net value",
    "delivery_date": "Deliver on",
    "post": "Submit",
}
"""The words after the portal's "new release": the fields are the same, what people read is not."""


class OrderRefused(Exception):
    """Raised when an order was not filled in right; `errors` has a sentence for each field that is wrong."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = errors


def read_order(
    form: Mapping[str, str],
    products: Container[str],
    upload: FileStorage | None = None,
    limit: Decimal | None = None,
) -> Order:
    """The order that was typed into the form.

    Raises OrderRefused with all the fields that are wrong, also when the amount is over `limit`.
    """
    typed = {name: form.get(name, "").strip() for name in LABELS}
    errors = {name: sentence for name, check in _CHECKS.items() if (sentence := check(typed[name]))}
    if "product" not in errors and typed["product"] not in products:
        errors["product"] = f"Product '{typed['product']}' is not in the catalogue."
    if limit is not None and "amount" not in errors and Decimal(typed["amount"]) > limit:
        errors["amount"] = f"Amount is over the limit of {limit:,.2f} EUR for orders without approval."
    if errors:
        raise OrderRefused(errors)
    return Order(
        number=typed["number"],
        customer=typed["customer"],
        product=typed["product"],
        quantity=int(typed["quantity"]),
        amount=Decimal(typed["amount"]).quantize(Decimal("0.01")),
        delivery_date=date.fromisoformat(typed["delivery_date"]),
        notes=typed["notes"],
        attachment=_attachment(upload),
    )


def _attachment(upload: FileStorage | None) -> Attachment | None:
    if upload is None or not upload.filename:
        return None
    return Attachment(secure_filename(upload.filename) or "attachment", upload.read())


def _number(text: str) -> str:
    if not text:
        return "Order number is missing."
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", text):
        return f"Order number '{text}' may have letters, digits, '-', '_' and '.', 40 at most."
    return ""


def _customer(text: str) -> str:
    return "" if text else "Customer is missing."


def _product(text: str) -> str:
    return "" if text else "Choose a product."


def _quantity(text: str) -> str:
    if not text:
        return "Quantity is missing."
    if re.fullmatch(r"[0-9]{1,4}", text) and int(text) > 0:
        return ""
    return f"Quantity '{text}' must be a whole number from 1 to 9999."


def _amount(text: str) -> str:
    if not text:
        return "Amount is missing."
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,2})?", text) and Decimal(text) > 0:
        return ""
    return f"Amount '{text}' must be a number above 0 with two decimals at most, such as 1250.00."


def _delivery_date(text: str) -> str:
    if not text:
        return "Delivery date is missing."
    try:
        date.fromisoformat(text)
    except ValueError:
        return f"Delivery date '{text}' is not a date."
    return ""


_CHECKS: Mapping[str, Callable[[str], str]] = {
    "number": _number,
    "customer": _customer,
    "product": _product,
    "quantity": _quantity,
    "amount": _amount,
    "delivery_date": _delivery_date,
}
