"""What one run did with its items: counts by queue and state, how fast it goes, its steps by name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Avg, Count, F, Max, Q, Sum

from runner.core.nouns import AttemptStatus, ItemStatus
from runner.store.models import Attempt, Step

_LOOKED_AT: Final = 50  # attempts from which the present speed is taken
_FAILED: Final = ("failed", "lost")


@dataclass(frozen=True, slots=True)
class QueueShare:
    """The items of one queue that a run put or tried, by state."""

    queue: str
    by_status: dict[str, int]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.by_status.values())


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a run ends items now (a minute), and how long the rest takes at this speed; None before one has ended."""

    per_minute: float
    left: timedelta


def shares_of(run_id: str) -> list[QueueShare]:
    """The items that a run put or tried, by queue and state. One query."""
    sql = """
        SELECT queue_id, status, COUNT(*) FROM (
            SELECT id, queue_id, status FROM store_item WHERE put_run_id = %s
            UNION
            SELECT one.id, one.queue_id, one.status FROM store_attempt JOIN store_item AS one
            ON one.id = store_attempt.item_id WHERE store_attempt.run_id = %s
        ) AS touched GROUP BY queue_id, status"""
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(sql, [run_id, run_id])
        for queue, status, count in cursor.fetchall():
            found[queue][status] = count
    return [QueueShare(queue, counts) for queue, counts in sorted(found.items())]


def totals(shares: Sequence[QueueShare]) -> dict[str, int]:
    """All queues together: total, done, exceptions, pending (with those in work), rejected."""

    def count(*states: ItemStatus) -> int:
        return sum(share.by_status.get(state, 0) for share in shares for state in states)

    return {
        "total": sum(share.total for share in shares),
        "done": count(ItemStatus.DONE),
        "exceptions": count(ItemStatus.EXCEPTION),
        "running": count(ItemStatus.RUNNING),
        "pending": count(ItemStatus.PENDING),
        "rejected": count(ItemStatus.REJECTED),
    }


def pace_of(run_id: str, left: int, at: datetime) -> Pace | None:
    """The speed over the attempts that ended last, counted to this moment so that a run that hangs gets slower. One query."""
    ended = Attempt.objects.filter(run_id=run_id, finished__isnull=False, will_retry=False)
    ended = ended.exclude(status=AttemptStatus.RUNNING).order_by("-id")
    last = list(ended.values_list("started", "finished")[:_LOOKED_AT])
    if not last:
        return None
    span = max((at - min(started for started, _ in last)).total_seconds(), 1e-3)
    per_minute = 60 * len(last) / span
    return Pace(per_minute, timedelta(minutes=left / per_minute))


def steps_by_name(run_id: str, most: int = 50) -> list[dict[str, Any]]:
    """The steps of a run by name: how many, how long (ms: sum, mean, longest), how many failed; the longest in sum first."""
    rows = Step.objects.filter(run_id=run_id).values("name").annotate(
        count=Count("pk"), sum=Sum("ms"), mean=Avg("ms"), longest=Max("ms"), failed=Count("pk", filter=Q(status__in=_FAILED))
    )  # fmt: skip
    return [dict(row) for row in rows.order_by(F("sum").desc(nulls_last=True), "name")[:most]]
