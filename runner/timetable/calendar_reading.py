"""Calendars as they are written: the entries of schedules.yaml, and files of days (csv, ics, yaml, or a sheet's rows)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

from runner.core.errors import ConfigurationError, ErrorReport, did_you_mean
from runner.core.schedules_model import CalendarEntry
from runner.core.yaml_text import parse_yaml
from runner.timetable.blackouts import read_blackout, read_days, read_written, wrong
from runner.timetable.calendar_days import WorkCalendar, official_days

Rows = Sequence[Sequence[object]]
RowsOf = Callable[[Path], Rows]

_LONGEST_STRETCH: Final = 1000
_KINDS: Final[Mapping[str, str]] = {
    "closed": "closed", "holiday": "closed", "off": "closed", "exclude": "closed", "休": "closed", "放假": "closed",
    "open": "open", "workday": "open", "include": "open", "班": "open", "上班": "open", "补班": "open",
    "half": "half", "half day": "half", "half_day": "half", "半天": "half",
}  # fmt: skip
_COLUMNS: Final[Mapping[str, str]] = {
    "date": "date", "day": "date", "日期": "date", "kind": "kind", "type": "kind", "类型": "kind",
    "name": "name", "名称": "name", "说明": "name", "until": "until", "ends": "until", "下班": "until",
}  # fmt: skip


@dataclass(slots=True)
class Days:
    """Days of a file or an entry."""

    closed: dict[date, str] = field(default_factory=dict)
    open: set[date] = field(default_factory=set)
    half: dict[date, time] = field(default_factory=dict)

    def add(self, day: date, kind: str, name: str, until: str) -> None:
        """Add one day; raises ConfigurationError for a kind or an end of work that can't be read."""
        meant = _KINDS.get(kind.strip().lower() or "closed")
        if meant is None:
            hint = did_you_mean(kind.lower(), _KINDS) or "write closed, open or half"
            raise wrong(f"'{kind}' is not a kind of day", "closed, open or half", hint)
        if meant == "closed":
            self.closed[day] = name
        elif meant == "open":
            self.open.add(day)
        else:
            self.half[day] = read_clock(until or "12:00")


def read_calendar(
    name: str, entry: CalendarEntry, project: Path, rows_of: RowsOf | None = None
) -> WorkCalendar:
    """Return the calendar that an entry means; `rows_of` reads the first sheet of an .xlsx file.

    Raises ConfigurationError SCHED_CALENDAR, whose place is at most the key of the entry.
    """
    _check_country(entry)
    days = Days()
    if entry.file is not None:
        read_days_file(project / _inside(entry.file, project), days, rows_of)
    for text in entry.closed:
        days.closed.update(dict.fromkeys(read_stretch(text), "closed"))
    for text in entry.open:
        days.open.update(read_stretch(text))
    for text, until in entry.half_days.items():
        days.half.update(dict.fromkeys(read_stretch(text), read_clock(until)))
    return WorkCalendar(
        name,
        entry.country,
        entry.subdivision,
        read_days(", ".join(entry.weekend))
        if entry.weekend
        else None
        if entry.weekend is None
        else frozenset(),
        days.closed,
        frozenset(days.open),
        days.half,
        tuple(read_blackout(text) for text in entry.blackouts),
    )


def read_stretch(text: str) -> list[date]:
    """Read ``2026-12-24`` or ``2026-12-24..2027-01-01`` as its days."""
    left, dots, right = text.partition("..")
    first, last = _date(left), _date(right) if dots else _date(left)
    if not 0 <= (last - first).days < _LONGEST_STRETCH:
        raise wrong(
            f"'{text}' is {(last - first).days + 1} days long",
            f"1 to {_LONGEST_STRETCH}",
            "correct the dates",
        )
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def read_clock(text: str) -> time:
    """Read a time of day."""
    at = read_written(text)
    if not isinstance(at, time):
        raise wrong(f"'{text}' is a date", "a time of day, as in 12:00", "write the time only")
    return at


def read_days_file(path: Path, days: Days, rows_of: RowsOf | None) -> None:
    """Add the days of a file: .csv and .xlsx with the columns date, kind, name, until; .ics; .yaml.

    Raises ConfigurationError SCHED_CALENDAR.
    """
    kind = path.suffix.lower()
    try:
        if kind == ".xlsx" and rows_of is not None:
            _add_rows(rows_of(path), days)
        elif kind == ".csv":
            _add_rows(list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig")))), days)
        elif kind == ".ics":
            _add_events(path.read_text(encoding="utf-8-sig"), days)
        elif kind in {".yaml", ".yml"}:
            _add_yaml(path, days)
        else:
            raise wrong(
                f"'{path.name}' is no calendar file",
                "a .csv, .xlsx, .ics or .yaml file",
                "save it as one of these",
            )
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise wrong(
            f"'{path.name}' can't be read: {reason}", "a readable file", "check its name and encoding"
        ) from error


def _check_country(entry: CalendarEntry) -> None:
    if entry.country is None:
        return
    try:
        official_days(entry.country, entry.subdivision, 2026)
    except NotImplementedError as error:
        where = "subdivision" if "subdiv" in str(error) else "country"
        what = (
            f"subdivision '{entry.subdivision}' of {entry.country}"
            if where == "subdivision"
            else f"country '{entry.country}'"
        )
        raise ConfigurationError(
            f"no holidays are known for {what}", expected="an ISO 3166 code, as in CN, DE or US", hint="correct it",
            where=where, code="SCHED_CALENDAR",
        ) from error  # fmt: skip


def _inside(name: str, project: Path) -> str:
    if not (project / name).resolve().is_relative_to(project.resolve()):
        raise ConfigurationError(
            f"file '{name}'",
            expected="must be inside the project",
            hint="copy the file into the project",
            code="SCHED_PATH",
        )
    return name


def _date(text: str) -> date:
    at = read_written(text)
    if not isinstance(at, datetime) or at.time() != time() or at.tzinfo is not None:
        raise wrong(f"'{text.strip()}' is not a day", "a date, as in 2026-12-24", "write the date only")
    return at.date()


def _add_rows(rows: Rows, days: Days) -> None:
    filled = [row for row in rows if any(cell not in (None, "") for cell in row)]
    if not filled:
        return
    names = [_COLUMNS.get(str(cell).strip().lower(), "") for cell in filled[0]]
    if "date" not in names:
        raise wrong(
            f"the first row is {filled[0]!r}", "the columns date, kind, name, until", "add a header row"
        )
    for row in filled[1:]:
        cells = {name: cell for name, cell in zip(names, row, strict=False) if name and cell is not None}
        days.add(
            _day_of(cells.get("date")),
            str(cells.get("kind", "")),
            str(cells.get("name", "")),
            _clock_text(cells.get("until")),
        )


def _day_of(cell: object) -> date:
    if isinstance(cell, datetime):
        return cell.date()
    return cell if isinstance(cell, date) else _date(str(cell or ""))


def _clock_text(cell: object) -> str:
    return f"{cell:%H:%M}" if isinstance(cell, (time, datetime)) else str(cell or "")


def _add_yaml(path: Path, days: Days) -> None:
    """Read ``2026-02-14: open`` and ``2026-12-24: {kind: half, until: "12:00", name: …}``."""
    try:
        content: Any = parse_yaml(path.read_text(encoding="utf-8-sig"), path.name).value
    except ErrorReport as report:
        raise wrong(str(report.errors[0]), "a mapping of days", "correct the file") from report
    if not isinstance(content, dict):
        raise wrong(
            f"'{path.name}' is no mapping of days", "lines such as '2026-02-14: open'", "correct the file"
        )
    for text, about in content.items():
        told = about if isinstance(about, dict) else {"kind": about or ""}
        for day in read_stretch(str(text)):
            days.add(day, str(told.get("kind", "")), str(told.get("name", "")), str(told.get("until", "")))


def _add_events(text: str, days: Days) -> None:
    """Read the events of an iCalendar file; one whose summary or category says 班, workday or make-up is a workday."""
    unfolded = re.sub(r"\r?\n[ \t]", "", text)
    for block in re.findall(r"BEGIN:VEVENT(.*?)END:VEVENT", unfolded, re.DOTALL):
        fields = dict(_event_fields(block))
        if "RRULE" in fields:
            raise wrong(
                "an event repeats (RRULE)", "one event for each day", "export the calendar with single events"
            )
        first = _ics_date(fields.get("DTSTART", ""))
        after = _ics_date(fields["DTEND"]) if "DTEND" in fields else first + timedelta(days=1)
        words = f"{fields.get('SUMMARY', '')} {fields.get('CATEGORIES', '')}"
        kind = "open" if re.search(r"班|workday|make-?up", words, re.IGNORECASE) else "closed"
        for number in range(max(1, min((after - first).days, _LONGEST_STRETCH))):
            days.add(first + timedelta(days=number), kind, fields.get("SUMMARY", ""), "")


def _event_fields(block: str) -> Iterable[tuple[str, str]]:
    for line in block.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            yield name.partition(";")[0].strip().upper(), value.strip()


def _ics_date(text: str) -> date:
    found = re.match(r"(\d{4})(\d{2})(\d{2})", text)
    if found is None:
        raise wrong(f"an event begins at '{text}'", "a date, as in 20261224", "export the calendar once more")
    return _date("-".join(found.groups()))
