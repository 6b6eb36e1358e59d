"""A part of a list: in which order, from where, how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.core.exceptions import FieldDoesNotExist
from django.db.models import F, Model, OrderBy, QuerySet

from runner.core.errors import UsageError, did_you_mean

Row = TypeVar("Row", bound=Model)
MOST = 500


@dataclass(frozen=True, slots=True)
class Page:
    """`sort` names a field, with a ``-`` before it for the other direction (empty: the list's own order).

    `limit` None means all; rows without the sorted value come last.
    """

    sort: str = ""
    limit: int | None = None
    offset: int = 0


def page_of(rows: QuerySet[Row], page: Page, fields: Mapping[str, str], usual: str) -> QuerySet[Row]:
    """That part of `rows`. `fields` maps the names that people may sort by to columns; `usual` is one of them.

    Raises UsageError for another name (with the nearest one) and for limits below 1.
    """
    asked = page.sort or usual
    name = asked.removeprefix("-")
    if name not in fields:
        near = did_you_mean(name, fields)
        raise UsageError(
            f"can't sort by '{name}'", expected=near or f"one of {', '.join(fields)}", where="--sort"
        )
    if (page.limit is not None and page.limit < 1) or page.offset < 0:
        raise UsageError(f"limit {page.limit}", expected=f"a number from 1 to {MOST}", where="--limit")
    column, down = fields[name], asked.startswith("-")
    order: str | OrderBy = f"-{column}" if down else column
    if _may_be_null(rows, column):
        order = F(column).desc(nulls_last=True) if down else F(column).asc(nulls_last=True)
    ordered = rows.order_by(
        order, "-pk" if down else "pk"
    )  # equals the same way: an index is read from one end
    return ordered[page.offset : None if page.limit is None else page.offset + page.limit]


def _may_be_null(rows: QuerySet[Row], column: str) -> bool:
    """Whether rows without a value have to be put last: to say so keeps SQLite from reading along an index."""
    try:
        field: Any = rows.model._meta.get_field(column)  # noqa: SLF001 (documented by Django, in spite of its name)
    except FieldDoesNotExist:
        return True  # an annotation, or a column of another table
    return bool(field.null)
