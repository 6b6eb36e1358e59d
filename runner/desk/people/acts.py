"""What is done to people: adding, roles, deactivating. The desk's pages and the command line both do it through here."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from runner.core.clock import now
from runner.core.errors import ConflictError, UsageError
from runner.desk.people.forms import NAME_RULE
from runner.desk.people.models import Person, ProcessRole, SignIn
from runner.desk.roles import Role


def add_person(username: str, *, role: str, by: str, email: str = "", shown: str = "") -> Person:
    """Somebody new, who has no password yet. Raises UsageError for a bad name, ConflictError for one that is taken."""
    try:
        NAME_RULE(username)
    except ValidationError:
        raise UsageError(
            f"'{username}' is no name to sign in with",
            expected="letters, digits and . @ + - _ only",
            hint="choose another one",
            where="name",
        ) from None
    if Person.objects.filter(username__iexact=username).exists():
        raise ConflictError(f"there is a person '{username}' already", hint="see: runner users list")
    person = Person(username=username, role=role, email=email, name=shown, created=now(), created_by=by)
    person.save()
    return person


def set_role(person: Person, role: str, *, by: str, process: str = "") -> Person:
    """Give `person` a role, everywhere or in one process. Raises ConflictError when nobody would be admin any more."""
    del by  # recorded by the audit trail when it is there
    with transaction.atomic():
        if process:
            ProcessRole.objects.update_or_create(person=person, process=process, defaults={"role": role})
            return person
        if role != Role.ADMIN:
            _keep_an_admin(person)
        person.role = role
        person.save(update_fields=["role"])
    return person


def deactivate(person: Person, *, by: str) -> None:
    """Let `person` sign in no more, and end all their sign-ins. Raises ConflictError for the last admin."""
    del by
    with transaction.atomic():
        _keep_an_admin(person)
        person.is_active = False
        person.save(update_fields=["is_active"])
        SignIn.objects.filter(person=person).delete()


def _keep_an_admin(person: Person) -> None:
    others = Person.objects.filter(Q(role=Role.ADMIN, is_active=True) & ~Q(pk=person.pk))
    if person.role == Role.ADMIN and person.is_active and not others.exists():
        raise ConflictError(
            f"{person.username} is the last admin",
            expected="somebody who can manage people",
            hint="make somebody else admin first",
        )
