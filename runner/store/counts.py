"""Counts of a run's items, each state counted by itself so that the sum can disagree with the total."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count, Q, QuerySet

from runner.core.nouns import ItemStatus
from runner.store.models import Item

MOST_COUNTED: Final = 10_000  # items of one state of one queue: beyond it a page says "9,999+"


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


def counts_by_state(queues: Sequence[str], most: int = MOST_COUNTED) -> dict[str, dict[str, int]]:
    """How many items of each queue are in each state, counted no further than `most` of each; one query.

    Each count reads a stretch of the index of (queue, state): settled items by the million cost no more than `most`.
    """
    if not queues:
        return {}
    marks = ", ".join(["(%s)"] * len(queues))
    states = ", ".join(f"('{status}')" for status in ItemStatus)
    sql = f"""
        WITH queue(name) AS (VALUES {marks}), state(name) AS (VALUES {states})
        SELECT queue.name, state.name, (SELECT COUNT(*) FROM (
            SELECT 1 FROM store_item WHERE queue_id = queue.name AND status = state.name LIMIT %s) AS some)
        FROM queue, state"""  # noqa: S608 (only marks for parameters and our own words are put in)
    found: dict[str, dict[str, int]] = {name: {} for name in queues}
    with connection.cursor() as cursor:
        cursor.execute(sql, [*queues, most])
        for queue, status, count in cursor.fetchall():
            found[queue][status] = count
    return found


def counted_together(sets: Sequence[QuerySet[Any]], most: int) -> list[int]:
    """How many rows each of several sets has, counted no further than `most` of each; one query for all of them."""
    parts, parameters, filled = list[str](), list[Any](), list[int]()
    for number, rows in enumerate(sets):
        try:
            sql, values = rows.order_by()[:most].values("pk").query.sql_with_params()
        except EmptyResultSet:
            continue
        parts.append(f"(SELECT COUNT(*) FROM ({sql}) AS part{number})")  # noqa: S608 (Django made it)
        parameters += values
        filled.append(number)
    found = [0] * len(sets)
    if parts:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(parts)}", parameters)
            for number, count in zip(filled, cursor.fetchone(), strict=True):
                found[number] = int(count)
    return found
