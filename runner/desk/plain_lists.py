"""Lists of things that are no rows of the store, such as files of the project: the same filters, sorting and export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.http import HttpResponse

from runner.desk.asking import DeskRequest
from runner.desk.lists import EXPORT_ONLY, ListOf, export_known, head_of, narrowed, order_of
from runner.desk.templatetags.desk import counted, with_changes

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class PlainShown:
    """A whole list as ``desk/list.html`` draws it: there are few of such things, so there are no pages."""

    rows: list[Any]
    heads: Sequence[Any]
    chips: Sequence[Any]
    filters: Sequence[Any]
    export: str
    total: int
    kept: Any
    first: str = ""
    before: str = ""
    after: str = ""

    @property
    def total_words(self) -> str:
        """``318``."""
        return counted(self.total, self.total + 1)


def show_things(
    request: DeskRequest, spec: ListOf, things: Sequence[Thing], sort_by: Callable[[Thing, str], Any]
) -> PlainShown:
    """The things that the filters leave, in the order asked for; `sort_by` gives the value of a column, None comes last.

    The filters of `spec` take and give lists. Raises UsageError (API_SORT) for an address that was not made by us.
    """
    order = order_of(request, spec)
    kept, chips = _kept(request, spec, things, sort_by)
    return PlainShown(
        rows=kept,
        heads=[head_of(request, one, order) for one in spec.columns if one.css != EXPORT_ONLY],
        chips=chips,
        filters=spec.filters,
        export=with_changes(request.GET, {"export": "xlsx"}),
        total=len(kept),
        kept=request.GET,
    )


def export_things(
    request: DeskRequest, spec: ListOf, things: Sequence[Thing], sort_by: Callable[[Thing, str], Any]
) -> HttpResponse:
    """The filtered list as a workbook, in its order."""
    kept, _chips = _kept(request, spec, things, sort_by)
    return export_known(spec, kept)


def _kept(
    request: DeskRequest, spec: ListOf, things: Sequence[Thing], sort_by: Callable[[Thing, str], Any]
) -> tuple[list[Thing], list[Any]]:
    order = order_of(request, spec)
    rows: Any = list(things)
    found: Any
    found, chips = narrowed(request, spec, rows)
    valued = [one for one in found if sort_by(one, order.field) is not None]
    empty = [one for one in found if sort_by(one, order.field) is None]
    valued.sort(key=lambda one: sort_by(one, order.field), reverse=order.descending)
    return [*valued, *empty], chips
