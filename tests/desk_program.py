"""A program that calls the desk's JSON interface with a key of a person."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.test import Client

from runner.desk.people.tokens import make_token
from runner.desk.roles import PERMISSIONS
from tests.desk_place import Desk


@dataclass(frozen=True)
class Program:
    """Calls below /api/v1 with one key."""

    client: Client
    key: str

    def get(self, path: str, **headers: str) -> Any:
        """The answer to GET."""
        return self.client.get(f"/api/v1/{path}", headers=self._headers(headers))

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """The answer to POST with `body` as JSON, or as it is where it is text or bytes."""
        data = body if isinstance(body, str | bytes) else json.dumps({} if body is None else body)
        return self.client.post(
            f"/api/v1/{path}", data, content_type="application/json", headers=self._headers(headers)
        )

    def call(self, method: str, path: str) -> HttpResponse:
        """The answer to a call of any address of the desk, without a body."""
        answer = self.client.generic(method, path, headers=self._headers({}))
        assert isinstance(answer, HttpResponse)
        return answer

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        given = {name.replace("_", "-"): value for name, value in more.items()}
        return {"authorization": f"Bearer {self.key}", **given}


def program(desk: Desk, role: str, scopes: Iterable[str] | None = None, **changes: Any) -> Program:
    """A program with a key of the person of `role`; `scopes`: all, where not given."""
    person = desk.person(role, **changes)
    return Program(desk.client(), make_token(person, "tests", scopes or PERMISSIONS, None))


def refusal(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The error of an answer, which has this status and code."""
    assert answer.status_code == status, answer.content
    error: dict[str, Any] = json.loads(answer.content)["error"]
    assert error["code"] == code, error
    assert set(error) - {"field"} == {"code", "message", "hint", "errors"}
    return error


def ok(answer: Any, status: int = 200) -> Any:
    """The JSON of an answer, which has this status."""
    assert answer.status_code == status, answer.content
    return json.loads(answer.content)
