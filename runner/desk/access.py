"""`@page`: what every view must carry. A view without a permission stops the desk at its start."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, cast
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, get_resolver

from runner.core.errors import ConfigurationError
from runner.desk.asking import DeskRequest
from runner.desk.refusals import sign_in_first
from runner.desk.roles import ANYBODY, is_known

P = ParamSpec("P")
SEE: Final = ("GET",)
ACT: Final = ("POST",)
PROGRAMS: Final = "api"  # the namespace of the JSON interface
View = Callable[..., HttpResponseBase]


def page(
    permission: str,
    methods: Sequence[str] = SEE,
    process_of: Callable[..., str | None] | None = None,
    see: str = "",
) -> Callable[[Callable[Concatenate[DeskRequest, P], HttpResponseBase]], View]:
    """Make a function a view that only those with `permission` reach; `methods` are the ones it answers.

    `process_of` gets the parts of the address and gives the process that the thing belongs to (empty: none; None: there
    is no such thing). Roles for single processes are then respected: who may not even `see` (a permission; default:
    the `.see` of the same subject) that process gets the same 404 as for something that isn't there; who may see but
    not act gets 403. Without `process_of` it is enough to have the permission in some process, and the view limits its
    rows with ``request.access.limit`` or asks ``request.access.require``.
    """
    if not is_known(permission):
        raise ConfigurationError(
            f"there is no permission '{permission}'",
            expected="one of the table in runner/desk/roles.py",
            hint="add it there with the least role that has it",
            code="DESK_PERMISSION",
        )
    visible = see or f"{permission.partition('.')[0]}.see"

    def decorate(view: Callable[Concatenate[DeskRequest, P], HttpResponseBase]) -> View:
        @wraps(view)
        def guarded(plain: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            request = cast("DeskRequest", plain)
            if permission != ANYBODY and request.sign_in is None:
                return sign_in_first(request)
            if permission != ANYBODY:
                request.access.require(permission)
            if request.method not in allowed:
                return HttpResponseNotAllowed(allowed)
            if process_of is not None:
                _check_process(
                    request, permission, visible if is_known(visible) else "", process_of(**kwargs)
                )
            return view(request, *args, **kwargs)

        allowed = [*methods, *(["HEAD"] if "GET" in methods else [])]
        marked: Any = guarded
        marked.permission, marked.methods = permission, tuple(methods)
        marked.is_live = getattr(view, "is_live", False)
        return cast("View", guarded)

    return decorate


def _check_process(request: DeskRequest, permission: str, visible: str, process: str | None) -> None:
    if process is None or (visible and not request.access.may(visible, process)):
        raise Http404
    request.access.require(permission, process)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of the desk: its pattern, its name (``area:name``), permission and methods.

    `by_key`: it is called by programs with a key, and an address may take another permission for each method.
    """

    pattern: str
    name: str
    permission: str
    methods: tuple[str, ...]
    by_key: bool = False


def endpoints(*, of_programs: bool = True) -> list[Endpoint]:
    """Every address of the desk, in the order of the URL table; without `of_programs` those of the JSON interface are left out.

    Raises ConfigurationError (DESK_OPEN) naming the first one whose view carries no permission. An operation of the JSON
    interface can't be made without one.
    """
    patterns = get_resolver().url_patterns
    wanted = [one for one in patterns if of_programs or getattr(one, "namespace", "") != PROGRAMS]
    return list(_walk(wanted, "", ""))


def _walk(patterns: Sequence[URLPattern | URLResolver], prefix: str, names: str) -> Iterator[Endpoint]:
    for one in patterns:
        where = f"{prefix}{one.pattern}"
        if isinstance(one, URLResolver):
            yield from _walk(one.url_patterns, where, f"{names}{one.namespace}:" if one.namespace else names)
            continue
        view: Any = one.callback
        if getattr(view, "by_method", None):
            name = f"{names}{one.name}"
            yield from (
                Endpoint(where, name, what, (how,), by_key=True) for how, what in view.by_method.items()
            )
            continue
        if not getattr(view, "permission", ""):
            raise ConfigurationError(
                f"the view of /{where} carries no permission",
                expected='a view marked with @page("…")',
                hint="say who may open it",
                where=f"{view.__module__}.{getattr(view, '__qualname__', view)}",
                code="DESK_OPEN",
            )
        yield Endpoint(where, f"{names}{one.name}", view.permission, tuple(view.methods))


def back(request: HttpRequest, default: str) -> HttpResponse:
    """To the page that a form names in `next`, where that is one of ours; to `default` otherwise."""
    from django.utils.http import url_has_allowed_host_and_scheme

    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return redirect(wanted if is_ours else default)


def with_query(path: str, **values: str) -> str:
    """`path` with these values in its query."""
    return f"{path}?{urlencode(values)}" if values else path
