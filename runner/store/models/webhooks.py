"""Who is told what happens, and what is on its way to them: subscriptions, and an outbox that loses nothing."""

from __future__ import annotations

from django.db import models


class Webhook(models.Model):
    """An address that is told of `events`, of `processes` only where some are named.

    `salt` is what its secret is derived from, together with a key beside the store: the secret itself is kept nowhere.
    `overdue_since`: cases that came due up to then have been told of. `broken_since` is when the last delivery failed,
    until one goes through.
    """

    label = models.CharField(max_length=200)
    url = models.CharField(max_length=1000)
    events = models.JSONField(default=list)
    processes = models.JSONField(default=list)
    salt = models.CharField(max_length=64)
    enabled = models.BooleanField(default=True)
    made = models.DateTimeField()
    made_by = models.CharField(max_length=200)
    overdue_since = models.DateTimeField()
    last_sent = models.DateTimeField(null=True)
    broken_since = models.DateTimeField(null=True)

    class Meta:
        """In the order in which they were made."""

        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.label}: {self.url}"


class Delivery(models.Model):
    """One message to one address. `key` names what happened, so that it is told once; `body` is what is signed and sent.

    `next_try` is null when nothing more will be tried: `status` is then sent, or dead after the last failure.
    """

    id = models.CharField(primary_key=True, max_length=36)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=40)
    key = models.CharField(max_length=300)
    body = models.TextField()
    made = models.DateTimeField()
    status = models.CharField(max_length=20, default="waiting")
    attempts = models.IntegerField(default=0)
    next_try = models.DateTimeField(null=True)
    ended = models.DateTimeField(null=True)
    http_status = models.IntegerField(null=True)
    error = models.CharField(max_length=500, default="")

    class Meta:
        """The newest first; what is due is asked for every few seconds."""

        ordering = ("-made", "-id")
        constraints = (models.UniqueConstraint(fields=["webhook", "key"], name="told_once"),)
        indexes = (
            models.Index(
                fields=["next_try"], name="delivery_due", condition=models.Q(next_try__isnull=False)
            ),
            models.Index(fields=["webhook", "-made"], name="delivery_of_webhook"),
            models.Index(fields=["status", "ended"], name="delivery_ended"),
        )

    def __str__(self) -> str:
        return f"{self.event} to {self.webhook_id}: {self.status}"
