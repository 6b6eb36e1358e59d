"""How a filtered list is read: along the index of its order, or the rows that fit first and then sorted.

Which of the two is quick depends on how many rows fit, which SQLite guesses and a list knows, having counted them: along
the order the rows that fit are met soon when there are many; when there are few, all of them are sorted in no time. The
wrong way is a walk over a million rows, or sorting them. A plus before a column keeps SQLite from using an index on it.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

from django.db import connection
from django.db.models import F, Func, Model, OrderBy, QuerySet
from django.db.models.expressions import Col
from django.db.models.lookups import IsNull, Lookup
from django.db.models.sql.where import WhereNode

Row = TypeVar("Row", bound=Model)
FEW: Final = 2_000  # rows that are sorted quickly


class Plus(Func):
    """A column that no index is used for."""

    template = "+%(expressions)s"
    arity = 1


def along_the_order(rows: QuerySet[Row], narrowed: QuerySet[Row]) -> QuerySet[Row]:
    """`narrowed`, which is `rows` with filters, so that its filters pick no index: that of the order is left."""
    if connection.vendor != "sqlite":
        return narrowed
    freed = narrowed.all()
    before = rows.query.where.children
    where = freed.query.where
    where.children = [child if child in before else _freed(child) for child in where.children]
    return freed


def sorted_after(field: str, *, descending: bool) -> OrderBy:
    """The order of `field`, to be sorted after the rows that fit were found."""
    return OrderBy(_unindexed(field), descending=descending)


def has_value(field: str) -> IsNull:
    """That `field` has a value, looked at after the rows that fit were found."""
    return IsNull(_unindexed(field), False)


def _unindexed(field: str) -> Any:
    return Plus(F(field)) if connection.vendor == "sqlite" else F(field)


def _freed(condition: Any) -> Any:
    if isinstance(condition, WhereNode):
        group = condition.clone()
        group.children = [_freed(child) for child in group.children]
        return group
    if isinstance(condition, Lookup) and isinstance(condition.lhs, Col):
        found: Any = condition.copy()
        found.lhs = Plus(condition.lhs, output_field=condition.lhs.output_field)
        found.set_source_expressions([found.lhs, *condition.get_source_expressions()[1:]])
        return found
    return condition
