"""Every no of the desk as a page, a part of a page or JSON: one sentence, the status, and what to do."""

from __future__ import annotations

import logging
import sys
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
from django.db import OperationalError
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
from runner.desk.asking import DeskRequest, NotAllowed, TooOften
from runner.desk.errors.telling import told_error
from runner.desk.store_away import store_away
from runner.desk.words import word
from runner.store.presence import StoreFile

_STATUS: Final[tuple[tuple[type[RunnerError], int], ...]] = (
    (ConflictError, 409),
    (UsageError, 422),
    (ErrorReport, 422),
    (ConfigurationError, 422),
    (EnvironmentProblem, 503),
)
_STATUS_OF_CODE: Final = {"NOT_FOUND": 404, "TRIGGER_TOKEN": 404, "API_JSON": 400}
# What programs read: the codes of the interface where the core says it in a word of its own.
_CODES: Final = {
    "CONFLICT": "API_CONFLICT",
    "STATE": "API_STATE",
    "REPORT": "API_SCHEMA",
    "CLI_USAGE": "API_SCHEMA",
}
_LOOKING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_log: Final = logging.getLogger("runner.desk")


class Refusals:
    """Answers what a view raises: not found 404, not allowed 403, moved meanwhile 409, wrong input 422, the rest 500.

    While the store's file is not the one that was opened, it also answers every request that would write (503): a
    decision must not be acknowledged that nobody will ever see again.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._next = get_response
        self._store = StoreFile()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer."""
        gone = "" if request.method in _LOOKING else self._store.trouble()
        refused = answer_to(request, EnvironmentProblem(gone, code="STORE_GONE")) if gone else None
        return refused or self._next(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The answer to an error; None leaves it to Django."""
        return answer_to(request, error)


def answer_to(request: HttpRequest, error: Exception) -> HttpResponse | None:  # noqa: PLR0911 (one for each kind)
    """The answer to what a view raised; None for what Django answers itself."""
    if isinstance(error, NotAllowed):
        return _not_allowed(cast("DeskRequest", request), error)
    if isinstance(error, TooOften):
        return too_often(request, error.wait)
    if isinstance(error, Http404 | ObjectDoesNotExist):
        return not_found(request)
    if isinstance(error, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent):
        return too_large(request)
    if isinstance(error, RunnerError):
        return _of_runner(request, error)
    if isinstance(error, SuspiciousOperation | PermissionDenied):
        return None
    _log.error("%s %s", request.method, _path(request), exc_info=error)
    return store_away(request) if isinstance(error, OperationalError) else server_error(request)


def _path(request: HttpRequest) -> str:
    """The path as it may stand in a log: the token that starts a schedule may not."""
    return "/hooks/…" if request.path.startswith("/hooks/") else request.path


def is_program(request: HttpRequest) -> bool:
    """Whether a program asks, which reads JSON: the interface for programs, and the URLs that start schedules."""
    return request.path.startswith(("/api/v1/", "/hooks/"))


def refuse(
    request: HttpRequest,
    status: int,
    code: str,
    what: str,
    hint: str = "",
    *,
    technical: str = "",
    more: dict[str, Any] | None = None,
) -> HttpResponse:
    """A refusal, in the form that the caller reads: JSON for the API, a message for htmx, otherwise a page.

    `technical` are an error's own words, folded away, where `what` is a sentence in another language.
    """
    if is_program(request):
        detail = {"code": code, "message": what, "hint": hint, "errors": [], **(more or {})}
        return JsonResponse({"error": detail}, status=status, json_dumps_params={"ensure_ascii": False})
    facts = {"code": code, "what": what, "hint": hint, "status": status, "technical": technical}
    context = {**facts, **(more or {})}
    if request.headers.get("HX-Request") and not request.headers.get("HX-Boosted"):
        answer = render(request, "desk/refusal_message.html", context, status=status)
        answer["HX-Retarget"], answer["HX-Reswap"] = "#messages", "beforeend"
        return answer
    return render(request, "desk/refusal.html", context, status=status)


def sign_in_first(request: HttpRequest) -> HttpResponse:
    """401: the sign-in page in the place of the page that was asked for; it leads back there."""
    if is_program(request):
        hint = _("Send a key of your profile with the request: Authorization: Bearer rnr_…")
        answer = refuse(request, 401, "API_AUTH", _("Please sign in first."), hint)
        answer["WWW-Authenticate"] = 'Bearer realm="Runner"'
        return answer
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


def too_often(request: HttpRequest, wait: int) -> HttpResponse:
    """429: more calls than are allowed, with the time after which the next one is taken."""
    answer = refuse(
        request, 429, "API_RATE", _("Too many requests: try again in %(n)d seconds.") % {"n": wait},
        _("Ask for more rows with each request, or less often."),
    )  # fmt: skip
    answer["Retry-After"] = str(wait)
    return answer


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
    """500; or 503 where the store does not answer, who asks being in the store as well."""
    if isinstance(sys.exc_info()[1], OperationalError):
        return store_away(request)
    return refuse(
        request,
        500,
        "API_ERROR",
        _("Something went wrong here."),
        _("It is in the log of the desk. Nothing was changed."),
    )


def _not_allowed(request: DeskRequest, error: NotAllowed) -> HttpResponse:
    if error.of_key:
        _log.warning(
            "refused %s %s: the key of %s lacks %s",
            request.method,
            _path(request),
            request.person,
            error.permission,
        )
        return refuse(
            request, 403, "API_ROLE",
            _("With this key it can't be done: %(scope)s is not among its scopes.") % {"scope": error.permission},
            _("Make a key that has it, on the profile."),
        )  # fmt: skip
    _log.warning(
        "refused %s %s: %s is %s, needs %s",
        request.method,
        _path(request),
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
    status = _STATUS_OF_CODE.get(error.stable_code, status)
    if is_program(request):
        return not_found(request) if status == 404 else refuse_program(request, status, error)
    said = told_error(error)
    hint = "" if said.technical else " · ".join(part for part in (error.expected, error.hint) if part)
    return refuse(request, status, error.stable_code, said.text, hint, technical=said.technical)


def refuse_program(request: HttpRequest, status: int, error: RunnerError) -> HttpResponse:
    """A refusal for a program: the first line of each error as its message, and all of them one by one in `errors`."""
    if not isinstance(error, ErrorReport):
        one = told(error)
        return refuse(request, status, one["code"], one["message"], one["hint"], more=_field(one))
    errors = [told(one) for one in error.errors]
    codes = {one["code"] for one in errors}
    code = codes.pop() if len(codes) == 1 else "API_SCHEMA"
    code = code if code.startswith("API_") else "API_SCHEMA"
    text = "; ".join(" - ".join(filter(None, (one["message"], one["hint"]))) for one in errors)
    only = _field(errors[0]) if len(errors) == 1 else {}
    hint = _("Correct what is named and send it again.")
    return refuse(request, status, code, text, hint, more={**only, "errors": errors})


def told(error: RunnerError) -> dict[str, str]:
    """One error as a program reads it; `field` is where it lies: a name, a path with dots, a header."""
    return {
        "code": _CODES.get(error.stable_code, error.stable_code),
        "field": error.where.removeprefix("--"),
        "message": " - ".join(part for part in (error.what, error.expected) if part),
        "hint": error.hint,
    }


def _field(one: dict[str, str]) -> dict[str, str]:
    return {"field": one["field"]} if one["field"] else {}
