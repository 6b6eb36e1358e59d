"""Takes in what journals say about workbooks: which cells a run wrote."""

from __future__ import annotations

from pathlib import PurePath, PureWindowsPath

from runner.cases.batch import Batch
from runner.journal import Line
from runner.store.models import WorkbookWrite


def workbook_written(_batch: Batch, line: Line) -> None:
    """One row for one line."""
    file = str(line.data["file"])
    path = PureWindowsPath(file) if "\\" in file else PurePath(file)
    WorkbookWrite.objects.get_or_create(
        run=line.run,
        lane=line.lane,
        seq=line.seq,
        defaults={
            "time": line.time,
            "bot": line.bot,
            "queue": line.queue or "",
            "item": line.item or "",
            "file": file,
            "name": path.name,
            "sheet": str(line.data["sheet"]),
            "sha256": str(line.data["sha256"]),
            "cells": list(line.data["cells"]),
            "items": list(line.data.get("items") or ()),
        },
    )
