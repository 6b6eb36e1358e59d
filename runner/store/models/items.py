"""Work queues, their items and the attempts at them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db import models

from runner.core.nouns import AttemptStatus, ItemStatus
from runner.store.models.runs import Run

LONGEST_SOURCE: Final = 500  # the end of a longer one is kept: an index of PostgreSQL holds 2,700 bytes a row
UNSETTLED: Final = (ItemStatus.EXCEPTION, ItemStatus.PENDING, ItemStatus.RUNNING)


class Queue(models.Model):
    """A named queue as its bot last described it: key field, JSON Schema of its model, the bot that works on it.

    `group` is the field whose values keep their items in strict order; empty: any order will do.
    """

    name = models.CharField(primary_key=True, max_length=200)
    key = models.CharField(max_length=200, default="")
    fields = models.JSONField(default=dict)
    bot = models.CharField(max_length=200, default="")
    bot_file = models.CharField(max_length=500, default="")
    group = models.CharField(max_length=200, default="")

    def __str__(self) -> str:
        return self.name

    def group_of(self, data: Mapping[str, Any]) -> str:
        """The group of an item with this data; empty where the queue has no order, or the item no value."""
        value = data.get(self.group) if self.group else None
        return "" if value is None else str(value)[:500]


class Item(models.Model):
    """One business transaction; (queue, key) is its identity, it outlives the run that put it.

    `valid` is False for a row that never fitted the model (`data` is then the raw row). `original` is the data as first
    put; `group_key` is the group in whose strict order it stands; `once` and `irreversible` hold what earlier attempts proved: {step: result} and {step: {state, result}}.
    """

    queue = models.ForeignKey(Queue, on_delete=models.CASCADE, related_name="items")
    key = models.CharField(max_length=500)
    status = models.CharField(max_length=20, default=ItemStatus.PENDING)
    valid = models.BooleanField(default=True)
    data = models.JSONField(default=dict)
    original = models.JSONField(default=dict)
    source = models.CharField(max_length=LONGEST_SOURCE, default="")
    group_key = models.CharField(max_length=500, default="")
    output = models.JSONField(default=dict)
    once = models.JSONField(default=dict)
    irreversible = models.JSONField(default=dict)
    attempts_made = models.IntegerField(default=0)
    error = models.JSONField(null=True)
    put_run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, related_name="put_items")
    put_at = models.DateTimeField()
    finished = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)
    claimed_run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, related_name="claimed_items")
    claimed_lane = models.IntegerField(null=True)
    epoch = models.IntegerField(default=0)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        """One row per key; `id` keeps the order in which items were put."""

        constraints = (models.UniqueConstraint(fields=["queue", "key"], name="one_item_per_key"),)
        indexes = (
            models.Index(fields=["queue", "status", "id"]),
            models.Index(fields=["status", "lease_until"]),
            models.Index(fields=["queue", "attempts_made", "id"], name="item_by_attempts"),
            models.Index(fields=["queue", "finished", "id"], name="item_by_finished"),
            models.Index(fields=["queue", "source", "id"], name="item_by_source"),
            models.Index(fields=["status", "-attempts_made", "id"], name="item_burning"),
            models.Index(
                fields=["not_before"], name="item_put_off", condition=models.Q(not_before__isnull=False)
            ),
            # The condition is that of `claims.claim_next`, word for word: only then is the index used.
            models.Index(
                fields=["queue", "group_key", "id"],
                name="unsettled_in_group",
                condition=models.Q(group_key__gt="", status__in=UNSETTLED),
            ),
        )

    def __str__(self) -> str:
        return f"{self.queue_id}/{self.key}: {self.status}"


class Attempt(models.Model):
    """One try at one item. `row` is the item's data as it was when the try failed.

    `locators` is ``{name: rank}`` of the elements that were not found by their first locator.
    """

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="attempts")
    number = models.IntegerField()
    run = models.ForeignKey(
        Run, on_delete=models.SET_NULL, null=True, related_name="attempts", db_index=False
    )
    lane = models.IntegerField()
    status = models.CharField(max_length=20, default=AttemptStatus.RUNNING)
    started = models.DateTimeField()
    finished = models.DateTimeField(null=True)
    ms = models.FloatField(null=True)
    will_retry = models.BooleanField(default=False)
    kind = models.CharField(max_length=20, default="")
    step = models.CharField(max_length=200, default="")
    error = models.JSONField(null=True)
    row = models.JSONField(null=True)
    evidence = models.JSONField(default=list)
    locators = models.JSONField(default=dict)

    class Meta:
        """One row per item and number."""

        constraints = (models.UniqueConstraint(fields=["item", "number"], name="one_row_per_attempt"),)
        indexes = (
            models.Index(fields=["status"]),
            models.Index(fields=["run", "number", "status"], name="attempt_of_run"),
        )

    def __str__(self) -> str:
        return f"attempt {self.number} at {self.item_id}: {self.status}"
