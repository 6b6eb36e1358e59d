"""Too many wrong passwords: who is locked out, until when, and the page that says so."""

from __future__ import annotations

from typing import Any

from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from runner.cases.audit import append
from runner.core.clock import now
from runner.desk.settings import LOCKED_FOR
from runner.store.models import AuditEntry


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
    _record(str(username), address_of(request))
    return answer


def _record(username: str, address: str) -> None:
    """Put the beginning of a lock into the audit trail: once, not for every try while it lasts."""
    since = now() - LOCKED_FOR
    known = AuditEntry.objects.filter(what="signin.locked", subject=username[:150], at__gte=since)
    if not known.exists():
        append(now(), "", "signin.locked", "person", username[:150], {"address": address})


def address_of(request: HttpRequest) -> str:
    """The address that a request comes from; behind a trusted proxy the server has put the real one there."""
    return str(request.META.get("REMOTE_ADDR", ""))


def _until(username: str) -> Any:
    cool_off = get_cool_off()
    last = AccessAttempt.objects.filter(username=username).order_by("-attempt_time").first()
    return (last.attempt_time if last else now()) + cool_off if cool_off else now()
