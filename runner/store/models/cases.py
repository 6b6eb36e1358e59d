"""The exception queue: cases, and the append-only history of what happened to them."""

from __future__ import annotations

from typing import Final

from django.db import models

from runner.core.nouns import CaseStatus, Priority
from runner.store.models.items import Item
from runner.store.models.problems import Problem
from runner.store.models.runs import Run

WAITS: Final = (CaseStatus.OPEN, CaseStatus.CLAIMED, CaseStatus.WAITING)


class Case(models.Model):
    """What a person follows up: a failed item, or a failed run (`item` is then None).

    `id` follows from the item's (queue, key), or from the run: an item has one case all its life, with its whole
    history. `version` grows with every change; a decision names the version it was made on. `waits`: a person is needed.
    `decided` is when a person first decided about it since it was `opened`, unless that was taken back.
    `queue` and `key` repeat the item's, for lists; `fingerprint` is that of the failure, before people's grouping rules.
    """

    id = models.CharField(primary_key=True, max_length=12)
    kind = models.CharField(max_length=20)
    why = models.CharField(max_length=40, default="item")
    status = models.CharField(max_length=20, default=CaseStatus.OPEN)
    bot = models.CharField(max_length=200)
    process = models.CharField(max_length=200, default="")
    run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, related_name="cases")
    item = models.OneToOneField(Item, on_delete=models.CASCADE, null=True, related_name="case")
    problem = models.ForeignKey(Problem, on_delete=models.PROTECT, related_name="cases", db_index=False)
    queue = models.CharField(max_length=200, default="")
    key = models.CharField(max_length=500, default="")
    fingerprint = models.CharField(max_length=64, default="")
    bot_version = models.CharField(max_length=64, default="")
    priority = models.IntegerField(default=Priority.NORMAL)
    message = models.TextField(default="")
    error = models.JSONField(null=True)
    step = models.CharField(max_length=200, default="")
    evidence = models.JSONField(default=list)
    opened = models.DateTimeField()
    changed = models.DateTimeField()
    due = models.DateTimeField(null=True)
    resolved = models.DateTimeField(null=True)
    decided = models.DateTimeField(null=True)
    resolution = models.CharField(max_length=40, default="")
    assignee = models.CharField(max_length=200, default="")
    snoozed_until = models.DateTimeField(null=True)
    times_opened = models.IntegerField(default=1)
    version = models.IntegerField(default=1)
    # A number and not a logical value: for those Django writes ``WHERE waits``, which SQLite looks up in no index.
    waits = models.GeneratedField(
        expression=models.Case(
            models.When(status__in=WAITS, then=models.Value(1)),
            default=models.Value(0),
            output_field=models.SmallIntegerField(),
        ),
        output_field=models.SmallIntegerField(),
        db_persist=True,
    )

    class Meta:
        """Each list of the desk is an index read from one end: what is filtered, then the sort, then the id.

        The last three of a process hold all that its numbers are made of.
        """

        indexes = (
            models.Index(fields=["waits", "due", "id"], name="case_by_due"),
            models.Index(fields=["waits", "opened", "id"], name="case_by_opened"),
            models.Index(fields=["waits", "changed", "id"], name="case_by_changed"),
            models.Index(fields=["waits", "priority", "id"], name="case_by_priority"),
            models.Index(fields=["waits", "key", "id"], name="case_by_item"),
            models.Index(fields=["waits", "queue", "id"], name="case_by_queue"),
            models.Index(fields=["waits", "kind", "id"], name="case_by_kind"),
            models.Index(fields=["waits", "status", "id"], name="case_by_status"),
            # With the state: none of the many that nobody has is put aside, so that the list of those walks past them.
            models.Index(fields=["waits", "assignee", "id", "status"], name="case_by_assignee"),
            models.Index(fields=["waits", "bot", "id"], name="case_by_bot"),
            models.Index(fields=["waits", "problem", "id"], name="case_by_problem"),
            models.Index(fields=["status", "due", "id"], name="case_of_status"),
            models.Index(fields=["problem", "waits", "due", "id"], name="case_of_problem"),
            models.Index(fields=["problem", "opened"], name="case_trend"),
            models.Index(fields=["problem", "status"], name="case_of_problem_status"),
            models.Index(fields=["assignee", "waits", "due", "id"], name="case_of_assignee"),
            models.Index(fields=["bot", "waits", "due", "id"], name="case_of_bot"),
            models.Index(fields=["process", "waits", "due", "id"], name="case_of_process"),
            models.Index(fields=["process", "due", "resolved"], name="case_due_in_process"),
            models.Index(fields=["process", "resolved", "opened"], name="case_resolved_in_process"),
            models.Index(fields=["process", "opened", "decided"], name="case_decided_in_process"),
            models.Index(fields=["kind", "waits", "due", "id"], name="case_of_kind"),
            models.Index(fields=["queue", "waits", "due", "id"], name="case_of_queue"),
            models.Index(fields=["snoozed_until"], name="case_snoozed"),
            models.Index(fields=["opened", "id"], name="case_all_by_opened"),
            models.Index(fields=["fingerprint"], name="case_fingerprint"),
            models.Index(fields=["why", "status"], name="case_why"),
        )

    def __str__(self) -> str:
        return f"case {self.id}: {self.status}"


class Act(models.Model):
    """One entry of the history, append-only: what a person decided, or (`machine`) what a run's outcome did to a case.

    `subject` is the id of a case, problem, run or schedule, as text: people's acts outlive a rebuild of the machine's
    tables. `token` is the sender's own name for the act: the same one twice is applied once.
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
    token = models.CharField(max_length=100, default="")

    class Meta:
        """In the order they happened."""

        ordering = ("at", "id")
        constraints = (
            models.UniqueConstraint(
                fields=["token"], condition=~models.Q(token=""), name="one_act_per_token"
            ),
        )
        indexes = (models.Index(fields=["subject_kind", "subject", "at"]),)

    def __str__(self) -> str:
        return f"{self.verb} by {self.by} on {self.subject_kind} {self.subject}"
