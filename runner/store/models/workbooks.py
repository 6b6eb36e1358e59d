"""Which cells of which workbooks runs wrote: what a cell is traced by."""

from __future__ import annotations

from django.db import models


class WorkbookWrite(models.Model):
    """One sheet of one save. `cells` are areas such as ``H2:H101``; `items` are [row, key] where rows belong to items.

    `sha256` is that of the file as it was then. Run, lane and seq name the line of the journal.
    """

    run = models.CharField(max_length=36)
    lane = models.IntegerField()
    seq = models.IntegerField()
    time = models.DateTimeField()
    bot = models.CharField(max_length=200)
    queue = models.CharField(max_length=200, default="")
    item = models.CharField(max_length=1000, default="")
    file = models.TextField()
    name = models.CharField(max_length=400, db_index=True)
    sheet = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64)
    cells = models.JSONField(default=list)
    items = models.JSONField(default=list)

    class Meta:
        """Each line of a journal once."""

        constraints = (models.UniqueConstraint(fields=["run", "lane", "seq"], name="workbook_write_line"),)

    def __str__(self) -> str:
        return f"{self.name} {self.sheet} by run {self.run}"
