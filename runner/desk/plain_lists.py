"""Lists of things that are no rows of the store, such as files of the project: what the filters leave, in the order asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from runner.desk.asking import DeskRequest
from runner.desk.lists import Chip, ListOf, narrowed, order_of

Thing = TypeVar("Thing")


def kept_things(
    request: DeskRequest, spec: ListOf, things: Sequence[Thing], sort_by: Callable[[Thing, str], Any]
) -> tuple[list[Thing], Sequence[Chip]]:
    """The things that the filters leave, and these filters; `sort_by` gives the value of a column, None comes last.

    The filters of `spec` take and give lists. `lists.show_known` and `export_known` do the rest. Raises UsageError
    (API_SORT) for an address that was not made by us.
    """
    order = order_of(request, spec)
    rows: Any = list(things)
    found: Any
    found, chips = narrowed(request, spec, rows)
    valued = [one for one in found if sort_by(one, order.field) is not None]
    empty = [one for one in found if sort_by(one, order.field) is None]
    valued.sort(key=lambda one: sort_by(one, order.field), reverse=order.descending)
    return [*valued, *empty], chips
