"""Who calls the JSON interface: a program with a key of a person. A signed-in browser is nobody here."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest
from ninja.security import HttpBearer

from runner.desk.api.rates import CALLS
from runner.desk.asking import Access, DeskRequest, NotAllowed
from runner.desk.outside import place
from runner.desk.people.models import ApiToken, Person
from runner.desk.people.tokens import access_of_token, find_token


class Key(HttpBearer):
    """Lets an operation be called with a key that has one of `permissions` among its scopes, of a person who has it too.

    The person has it in some process; the operation limits its rows with ``request.access``, as pages do.
    """

    def __init__(self, *permissions: str) -> None:
        super().__init__()
        self.permissions = permissions

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        """The key, with its person and what they may do put on the request; None for one that does not hold."""
        asked = cast("DeskRequest", request)
        found = caller(asked, token)
        if found is not None and not any(asked.access.may(one) for one in self.permissions):
            self._refuse(asked.access)
        return found

    def _refuse(self, access: Access) -> None:
        in_scope = next((one for one in self.permissions if one in (access.scopes or ())), None)
        raise NotAllowed(access.role, in_scope or self.permissions[0], of_key=in_scope is None)


def nobody(request: DeskRequest) -> None:
    """Forget who is signed in: cookies are sent by browsers for whoever asks them to, so they open nothing here."""
    request.sign_in = None
    request.person = Person(is_active=False)
    request.access = Access()


def caller(request: DeskRequest, token: str = "") -> ApiToken | None:
    """The key that a request came with, counted; None where there is none, or none that holds. Raises TooOften."""
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    text = token or (given if kind.lower() == "bearer" else "")
    found = find_token(text.strip()) if text.strip() else None
    if found is not None:
        CALLS.count(f"key {found.hash}", place().settings.api_rate)
        request.person, request.access = found.person, access_of_token(found)
    return found
