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
from runner.core.hosts import sites_of
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
    return _shown(request, request.GET.get("name", "")[:200], hosts=request.GET.get("hosts", "")[:2000])


@page("secrets.set", ACT)
@reauthenticated(keep=False)
def keep(request: DeskRequest) -> HttpResponse:
    """Keep a new value under a name, for the hosts that are said; a value that was there is gone.

    Without a value the hosts of a secret that is there change alone.
    """
    name, value = request.POST.get("name", "").strip(), request.POST.get("value", "")
    said = request.POST.get("hosts", "").strip()
    hosts, wrong = _read(name, value, said)
    if wrong:
        return _shown(request, name, wrong, said)
    what = "secret.set" if value else "secret.hosts"
    try:
        with transaction.atomic():
            append(now(), request.person.username, what, "secret", name, {"hosts": hosts} if hosts else None)
            if value:
                _vault().set(name, value, hosts)
            else:
                _vault().set_hosts(name, hosts)
    except UsageError as error:
        return _shown(request, name, {"value": line_of(error)}, said)
    text = _("The secret %(name)s is kept.") if value else _("The hosts of %(name)s are kept.")
    messages.success(request, text % {"name": name})
    return redirect("secrets:list")


def _read(name: str, value: str, said: str) -> tuple[tuple[str, ...] | None, dict[str, str]]:
    """The hosts that were said (None: none were), and what is wrong with any of the fields."""
    if not name or len(name) > 200 or not name.isprintable():
        return None, {"name": _("A name of 1 to 200 characters.")}
    try:
        hosts = sites_of([said]) if said else None
    except UsageError:
        wrong = _("That names no site: write portal.example, *.portal.example or http://portal.intern:8080.")
        return None, {"hosts": wrong}
    if not value and name in _vault().names():
        return hosts, {} if hosts else {"value": _("Write a new value, or the hosts that it is for.")}
    if not SHORTEST <= len(value) <= LONGEST:
        wrong = _("At least %(n)d characters: a shorter one can't be masked in logs.") % {"n": SHORTEST}
        return None, {"value": wrong}
    return hosts, {}


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


def _shown(
    request: DeskRequest, name: str = "", wrong: dict[str, str] | None = None, hosts: str = ""
) -> HttpResponse:
    kept = _vault().hosts()
    context = {
        "secrets": [(one, None if sites is None else ", ".join(sites)) for one, sites in kept.items()],
        "name": name,
        "hosts": hosts,
        "known": name in kept,
        "asked": bool(name) or not kept,
        "wrong": wrong or {},
        "may_set": request.access.may("secrets.set"),
    }
    answer = render(request, "secrets/list.html", context, status=422 if wrong else 200)
    answer["Cache-Control"] = "no-store"
    return answer
