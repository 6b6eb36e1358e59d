"""The JSON interface under requests that schemathesis makes of its description: no server error, nothing leaked, as described."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case as Request
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from runner.desk.people.models import ProcessRole
from runner.engine.bot_watch import take_stock
from runner.store.models import Case, Problem, Run
from tests.desk_place import Desk
from tests.desk_program import program

EXAMPLES = 5  # requests of each kind for each operation and role; seconds, not minutes
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]


def known_parts(operation: Any) -> dict[str, str]:
    """Parts of the address that name things which are there, so that requests get beyond 404."""
    found = {
        "run_id": Run.objects.order_by("pk")[0].pk,
        "case_id": Case.objects.order_by("pk")[0].pk,
        "problem_id": Problem.objects.order_by("pk")[0].pk,
        "queue": "invoices",
        "key": "A-1",
        "schedule": "invoices",
        "calendar": "company",
    }
    names = {one["name"] for one in operation.definition.raw["parameters"] if one["in"] == "path"}
    return {name: value for name, value in found.items() if name in names}


def operations() -> Iterator[Any]:
    """Every operation, as schemathesis reads it from the description that the desk serves."""
    schema = schemathesis.openapi.from_wsgi(
        "/api/v1/openapi.json", WSGIHandler(), headers={"host": "localhost"}
    )
    found: Any
    for found in schema.get_all_operations():
        yield found.ok()


@pytest.mark.parametrize("role", ["viewer", "operator", "admin"])
def test_whatever_is_sent_the_answer_is_one_of_those_that_are_described(desk: Desk, role: str) -> None:
    take_stock(desk.settings, changed_only=True)
    caller = program(desk, role)
    hidden = Case.objects.get(key="A-3").message
    if role == "viewer":
        ProcessRole.objects.create(person=desk.person("viewer"), process="accounts-payable", role="none")
    seen: list[tuple[str, int]] = []

    for operation in operations():
        for mode in GenerationMode:
            strategy = operation.as_strategy(mode, path_parameters=known_parts(operation) or None)

            @settings(
                max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            @given(request=strategy)
            def send(request: Request[Any]) -> None:
                headers = {"host": "localhost", "authorization": f"Bearer {caller.key}"}
                answer = request.call(headers=headers)
                seen.append((request.operation.label, answer.status_code))
                text = answer.content.decode(errors="replace")  # files are no text
                assert answer.status_code < 500, (request.operation.label, request.body, request.query, text)
                if answer.status_code != 405:
                    request.validate_response(answer, checks=CHECKS)
                assert "Traceback" not in text
                assert str(desk.cli.project) not in text
                assert caller.key not in text
                assert role != "viewer" or hidden not in text

            send()

    assert len({label for label, _ in seen}) >= 30
