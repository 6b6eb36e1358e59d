"""Due times: every one of every schedule, and how it ended."""

from __future__ import annotations

from django.db import models

from runner.core.nouns import OccurrenceState


class Occurrence(models.Model):
    """One due time of one schedule. (schedule, due) is its identity: the constraint that keeps it from firing twice.

    What no clock made due has a `key` too: the file that arrived, or the run that ended; it counts once as well.
    """

    schedule = models.CharField(max_length=200)
    due = models.DateTimeField()
    state = models.CharField(max_length=20, default=OccurrenceState.DUE)
    reason = models.TextField(default="")
    run = models.CharField(max_length=36, null=True)
    decided_by = models.CharField(max_length=200, default="")
    key = models.CharField(max_length=200, default="")
    recorded = models.DateTimeField()

    class Meta:
        """One row per schedule and due time."""

        constraints = (
            models.UniqueConstraint(fields=["schedule", "due"], name="one_occurrence_per_due_time"),
            models.UniqueConstraint(
                fields=["schedule", "key"], condition=~models.Q(key=""), name="one_occurrence_per_key"
            ),
        )
        ordering = ("due", "schedule")

    def __str__(self) -> str:
        return f"{self.schedule} at {self.due:%Y-%m-%d %H:%M} UTC: {self.state}"


class Watermark(models.Model):
    """Up to when (`since`) the due times of a schedule have been recorded, from `begun` on, the moment its rule changed."""

    schedule = models.CharField(primary_key=True, max_length=200)
    rule = models.TextField()
    begun = models.DateTimeField()
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.schedule} up to {self.since:%Y-%m-%d %H:%M:%S} UTC"
