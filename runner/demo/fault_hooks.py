"""How the faults get into the pages: looked at before every page of the clerk, and told to its template and script."""

from __future__ import annotations

from flask import Flask, Response, g, request

from runner.core.errors import UsageError
from runner.demo.faults import LONGEST_DELAY_MS, Fault, asked_faults
from runner.demo.order_form import LABELS, MOVED_LABELS
from runner.demo.shop import the_shop

_SPARED = ("/static/", "/admin", "/api/", "/health", "/bench")
_STATUS = {Fault.ERROR_500: 500, Fault.ERROR_503: 503}
_POPUPS = (Fault.MODAL, Fault.CONFIRM, Fault.ALERT)


def install(app: Flask) -> None:
    """Let the faults of the shop hit the pages of `app`."""
    app.before_request(_strike)
    app.context_processor(_words)


def is_asked(fault: Fault) -> bool:
    """Whether the query of this request asks for `fault`."""
    return fault in _asked()


def empty_answer(status: int) -> Response:
    """An answer with nothing in it, as a broken server gives it."""
    return Response(b"", status=status)


def wait(milliseconds: int) -> None:
    """Hold this request back; a server that ends doesn't wait for it."""
    the_shop().stopping.wait(milliseconds / 1000)


def _strike() -> Response | tuple[str, int] | None:
    if request.path.startswith(_SPARED):
        return None
    faults = the_shop().faults
    try:
        g.asked = asked_faults(request.args.get("fault", ""))
    except UsageError as error:
        return str(error), 400
    delay = faults.delay_for(request.path)
    if Fault.SLOW in g.asked:
        asked_ms = request.args.get("ms", default=1000, type=int)
        delay = max(delay, min(max(0, asked_ms), LONGEST_DELAY_MS))
    if delay:
        faults.count("slow")
        wait(delay)
    hang_path = faults.plan.hang_path
    if Fault.HANG in g.asked or (hang_path is not None and request.path.startswith(hang_path)):
        faults.count("hang")
        return _hang()
    return _error()


def _error() -> Response | None:
    faults = the_shop().faults
    asked = next((status for fault, status in _STATUS.items() if fault in g.asked), None)
    status = asked or faults.error_for(request.method, request.path)
    if status is None:
        return None
    faults.count(str(status))
    return empty_answer(status)


def _hang() -> Response:
    """Never answer; the thread is given back when the server ends or the client has gone."""
    gone = request.environ.get("waitress.client_disconnected", lambda: False)
    while not the_shop().stopping.wait(0.1) and not gone():
        pass
    return empty_answer(503)


def _words() -> dict[str, object]:
    plan = the_shop().faults.plan
    spared = request.path.startswith(_SPARED)
    asked = _asked()
    popup = next((str(fault) for fault in _POPUPS if fault in asked), "" if spared else plan.popup)
    moved = Fault.LABELS in asked or (plan.moved_labels and not spared)
    return {
        "labels": MOVED_LABELS if moved else LABELS,
        "popup": popup,
        "endless": Fault.ENDLESS in asked or (plan.endless_script and not spared),
    }


def _asked() -> frozenset[Fault]:
    asked: frozenset[Fault] = g.get("asked", frozenset())
    return asked
