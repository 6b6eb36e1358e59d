"""The page that shows every operation of the JSON interface, and its OpenAPI description; both from the same table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as in_language
from django.utils.translation import gettext_lazy

from runner.desk.access import page
from runner.desk.api.operations import OPERATIONS, PREFIX, schema
from runner.desk.asking import DeskRequest
from runner.desk.roles import ANYBODY, SIGNED_IN
from runner.desk.words import Word

TITLES: Mapping[str, Word] = {
    "runs": gettext_lazy("Runs"),
    "items": gettext_lazy("Work queues"),
    "cases": gettext_lazy("Cases"),
    "selections": gettext_lazy("Many cases at once"),
    "problems": gettext_lazy("Problems"),
    "problem_acts": gettext_lazy("Work on problems"),
    "problem_rules": gettext_lazy("Which cases are together"),
    "evidence": gettext_lazy("Evidence"),
    "corrections": gettext_lazy("Cases in a spreadsheet"),
    "schedules": gettext_lazy("Schedules"),
    "schedule_edits": gettext_lazy("Edits of schedules"),
    "calendars": gettext_lazy("Calendars"),
    "taking_back": gettext_lazy("Edits taken back"),
    "webhooks": gettext_lazy("Webhooks"),
}


@dataclass(frozen=True, slots=True)
class Field:
    """A value that an operation takes: where (query or body), its type as JSON names it, what it may be."""

    name: str
    kind: str
    needed: bool
    told: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """An operation as the page shows it."""

    method: str
    path: str
    summary: str
    told: str
    permission: str
    query: list[Field]
    body: list[Field]
    allowed: bool


@page(SIGNED_IN)
def operations(request: DeskRequest) -> HttpResponse:
    """Every operation, those that the reader's own keys could call marked."""
    described = described_schema()
    groups: dict[str, list[Shown]] = defaultdict(list)
    for one in OPERATIONS:
        detail = described["paths"][PREFIX + one.path.replace("{path:", "{")][one.method.lower()]
        allowed = any(request.access.may(name) for name in one.permissions)
        groups[one.subject].append(
            Shown(
                one.method,
                PREFIX + one.path.replace("{path:", "{"),
                in_language(detail["summary"]),
                _told(detail.get("description", "")),
                ", ".join(one.permissions),
                [_of_query(field) for field in detail["parameters"] if field["in"] == "query"],
                [replace(field, told=_told(field.told)) for field in body_fields(detail, described)],
                allowed,
            )
        )
    context = {
        "groups": [(subject, title, groups[subject]) for subject, title in TITLES.items()],
        "address": f"{request.scheme}://{request.get_host()}",
    }
    return render(request, "api/operations.html", context)


@page(ANYBODY)
def openapi(request: DeskRequest) -> HttpResponse:  # noqa: ARG001 (what every view takes)
    """The OpenAPI description: what there is, and no data."""
    return JsonResponse(described_schema(), json_dumps_params={"ensure_ascii": False})


@cache
def described_schema() -> dict[str, Any]:
    """The description, made once; it is the same for everybody."""
    return schema()


def body_fields(detail: Mapping[str, Any], described: Mapping[str, Any]) -> list[Field]:
    """The fields of an operation's body, JSON or a form; none where it takes no body."""
    content = detail.get("requestBody", {}).get("content", {})
    whole = _resolved(next((one["schema"] for one in content.values()), {}), described)
    needed = set(whole.get("required", ()))
    return [
        Field(name, kind_of(rules, described), name in needed, str(rules.get("description", "")))
        for name, rules in whole.get("properties", {}).items()
    ]


def kind_of(rules: Mapping[str, Any], described: Mapping[str, Any]) -> str:
    """The type of a value in the words of JSON Schema: ``integer``, ``open | closed``, ``list of object``."""
    rules = _resolved(rules, described)
    options = [kind_of(one, described) for one in rules.get("anyOf", ()) if one.get("type") != "null"]
    if options:
        return " | ".join(dict.fromkeys(options))
    if "enum" in rules:
        return " | ".join(map(str, rules["enum"]))
    if rules.get("type") == "array":
        return f"list of {kind_of(rules.get('items', {}), described)}"
    return str(rules.get("format") or rules.get("type") or "any")


def _of_query(field: Mapping[str, Any]) -> Field:
    told = _told(str(field.get("description", "")))
    return Field(field["name"], kind_of(field["schema"], described_schema()), field["required"], told)


def _told(text: str) -> SafeString:
    """What a description says in the reader's language; what stands between backticks is code."""
    plain = " ".join(text.split())
    parts = in_language(plain).split("`") if plain else []
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if i % 2 else part,) for i, part in enumerate(parts))
    )


def _resolved(rules: Mapping[str, Any], described: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = str(rules.get("$ref", ""))
    if not reference and len(rules.get("allOf", ())) == 1:
        return _resolved(rules["allOf"][0], described)
    name = reference.removeprefix("#/components/schemas/")
    return described["components"]["schemas"].get(name, rules) if reference else rules
