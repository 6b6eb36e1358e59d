"""Calls that act: carried out once for each `Idempotency-Key`, however often a program sends them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.http import HttpResponse

from runner.core.clock import now
from runner.core.errors import ConflictError
from runner.desk.api.answers import answered
from runner.desk.api.call_key import key_of_call
from runner.desk.asking import DeskRequest
from runner.desk.people.models import ApiCall

KEPT_FOR: Final = timedelta(days=7)
_FORGOTTEN_AT_ONCE: Final = 100


def once(
    request: DeskRequest,
    act: Callable[[datetime], Mapping[str, Any] | tuple[Mapping[str, Any], int]],
    status: int = 200,
    *,
    shown: Callable[[dict[str, Any]], dict[str, Any]] = lambda made: made,
) -> HttpResponse:
    """The answer of `act`, which gets the present time; with an `Idempotency-Key` that was used, the answer given then.

    `act` may give a status with its answer, in the place of `status`. `shown` makes what is sent out of what is kept, for
    what must not be kept, such as a secret.

    What `act` stores and the answer are stored together, or neither is: a call whose answer was lost on the way can be
    sent again without harm. A refusal is not kept. Raises UsageError for a key that is none, ConflictError
    (API_IDEMPOTENCY) for one that came with another call.
    """
    key, at = key_of_call(request), now()
    if not key:
        made, code = _with_status(act(at), status)
        return answered(request, shown(made), code)
    digest = hashlib.sha256(f"{request.method} {request.path}\n".encode() + request.body).hexdigest()
    with transaction.atomic():
        known = ApiCall.objects.filter(person=request.person, key=key).first()
        if known is None:
            made, code = _with_status(act(at), status)
            ApiCall.objects.create(
                person=request.person, key=key, digest=digest, status=code, answer=made, at=at
            )
            _forget(at)
            return answered(request, shown(made), code)
    if known.digest != digest:
        raise ConflictError(
            "the Idempotency-Key came with another call before", expected="a new key for each call",
            hint="make a new one, such as a UUID", where="Idempotency-Key", code="API_IDEMPOTENCY",
        )  # fmt: skip
    again = answered(request, shown(known.answer), known.status)
    again["Idempotent-Replayed"] = "true"
    return again


def _with_status(
    made: Mapping[str, Any] | tuple[Mapping[str, Any], int], status: int
) -> tuple[dict[str, Any], int]:
    answer, code = made if isinstance(made, tuple) else (made, status)
    return dict(answer), code


def _forget(at: datetime) -> None:
    old = ApiCall.objects.filter(at__lt=at - KEPT_FOR).values_list("pk", flat=True)[:_FORGOTTEN_AT_ONCE]
    ApiCall.objects.filter(pk__in=list(old)).delete()
