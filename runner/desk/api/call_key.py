"""The name that a program gives to a call, so that it counts once."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest

from runner.core.errors import UsageError

_LONGEST: Final = 200


def key_of_call(request: HttpRequest) -> str:
    """The `Idempotency-Key` of a call; empty where it has none. Raises UsageError (API_SCHEMA) for one that is none."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > _LONGEST or not key.isprintable():
        raise UsageError(
            "the Idempotency-Key can't be used", expected=f"1 to {_LONGEST} signs that can be printed",
            hint="make a new one for each call, such as a UUID", where="Idempotency-Key", code="API_SCHEMA",
        )  # fmt: skip
    return key
