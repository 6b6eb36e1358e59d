"""Parts of pages that refresh by themselves: a view that says cheaply whether anything changed, and answers 304 if not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.http import HttpResponse
from django.utils.http import quote_etag
from django.utils.translation import get_language

from runner.core.clock import now
from runner.desk.asking import DeskRequest

P = ParamSpec("P")
Version = Callable[..., object]


def live(
    version: Version | None = None,
) -> Callable[
    [Callable[Concatenate[DeskRequest, P], HttpResponse]],
    Callable[Concatenate[DeskRequest, P], HttpResponse],
]:
    """Give the answer of a view an ETag, and send 304 to a browser that has it already. Goes below ``@page``.

    `version(request, …)` is anything whose text changes when the answer does: the newest time, a few counts. It is asked
    first, and must be cheap. Without it the answer itself is compared: that saves the way, not the work. What a page
    fetches by itself in this way does not keep a person signed in.
    """

    def decorate(
        view: Callable[Concatenate[DeskRequest, P], HttpResponse],
    ) -> Callable[Concatenate[DeskRequest, P], HttpResponse]:
        @wraps(view)
        def answer(request: DeskRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            known = request.headers.get("If-None-Match", "")
            if version is not None:
                tag = _tag(request, str(version(request, *args, **kwargs)))
                return _unchanged(tag) if tag == known else _tagged(view(request, *args, **kwargs), tag)
            made = view(request, *args, **kwargs)
            tag = _tag(request, hashlib.sha256(made.content).hexdigest())
            return _unchanged(tag) if tag == known else _tagged(made, tag)

        marked: Any = answer
        marked.is_live = True
        return answer

    return decorate


def _tag(request: DeskRequest, version: str) -> str:
    """The same version looks different in another language, to another person, on another page of the list, a minute later.

    And as a part of a page: with the tag of the whole page, a browser would put the page that it has kept into itself.
    """
    minute = f"{now():%d%H%M}"  # "5 min ago" must not stand still
    part = (bool(request.htmx), request.htmx.target)
    reader = (get_language(), request.person.pk, request.person.zone)
    parts = (version, reader, request.get_full_path(), part, minute)
    return quote_etag(hashlib.sha256(repr(parts).encode()).hexdigest()[:24])


def _tagged(made: HttpResponse, tag: str) -> HttpResponse:
    made.headers["ETag"] = tag
    made.headers["Cache-Control"] = "private, no-cache"
    return made


def _unchanged(tag: str) -> HttpResponse:
    return _tagged(HttpResponse(status=304), tag)
