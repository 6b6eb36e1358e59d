"""One-time links: how a person gets, or gets back, a password. A link works once and for a limited time."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Final

from django.db import transaction

from runner.core.clock import now
from runner.desk.people.models import OneTimeLink, Person
from runner.desk.roles import Role

VALID_FOR: Final = timedelta(hours=24)
FIRST_VALID_FOR: Final = timedelta(hours=1)


def make_link(person: Person | None, by: str) -> str:
    """A new link's path for `person` (None: for the first admin); links made before for the same person end.

    Only the hash of its token is kept.
    """
    token = secrets.token_urlsafe(32)
    at = now()
    valid = VALID_FOR if person else FIRST_VALID_FOR
    with transaction.atomic():
        OneTimeLink.objects.filter(person=person, used=None).delete()
        OneTimeLink.objects.create(
            hash=hash_of(token), person=person, made=at, made_by=by, expires=at + valid
        )
    return f"/welcome/{token}"


def find_link(token: str) -> OneTimeLink | None:
    """The link of a token, where it is neither used nor expired, and not a first link when there is an admin already."""
    found = OneTimeLink.objects.select_related("person").filter(hash=hash_of(token), used=None).first()
    if found is None or found.expires < now():
        return None
    if found.person is None and has_admin():
        return None
    if found.person is not None and not found.person.is_active:
        return None
    return found


def use_link(link: OneTimeLink) -> bool:
    """Mark a link as used; False when somebody else was faster. To be called in the transaction of what it is for."""
    return OneTimeLink.objects.filter(pk=link.pk, used=None).update(used=now()) == 1


def has_admin() -> bool:
    """Whether anybody can manage people: an active admin with a password."""
    return Person.objects.filter(role=Role.ADMIN, is_active=True).exclude(password="").exists()


def hash_of(token: str) -> str:
    """What is kept of a token. It has 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()
