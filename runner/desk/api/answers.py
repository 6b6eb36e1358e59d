"""What the JSON interface answers with: one object, a part of a list with where the next one begins, an ETag for each."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, Q, QuerySet
from django.http import HttpResponse
from pydantic import Field

from runner.core.errors import UsageError, did_you_mean
from runner.desk.api.operations import InQuery
from runner.desk.api.wrong_input import Text
from runner.desk.asking import DeskRequest
from runner.desk.keyset import LARGEST, Order, part_of
from runner.desk.navigation import counted
from runner.desk.plans import FEW, along_the_order

Row = TypeVar("Row", bound=Model)
_VERSION: Final = re.compile(r'(?:W/)?"?(\d{1,9})(?:-[0-9a-f]+)?"?')
_MOST_ROWS: Final = 100


class Paged(InQuery):
    """A list in parts. `cursor` is the `next` of the part before; it holds while the order is the same."""

    limit: Annotated[int, Field(ge=1, le=LARGEST, description="So many rows, 1 to 500.")] = _MOST_ROWS
    cursor: Annotated[Text, Field(max_length=2000, description="The `next` of the part before.")] = ""
    sort: Annotated[
        Text,
        Field(max_length=40, description="A field to sort by, with - before it for the other direction."),
    ] = ""


def answered(
    request: DeskRequest, value: Any, status: int = 200, *, version: int | None = None
) -> HttpResponse:
    """`value` as JSON. Its ETag begins with `version`, where the thing has one; 304 for who has it already."""
    content = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    digest = hashlib.sha256(content).hexdigest()[:12]
    tag = f'"{digest}"' if version is None else f'"{version}-{digest}"'
    is_known = request.method == "GET" and tag in re.split(
        r"\s*,\s*", request.headers.get("If-None-Match", "")
    )
    answer = HttpResponse(status=304) if is_known else HttpResponse(content, "application/json", status)
    answer["ETag"] = tag
    return answer


def listed(  # noqa: PLR0917 (in the order in which one says them)
    request: DeskRequest, rows: QuerySet[Row], wanted: Paged, sorts: Mapping[str, str], usual: str,
    as_json: Callable[[Sequence[Row]], list[dict[str, Any]]], whole: QuerySet[Row] | None = None,
    each: Sequence[Q] = (Q(),),
) -> HttpResponse:  # fmt: skip
    """The part of `rows` that is asked for, as ``{"rows": […], "next": …}``; `next` is null at the end of the list.

    `whole` has the conditions with which the indexes of the orders begin; those that `rows` has beside them are filters.
    `each` are several such conditions, that part the rows (`keyset.part_of`).
    Raises UsageError (API_SCHEMA) for another order than `sorts`, (API_PAGE) for a place that no part named.
    """
    order = _order(wanted.sort or usual, sorts)
    few = counted(rows, FEW) < FEW
    read = rows if few else along_the_order(whole if whole is not None else QuerySet(rows.model), rows)
    try:
        part = part_of(read, order, wanted.limit, after=wanted.cursor, few=few, each=(Q(),) if few else each)
    except UsageError as error:
        error.where = "cursor"
        raise
    answer = answered(request, {"rows": as_json(part.rows), "next": part.after or None})
    if part.after:
        answer["Link"] = f'<{_next(request, part.after)}>; rel="next"'
    return answer


def version_wanted(request: DeskRequest, said: int | None = None) -> int | None:
    """The version that a decision was made on: of the body, or of If-Match (an ETag as it was given, or a number).

    Raises UsageError (API_SCHEMA) for an If-Match that no answer gave, and where the two differ.
    """
    text = request.headers.get("If-Match", "").strip()
    if not text or text == "*":
        return said
    found = _VERSION.fullmatch(text)
    if found is None or said not in {None, int(found[1])}:
        what = "is not the ETag of a case" if found is None else f"and version {said} of the body differ"
        raise UsageError(
            f"If-Match {ascii(text)[:60]} {what}", expected="the ETag of the answer that was decided on",
            hint="get it again", where="If-Match", code="API_SCHEMA",
        )  # fmt: skip
    return int(found[1])


def _order(wanted: str, sorts: Mapping[str, str]) -> Order:
    name = wanted.removeprefix("-")
    if name not in sorts:
        raise UsageError(
            f"can't sort by '{name}'", expected=did_you_mean(name, sorts) or f"one of {', '.join(sorts)}",
            hint="correct it, or leave it out", where="sort", code="API_SCHEMA",
        )  # fmt: skip
    return Order(sorts[name], wanted.startswith("-"))


def _next(request: DeskRequest, cursor: str) -> str:
    kept = {name: value for name, value in request.GET.items() if name != "cursor"}
    return f"{request.path}?{urlencode({**kept, 'cursor': cursor})}"
