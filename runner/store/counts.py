"""Counts of a run's items, each state counted by itself so that the sum can disagree with the total."""

from __future__ import annotations

from django.db.models import Count, Q

from runner.core.nouns import ItemStatus
from runner.store.models import Item


def count_items(run_id: str) -> dict[str, int]:
    """The items that a run put or tried: total, done, exceptions, pending (with those in work), rejected."""
    status = {
        "done": Q(status=ItemStatus.DONE),
        "exceptions": Q(status=ItemStatus.EXCEPTION),
        "pending": Q(status__in=[ItemStatus.PENDING, ItemStatus.RUNNING]),
        "rejected": Q(status=ItemStatus.REJECTED),
    }
    mine = Item.objects.filter(Q(put_run=run_id) | Q(attempts__run=run_id))
    counts = mine.aggregate(
        total=Count("pk", distinct=True),
        **{name: Count("pk", distinct=True, filter=which) for name, which in status.items()},
    )
    return {name: int(value) for name, value in counts.items()}


def pending_keys(queue: str) -> list[str]:
    """The keys of a queue's pending items, put by whichever run, in the order in which they are handed out."""
    waiting = Item.objects.filter(queue=queue, status=ItemStatus.PENDING)
    return list(waiting.order_by("id").values_list("key", flat=True))
