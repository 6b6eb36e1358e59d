"""The pages about orders: enter one, its confirmation, find one, and read one."""

from __future__ import annotations

import io
from collections.abc import Mapping

from flask import Blueprint, Response, abort, redirect, render_template, request, send_file, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from runner.core.errors import ConflictError
from runner.demo import fault_hooks
from runner.demo.faults import Fault
from runner.demo.order_form import APPROVAL_LIMIT, OrderRefused, read_order
from runner.demo.orders import Entry
from runner.demo.shop import the_shop

pages = Blueprint("orders", __name__, url_prefix="/orders")


@pages.get("/new")
def new() -> str:
    """The empty order form."""
    return _form({}, {})


@pages.post("/new")
def post() -> AnyResponse | tuple[str, int]:
    """Keep the order and go to its confirmation; 422 or 409 and the form again, with what is wrong, when it can't be."""
    shop = the_shop()
    try:
        order = read_order(request.form, shop.products, request.files.get("attachment"), APPROVAL_LIMIT)
        entry = shop.book.post(
            order, posted_by=session["user"], refuse_duplicates=shop.faults.plan.refuse_duplicates
        )
    except OrderRefused as refused:
        return _form(request.form, refused.errors), 422
    except ConflictError as conflict:
        return _form(request.form, {"number": conflict.what}), 409
    if fault_hooks.is_asked(Fault.COMMIT) or shop.faults.take_commit_failure():
        shop.faults.count("commit")
        return fault_hooks.empty_answer(500)
    return redirect(url_for("orders.confirmation", confirmation=entry.confirmation), 303)


@pages.get("/confirmation/<confirmation>")
def confirmation(confirmation: str) -> str:
    """The confirmation number of an order that was just posted."""
    digits = confirmation.removeprefix("PC-")
    entry = the_shop().book.entry(int(digits)) if digits.isdecimal() else None
    if entry is None:
        abort(404)
    return render_template("confirmation.html", entry=entry)


@pages.get("/find")
def find() -> str:
    """Search by order number or a part of it, newest first; changes nothing."""
    text = request.args.get("number", "").strip()
    found = the_shop().book.latest(text, limit=50) if text else []
    return render_template("find.html", text=text, entries=found)


@pages.get("/<number>")
def detail(number: str) -> str:
    """One order with everything that was entered; 404 when there is none."""
    return render_template("order.html", entries=_entries(number))


@pages.get("/<number>/attachment")
def attachment(number: str) -> Response:
    """The file that came with the order's last entry; 404 when there is none."""
    file = _entries(number)[-1].order.attachment
    if file is None:
        abort(404)
    return send_file(
        io.BytesIO(file.content), "application/octet-stream", as_attachment=True, download_name=file.name
    )


def _entries(number: str) -> list[Entry]:
    entries = the_shop().book.entries(number)
    if not entries:
        abort(404, f"There is no order with number {number}.")
    return entries


def _form(typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    return render_template("order_form.html", typed=typed, errors=errors, products=the_shop().products)
