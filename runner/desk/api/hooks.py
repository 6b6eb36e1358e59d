"""The URL by which others start a schedule: ``POST /hooks/TOKEN``. Whoever knows the token may, and nothing else."""

from __future__ import annotations

import json
from typing import Any, Final

from django.http import Http404, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from pydantic import TypeAdapter, ValidationError

from runner.cases.trigger_urls import fire_by_url, schedule_of_token
from runner.core.clock import iso, now
from runner.core.errors import ErrorReport, UsageError
from runner.desk.access import ACT, page
from runner.desk.api.call_key import key_of_call
from runner.desk.api.rates import CALLS
from runner.desk.api.wrong_input import Values, parsed
from runner.desk.asking import DeskRequest
from runner.desk.people.locked import address_of
from runner.desk.planned import timetable
from runner.desk.roles import ANYBODY
from runner.timetable.due_times import Planned

MOST: Final = 60  # calls of one URL within a minute
MOST_WRONG: Final = 30  # wrong tokens from one address within a minute
_PARAMETERS: Final[TypeAdapter[dict[str, Any]]] = TypeAdapter(Values)


@csrf_exempt
@page(ANYBODY, ACT)
def fire(request: DeskRequest, token: str) -> HttpResponse:
    """Start the schedule of the token: 202 with the run, or with the reason why there is none.

    Fields of a JSON body take the place of the schedule's parameters by name. The same `Idempotency-Key` twice starts it
    once. A token that starts nothing is not found, in the same words as any other address.
    """
    if len(token) > 200 or schedule_of_token(token) is None:
        CALLS.count(f"hooks from {address_of(request)}", MOST_WRONG)
        raise Http404
    CALLS.count(f"hook {token}", MOST)
    fired = fire_by_url(
        token, _planned, at=now(), parameters=_parameters(request.body), call=key_of_call(request)
    )
    told = {
        "schedule": fired.schedule,
        "due": iso(fired.due),
        "state": str(fired.state),
        "reason": fired.reason,
        "run": fired.run,
        "again": fired.again,
    }
    content = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    return HttpResponse(content, "application/json", 202)


def _parameters(body: bytes) -> dict[str, Any]:
    """The parameters of a body; an empty one has none. Raises UsageError (API_JSON), ErrorReport (API_SCHEMA)."""
    if not body.strip():
        return {}
    try:
        return _PARAMETERS.validate_python(parsed(body))
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        what = str(found["msg"]).removeprefix("Value error, ")
        wrong = UsageError(
            f"the body can't be taken: {what}", expected='an object of parameters, such as {"day": "2026-11-24"}',
            hint="correct it", where="body", code="API_SCHEMA",
        )  # fmt: skip
        raise ErrorReport([wrong]) from error


def _planned(name: str) -> Planned | None:
    found = timetable()
    return found.of(name) if found is not None else None
