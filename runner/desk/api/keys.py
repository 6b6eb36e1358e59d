"""Who calls the JSON interface: a program with a key of a person. A signed-in browser is nobody here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, cast

from django.http import HttpRequest
from ninja.security import HttpBearer

from runner.desk.asking import Access, DeskRequest, NotAllowed, TooOften
from runner.desk.outside import place
from runner.desk.people.models import ApiToken, Person
from runner.desk.people.tokens import access_of_token, find_token

_MINUTE: Final = 60.0
_MOST_COUNTED: Final = 10_000  # callers that are remembered at a time


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


class Rates:
    """How often each caller has called within the last minute, in this process; a desk is one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._calls: dict[str, tuple[float, int]] = {}

    def count(self, caller: str, most: int) -> None:
        """One more call. Raises TooOften when the caller has made `most` within the minute that began with the first."""
        at = self._clock()
        with self._lock:
            since, calls = self._calls.get(caller, (at, 0))
            if at - since >= _MINUTE:
                since, calls = at, 0
            if calls >= most:
                raise TooOften(max(1, round(since + _MINUTE - at)))
            if len(self._calls) >= _MOST_COUNTED:
                self._calls = {who: one for who, one in self._calls.items() if at - one[0] < _MINUTE}
            self._calls[caller] = (since, calls + 1)


CALLS: Final = Rates()
"""The calls of keys, and of addresses that came with a wrong trigger URL."""
