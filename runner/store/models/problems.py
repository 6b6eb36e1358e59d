"""Problems: what has one cause, what people found out about it, what they do against it, and what belongs together."""

from __future__ import annotations

from django.db import models

from runner.core.nouns import ProblemStatus


class Problem(models.Model):
    """Cases with one fingerprint: one cause. `id` follows from the fingerprint, so it survives a rebuild.

    `total`, `waiting`, `unsettled` and `oldest_due` are counted as cases move, in the same transaction
    (`cases.case_rows`). `whys` is ``[{why, evidence}]``, `causes` ``{branch: [text]}``, `needed` ``{runs, items}``:
    the clean ones that close it; `fix` ``{by_version, broken}``: how a failure after `fixed_at` is judged;
    `canary` ``{id, cases, started, by, state}``.
    """

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
    changed = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)
    total = models.IntegerField(default=0)
    waiting = models.IntegerField(default=0)
    unsettled = models.IntegerField(default=0)
    oldest_due = models.DateTimeField(null=True)
    owner = models.CharField(max_length=200, default="")
    whys = models.JSONField(default=list)
    causes = models.JSONField(default=dict)
    root_cause = models.TextField(default="")
    fixed_at = models.DateTimeField(null=True)
    fix = models.JSONField(default=dict)
    needed = models.JSONField(default=dict)
    closed_how = models.CharField(max_length=40, default="")
    regressions = models.IntegerField(default=0)
    regressed_at = models.DateTimeField(null=True)
    canary = models.JSONField(null=True)
    merged_into = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="merged")

    class Meta:
        """Listed by what waits, by age and by due time."""

        indexes = (
            models.Index(fields=["-waiting", "id"]),
            models.Index(fields=["-last_seen", "id"]),
            models.Index(fields=["oldest_due", "id"]),
            models.Index(fields=["owner", "status"]),
        )

    def __str__(self) -> str:
        return f"{self.id}: {self.title}"


class CorrectiveAction(models.Model):
    """What somebody does so that a problem does not come back. `id` is that of the act that added it."""

    id = models.CharField(primary_key=True, max_length=36)
    problem = models.ForeignKey(Problem, on_delete=models.CASCADE, related_name="actions")
    text = models.TextField()
    owner = models.CharField(max_length=200, default="")
    due = models.DateTimeField(null=True)
    done = models.DateTimeField(null=True)
    done_by = models.CharField(max_length=200, default="")
    dropped = models.BooleanField(default=False)

    class Meta:
        """By due time."""

        ordering = ("due", "id")
        indexes = (models.Index(fields=["done", "due"]),)

    def __str__(self) -> str:
        return f"{self.text} ({self.owner})"


class GroupingRule(models.Model):
    """What people said about which cases belong together; later failures follow it. `id` is that of the act that made it.

    ``merge``: failures with `fingerprint` belong to the problem `target`. ``split``: those of them whose `field` has
    `value` belong to the problem `target`. An undone rule is not `active`.
    """

    id = models.CharField(primary_key=True, max_length=36)
    kind = models.CharField(max_length=10)
    fingerprint = models.CharField(max_length=64)
    field = models.CharField(max_length=200, default="")
    value = models.TextField(default="")
    target = models.CharField(max_length=12)
    by = models.CharField(max_length=200)
    at = models.DateTimeField()
    note = models.TextField(default="")
    active = models.BooleanField(default=True)

    class Meta:
        """In the order in which they were made: the first that fits counts."""

        ordering = ("at", "id")
        indexes = (models.Index(fields=["fingerprint", "active"]),)

    def __str__(self) -> str:
        return f"{self.kind} {self.fingerprint} into {self.target}"
