"""Who may open what: every address of the desk, for every role, generated from the address table."""

from __future__ import annotations

import itertools
import re

import pytest

from runner.core.errors import ConfigurationError
from runner.desk.access import Endpoint, endpoints, page
from runner.desk.asking import Access
from runner.desk.roles import ANYBODY, PERMISSIONS, Role, has
from runner.store.models import Case, Problem, Run
from tests.desk_place import Desk

_PART = re.compile(r"<(?:\w+:)?(\w+)>")


def filled(endpoint: Endpoint) -> str:
    """The address with things in it that are there, where we know some of that name; others are not found."""
    known = {
        "username": "viewer",
        "number": "1",
        "mark": "x",
        "name": "desk.css",
        "process": "accounts-payable",
    }
    for name, model in (("case", Case), ("problem", Problem), ("run", Run)):
        some = model.objects.order_by("pk").values_list("pk", flat=True).first()
        known |= {f"{name}_id": str(some), name: str(some), f"{name}s": str(some)}
    known |= {
        "name": {"bots": "invoice", "queues": "invoices", "schedules": "invoices"}.get(
            endpoint.name.partition(":")[0], known["name"]
        )
    }
    return "/" + _PART.sub(lambda part: known.get(part[1], "1"), endpoint.pattern).replace("\\Z", "")


@pytest.mark.parametrize("role", ["", *Role])
def test_every_cell_of_role_and_address(desk: Desk, role: str) -> None:
    desk.person("viewer")
    wrong = []
    pages = [one for one in endpoints() if not one.by_key]  # what programs call is tested in test_desk_api.py
    for endpoint, method in itertools.product(pages, ("GET", "POST")):
        client = desk.client(role)
        answer = client.generic(method, filled(endpoint), headers={"accept": "text/html"})
        open_to_all = endpoint.permission == ANYBODY
        if not role and not open_to_all:
            expected = answer.status_code == 401
        elif role and not has(Role(role), endpoint.permission):
            expected = answer.status_code == 403 and "API_ROLE" in answer.content.decode()
        elif method not in endpoint.methods:
            expected = answer.status_code == 405
        else:
            expected = answer.status_code not in {403, 405} and answer.status_code < 500
            asks_again = answer.headers.get("Confirm-Password") == "needed"
            expected = expected and (open_to_all or asks_again or answer.status_code != 401)
        if not expected:
            wrong.append(f"{role or 'nobody'} {method} {filled(endpoint)}: {answer.status_code}")
    assert wrong == []


def test_a_view_without_a_permission_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match=r"there is no permission 'cases.frob'"):
        page("cases.frob")


@pytest.mark.parametrize("low", list(Role))
def test_a_higher_role_has_everything_that_a_lower_one_has(low: Role) -> None:
    for high in (role for role in Role if role.rank >= low.rank):
        assert all(has(high, one) for one in PERMISSIONS if has(low, one))


def test_a_role_in_a_process_takes_the_place_of_the_persons_own_there() -> None:
    access = Access(Role.OPERATOR, {"payments": Role.NONE, "orders": Role.SUPERVISOR})

    assert access.may("cases.decide")
    assert access.may("cases.decide", "")
    assert not access.may("cases.see", "payments")
    assert access.may("cases.attest", "orders")
    assert access.may("cases.attest")  # somewhere
    assert not access.may("cases.attest", "other")


def test_rows_are_limited_to_the_processes_that_may_be_seen(desk: Desk) -> None:
    rows = Case.objects.order_by()
    assert rows.count() == 4

    assert Access(Role.VIEWER).limit(rows, "cases.see").count() == 4
    assert Access(Role.VIEWER, {"accounts-payable": Role.NONE}).limit(rows, "cases.see").count() == 0
    assert Access(Role.NONE, {"accounts-payable": Role.VIEWER}).limit(rows, "cases.see").count() == 4
    assert Access(Role.NONE, {"other": Role.ADMIN}).limit(rows, "cases.see").count() == 0
    assert Access(Role.ADMIN, {}, frozenset({"runs.see"})).limit(rows, "cases.see").count() == 0
