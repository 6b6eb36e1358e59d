"""Pages of long lists without counting or skipping: each begins where the last one ended, at a value of the sorted column.

SQL's OFFSET walks over everything that it skips, and NULLS LAST keeps SQLite from using an index; so rows with a value
and rows without one are two stretches of the list, each read along its index.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import Field, Model, Q, QuerySet

from runner.core.clock import iso
from runner.core.errors import UsageError
from runner.desk.plans import has_value, sorted_after

Row = TypeVar("Row", bound=Model)
LARGEST: Final = 500


@dataclass(frozen=True, slots=True)
class Order:
    """The column that rows are sorted by, and in which direction; `pk` decides between equals, in the same direction."""

    field: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Part(Generic[Row]):
    """Some rows in their order, and where the parts before and after them begin; empty where there is none."""

    rows: list[Row]
    before: str
    after: str


def part_of(
    rows: QuerySet[Row], order: Order, size: int, *, after: str = "", before: str = "", few: bool = False, each: Sequence[Q] = (Q(),)
) -> Part[Row]:  # fmt: skip
    """At most `size` of `rows`, from just after (or before) a place that an earlier part named. Two to four queries.

    `each` are conditions that part the rows where the indexes do: those of each are read along their index, and put
    into one order here. `few` says that `rows` are few of those in the table: they are found by their conditions and then sorted.
    Raises UsageError (API_PAGE) for a place that is none, and for a size below 1 or above 500.
    """
    if not 1 <= size <= LARGEST:
        raise UsageError(
            f"limit {size}", expected=f"a number from 1 to {LARGEST}", where="limit", code="API_PAGE"
        )
    backwards = bool(before) and not after
    place = _read(before if backwards else after)
    try:
        parts = [
            _stretches(rows.filter(one), order, size + 1, place, backwards=backwards, few=few) for one in each
        ]
        found = parts[0] if len(parts) == 1 else _merged(parts, order, backwards=backwards)
    except (ValidationError, ValueError, TypeError, OverflowError) as error:
        if place is None:
            raise
        raise _no_place() from error  # the place of another list, or of another order
    more = len(found) > size
    found = found[:size]
    if backwards:
        found.reverse()
    has_before = more if backwards else bool(after)
    has_after = True if backwards else more
    return Part(
        found,
        before=_place(found[0], order) if found and has_before else "",
        after=_place(found[-1], order) if found and has_after else "",
    )


def _stretches(
    rows: QuerySet[Row],
    order: Order,
    size: int,
    place: tuple[Any, str | int] | None,
    *,
    backwards: bool,
    few: bool,
) -> list[Row]:
    field = order.field
    down = order.descending != backwards
    # Equals go the same way as the values, so that an index is read from one end even where many rows are equal.
    sort = sorted_after(field, descending=down) if few else f"{'-' if down else ''}{field}"
    by_value = rows.order_by(sort, "-pk" if down else "pk")
    by_key = rows.filter(**{f"{field}__isnull": True}).order_by("-pk" if backwards else "pk")
    valued = by_value
    if _may_be_null(rows, field):
        valued = by_value.filter(has_value(field) if few else Q(**{f"{field}__isnull": False}))
    step = "lt" if backwards else "gt"
    in_nulls = place is not None and place[0] is None
    if place is not None and in_nulls:
        by_key = by_key.filter(**{f"pk__{step}": place[1]})
    elif place is not None:
        side = "lt" if down else "gt"
        value, key = place
        valued = valued.filter(
            Q(**{f"{field}__{side}": value}) | Q(**{f"pk__{side}": key}), **{f"{field}__{side}e": value}
        )
    stretches = [by_key, valued] if backwards else [valued, by_key]
    if not _may_be_null(rows, field):
        stretches = [valued]
    elif in_nulls != backwards:  # the first stretch lies behind us
        stretches = stretches[1:] if place is not None else stretches
    found: list[Row] = []
    for stretch in stretches:
        if len(found) < size:
            found += stretch[: size - len(found)]
    return found


def _merged(parts: Sequence[list[Row]], order: Order, *, backwards: bool) -> list[Row]:
    """Several lists in the same order as one."""
    rows = [row for part in parts for row in part]
    valued = [row for row in rows if _value(row, order.field) is not None]
    rest = [row for row in rows if _value(row, order.field) is None]
    valued.sort(key=lambda row: (_value(row, order.field), row.pk), reverse=order.descending != backwards)
    rest.sort(key=lambda row: str(row.pk), reverse=backwards)
    return [*rest, *valued] if backwards else [*valued, *rest]


def _may_be_null(rows: QuerySet[Row], field: str) -> bool:
    model: Any = rows.model
    try:
        found: Field[Any, Any] = model._meta.get_field(field)  # noqa: SLF001 (Django's documented API)
    except FieldDoesNotExist:
        return True  # an annotation, or a column of another table
    return bool(found.null)


def _value(row: Model, field: str) -> Any:
    value: Any = row
    for name in field.split("__"):
        value = getattr(value, name, None)
    return value


def _place(row: Model, order: Order) -> str:
    value = _value(row, order.field)
    plain = iso(value) if isinstance(value, datetime) else value
    text = json.dumps([plain, row.pk], ensure_ascii=False, default=str)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(text: str) -> tuple[Any, str | int] | None:
    if not text:
        return None
    try:
        value, key = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, TypeError, RecursionError) as error:
        raise _no_place() from error
    if isinstance(value, dict | list) or not isinstance(key, str | int) or "\x00" in f"{value}{key}":
        raise _no_place()
    return value, key


def _no_place() -> UsageError:
    return UsageError(
        "the place in the list can't be read",
        expected=f"the one that a page named; limit 1 to {LARGEST}",
        hint="begin at the first page",
        where="after",
        code="API_PAGE",
    )
