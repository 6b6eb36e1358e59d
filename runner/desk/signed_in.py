"""Finds out who is asking: session with its limits, role, language, time zone. Everything later relies on it."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, cast

from django.contrib.auth import logout
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone, translation

from runner.core.clock import now
from runner.desk.asking import Access, DeskRequest, access_of
from runner.desk.people.models import LONGEST_IDLE, LONGEST_SIGN_IN, Person, SignIn

_NOTED_EVERY: Final = timedelta(minutes=1)  # a row is not written for every click


class WhoIsAsking:
    """Puts `person`, `sign_in` and `access` on the request, and answers in the person's language and time zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._next = get_response

    def __call__(self, plain: HttpRequest) -> HttpResponseBase:
        """The answer, in their language."""
        request = cast("DeskRequest", plain)
        request.sign_in = _current(request, now())
        request.person = request.sign_in.person if request.sign_in else Person(is_active=False)
        request.access = access_of(request.person) if request.sign_in else Access()
        language = request.person.language or translation.get_language_from_request(request)
        with translation.override(language), timezone.override(zone_of(request.person)):
            request.LANGUAGE_CODE = translation.get_language() or "en"
            answer = self._next(request)
            answer.headers.setdefault("Content-Language", request.LANGUAGE_CODE)
        return answer

    def process_view(
        self, plain: HttpRequest, view: Callable[..., Any], _args: object, _kwargs: object
    ) -> None:
        """Note that they are still there; what a page fetches by itself does not count."""
        request = cast("DeskRequest", plain)
        at = now()
        by_itself = getattr(view, "is_live", False) and "HX-Request" in request.headers
        if request.sign_in and not by_itself and at - request.sign_in.seen > _NOTED_EVERY:
            request.sign_in.seen = at
            request.sign_in.save(update_fields=["seen"])


def zone_of(person: Person) -> zoneinfo.ZoneInfo | None:
    """The time zone in which a person reads times; None for this machine's own."""
    try:
        return zoneinfo.ZoneInfo(person.zone) if person.zone else None
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None


def is_over(sign_in: SignIn, at: datetime) -> bool:
    """Whether a sign-in has reached one of its limits."""
    return at - sign_in.started > LONGEST_SIGN_IN or at - sign_in.seen > LONGEST_IDLE


def _current(request: HttpRequest, at: datetime) -> SignIn | None:
    """The sign-in of this session, where it holds; a session without one, or past its limits, is ended."""
    if not request.user.is_authenticated:
        return None
    found = SignIn.objects.select_related("person").filter(session=request.session.session_key).first()
    if found is None or not found.person.is_active or is_over(found, at):
        if found is not None:
            found.delete()
        logout(request)
        return None
    return found
