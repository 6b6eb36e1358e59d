"""Loads the timetable of a project as every command does: with the days that calendars keep in workbooks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from runner.core.schedules_values import BotFacts
from runner.timetable import loading
from runner.timetable.calendar_reading import Rows
from runner.timetable.loading import Timetable


def load(
    path: Path, known_bots: Mapping[str, BotFacts] | None, now: datetime, *, text: str | None = None
) -> Timetable:
    """As `runner.timetable.loading.load`; Raises ErrorReport with every error of the file."""
    return loading.load(path, known_bots, now, rows_of, text)


def rows_of(path: Path) -> Rows:
    """The rows of a workbook's first sheet, read when a calendar names one."""
    from runner.sheets.plain_rows import first_sheet

    return first_sheet(path)
