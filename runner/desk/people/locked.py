"""Too many wrong passwords: who is locked out, until when, and the page that says so."""

from __future__ import annotations

from typing import Any

from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from runner.core.clock import now


def locked_out(
    request: HttpRequest, response: Any = None, credentials: Any = None, **_kwargs: Any
) -> HttpResponse:
    """429 with the time after which they may try again; the same for names that nobody has."""
    del response
    username = (credentials or {}).get("username") or request.POST.get("username", "")
    until = _until(str(username))
    seconds = max(1, round((until - now()).total_seconds()))
    context = {"until": until, "minutes": -(-seconds // 60)}
    answer = render(request, "people/locked.html", context, status=429)
    answer["Retry-After"] = str(seconds)
    return answer


def address_of(request: HttpRequest) -> str:
    """The address that a request comes from; behind a trusted proxy the server has put the real one there."""
    return str(request.META.get("REMOTE_ADDR", ""))


def _until(username: str) -> Any:
    cool_off = get_cool_off()
    last = AccessAttempt.objects.filter(username=username).order_by("-attempt_time").first()
    return (last.attempt_time if last else now()) + cool_off if cool_off else now()
