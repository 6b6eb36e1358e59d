"""Every list of the desk: filters as removable chips, sorting by the heads, pages, selection, export to Excel.

A view describes its list once (`ListOf`), and asks for the part that the address asks for (`show`). The template
``desk/list.html`` draws all of it but the rows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpResponse, QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from runner.core.clock import now
from runner.core.errors import UsageError, did_you_mean
from runner.desk.asking import DeskRequest
from runner.desk.keyset import LARGEST, Order, part_of
from runner.desk.navigation import counted
from runner.desk.plans import FEW, along_the_order
from runner.desk.templatetags.desk import with_changes
from runner.desk.times import local
from runner.desk.words import Word

Row = TypeVar("Row", bound=Model)
PER_PAGE: Final = 50
MOST_EXPORTED: Final = 100_000
EXPORT_ONLY: Final = "export-only"  # the `css` of a column that stands in the exported file alone
_PLACES: Final = ("after", "before", "page")


@dataclass(frozen=True, slots=True)
class Col:
    """One column.

    `sort` is the field it sorts by (empty: it doesn't), `css` its classes: ``num`` for numbers, ``opt`` for what a
    narrow screen leaves out. `export` gives its value for Excel; a column without one is not exported.
    """

    key: str
    title: Word
    sort: str = ""
    css: str = ""
    export: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter: `key` is its name in the address, `apply` narrows the rows by a value.

    With `choices` (value, words) it is chosen from a menu, without them it is typed. `noted` takes the place of `apply` on a
    page that may leave something out, and gives what the page says of that; empty: nothing. Raising ValueError in `apply`
    says that the value makes no sense; it is then shown as a refused chip.
    """

    key: str
    title: Word
    apply: Callable[[QuerySet[Any], str], QuerySet[Any]]
    choices: Callable[[], Iterable[tuple[str, Word]]] | None = None
    noted: Callable[[QuerySet[Any], str], tuple[QuerySet[Any], str]] | None = None

    def words_of(self, value: str) -> str:
        """What the chip says for a value."""
        known = dict(self.choices()) if self.choices else {}
        return str(known.get(value, value))


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list: its name (that of the exported file), columns, filters, the usual order (``-opened``), rows a page."""

    name: str
    columns: Sequence[Col]
    filters: Sequence[Filter] = ()
    usual: str = "pk"
    per_page: int = PER_PAGE


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is set: its words, and the address without it."""

    title: str
    value: str
    without: str
    refused: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a column: where a click leads, and how it is sorted now (``ascending``, ``descending`` or nothing)."""

    col: Col
    link: str
    sorted: str


@dataclass(frozen=True, slots=True)
class Shown(Generic[Row]):
    """The part of a list that the address asked for, with everything that ``desk/list.html`` draws around its rows."""

    spec: ListOf
    rows: list[Row]
    heads: Sequence[Head]
    chips: Sequence[Chip]
    filters: Sequence[Filter]
    first: str
    before: str
    after: str
    export: str
    total: int
    most: int
    kept: QueryDict = field(repr=False)

    @property
    def total_words(self) -> str:
        """``318``, ``999+``."""
        from runner.desk.templatetags.desk import counted as words

        return words(self.total, self.most)


def narrowed(
    request: DeskRequest, spec: ListOf, rows: QuerySet[Row], *, whole: bool = False
) -> tuple[QuerySet[Row], list[Chip]]:
    """The rows that the filters in the address leave, and a chip for each filter that is set; `whole`: not for a page."""
    chips: list[Chip] = []
    for one in spec.filters:
        for value in request.GET.getlist(one.key):
            if not value.strip():
                continue
            without, note = _without(request.GET, one.key, value), ""
            try:
                if one.noted and not whole:
                    rows, note = one.noted(rows, value.strip())
                else:
                    rows = one.apply(rows, value.strip())
            except ValueError:
                chips.append(Chip(str(one.title), value, without, refused=True))
                continue
            chips.append(Chip(str(one.title), one.words_of(value), without, note=note))
    return rows, chips


def show(
    request: DeskRequest,
    spec: ListOf,
    rows: QuerySet[Row],
    most: int = 1000,
    *,
    total: int | None = None,
    found_first: Collection[str] = (),
) -> Shown[Row]:
    """The part of `rows` that the address asks for. `most` is how far the total is counted, where it is not known (`total`).

    `found_first` are orders that no index has the rows in: they are found by their conditions and then sorted.
    Raises UsageError (API_PAGE, API_SORT) for an address that was not made by us.
    """
    order = order_of(request, spec)
    kept, chips = narrowed(request, spec, rows)
    fits = counted(kept, max(most, FEW) if chips else most) if total is None or chips else total
    few = (bool(chips) and fits < FEW) or order.field in found_first
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    read = along_the_order(rows, kept) if chips and not few else kept
    part = part_of(read, order, _size(request, spec), few=few, after=after, before=before)
    return Shown(
        spec=spec,
        rows=part.rows,
        heads=[head_of(request, one, order) for one in spec.columns if one.css != EXPORT_ONLY],
        chips=chips,
        filters=spec.filters,
        first=_at(request.GET) if request.GET.get("after") or request.GET.get("before") else "",
        before=_at(request.GET, before=part.before) if part.before else "",
        after=_at(request.GET, after=part.after) if part.after else "",
        export=with_changes(request.GET, {"export": "xlsx", "after": "", "before": ""}),
        total=min(fits, most),
        most=most,
        kept=request.GET,
    )


def show_known(request: DeskRequest, spec: ListOf, rows: Sequence[Any], chips: Sequence[Chip]) -> Shown[Any]:
    """A list that no table holds: `rows` are all that its filters (`chips`) leave, in the order that `order_of` gives.

    Raises UsageError (API_PAGE, API_SORT) for an address that was not made by us.
    """
    order, size = order_of(request, spec), _size(request, spec)
    text = request.GET.get("after") or "0"
    if not text.isdecimal() or not 1 <= size <= LARGEST:
        raise UsageError(
            f"after {text}, limit {size}", expected="numbers of rows", where="after", code="API_PAGE"
        )
    start = int(text)
    before = str(start - size) if start > size else ""
    return Shown(
        spec=spec,
        rows=list(rows[start : start + size]),
        heads=[head_of(request, one, order) for one in spec.columns if one.css != EXPORT_ONLY],
        chips=chips,
        filters=spec.filters,
        first=_at(request.GET) if start else "",
        before=_at(request.GET, after=before) if start else "",
        after=_at(request.GET, after=str(start + size)) if start + size < len(rows) else "",
        export=with_changes(request.GET, {"export": "xlsx", "after": "", "before": ""}),
        total=len(rows),
        most=len(rows) + 1,
        kept=request.GET,
    )


def wants_export(request: DeskRequest) -> bool:
    """Whether the address asks for the list as a workbook."""
    return request.GET.get("export") == "xlsx"


def export(request: DeskRequest, spec: ListOf, rows: QuerySet[Row]) -> HttpResponse:
    """The filtered list as a workbook, in its order, at most 100,000 rows. Text that looks like a formula stays text."""
    kept, _chips = narrowed(request, spec, rows, whole=True)
    order = order_of(request, spec)
    ordered = kept.order_by(f"{'-' if order.descending else ''}{order.field}", "pk")[:MOST_EXPORTED]
    return export_known(spec, ordered.iterator(2000))


def export_known(spec: ListOf, rows: Iterable[Any]) -> HttpResponse:
    """Rows as a workbook, as they come."""
    from runner.sheets.columns import Column
    from runner.sheets.reporting import table

    columns = [one for one in spec.columns if one.export]
    looked_like_formulas: list[int] = []

    def cells(row: Any) -> dict[str, Any]:
        made = {one.key: cell_for_excel(one.export(row)) for one in columns if one.export}
        looked_like_formulas.append(sum(_looks_like_formula(value) for value in made.values()))
        return made

    values = (cells(row) for row in rows)
    with tempfile.TemporaryDirectory() as folder:
        file = table(
            Path(folder) / "list.xlsx", values, columns=[Column(one.key, str(one.title)) for one in columns]
        )
        content = file.read_bytes()
    answer = workbook(content, f"{spec.name}-{now():%Y%m%d-%H%M}.xlsx")
    if found := sum(looked_like_formulas):
        answer["Export-Note"] = f"EXPORT_FORMULA: {found} cells that begin like a formula are stored as text"
    return answer


def _looks_like_formula(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))


def cell_for_excel(value: Any) -> Any:
    """A value as a cell can hold it: instants on the reader's clock, because Excel knows no time zones."""
    if isinstance(value, datetime):
        return local(value).replace(tzinfo=None, microsecond=0)
    return str(value) if isinstance(value, Promise) else value


def workbook(content: bytes, name: str) -> HttpResponse:
    """A workbook as a download."""
    answer = HttpResponse(
        content, content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    )
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def field_filter(
    key: str, title: Word, lookup: str, choices: Callable[[], Iterable[tuple[str, Word]]] | None = None
) -> Filter:
    """A filter that asks for one value of a column."""
    return Filter(key, title, lambda rows, value: rows.filter(**{lookup: value}), choices)


def order_of(request: DeskRequest, spec: ListOf) -> Order:
    """How the address wants the list to be sorted. Raises UsageError (API_SORT) for a column that it can't be sorted by."""
    asked = request.GET.get("sort") or spec.usual
    name = asked.removeprefix("-")
    known = {one.sort for one in spec.columns if one.sort} | {spec.usual.removeprefix("-")}
    if name not in known:
        near = did_you_mean(name, known)
        raise UsageError(
            f"this list can't be sorted by '{name}'", expected=near or f"one of {', '.join(sorted(known))}",
            where="sort", code="API_SORT",
        )  # fmt: skip
    return Order(name, descending=asked.startswith("-"))


def _size(request: DeskRequest, spec: ListOf) -> int:
    text = request.GET.get("limit", "")
    try:
        return int(text) if text else spec.per_page
    except ValueError:
        return 0  # refused by part_of, which names the limits


def head_of(request: DeskRequest, col: Col, order: Order) -> Head:
    """The head of a column, with the address of a click on it."""
    if not col.sort:
        return Head(col, "", "")
    here = col.sort == order.field
    down = here and not order.descending
    link = with_changes(request.GET, {"sort": f"{'-' if down else ''}{col.sort}", "after": "", "before": ""})
    return Head(col, link, ("descending" if order.descending else "ascending") if here else "")


def _at(query: QueryDict, **place: str) -> str:
    return with_changes(query, {"after": "", "before": "", **place})


def _without(query: QueryDict, key: str, value: str) -> str:
    kept = query.copy()
    kept.setlist(key, [one for one in query.getlist(key) if one != value])
    for place in _PLACES:
        kept.pop(place, None)
    return f"?{kept.urlencode()}"


def nothing_found(shown: Shown[Any]) -> str:
    """What an empty list says: that nothing is there, or that the filters leave nothing."""
    return _("Nothing fits these filters.") if shown.chips else _("Nothing here yet.")
