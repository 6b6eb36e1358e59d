"""The people of this desk: the list, one person, and everything that is done to them."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runner.cases.audit import list_entries
from runner.desk import lists
from runner.desk.access import ACT, page
from runner.desk.asking import DeskRequest, NotAllowed
from runner.desk.outside import place
from runner.desk.people import acts
from runner.desk.people.confirm import reauthenticated
from runner.desk.people.forms import PersonForm, RoleForm
from runner.desk.people.models import Person
from runner.desk.refusals import refuse
from runner.desk.roles import Role
from runner.desk.words import choices
from runner.store.models import Run

_STATES: Final = {
    "active": gettext_lazy("active"),
    "invited": gettext_lazy("invited"),
    "off": gettext_lazy("deactivated"),
}


def state_of(person: Person) -> str:
    """``active``, ``invited`` (no password yet) or ``off``."""
    if not person.is_active:
        return "off"
    return "active" if person.password else "invited"


def _of_state(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    if value == "off":
        return rows.filter(is_active=False)
    there = rows.filter(is_active=True)
    return there.filter(password="") if value == "invited" else there.exclude(password="")


PEOPLE: Final = lists.ListOf(
    "people",
    (
        lists.Col("username", gettext_lazy("Name"), "username", "what", lambda one: one.username),
        lists.Col("role", gettext_lazy("Role"), "role", "", lambda one: one.role),
        lists.Col("state", gettext_lazy("State"), "", "", state_of),
        lists.Col("email", gettext_lazy("E-mail"), "email", "opt", lambda one: one.email),
        lists.Col("last", gettext_lazy("Last sign-in"), "last_login", "opt", lambda one: one.last_login),
    ),
    (
        lists.field_filter("role", gettext_lazy("Role"), "role", lambda: choices("role")),
        lists.Filter("state", gettext_lazy("State"), _of_state, lambda: list(_STATES.items())),
        lists.Filter(
            "name", gettext_lazy("Name"), lambda rows, value: rows.filter(username__icontains=value)
        ),
    ),
    usual="username",
)


@page("people.see")
def people(request: DeskRequest) -> HttpResponse:
    """Everybody who may sign in."""
    rows = Person.objects.order_by()
    if lists.wants_export(request):
        return lists.export(request, PEOPLE, rows)
    context = {"shown": lists.show(request, PEOPLE, rows), "form": PersonForm(giver=_giver(request))}
    return render(request, "people/list.html", context)


@page("people.add", ACT, see="people.see")
@reauthenticated()
def add(request: DeskRequest) -> HttpResponse:
    """Somebody new; the answer shows the link with which they choose their password, once."""
    form = PersonForm(request.POST, giver=_giver(request))
    if not form.is_valid():
        shown = lists.show(request, PEOPLE, Person.objects.order_by())
        return render(request, "people/list.html", {"shown": shown, "form": form, "open": True}, status=422)
    given = form.cleaned_data
    made = acts.add_person(
        given["username"],
        role=given["role"],
        by=request.person.username,
        email=given["email"],
        shown=given["name"],
    )
    return _with_link(request, made)


@page("people.see")
def person(request: DeskRequest, username: str) -> HttpResponse:
    """One person: roles, sign-ins, what they did last."""
    return _shown(request, _find(username))


@page("people.change", ACT)
@reauthenticated()
def role(request: DeskRequest, username: str) -> HttpResponse:
    """Another role, everywhere or in one process."""
    found = _find(username)
    form = RoleForm(request.POST, giver=_giver(request))
    if not form.is_valid():
        return _shown(request, found, form, 422)
    given = form.cleaned_data
    acts.set_role(found, given["role"], by=request.person.username, process=given["process"])
    messages.success(request, _("The role is changed; it counts from the next click on."))
    return redirect("people:person", username=username)


@page("people.change", ACT)
@reauthenticated()
def remove_role(request: DeskRequest, username: str) -> HttpResponse:
    """The role of one process goes; the person's own role counts there again."""
    acts.remove_process_role(_find(username), request.POST.get("process", ""), by=request.person.username)
    messages.success(request, _("The role is changed; it counts from the next click on."))
    return redirect("people:person", username=username)


@page("people.change", ACT)
@reauthenticated()
def active(request: DeskRequest, username: str) -> HttpResponse:
    """Deactivate a person, or let them in again."""
    wanted = request.POST.get("active") == "yes"
    acts.set_active(_find(username), active=wanted, by=request.person.username)
    messages.success(request, _("They can sign in again.") if wanted else _("They can't sign in any more."))
    return redirect("people:person", username=username)


@page("people.change", ACT)
@reauthenticated()
def link(request: DeskRequest, username: str) -> HttpResponse:
    """A new one-time link for a person; it is shown once, and ends those made before."""
    found = _find(username)
    if not found.is_active:
        return refuse(request, 409, "LINK", _("This person is deactivated: let them in again first."))
    return _with_link(request, found)


@page("people.change", ACT)
def end_session(request: DeskRequest, username: str, number: int) -> HttpResponse:
    """End a sign-in of somebody."""
    found = _find(username).sign_ins.filter(pk=number).first()
    if found is None:
        raise Http404
    acts.end_sign_in(found, request.person.username)
    messages.success(request, _("That sign-in has ended."))
    return redirect("people:person", username=username)


def _giver(request: DeskRequest) -> Role:
    """The highest role that somebody can give: their own, below admin only where they may manage people."""
    if not request.access.may("people.add"):
        raise NotAllowed(request.access.role, "people.add")
    return request.access.role


def _find(username: str) -> Person:
    found = Person.objects.filter(username=username).first()
    if found is None:
        raise Http404
    return found


def _with_link(request: DeskRequest, whose: Person) -> HttpResponse:
    path = acts.invite(whose, request.person.username)
    origin = place().settings.desk_url.rstrip("/") or f"http://{request.get_host()}"
    answer = render(request, "people/link.html", {"whose": whose, "address": f"{origin}{path}"})
    answer["Cache-Control"] = "no-store"
    return answer


def _shown(
    request: DeskRequest, whose: Person, form: RoleForm | None = None, status: int = 200
) -> HttpResponse:
    runs = Run.objects.exclude(process="").order_by()
    context = {
        "whose": whose,
        "state": state_of(whose),
        "form": form or RoleForm(giver=_giver(request), role=whose.role),
        "process_roles": whose.process_roles.order_by("process"),
        "processes": sorted(runs.values_list("process", flat=True).distinct()[:500]),
        "sign_ins": whose.sign_ins.all(),
        "entries": list_entries(by=whose.username, limit=20) if request.access.may("audit.see") else None,
        "may_change": request.access.may("people.change"),
    }
    return render(request, "people/person.html", context, status=status)
