"""What people did: the audit trail that can't be changed unseen, who was mentioned, and what was chosen for a bulk act."""

from __future__ import annotations

from django.db import models


class AuditEntry(models.Model):
    """One link of the audit trail: `hash` is over the link before it (`previous`) and everything in this one.

    For an act `data` holds its id and the digest of its content, so that a changed or vanished act shows too.
    """

    seq = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    by = models.CharField(max_length=200)
    what = models.CharField(max_length=60)
    subject_kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=200)
    data = models.JSONField(default=dict)
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        """In the order of the chain; looked through by person and by subject."""

        ordering = ("seq",)
        indexes = (
            models.Index(fields=["by", "-seq"]),
            models.Index(fields=["subject_kind", "subject", "-seq"]),
        )

    def __str__(self) -> str:
        return f"{self.seq}: {self.what} by {self.by} on {self.subject_kind} {self.subject}"


class AuditHead(models.Model):
    """The end of the audit trail, one row: what a writer locks, and what tells that the last entries are missing."""

    id = models.IntegerField(primary_key=True)
    seq = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="")

    def __str__(self) -> str:
        return f"the trail ends at {self.seq}"


class Mention(models.Model):
    """Somebody was named in a comment (``@name``). `act` is the comment's id, `who` the name in small letters."""

    act = models.CharField(max_length=36)
    who = models.CharField(max_length=200)
    subject_kind = models.CharField(max_length=20)
    subject = models.CharField(max_length=200)
    by = models.CharField(max_length=200)
    at = models.DateTimeField()
    seen = models.DateTimeField(null=True)

    class Meta:
        """One row per comment and person; unseen ones are asked for most."""

        constraints = (models.UniqueConstraint(fields=["act", "who"], name="one_mention_per_act_and_person"),)
        indexes = (models.Index(fields=["who", "seen", "-at"]),)

    def __str__(self) -> str:
        return f"{self.who} on {self.subject_kind} {self.subject}"


class BulkSelection(models.Model):
    """Cases as somebody saw them when they chose them: `cases` is ``[[id, version], …]``, frozen.

    `decision` is what is done with all of them (as JSON), once somebody has said so; `counts` the results when it ended.
    """

    id = models.CharField(primary_key=True, max_length=36)
    by = models.CharField(max_length=200)
    at = models.DateTimeField()
    wanted = models.JSONField(default=dict)
    cases = models.JSONField(default=list)
    decision = models.JSONField(null=True)
    decided_by = models.CharField(max_length=200, default="")
    started = models.DateTimeField(null=True)
    finished = models.DateTimeField(null=True)
    counts = models.JSONField(default=dict)

    class Meta:
        """The newest first."""

        ordering = ("-at", "id")
        indexes = (models.Index(fields=["by", "-at"]),)

    def __str__(self) -> str:
        return f"{len(self.cases)} cases chosen by {self.by}"
