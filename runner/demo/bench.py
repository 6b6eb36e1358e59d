"""One plain form without login and faults, for measuring what a bot costs; every posting is kept."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, render_template, request

from runner.demo.fault_hooks import wait
from runner.demo.faults import LONGEST_DELAY_MS
from runner.demo.order_form import OrderRefused, read_order
from runner.demo.orders import BENCH
from runner.demo.shop import the_shop

pages = Blueprint("bench", __name__)


@pages.route("/bench/form", methods=["GET", "POST"])
def form() -> str | tuple[str, int]:
    """Six fields and a button; the answer to a posting has the confirmation number and no redirect.

    ``?delay=300`` holds every request back, the form as well as its posting, for that many milliseconds.
    """
    if delay := request.args.get("delay", default=0, type=int):
        wait(min(max(0, delay), LONGEST_DELAY_MS))
    if request.method == "GET":
        return _page({})
    try:
        order = read_order(request.form, the_shop().products)
    except OrderRefused as refused:
        return _page(refused.errors), 422
    entry = the_shop().book.post(order, posted_by=BENCH, form=BENCH, refuse_duplicates=False)
    return render_template("bench.html", entry=entry)


def _page(errors: Mapping[str, str]) -> str:
    return render_template("bench.html", errors=errors, typed=request.form, products=the_shop().products)
