"""The supplier portal: a small web application with a login, an order form and a price list, and faults on demand.

The clerk signs in as `USER` with `PASSWORD`. It is a demo: it listens on this machine only, and `/admin` and `/api`
ask for no login.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, redirect, render_template, request, session, url_for
from werkzeug.exceptions import HTTPException, SecurityError
from werkzeug.wrappers import Response as AnyResponse

from runner.demo import admin, bench, fault_hooks, order_pages, price_pages
from runner.demo.faults import Fault
from runner.demo.shop import attach, open_shop, the_shop

USER = "clerk"
PASSWORD = "paperclip-27-harbour"  # noqa: S105 - the documented password of a demo on this machine

LARGEST_UPLOAD = 5 * 1024 * 1024

pages = Blueprint("portal", __name__)

_OPEN = ("/static/", "/login", "/admin", "/api/", "/health", "/bench")
_POLICY = (
    "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)


def create_app(data_dir: Path, extra_products: Sequence[str] = ()) -> Flask:
    """The portal whose store, and key for its sessions, are in `data_dir`; both survive a restart.

    `extra_products` can be ordered besides the usual twelve.
    """
    app = Flask(__name__)
    attach(app, open_shop(data_dir, USER, PASSWORD, extra_products))
    app.config.update(
        SECRET_KEY=_session_key(data_dir / "session.key"),
        MAX_CONTENT_LENGTH=LARGEST_UPLOAD,
        TRUSTED_HOSTS=["127.0.0.1", "localhost"],
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_NAME="portal_session",
    )
    app.before_request(_refuse_foreign_posts)
    fault_hooks.install(app)
    app.before_request(_ask_for_login)
    app.after_request(_secure)
    app.register_error_handler(HTTPException, _problem)
    for blueprint in (pages, order_pages.pages, price_pages.pages, admin.pages, bench.pages):
        app.register_blueprint(blueprint)
    return app


@pages.get("/")
def home() -> str:
    """What the clerk can do, and what was entered last."""
    return render_template("home.html", entries=the_shop().book.latest(limit=8))


@pages.route("/login", methods=["GET", "POST"])
def login() -> AnyResponse | str | tuple[str, int]:
    """Sign in; answers 401 with a visible message when name or password are wrong."""
    if request.method == "GET":
        return render_template("login.html", ended="ended" in request.args)
    shop = the_shop()
    right_user = hmac.compare_digest(request.form.get("user", "").encode(), shop.user.encode())
    right_password = hmac.compare_digest(request.form.get("password", "").encode(), shop.password.encode())
    if not (right_user and right_password):
        return render_template("login.html", wrong=True), 401
    session.clear()
    session["user"] = shop.user
    return redirect(url_for("portal.home"), 303)


@pages.post("/logout")
def logout() -> AnyResponse:
    """Sign out."""
    session.clear()
    return redirect(url_for("portal.login"), 303)


def _ask_for_login() -> AnyResponse | None:
    if request.path.startswith(_OPEN):
        return None
    faults = the_shop().faults
    session["requests"] = session.get("requests", 0) + 1
    limit = faults.plan.session_limit
    if "user" in session and (fault_hooks.is_asked(Fault.SESSION) or 0 < limit < session["requests"]):
        session.clear()
        faults.count("session")
        return redirect(url_for("portal.login", ended=1), 303)
    return None if "user" in session else redirect(url_for("portal.login"), 303)


def _refuse_foreign_posts() -> tuple[str, int] | None:
    """A page from elsewhere must not enter orders or set faults through the browser of this machine."""
    origin = request.headers.get("Origin")
    if request.method not in {"GET", "HEAD"} and origin and urlsplit(origin).netloc != request.host:
        return "refused: this request comes from another site", 403
    return None


def _secure(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    if not request.path.startswith("/static/"):
        response.headers["Cache-Control"] = "no-store"
    return response


def _problem(error: HTTPException) -> tuple[Response, int] | tuple[str, int]:
    status = error.code or 500
    if isinstance(error, SecurityError):
        return "refused: this host name is not the portal's", status  # a template can't be rendered for it
    if request.path.startswith(("/api/", "/admin/faults")):
        return Response(f'{{"error": "{status} {error.name}"}}\n', mimetype="application/json"), status
    return render_template("problem.html", status=status, error=error), status


def _session_key(file: Path) -> str:
    try:
        with file.open("x", encoding="ascii") as new:
            new.write(secrets.token_hex(32))
        file.chmod(0o600)
    except FileExistsError:
        pass
    return file.read_text(encoding="ascii")
