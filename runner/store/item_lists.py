"""Queues and their items as lists and as JSON values (fields: docs/json.md)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, F, Q, QuerySet

from runner.core.clock import iso
from runner.core.errors import UsageError, did_you_mean
from runner.core.nouns import ItemStatus
from runner.store.case_lists import iso_or_none
from runner.store.models import Attempt, Item, Queue
from runner.store.paging import Page, page_of
from runner.store.words import with_words, words_of

SORTS: Final = {
    "put": "id",
    "key": "key",
    "status": "status",
    "attempts": "attempts_made",
    "finished": "finished",
    "source": "source",
}


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """Which items of a queue; an empty field asks for nothing. `run` is a run that put or tried the item."""

    queue: str
    status: tuple[str, ...] = ()
    key: str = ""
    run: str = ""
    text: str = ""


def list_queues() -> list[dict[str, Any]]:
    """All queues with the number of their items by state. Two queries."""
    states: defaultdict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(map(str, ItemStatus), 0))
    for queue, status, count in Item.objects.values_list("queue_id", "status").annotate(count=Count("pk")):
        states[queue][status] = count
    return [
        {
            "name": queue.name,
            "key": queue.key,
            "bot": queue.bot,
            "bot_file": queue.bot_file,
            "total": sum(states[queue.name].values()),
            "by_status": dict(states[queue.name]),
        }
        for queue in Queue.objects.order_by("name")
    ]


def list_items(wanted: ItemFilter, page: Page | None = None) -> list[dict[str, Any]]:
    """The items of a filter as JSON values, in the order in which they were put. Two queries.

    Raises UsageError for a queue that there is not, with the nearest name.
    """
    return items_json(page_of(filtered_items(wanted), page or Page(), SORTS, "put"))


def filtered_items(wanted: ItemFilter) -> QuerySet[Item]:
    """The items of a filter, in no order yet. Raises UsageError for a queue that there is not, with the nearest name."""
    if not Queue.objects.filter(name=wanted.queue).exists():
        near = did_you_mean(wanted.queue, Queue.objects.values_list("name", flat=True))
        raise UsageError(
            f"unknown queue '{wanted.queue}'", expected=near, hint="see: runner queues list", code="NOT_FOUND"
        )
    rows: QuerySet[Item] = Item.objects.filter(queue_id=wanted.queue).annotate(case_id=F("case__pk"))
    if wanted.status:
        rows = rows.filter(status__in=wanted.status)
    if wanted.key:
        rows = rows.filter(key=wanted.key)
    if wanted.run:
        tried = Attempt.objects.filter(run_id=wanted.run).values("item_id")
        rows = rows.filter(Q(put_run_id=wanted.run) | Q(pk__in=tried))
    return with_words(rows, words_of(wanted.text))


def items_json(rows: Iterable[Item]) -> list[dict[str, Any]]:
    """Items of `filtered_items` as JSON values."""
    return [_item_json(item, getattr(item, "case_id", None)) for item in rows]


def attempts_json(queue: str, key: str) -> list[dict[str, Any]]:
    """All tries at one item, in their order."""
    return [
        {
            "number": attempt.number,
            "run": attempt.run_id,
            "lane": attempt.lane,
            "status": attempt.status,
            "started": iso(attempt.started),
            "finished": iso_or_none(attempt.finished),
            "ms": attempt.ms,
            "will_retry": attempt.will_retry,
            "kind": attempt.kind,
            "step": attempt.step,
            "error": attempt.error,
            "evidence": attempt.evidence,
        }
        for attempt in Attempt.objects.filter(item__queue_id=queue, item__key=key).order_by("number")
    ]


def _item_json(item: Item, case_id: str | None) -> dict[str, Any]:
    failed = item.status == ItemStatus.EXCEPTION
    return {
        "queue": item.queue_id,
        "key": item.key,
        "status": item.status,
        "valid": item.valid,
        "attempts": item.attempts_made,
        "data": item.data,
        "original": item.original,
        "output": item.output,
        "source": item.source,
        "case": case_id,
        "error": item.error if failed else None,
        "irreversible": item.irreversible,
        "once": item.once,
        "put": iso(item.put_at),
        "put_run": item.put_run_id,
        "finished": iso_or_none(item.finished),
        "not_before": iso_or_none(item.not_before),
        "claimed_run": item.claimed_run_id,
    }
