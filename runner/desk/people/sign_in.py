"""Signing in and out, and the page behind a one-time link."""

from __future__ import annotations

from typing import Any, Final

from axes.utils import reset
from django.contrib.auth import authenticate, login, logout
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from runner.cases.audit import append
from runner.core.clock import now
from runner.desk.access import ACT, back, page
from runner.desk.asking import DeskRequest
from runner.desk.people.acts import change_password
from runner.desk.people.forms import PasswordForm
from runner.desk.people.links import find_link, use_link
from runner.desk.people.locked import address_of, locked_out
from runner.desk.people.models import Person, SignIn
from runner.desk.refusals import refuse
from runner.desk.roles import ANYBODY, SIGNED_IN, Role

_BACKEND: Final = "django.contrib.auth.backends.ModelBackend"


@page(ANYBODY, ("GET", "POST"))
def sign_in(request: DeskRequest) -> HttpResponse:
    """The page to sign in; a wrong password and an unknown name get the same answer."""
    if request.method == "GET":
        if request.sign_in:
            return back(request, "/")
        return render(request, "people/sign_in.html", {"next": request.GET.get("next", "/")})
    name, password = request.POST.get("username", ""), request.POST.get("password", "")
    person = authenticate(request, username=name, password=password)
    if getattr(request, "axes_locked_out", False):
        return locked_out(request, credentials={"username": name})
    if not isinstance(person, Person):
        context = {"next": request.POST.get("next", "/"), "username": name, "wrong": True}
        return render(request, "people/sign_in.html", context, status=401)
    begin(request, person)
    return back(request, "/")


@page(SIGNED_IN, ACT)
def sign_out(request: DeskRequest) -> HttpResponse:
    """End the sign-in, and let the browser forget what it kept."""
    append(now(), request.person.username, "signin.end", "person", request.person.username)
    end(request)
    answer = redirect("/sign-in")
    answer["Clear-Site-Data"] = '"cache"'
    return answer


@page(ANYBODY, ("GET", "POST"))
def welcome(request: DeskRequest, token: str) -> HttpResponse:
    """The page behind a one-time link: a password for its person, or the first admin. Signs them in."""
    link = find_link(token)
    if link is None:
        return refuse(
            request, 404, "LINK", _("This link was not found: it has been used, or has expired."),
            _("Ask for a new one: runner users reset NAME, or an admin on the page People."),
        )  # fmt: skip
    form = PasswordForm(request.POST if request.method == "POST" else None, person=link.person)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            if not use_link(link):
                return refuse(request, 409, "LINK", _("This link has just been used."))
            person = _with_password(link.person, form.cleaned_data)
        begin(request, person)
        return redirect("/")
    context = {"form": form, "whose": link.person, "status": 422 if form.is_bound else 200}
    return render(request, "people/welcome.html", context, status=422 if form.is_bound else 200)


def begin(request: DeskRequest, person: Person) -> None:
    """Sign `person` in, in a new session."""
    end(request)
    login(request, person, backend=_BACKEND)
    request.session.save()
    at = now()
    append(
        at, person.username, "signin.begin", "person", person.username, {"address": address_of(request)[:45]}
    )
    SignIn.objects.create(
        session=request.session.session_key or "", person=person, started=at, seen=at, confirmed=at,
        address=address_of(request)[:45], agent=request.headers.get("User-Agent", "")[:300],
    )  # fmt: skip


def end(request: HttpRequest) -> None:
    """End the sign-in of this session, where there is one."""
    if request.session.session_key:
        SignIn.objects.filter(session=request.session.session_key).delete()
    logout(request)


def _with_password(person: Person | None, given: dict[str, Any]) -> Person:
    if person is None:
        person = Person(
            username=given["username"], name=given["name"], role=Role.ADMIN, created=now(),
            created_by=given["username"],
        )  # fmt: skip
        person.save()
        append(now(), person.username, "person.add", "person", person.username, {"role": person.role})
    person.zone = person.zone or given["zone"]
    person.save(update_fields=["zone"])
    change_password(person, given["password"], by=person.username)
    reset(username=person.username)
    return person
