"""What is done to people: adding, roles, ending sign-ins. Pages and command line both do it through here; all is audited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from runner.cases.audit import append
from runner.core.clock import now
from runner.core.errors import ConflictError, UsageError
from runner.desk.people.forms import NAME_RULE
from runner.desk.people.links import make_link
from runner.desk.people.models import Person, ProcessRole, SignIn
from runner.desk.roles import Role


def add_person(username: str, *, role: str, by: str, email: str = "", shown: str = "") -> Person:
    """Somebody new, who has no password yet. Raises UsageError for a bad name or e-mail, ConflictError for a taken name."""
    _check(username, NAME_RULE, "name", "letters, digits and . @ + - _ only")
    if email:
        _check(email, validate_email, "email", "an e-mail address")
    if Person.objects.filter(username__iexact=username).exists():
        raise ConflictError(f"there is a person '{username}' already", hint="see: runner users list")
    person = Person(username=username, role=role, email=email, name=shown, created=now(), created_by=by)
    with transaction.atomic():
        person.save()
        _audit(by, "person.add", person, {"role": str(role)})
    return person


def invite(person: Person, by: str) -> str:
    """The path of a new one-time link for `person`; it also unlocks them."""
    from axes.utils import reset

    with transaction.atomic():
        path = make_link(person, by)
        _audit(by, "person.link", person)
    reset(username=person.username)
    return path


def set_role(person: Person, role: str, *, by: str, process: str = "") -> Person:
    """Give `person` a role, everywhere or in one process. Raises ConflictError when nobody would be admin any more."""
    with transaction.atomic():
        if process:
            before = (
                ProcessRole.objects.filter(person=person, process=process)
                .values_list("role", flat=True)
                .first()
            )
            ProcessRole.objects.update_or_create(person=person, process=process, defaults={"role": role})
        else:
            before = person.role
            if role != Role.ADMIN:
                _keep_an_admin(person)
            person.role = role
            person.save(update_fields=["role"])
        _audit(by, "person.role", person, {"process": process, "before": before, "role": str(role)})
    return person


def remove_process_role(person: Person, process: str, *, by: str) -> None:
    """Let the person's own role hold in a process again."""
    with transaction.atomic():
        if ProcessRole.objects.filter(person=person, process=process).delete()[0]:
            _audit(by, "person.role", person, {"process": process, "role": None})


def set_active(person: Person, *, active: bool, by: str) -> None:
    """Let `person` sign in, or not any more (which ends all their sign-ins). Raises ConflictError for the last admin."""
    with transaction.atomic():
        if not active:
            _keep_an_admin(person)
            SignIn.objects.filter(person=person).delete()
        person.is_active = active
        person.save(update_fields=["is_active"])
        _audit(by, "person.activate" if active else "person.deactivate", person)


def end_sign_in(sign_in: SignIn, by: str) -> None:
    """End one sign-in; its browser is asked to sign in at its next click."""
    with transaction.atomic():
        sign_in.delete()
        _audit(by, "session.end", sign_in.person, {"started": sign_in.started.isoformat()})


def change_password(person: Person, password: str, *, by: str, keep: str = "") -> None:
    """Set a new password and end all sign-ins, except that of the session `keep`."""
    with transaction.atomic():
        person.set_password(password)
        person.save(update_fields=["password"])
        SignIn.objects.filter(person=person).exclude(session=keep).delete()
        _audit(by, "person.password", person)


def _check(value: str, rule: Callable[[str], None], where: str, expected: str) -> None:
    try:
        rule(value)
    except ValidationError:
        raise UsageError(
            f"'{value}' can't be used", expected=expected, hint="choose another one", where=where
        ) from None


def _audit(by: str, what: str, person: Person, data: dict[str, Any] | None = None) -> None:
    append(now(), by, what, "person", person.username, data)


def _keep_an_admin(person: Person) -> None:
    others = Person.objects.filter(role=Role.ADMIN, is_active=True).exclude(pk=person.pk)
    if person.role == Role.ADMIN and person.is_active and not others.exists():
        raise ConflictError(
            f"{person.username} is the last admin",
            expected="somebody who can manage people",
            hint="make somebody else admin first",
        )
