"""Runs, their lanes and their steps."""

from __future__ import annotations

from django.db import models

from runner.core.nouns import RunStatus


class Run(models.Model):
    """One execution of a bot. `id` is a UUIDv7; `folder` is relative to the folder of all runs.

    `epoch` grows with each claim; every later write of a worker carries the epoch it was given. `offset` and `last_seq`
    say how far the worker's own journal of the run has been taken in. It does not start before `not_before`. `policy` is
    what its schedule asks for, as JSON: resources, retry {times, wait, longest_wait}, tried, retry_of, sample, deadline,
    file {path, archive, rejected}.
    """

    id = models.CharField(primary_key=True, max_length=36)
    bot = models.CharField(max_length=200)
    bot_file = models.CharField(max_length=500, default="")
    bot_version = models.CharField(max_length=64, default="")
    process = models.CharField(max_length=200, default="")
    status = models.CharField(max_length=20, default=RunStatus.QUEUED)
    parameters = models.JSONField(default=dict)
    schedule = models.CharField(max_length=200, null=True)
    due = models.DateTimeField(null=True)
    requested_by = models.CharField(max_length=200, default="")
    lanes_wanted = models.IntegerField(default=1)
    priority = models.IntegerField(default=0)
    time_limit = models.FloatField(null=True)
    item_retry = models.JSONField(null=True)
    policy = models.JSONField(default=dict)
    not_before = models.DateTimeField(null=True)
    queued = models.DateTimeField()
    started = models.DateTimeField(null=True)
    finished = models.DateTimeField(null=True)
    total = models.IntegerField(default=0)
    done = models.IntegerField(default=0)
    exceptions = models.IntegerField(default=0)
    pending = models.IntegerField(default=0)
    outputs = models.JSONField(default=dict)
    error = models.JSONField(null=True)
    evidence = models.JSONField(default=list)
    folder = models.CharField(max_length=100, default="")
    worker = models.CharField(max_length=200, default="")
    epoch = models.IntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    stop_asked_by = models.CharField(max_length=200, default="")
    offset = models.BigIntegerField(default=0)
    last_seq = models.IntegerField(default=0)

    class Meta:
        """Claimed oldest first; listed newest first."""

        indexes = (
            models.Index(fields=["status", "queued"]),
            models.Index(fields=["queued", "id"], name="run_by_queued"),
            models.Index(fields=["started", "id"], name="run_by_started"),
            models.Index(fields=["process", "-queued"], name="run_of_process"),
            # All that the numbers of a process read of a run; those that go on, whose counts move, stand in it not at all.
            models.Index(
                fields=["process", "finished", "id", "done", "exceptions"],
                name="run_ended_in_process",
                condition=models.Q(finished__isnull=False),
            ),
            models.Index(fields=["bot", "-queued"]),
            # Each retry asks for the queued run of its bot: without this it walks through all that the bot ever had.
            models.Index(
                fields=["bot", "queued"],
                name="run_queued_of_bot",
                condition=models.Q(status=RunStatus.QUEUED),
            ),
            models.Index(fields=["requested_by", "-queued"], name="run_of_person"),
            models.Index(fields=["worker", "-queued"], name="run_of_worker"),
            models.Index(fields=["bot_version", "-queued"], name="run_of_version"),
            models.Index(fields=["schedule", "-due"]),
            # What a calendar of days marks; the runs that went well, nearly all, stand in it not at all.
            models.Index(
                fields=["due", "schedule"],
                name="run_ended_badly",
                condition=models.Q(status__in=(RunStatus.EXCEPTIONS, RunStatus.FAILED, RunStatus.LOST)),
            ),
            models.Index(fields=["finished"]),
        )

    def __str__(self) -> str:
        return f"{self.bot} {self.id}: {self.status}"


class Lane(models.Model):
    """One process of a run. `offset` and `last_seq` say how far its journal has been taken in."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="lanes")
    number = models.IntegerField()
    pid = models.IntegerField(null=True)
    host = models.CharField(max_length=200, default="")
    started = models.DateTimeField(null=True)
    finished = models.DateTimeField(null=True)
    status = models.CharField(max_length=20, default=RunStatus.RUNNING)
    exit_code = models.IntegerField(null=True)
    reason = models.CharField(max_length=40, default="")
    offset = models.BigIntegerField(default=0)
    last_seq = models.IntegerField(default=0)

    class Meta:
        """One row per run and lane number."""

        constraints = (models.UniqueConstraint(fields=["run", "number"], name="one_row_per_lane"),)

    def __str__(self) -> str:
        return f"lane {self.number} of {self.run_id}: {self.status}"


class Step(models.Model):
    """A named, timed piece of work inside a run or an attempt; `seq` is that of its `step.started` line."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="steps")
    lane = models.IntegerField()
    seq = models.IntegerField()
    parent = models.IntegerField(null=True)
    name = models.CharField(max_length=200)
    queue = models.CharField(max_length=200, null=True)
    item = models.CharField(max_length=500, null=True)
    attempt = models.IntegerField(null=True)
    status = models.CharField(max_length=20)
    started = models.DateTimeField()
    ms = models.FloatField(null=True)
    error = models.JSONField(null=True)

    class Meta:
        """One row per line that started it."""

        constraints = (models.UniqueConstraint(fields=["run", "lane", "seq"], name="one_row_per_step"),)
        indexes = (models.Index(fields=["queue", "item"]), models.Index(fields=["name"]))

    def __str__(self) -> str:
        return f"{self.name} of {self.run_id}: {self.status}"
