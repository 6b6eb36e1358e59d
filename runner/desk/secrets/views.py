"""Secrets: names only. A value goes in here and is never shown again, not even to who set it."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from runner.cases.audit import append
from runner.core.clock import now
from runner.core.errors import UsageError
from runner.core.vault import SHORTEST, Vault
from runner.desk.access import ACT, page
from runner.desk.asking import DeskRequest
from runner.desk.errors.telling import line_of
from runner.desk.outside import place
from runner.desk.people.confirm import reauthenticated

LONGEST = 10_000


@page("secrets.see")
def names(request: DeskRequest) -> HttpResponse:
    """The names of all secrets."""
    return _shown(request)


@page("secrets.set", ACT)
@reauthenticated(keep=False)
def keep(request: DeskRequest) -> HttpResponse:
    """Keep a new value under a name; one that was there is gone."""
    name, value = request.POST.get("name", "").strip(), request.POST.get("value", "")
    if not name or len(name) > 200 or not name.isprintable():
        return _shown(request, name, {"name": _("A name of 1 to 200 characters.")})
    if not SHORTEST <= len(value) <= LONGEST:
        wrong = _("At least %(n)d characters: a shorter one can't be masked in logs.") % {"n": SHORTEST}
        return _shown(request, name, {"value": wrong})
    try:
        with transaction.atomic():
            append(now(), request.person.username, "secret.set", "secret", name)
            _vault().set(name, value)
    except UsageError as error:
        return _shown(request, name, {"value": line_of(error)})
    messages.success(request, _("The secret %(name)s is kept.") % {"name": name})
    return redirect("secrets:list")


@page("secrets.set", ACT)
@reauthenticated()
def remove(request: DeskRequest) -> HttpResponse:
    """Forget a secret."""
    name = request.POST.get("name", "")
    if name not in _vault().names():
        raise Http404
    with transaction.atomic():
        append(now(), request.person.username, "secret.remove", "secret", name)
        _vault().remove(name)
    messages.success(request, _("The secret %(name)s is forgotten.") % {"name": name})
    return redirect("secrets:list")


def _vault() -> Vault:
    return Vault(place().settings.vault, place().environment)


def _shown(request: DeskRequest, name: str = "", wrong: dict[str, str] | None = None) -> HttpResponse:
    context = {
        "names": _vault().names(),
        "name": name,
        "wrong": wrong or {},
        "may_set": request.access.may("secrets.set"),
    }
    answer = render(request, "secrets/list.html", context, status=422 if wrong else 200)
    answer["Cache-Control"] = "no-store"
    return answer
