"""Due times: every one of every schedule, and how it ended."""

from __future__ import annotations

from django.db import models

from runner.core.nouns import OccurrenceState


class Occurrence(models.Model):
    """One due time of one schedule. (schedule, due) is its identity: the constraint that keeps it from firing twice.

    What no clock made due has a `key` too: the file that arrived, or the run that ended; it counts once as well. `case`
    is the one that was opened for it and others that were missed with it.
    """

    schedule = models.CharField(max_length=200)
    due = models.DateTimeField()
    state = models.CharField(max_length=20, default=OccurrenceState.DUE)
    reason = models.TextField(default="")
    run = models.CharField(max_length=36, null=True)
    decided_by = models.CharField(max_length=200, default="")
    key = models.CharField(max_length=200, default="")
    case = models.CharField(max_length=12, default="")
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
        indexes = (
            models.Index(fields=["due", "schedule"]),
            models.Index(fields=["case"], name="occurrence_case", condition=~models.Q(case="")),
        )

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


class TriggerUrl(models.Model):
    """A way to start a schedule from outside: whoever knows the token may. Only the token's SHA-256 is kept."""

    schedule = models.CharField(max_length=200, db_index=True)
    label = models.CharField(max_length=200)
    token_hash = models.CharField(max_length=64, unique=True)
    made_by = models.CharField(max_length=200)
    made = models.DateTimeField()
    revoked_by = models.CharField(max_length=200, default="")
    revoked = models.DateTimeField(null=True)
    last_used = models.DateTimeField(null=True)
    uses = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.label} of {self.schedule}"
