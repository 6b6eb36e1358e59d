"""What is failing before a person is asked: items that have failed and are being tried again, with their tries so far."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from runner.core.clock import iso
from runner.core.nouns import AttemptStatus, ItemStatus
from runner.store.case_lists import iso_or_none
from runner.store.models import Attempt, Item

_FAILED = (AttemptStatus.FAILED, AttemptStatus.LOST, AttemptStatus.LATER)


def burning_items() -> QuerySet[Item]:
    """Items that wait or are in work, and whose attempts so far failed, were lost or put them off; most attempts first."""
    failed = Attempt.objects.filter(item=OuterRef("pk"), status__in=_FAILED)
    rows = Item.objects.filter(status__in=[ItemStatus.RUNNING, ItemStatus.PENDING], attempts_made__gte=1)
    return rows.filter(Exists(failed)).order_by("-attempts_made", "pk")


def list_burning(*, limit: int = 100, offset: int = 0) -> list[dict[str, Any]]:
    """Those items as JSON values. Two queries.

    `attempts` of at most `most` (null where only the bot's file says so) have been made; `next_try` is null for one that
    is tried now or by the next run. `message`, `step`, `kind` and `last` are those of the last attempt that ended.
    """
    items = list(burning_items().select_related("claimed_run", "put_run")[offset : offset + limit])
    last = _last_attempts([item.pk for item in items])
    return [_burning_json(item, last.get(item.pk)) for item in items]


def _burning_json(item: Item, last: Attempt | None) -> dict[str, Any]:
    error = (last.error if last else None) or {}
    rule = (item.claimed_run or item.put_run).item_retry if item.claimed_run or item.put_run else None  # type: ignore[union-attr]
    return {
        "queue": item.queue_id,
        "key": item.key,
        "status": item.status,
        "attempts": item.attempts_made,
        "most": int(rule["times"]) + 1 if rule else None,
        "next_try": iso_or_none(item.not_before),
        "run": item.claimed_run_id,
        "kind": last.kind if last else "",
        "step": last.step if last else "",
        "message": str(error.get("message") or ""),
        "last": iso(last.finished or last.started) if last else None,
    }


def _last_attempts(items: list[int]) -> dict[int, Attempt]:
    """The last attempt at each item that failed or was put off."""
    rows = Attempt.objects.filter(item_id__in=items, status__in=_FAILED).order_by("item_id", "number")
    return {row.item_id: row for row in rows}
