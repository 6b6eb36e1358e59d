"""How an operation of the JSON interface is made: what it takes, which permission, what it answers; one table of them all.

django-ninja reads the requests and describes them as OpenAPI. What is refused is refused by the desk's own rules
(`runner/desk/refusals.py`), so that a program reads one shape of error whatever goes wrong.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, cast

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern
from django.utils.translation import gettext as _
from ninja import NinjaAPI, UploadedFile
from ninja.errors import AuthenticationError, HttpError, ValidationErrorContext
from ninja.parser import Parser
from pydantic import BaseModel

from runner.core.errors import ConfigurationError, ErrorReport, RunnerError
from runner.desk import refusals
from runner.desk.api.keys import Key, caller, nobody
from runner.desk.api.shapes import Refusal
from runner.desk.api.wrong_input import Said, parsed, report_of, unknown_names
from runner.desk.asking import DeskRequest
from runner.desk.roles import is_known

PREFIX: Final = "/api/v1/"
_BYTES: Final = "application/octet-stream"
View = Callable[..., HttpResponseBase]


class InQuery(BaseModel):
    """What a list can be asked for in its query; see `Paged` for those that come in parts."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its method and path below /api/v1, the permissions one of which is enough, and its subject."""

    name: str
    method: str
    path: str
    permissions: tuple[str, ...]
    subject: str
    query: tuple[str, ...]


class _Api(NinjaAPI):
    """django-ninja with the desk's own refusals in the place of its own."""

    def on_exception(self, request: HttpRequest, exc: Any) -> HttpResponse:
        """The refusal of what went wrong in an operation."""
        error = (
            exc.__cause__ if isinstance(exc, HttpError) and isinstance(exc.__cause__, RunnerError) else exc
        )
        if isinstance(error, AuthenticationError):
            return refusals.sign_in_first(request)
        answer = refusals.answer_to(request, error)
        if answer is None:
            raise error
        return answer

    def validation_error_from_error_contexts(self, error_contexts: list[ValidationErrorContext[Any]]) -> Any:
        """All that is wrong with the request, in one report; what is no part of an address is not there."""
        if any(one.model.__ninja_param_source__ == "path" for one in error_contexts):
            return Http404()
        return report_of(error_contexts)


class _OwnParser(Parser):
    def parse_body(self, request: HttpRequest) -> Any:
        return parsed(request.body)


API: Final = _Api(
    title="Runner", version="1", description="Runs, work items, cases, problems and schedules for programs.",
    openapi_url=None, docs_url=None, parser=_OwnParser(), urls_namespace="api",
)  # fmt: skip
OPERATIONS: Final[list[Operation]] = []


def operation(
    method: str,
    path: str,
    *permissions: str,
    summary: str,
    gives: Any,
    status: int | tuple[int, ...] = 200,
    refuses: Sequence[int] = (),
    media: str = _BYTES,
) -> Callable[[View], View]:
    """Make a function the operation `method` of `path`; its docstring describes it, `gives` is the shape of its answer (bytes: a file).

    `summary` is a few words, marked for translation. `refuses` are statuses beside those that any operation has, `media` is
    the media type of a file.
    Arguments of the function beside the request: parts of the path, an `InQuery`, a body (a `Said`, or an `UploadedFile` of a form).
    """
    if not permissions or not all(is_known(one) for one in permissions):
        raise ConfigurationError(
            f"the operation {method} {path} carries no permission that there is", code="DESK_OPEN"
        )

    def decorate(view: View) -> View:
        hints = typing.get_type_hints(view)
        query = [one for one in hints.values() if isinstance(one, type) and issubclass(one, InQuery)]
        subject = view.__module__.rpartition(".")[2]
        names = tuple(name for one in query for name in one.model_fields)
        OPERATIONS.append(Operation(view.__name__, method, path, permissions, subject, names))
        has_body = any(
            isinstance(one, type) and issubclass(one, Said | UploadedFile) for one in hints.values()
        )
        wrong = {
            401,
            403,
            422,
            429,
            *refuses,
            *((404,) if "{" in path else ()),
            *((400, 413) if has_body else ()),
        }
        good = status if isinstance(status, tuple) else (status,)
        extra: dict[str, Any] = {"x-permission": " or ".join(permissions)}
        if gives is bytes:
            file = {"content": {media: {"schema": {"type": "string", "format": "binary"}}}}
            extra["responses"] = dict.fromkeys(good, file)
        shape = None if gives is bytes else gives
        described = API.api_operation(
            [method], path, auth=Key(*permissions), response=dict.fromkeys(good, shape) | dict.fromkeys(sorted(wrong), Refusal),
            summary=summary, operation_id=view.__name__, tags=[subject], url_name=view.__name__,
            openapi_extra=extra,
        )  # fmt: skip
        described(view)
        return view

    return decorate


def addresses() -> list[URLPattern]:
    """The address table of all operations, each guarded: no key, no answer. Call it when all of them have been made."""
    first = {one.path: one for one in reversed(OPERATIONS)}  # one address for all methods of a path
    by_name = {one.name: one for one in first.values()}
    patterns = (cast("URLPattern", one) for one in API.urls[0])
    return [_guarded(one, by_name[one.name]) for one in patterns if one.name in by_name]


def schema() -> dict[str, Any]:
    """The OpenAPI description of all operations."""
    return cast("dict[str, Any]", API.get_openapi_schema(path_prefix=PREFIX))


def _guarded(pattern: URLPattern, made: Operation) -> URLPattern:
    inner = cast("Callable[..., HttpResponse]", pattern.callback)
    by_method = {one.method: one for one in OPERATIONS if one.path == made.path}

    @wraps(inner)
    def answer(plain: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        request = cast("DeskRequest", plain)
        nobody(request)
        found = by_method.get(request.method or "")
        if found is None:
            return _wrong_method(request, by_method)
        return _named_rightly(request, found) or inner(request, *args, **kwargs)

    marked: Any = answer
    marked.by_method = {method: one.permissions[0] for method, one in by_method.items()}
    pattern.callback = answer
    return pattern


def _wrong_method(request: DeskRequest, by_method: Mapping[str, Operation]) -> HttpResponse:
    if caller(request) is None:
        return refusals.sign_in_first(request)
    answer = refusals.refuse(
        request, 405, "API_METHOD", _("This address does not take %(method)s.") % {"method": request.method},
        ", ".join(by_method),
    )  # fmt: skip
    answer["Allow"] = ", ".join(by_method)
    return answer


def _named_rightly(request: DeskRequest, found: Operation) -> HttpResponse | None:
    """The refusal of names in the query that the operation does not know; only to who may call it."""
    errors = unknown_names(request.GET, found.query)
    if not errors or not found.permissions or caller(request) is None:
        return None
    if not any(request.access.may(one) for one in found.permissions):
        return None
    return refusals.answer_to(request, ErrorReport(errors))
