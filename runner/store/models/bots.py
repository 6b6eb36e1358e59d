"""Bots as they were last described, and which versions of them there have been."""

from __future__ import annotations

from django.db import models


class Bot(models.Model):
    """A bot that was found once. `description` is its `BotDescription` as JSON, empty where it was never loaded.

    `error` says why its file can't be loaded now; `present` is False when its file, or the bot in it, is gone. `looked`
    is when this was last found so.
    """

    name = models.CharField(primary_key=True, max_length=200)
    file = models.CharField(max_length=500)
    version = models.CharField(max_length=64, default="")
    process = models.CharField(max_length=200, default="", db_index=True)
    description = models.JSONField(default=dict)
    error = models.TextField(default="")
    present = models.BooleanField(default=True)
    looked = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class BotVersion(models.Model):
    """One version of a bot: when it was first seen, and its files as {path: SHA-256}, kept under that name."""

    bot = models.CharField(max_length=200)
    version = models.CharField(max_length=64)
    first_seen = models.DateTimeField()
    files = models.JSONField(default=dict)

    class Meta:
        """One row per bot and version."""

        constraints = (models.UniqueConstraint(fields=["bot", "version"], name="one_row_per_bot_version"),)
        ordering = ("first_seen", "id")

    def __str__(self) -> str:
        return f"{self.bot} {self.version}"
