"""`runner users`: who may sign in to the desk, and new one-time links for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from runner.cli.desk import place_of
from runner.cli.groups import group
from runner.cli.options import Json, one_of
from runner.cli.printing import Col, print_json, print_table, say
from runner.cli.project import Project, open_settings
from runner.core.clock import iso
from runner.core.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from runner.desk.people.models import Person

app = group("People who may sign in to the desk.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="The name to sign in with.")]
Role = Annotated[
    str, typer.Argument(metavar="ROLE", help="viewer, operator, supervisor, developer or admin.")
]


@app.command("add")
def add(
    name: Name,
    role: Annotated[str, typer.Option(help="viewer, operator, supervisor, developer or admin.")] = "viewer",
    email: Annotated[str, typer.Option(help="Where notices go.")] = "",
    shown: Annotated[str, typer.Option("--name", help="The name that others see.")] = "",
) -> None:
    """Add a person, and print the one-time link with which they choose their password."""
    project = _open()
    from runner.desk.people.acts import add_person

    person = add_person(name, role=_role(role), email=email, shown=shown, by=project.who)
    say(f"{person.username}: {person.role}")
    _print_link(project, person)


@app.command("role")
def role(
    name: Name,
    to: Role,
    process: Annotated[str, typer.Option(help="Only in this process; none: no access there.")] = "",
) -> None:
    """Give a person another role, everywhere or in one process."""
    project = _open()
    from runner.desk.people.acts import set_role

    person = set_role(_person(name), _role(to), process=process, by=project.who)
    say(f"{person.username}: {to}{f' in {process}' if process else ''}")


@app.command("reset")
def reset(name: Name) -> None:
    """Print a new one-time link for a person; it also unlocks them. Their old password works until it is used."""
    project = _open()
    _print_link(project, _person(name))


@app.command("list")
def list_people(as_json: Json = False) -> None:
    """List who may sign in."""
    _open()
    from runner.desk.people.models import Person

    rows = [
        {
            "name": one.username,
            "shown": one.name,
            "role": one.role,
            "in_processes": {p.process: p.role for p in one.process_roles.all()},
            "active": one.is_active,
            "has_password": bool(one.password),
            "last_sign_in": iso(one.last_login) if one.last_login else None,
        }
        for one in Person.objects.prefetch_related("process_roles")
    ]
    if as_json:
        print_json(rows)
        return
    print_table(
        [Col("NAME", fixed=True), Col("ROLE", fixed=True), Col("STATE", fixed=True), Col("LAST SIGN-IN")],
        ([one["name"], one["role"], _state(one), one["last_sign_in"] or "never"] for one in rows),
        "Nobody yet. The first admin comes through the link that `runner desk` prints.",
    )


def _open() -> Project:
    project = open_settings()
    from runner.desk.serve import open_desk

    open_desk(place_of(project))
    return project


def _role(text: str) -> str:
    from runner.desk.roles import Role as Roles

    return one_of(text, [str(one) for one in Roles], "ROLE")


def _person(name: str) -> Person:
    from runner.desk.people.models import Person

    found = Person.objects.filter(username=name).first()
    if found is None:
        near = did_you_mean(name, Person.objects.values_list("username", flat=True))
        raise UsageError(
            f"there is no person '{name}'", expected=near, hint="see: runner users list", code="NOT_FOUND"
        )
    return found


def _print_link(project: Project, person: Person) -> None:
    from runner.desk.people.acts import invite
    from runner.desk.serve import running_address

    link = invite(person, project.who)
    say(f"One-time link, valid for 24 hours: {running_address(project.settings)}{link}")


def _state(person: Mapping[str, object]) -> str:
    if not person["active"]:
        return "deactivated"
    return "active" if person["has_password"] else "invited"
