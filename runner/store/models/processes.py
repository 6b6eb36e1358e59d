"""What schedules.yaml says about processes, kept where every part can read it: for due times and for the desk."""

from __future__ import annotations

from django.db import models


class Process(models.Model):
    """One entry of ``processes:`` as it was last read. `facts` is the entry, `calendars` its calendars as values.

    Not made from journals: a rebuild leaves it, and computes due times by what it says now.
    """

    name = models.CharField(primary_key=True, max_length=200)
    facts = models.JSONField(default=dict)
    calendars = models.JSONField(default=list)
    read_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
