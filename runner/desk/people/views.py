"""The people of this desk, and one's own profile."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from runner.desk import lists
from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.people.models import Person
from runner.desk.roles import SIGNED_IN
from runner.desk.words import choices

PEOPLE: Final = lists.ListOf(
    "people",
    (
        lists.Col("username", _("Name"), "username", "what", lambda one: one.username),
        lists.Col("role", _("Role"), "role", "", lambda one: one.role),
        lists.Col("email", _("E-mail"), "email", "opt", lambda one: one.email),
        lists.Col("last", _("Last sign-in"), "last_login", "opt", lambda one: one.last_login),
    ),
    (lists.field_filter("role", _("Role"), "role", lambda: choices("role")),),
    usual="username",
)


@page("people.see")
def people(request: DeskRequest) -> HttpResponse:
    """Everybody who may sign in."""
    if lists.wants_export(request):
        return lists.export(request, PEOPLE, Person.objects.all())
    return render(request, "people/list.html", {"shown": lists.show(request, PEOPLE, Person.objects.all())})


@page(SIGNED_IN)
def me(request: DeskRequest) -> HttpResponse:
    """One's own profile."""
    return render(request, "people/me.html", {"sign_ins": request.person.sign_ins.all()})
