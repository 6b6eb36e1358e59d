"""The exception queue: problems, cases, and the append-only history of what happened to them."""

from __future__ import annotations

from django.db import models

from runner.core.nouns import CaseStatus, ProblemStatus
from runner.store.models.items import Item
from runner.store.models.runs import Run


class Problem(models.Model):
    """Cases with one fingerprint: one cause. `id` follows from the fingerprint, so it survives a rebuild."""

    id = models.CharField(primary_key=True, max_length=12)
    fingerprint = models.CharField(max_length=64, unique=True)
    title = models.TextField()
    explanation = models.TextField()
    parts = models.JSONField(default=dict)
    kind = models.CharField(max_length=20)
    bot = models.CharField(max_length=200, default="")
    process = models.CharField(max_length=200, default="")
    status = models.CharField(max_length=20, default=ProblemStatus.OPEN)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.id}: {self.title}"


class Case(models.Model):
    """What a person follows up: a failed item, or a failed run (`item` is then None).

    `id` follows from the item's (queue, key), or from the run: an item has one case all its life, with its whole
    history. `version` grows with every change; a decision names the version it was made on.
    """

    id = models.CharField(primary_key=True, max_length=12)
    kind = models.CharField(max_length=20)
    why = models.CharField(max_length=40, default="item")
    status = models.CharField(max_length=20, default=CaseStatus.OPEN)
    bot = models.CharField(max_length=200)
    process = models.CharField(max_length=200, default="")
    run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, related_name="cases")
    item = models.OneToOneField(Item, on_delete=models.CASCADE, null=True, related_name="case")
    problem = models.ForeignKey(Problem, on_delete=models.PROTECT, related_name="cases")
    message = models.TextField(default="")
    error = models.JSONField(null=True)
    step = models.CharField(max_length=200, default="")
    evidence = models.JSONField(default=list)
    opened = models.DateTimeField()
    changed = models.DateTimeField()
    due = models.DateTimeField(null=True)
    resolved = models.DateTimeField(null=True)
    resolution = models.CharField(max_length=40, default="")
    assignee = models.CharField(max_length=200, default="")
    snoozed_until = models.DateTimeField(null=True)
    times_opened = models.IntegerField(default=1)
    version = models.IntegerField(default=1)

    class Meta:
        """Listed by state and age."""

        indexes = (
            models.Index(fields=["status", "-opened"]),
            models.Index(fields=["problem", "status"]),
            models.Index(fields=["bot", "status"]),
        )

    def __str__(self) -> str:
        return f"case {self.id}: {self.status}"


class Act(models.Model):
    """One entry of the history, append-only: what a person decided, or (`machine`) what a run's outcome did to a case.

    `subject` is the id of a case, run or schedule, as text: people's acts outlive a rebuild of the machine's tables.
    """

    id = models.CharField(primary_key=True, max_length=36)
    at = models.DateTimeField()
    by = models.CharField(max_length=200)
    machine = models.BooleanField(default=False)
    subject_kind = models.CharField(max_length=20)
    subject = models.CharField(max_length=200)
    verb = models.CharField(max_length=40)
    note = models.TextField(default="")
    data = models.JSONField(default=dict)

    class Meta:
        """In the order they happened."""

        ordering = ("at", "id")
        indexes = (models.Index(fields=["subject_kind", "subject", "at"]),)

    def __str__(self) -> str:
        return f"{self.verb} by {self.by} on {self.subject_kind} {self.subject}"
