"""The admin page and the JSON answers for checks: faults, what was entered how often, and counts. No login."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from flask import Blueprint, abort, jsonify, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from runner.core.errors import ErrorReport
from runner.demo.orders import BENCH, PORTAL, Entry
from runner.demo.shop import the_shop

pages = Blueprint("admin", __name__)

_SWITCHES = ("moved_labels", "endless_script", "refuse_duplicates")
_TEXTS = ("error_path", "error_method", "popup")
_NUMBERS = ("error_rate", "error_seed", "delay_ms", "session_limit", "commit_then_fail")


@pages.get("/health")
def health() -> Response:
    """Answers when the portal does."""
    return jsonify(ok=True)


@pages.get("/admin")
def admin() -> str:
    """The form that sets the faults."""
    return _page(())


@pages.post("/admin")
def set_faults() -> Response | tuple[str, int]:
    """Set the faults from the form, or put them all back; 422 and the reasons when a value can't be."""
    faults = the_shop().faults
    if "reset" in request.form:
        faults.reset()
        return redirect(url_for("admin.admin"), 303)
    try:
        faults.change(_from_form(request.form))
    except ErrorReport as report:
        return _page([str(error) for error in report.errors]), 422
    return redirect(url_for("admin.admin", saved=1), 303)


@pages.route("/admin/faults", methods=["GET", "POST", "DELETE"])
def faults() -> Response | tuple[Response, int]:
    """GET the plan in force, POST the settings to change as a JSON object, DELETE to put all back."""
    faults = the_shop().faults
    if request.method == "POST":
        changes = request.get_json()
        if not isinstance(changes, dict):
            return jsonify(errors=["/: DEMO_FAULT: the body is not a JSON object - settings by name"]), 400
        try:
            faults.change(changes)
        except ErrorReport as report:
            return jsonify(errors=[str(error) for error in report.errors]), 400
    elif request.method == "DELETE":
        faults.reset()
    return jsonify(faults.plan.model_dump(mode="json"))


@pages.get("/api/orders")
def orders() -> Response:
    """Every order number with all its fields and how often it was entered; ``?form=bench`` for the bench form's."""
    by_number: dict[str, list[Entry]] = {}
    for entry in the_shop().book.entries(form=request.args.get("form", PORTAL)):
        by_number.setdefault(entry.order.number, []).append(entry)
    return jsonify([_order_json(entries) for entries in by_number.values()])


@pages.get("/api/orders/<number>")
def order(number: str) -> Response:
    """One order, as in the list; 404 when it was never entered."""
    entries = the_shop().book.entries(number, request.args.get("form", PORTAL))
    if not entries:
        abort(404)
    return jsonify(_order_json(entries))


@pages.get("/api/stats")
def stats() -> Response:
    """Counts: orders, entries, numbers entered more than once, the sum of amounts, and faults served."""
    shop = the_shop()
    entries = shop.book.entries()
    times = Counter(entry.order.number for entry in entries)
    return jsonify(
        orders=len(times),
        entries=len(entries),
        entered_more_than_once=sorted(number for number, count in times.items() if count > 1),
        amount_total=f"{sum((entry.order.amount for entry in entries), Decimal('0.00')):.2f}",
        bench_entries=len(shop.book.entries(form=BENCH)),
        faults_served=shop.faults.served,
    )


def _page(errors: Sequence[str]) -> str:
    shop = the_shop()
    return render_template(
        "admin.html",
        plan=shop.faults.plan,
        errors=errors,
        served=shop.faults.served,
        saved="saved" in request.args,
    )


def _from_form(form: MultiDict[str, str]) -> Mapping[str, object]:
    changes: dict[str, object] = {name: name in form for name in _SWITCHES}
    changes |= {name: form[name].strip() for name in (*_TEXTS, *_NUMBERS) if name in form}
    changes["hang_path"] = form.get("hang_path", "").strip() or None
    if path := form.get("fail_path", "").strip():
        rule = {"path": path, "status": form.get("fail_status", "500"), "times": form.get("fail_times", "1")}
        changes["fail_next"] = (*(r.model_dump() for r in the_shop().faults.plan.fail_next), rule)
    return changes


def _order_json(entries: Sequence[Entry]) -> dict[str, Any]:
    last = entries[-1]
    file = last.order.attachment
    return {
        "number": last.order.number,
        "times_entered": len(entries),
        "confirmations": [entry.confirmation for entry in entries],
        "customer": last.order.customer,
        "product": last.order.product,
        "quantity": last.order.quantity,
        "amount": f"{last.order.amount:.2f}",
        "delivery_date": last.order.delivery_date.isoformat(),
        "notes": last.order.notes,
        "attachment": file and {"name": file.name, "size": len(file.content), "sha256": file.sha256},
        "posted_by": last.posted_by,
        "posted_at": [entry.posted_at for entry in entries],
    }
