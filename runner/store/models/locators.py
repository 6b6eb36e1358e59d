"""How often each locator of a bot was found by its first choice, and how often by a lower one, day by day."""

from __future__ import annotations

from django.db import models


class LocatorDay(models.Model):
    """One locator on one day (UTC). `first` and `lower` count uses; `choice` and `used` say in words what they are."""

    bot = models.CharField(max_length=200)
    name = models.CharField(max_length=200)
    day = models.DateField()
    first = models.IntegerField(default=0)
    lower = models.IntegerField(default=0)
    choice = models.TextField(default="")
    used = models.TextField(default="")
    rank = models.IntegerField(default=1)
    seen = models.DateTimeField()

    class Meta:
        """One row for each bot, name and day."""

        constraints = (models.UniqueConstraint(fields=["bot", "name", "day"], name="locator_day"),)

    def __str__(self) -> str:
        return f"{self.bot} {self.name} on {self.day}: {self.first} first, {self.lower} lower"
