"""Every no of the desk as a page, a part of a page or JSON: one sentence, the status, and what to do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final, cast

from django.core.exceptions import (
    ObjectDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

from runner.core.errors import (
    ConfigurationError,
    ConflictError,
    EnvironmentProblem,
    ErrorReport,
    RunnerError,
    UsageError,
)
from runner.desk.asking import DeskRequest, NotAllowed
from runner.desk.words import word

_STATUS: Final[tuple[tuple[type[RunnerError], int], ...]] = (
    (ConflictError, 409),
    (UsageError, 422),
    (ErrorReport, 422),
    (ConfigurationError, 422),
    (EnvironmentProblem, 503),
)
_log: Final = logging.getLogger("runner.desk")


class Refusals:
    """Answers what a view raises: not found 404, not allowed 403, moved meanwhile 409, wrong input 422, the rest 500."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer."""
        return self._next(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The answer to an error; None leaves it to Django."""
        if isinstance(error, NotAllowed):
            return _not_allowed(cast("DeskRequest", request), error)
        if isinstance(error, Http404 | ObjectDoesNotExist):
            return refuse(
                request,
                404,
                "API_NOT_FOUND",
                _("This was not found."),
                _("It may have been removed, or the address is mistyped."),
            )
        if isinstance(error, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent):
            return too_large(request)
        if isinstance(error, RunnerError):
            return _of_runner(request, error)
        if isinstance(error, SuspiciousOperation | PermissionDenied):
            return None
        _log.exception("%s %s", request.method, request.path)
        return refuse(
            request,
            500,
            "API_ERROR",
            _("Something went wrong here."),
            _("It is in the log of the desk. Nothing was changed."),
        )


def refuse(
    request: HttpRequest,
    status: int,
    code: str,
    what: str,
    hint: str = "",
    *,
    more: dict[str, Any] | None = None,
) -> HttpResponse:
    """A refusal, in the form that the caller reads: JSON for the API, a message for htmx, otherwise a page."""
    if request.path.startswith("/api/"):
        detail = {"error": {"code": code, "message": what, "hint": hint, **(more or {})}}
        return JsonResponse(detail, status=status)
    context = {"code": code, "what": what, "hint": hint, "status": status, **(more or {})}
    if request.headers.get("HX-Request") and not request.headers.get("HX-Boosted"):
        answer = render(request, "desk/refusal_message.html", context, status=status)
        answer["HX-Retarget"], answer["HX-Reswap"] = "#messages", "beforeend"
        return answer
    return render(request, "desk/refusal.html", context, status=status)


def sign_in_first(request: HttpRequest) -> HttpResponse:
    """401: the sign-in page in the place of the page that was asked for; it leads back there."""
    if request.path.startswith("/api/"):
        return refuse(request, 401, "API_AUTH", _("Please sign in first."))
    if request.headers.get("HX-Request"):
        answer = HttpResponse(status=401)
        answer["HX-Redirect"] = "/sign-in"
        return answer
    target = request.get_full_path() if request.method == "GET" else "/"
    return render(request, "people/sign_in.html", {"next": target, "must": True}, status=401)


def too_large(request: HttpRequest) -> HttpResponse:
    """413: more than the desk takes in."""
    from runner.desk.settings import LARGEST_BODY

    size = LARGEST_BODY // (1024 * 1024)
    return refuse(
        request,
        413,
        "API_SIZE",
        _("This is larger than the limit of %(size)s MB.") % {"size": size},
        _("Send it in parts."),
    )


def foreign_request(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the form was not one of ours, or is too old (Django calls this when its check of token and Origin fails)."""
    _log.warning("refused a foreign request to %s: %s", request.path, reason)
    return refuse(
        request, 403, "API_CSRF", _("This request did not come from this site, or its page is too old."),
        _("Go back, reload the page and send it again."),
    )  # fmt: skip


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """404: the same words whether it isn't there or isn't theirs to see."""
    return refuse(
        request,
        404,
        "API_NOT_FOUND",
        _("This was not found."),
        _("It may have been removed, or the address is mistyped."),
    )


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """403, where no more is known than that."""
    return refuse(request, 403, "API_ROLE", _("This is not allowed."))


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: the request itself is broken."""
    if isinstance(exception, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent):
        return too_large(request)
    return refuse(request, 400, "API_REQUEST", _("This request can't be read."))


def server_error(request: HttpRequest) -> HttpResponse:
    """500."""
    return refuse(
        request,
        500,
        "API_ERROR",
        _("Something went wrong here."),
        _("It is in the log of the desk. Nothing was changed."),
    )


def _not_allowed(request: DeskRequest, error: NotAllowed) -> HttpResponse:
    _log.warning(
        "refused %s %s: %s is %s, needs %s",
        request.method,
        request.path,
        request.person,
        error.role,
        error.needed,
    )
    words = {"role": word("role", error.role), "needed": word("role", error.needed)}
    return refuse(
        request, 403, "API_ROLE", _("With your role (%(role)s) this can't be done: it takes %(needed)s.") % words,
        _("Ask somebody who has that role, or an admin to change yours."),
    )  # fmt: skip


def _of_runner(request: HttpRequest, error: RunnerError) -> HttpResponse:
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
    if error.stable_code == "NOT_FOUND":
        status = 404
    lines = [str(one) for one in error.errors] if isinstance(error, ErrorReport) else []
    what = "; ".join(lines) if lines else ": ".join(part for part in (error.where, error.what) if part)
    hint = " · ".join(part for part in (error.expected, error.hint) if part)
    return refuse(request, status, error.stable_code, what, hint)
