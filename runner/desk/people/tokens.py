"""Keys with which programs act for a person: made once, shown once, kept as a hash, never able to do more than the person."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q

from runner.cases.audit import append
from runner.core.clock import now
from runner.core.errors import UsageError
from runner.desk.asking import Access, access_of
from runner.desk.people.links import hash_of
from runner.desk.people.models import ApiToken, Person
from runner.desk.roles import PERMISSIONS

BEGINNING: Final = "rnr_"  # so that scanners of source code find one that was put there by mistake
_NOTED_EVERY: Final = timedelta(minutes=1)


def make_token(person: Person, name: str, scopes: Iterable[str], days: int | None) -> str:
    """A new key for `person`, valid for so many days (None: until it is revoked); only its hash is kept.

    Raises UsageError for no scope, and for one that isn't a permission.
    """
    wanted = sorted(set(scopes))
    unknown = [one for one in wanted if one not in PERMISSIONS]
    if unknown or not wanted:
        raise UsageError(
            f"scopes {', '.join(unknown) or '(none)'}",
            expected="one or more permissions",
            hint="choose from the list",
            where="scopes",
        )
    text = BEGINNING + secrets.token_urlsafe(32)
    at = now()
    expires = at + timedelta(days=days) if days else None
    with transaction.atomic():
        ApiToken.objects.create(
            hash=hash_of(text),
            shown=text[:10],
            person=person,
            name=name,
            scopes=wanted,
            made=at,
            expires=expires,
        )
        append(at, person.username, "token.make", "person", person.username, {"name": name, "scopes": wanted})
    return text


def revoke_token(token: ApiToken, by: str) -> None:
    """End a key at once. A second time changes nothing."""
    with transaction.atomic():
        at = now()
        if ApiToken.objects.filter(pk=token.pk, revoked=None).update(revoked=at):
            append(at, by, "token.revoke", "person", token.person.username, {"name": token.name})


def find_token(text: str) -> ApiToken | None:
    """The key of that text, where it holds: not revoked, not expired, its person active. Notes that it was used."""
    at = now()
    holds = Q(expires=None) | Q(expires__gt=at)
    found = (
        ApiToken.objects.select_related("person")
        .filter(holds, hash=hash_of(text), revoked=None, person__is_active=True)
        .first()
    )
    if found and (found.last_used is None or at - found.last_used > _NOTED_EVERY):
        ApiToken.objects.filter(pk=found.pk).update(last_used=at)
    return found


def access_of_token(token: ApiToken) -> Access:
    """What a program with this key may do: what both its scopes and its person's roles allow."""
    access = access_of(token.person)
    return Access(access.role, access.by_process, frozenset(token.scopes))
