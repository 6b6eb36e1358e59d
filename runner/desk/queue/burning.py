"""What is being tried again at this moment: seen before its tries are used up and somebody has to be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render

from runner.cases.excerpts import journal_of, retrying
from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.live import live
from runner.desk.outside import place
from runner.desk.plans import sorted_after
from runner.desk.queue import rows
from runner.desk.queue.tabs import tabs_of
from runner.store.models import Attempt, Case, Item

_MOST: Final = 50


@dataclass(frozen=True, slots=True)
class Tried:
    """An item in work: its last failure, tries made of how many (0: not known here), and when the next begins."""

    item: Item
    error: Mapping[str, Any]
    made: int
    of: int
    next_try: datetime | None
    parts: list[tuple[float, str, str]]


@page("cases.see")
def burning(request: DeskRequest) -> HttpResponse:
    """Items that fail and are tried again by themselves, and cases whose new attempt is on its way."""
    return render(request, "queue/burning.html", _context(request))


def _version(request: DeskRequest) -> object:
    newest = Attempt.objects.order_by("-pk").values_list("pk", "status").first()
    cases = rows.retrying_cases(request.access).order_by("due", "pk").values_list("pk", "version")[:_MOST]
    items = rows.burning_items(request.access).values_list("pk", "attempts_made", "epoch")[:_MOST]
    return [newest, list(cases), list(items)]


@page("cases.see")
@live(_version)
def burning_live(request: DeskRequest) -> HttpResponse:
    """The same as it is now, for a page that is open."""
    return render(request, "queue/burning_part.html", _context(request))


def _context(request: DeskRequest) -> dict[str, Any]:
    by_pk = sorted_after(
        "pk", descending=False
    )  # few are in work: SQLite would walk through all items instead
    items = list(rows.burning_items(request.access).select_related("claimed_run").order_by(by_pk)[:_MOST])
    failed = Attempt.objects.filter(item__in=items).exclude(error=None).order_by("number")
    errors = {one.item_id: one.error or {} for one in failed}
    cases = rows.decided_to_retry(request.access).select_related("item", "problem").defer("evidence")
    decided: list[Case] = list(cases.order_by("due", "pk")[:_MOST])
    return {
        "tabs": tabs_of(request, "burning"),
        "tried": [_tried(one, errors.get(one.pk, {})) for one in items],
        "decided": decided,
    }


def _tried(item: Item, error: Mapping[str, Any]) -> Tried:
    run, lane = item.claimed_run, item.claimed_lane
    known = None
    if run is not None and run.folder and lane is not None:
        known = retrying(journal_of(place().settings.runs / run.folder, lane), item.queue_id, item.key)
    made, of = (known.made, known.of) if known else (item.attempts_made, 0)
    parts: list[tuple[float, str, str]] = [(made, "warn" if made < of else "bad", f"{made}/{of or '?'}")]
    return Tried(item, error, made, of, known.next_try if known else None, parts)
