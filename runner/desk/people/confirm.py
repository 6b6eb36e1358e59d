"""Asking for the password again before what matters most: an attest, a secret, a role."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec

from django.contrib.auth import authenticate
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from runner.core.clock import now
from runner.desk.access import ACT, back, page
from runner.desk.asking import DeskRequest
from runner.desk.people.locked import locked_out
from runner.desk.people.models import CONFIRMED_FOR
from runner.desk.roles import SIGNED_IN

P = ParamSpec("P")
Guarded = Callable[Concatenate[DeskRequest, P], HttpResponseBase]
FIELD: Final = "confirm_password"
HEADER: Final = "Confirm-Password"  # on the answer that asks for it, which has status 401
_NOT_KEPT: Final = {FIELD, "csrfmiddlewaretoken"}


def reauthenticated(minutes: float = 10, *, keep: bool = True) -> Callable[[Guarded[P]], Guarded[P]]:
    """Let a view act only within `minutes` of the password; otherwise ask for it first. Goes below ``@page``.

    What was typed into the form is kept meanwhile, except files; with `keep` False nothing is, for forms that hold a
    secret. A form can ask for the password itself: ``{% include "people/confirm_field.html" %}`` shows the field while it
    is needed.
    """

    def decorate(view: Guarded[P]) -> Guarded[P]:
        @wraps(view)
        def confirmed(request: DeskRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if is_fresh(request, timedelta(minutes=minutes)):
                return view(request, *args, **kwargs)
            if request.method == "POST" and FIELD in request.POST:
                refused = _check(request, keep=keep)
                return refused or view(request, *args, **kwargs)
            return _ask(request, keep=keep)

        marked: Any = confirmed
        marked.reauthenticated = True
        return confirmed

    return decorate


@page(SIGNED_IN, ACT)
@reauthenticated(minutes=0)
def confirm(request: DeskRequest) -> HttpResponse:
    """The password has been given again: go on to the page that asked for it."""
    return back(request, "/")


def is_fresh(request: DeskRequest, within: timedelta = CONFIRMED_FOR) -> bool:
    """Whether the password has been given within that time."""
    return request.sign_in is not None and now() - request.sign_in.confirmed <= within


def _check(request: DeskRequest, *, keep: bool) -> HttpResponse | None:
    """Take the password of the form; an answer where it is wrong. Wrong ones count as those of the sign-in page do."""
    given = request.POST[FIELD]
    person = authenticate(request, username=request.person.username, password=given)
    if getattr(request, "axes_locked_out", False):
        return locked_out(request, credentials={"username": request.person.username})
    if person is None or person.pk != request.person.pk or request.sign_in is None:
        return _ask(request, keep=keep, wrong=True)
    request.sign_in.confirmed = now()
    request.sign_in.save(update_fields=["confirmed"])
    return None


def _ask(request: DeskRequest, *, keep: bool, wrong: bool = False) -> HttpResponse:
    kept = [
        (name, value)
        for name, values in request.POST.lists()
        if keep and name not in _NOT_KEPT
        for value in values
    ]
    context = {
        "kept": kept,
        "wrong": wrong,
        "path": request.get_full_path(),
        "again": request.method == "POST" and not keep,
        "lost_files": bool(request.FILES),
        "method": "post" if request.method == "POST" else "get",
    }
    answer = _page(request, context)
    answer[HEADER] = "needed"
    return answer


def _page(request: DeskRequest, context: dict[str, Any]) -> HttpResponse:
    if request.headers.get("HX-Request"):
        answer = render(request, "people/confirm_part.html", context, status=401)
        answer["HX-Retarget"], answer["HX-Reswap"] = "#messages", "innerHTML"
        return answer
    return render(request, "people/confirm.html", context, status=401)
