"""The timetable of a project: schedules.yaml with its triggers, read in two passes that report their errors as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from runner.core.errors import ConfigurationError, ErrorReport, UsageError
from runner.core.schedules_file import SchedulesFile, in_file_order, read_schedules
from runner.core.schedules_model import CalendarEntry, Schedule
from runner.core.schedules_values import BotFacts
from runner.timetable.calendar_days import WorkCalendar, WorkDays
from runner.timetable.calendar_reading import RowsOf, read_calendar
from runner.timetable.cron import Cron
from runner.timetable.cron_text import CronText, never
from runner.timetable.dates import render
from runner.timetable.due_times import Planned
from runner.timetable.events import OnEvent, check_chains
from runner.timetable.local_time import read_time
from runner.timetable.triggers import At, Every, default_anchor
from runner.timetable.walk import Trigger
from runner.timetable.workday import Workday
from runner.timetable.working_hours import read_working_hours
from runner.timetable.zones import instants_of, settle

_HORIZON: Final = timedelta(days=3653)


@dataclass(frozen=True, slots=True)
class Timetable:
    """Every schedule of a project with its trigger, in the order of the file."""

    file: SchedulesFile
    planned: tuple[Planned, ...]
    calendars: Mapping[str, WorkCalendar] = field(default_factory=dict)

    def of(self, schedule: str) -> Planned | None:
        """Return the entry with this schedule id."""
        return next((one for one in self.planned if one.schedule.id == schedule), None)

    def warnings(self, now: datetime) -> list[str]:
        """Return what people should know although nothing is wrong: years whose official days are not known yet."""
        used = {name for one in self.planned for name in one.schedule.calendars}
        return [
            f"calendar '{name}': the official days of {year} are not known yet, they are guessed - "
            f"update the package `holidays` or add the days to the calendar"
            for name in sorted(used)
            for year in self.calendars[name].unknown_years((now.year, now.year + 1))
        ]


def load(
    path: Path,
    known_bots: Mapping[str, BotFacts] | None,
    now: datetime,
    rows_of: RowsOf | None = None,
    text: str | None = None,
) -> Timetable:
    """Read a schedules.yaml, its triggers and its calendars.

    `now` is where the search for due times that never come begins; `rows_of` reads the sheet of an .xlsx calendar;
    `text` is another version of the file, read in its place.
    Raises ErrorReport with every error of the file, in its order.
    """
    reading = read_schedules(path, known_bots, text)
    calendars, wrong = read_calendars(reading.content, rows_of)
    errors = [*reading.errors, *wrong, *check(reading.content, now)]
    if errors:
        raise ErrorReport(in_file_order(errors))
    planned = tuple(
        Planned(one, trigger_of(one, calendars), work_days(one.calendars, calendars))
        for one in reading.content.schedules
    )
    return Timetable(reading.content, planned, calendars)


def read_calendars(
    file: SchedulesFile, rows_of: RowsOf | None = None
) -> tuple[dict[str, WorkCalendar], list[ConfigurationError]]:
    """Return the calendars of a file, and what is wrong with them and with the working hours of its processes."""
    found: list[ConfigurationError] = []
    calendars: dict[str, WorkCalendar] = {}
    for name, entry in file.calendars.items():
        try:
            calendars[name] = read_calendar(name, entry, file.path.parent, rows_of)
        except ConfigurationError as error:
            key = error.where if error.where in CalendarEntry.model_fields else ""
            found.append(file.error_in("calendars", name, key, error))
    for name, process in file.processes.items():
        try:
            read_working_hours(process.working_hours)
        except ConfigurationError as error:
            found.append(file.error_in("processes", name, "working_hours", error))
    return calendars, found


def work_days(names: Iterable[str], calendars: Mapping[str, WorkCalendar]) -> WorkDays:
    """Return the working days of several calendars taken together; unknown names are left out."""
    return WorkDays(tuple(calendars[name] for name in names if name in calendars))


def check(file: SchedulesFile, now: datetime) -> list[ConfigurationError]:
    """Return what is wrong with the triggers and the templates in parameters, each with its place."""
    found = [file.error(index, "after", error) for index, error in check_chains(file.schedules)]
    for index, schedule in enumerate(file.schedules):
        try:
            _check_one(schedule, now)
        except ConfigurationError as error:
            key = "anchor" if error.stable_code == "SCHED_ANCHOR" else schedule.trigger_key
            found.append(file.error(index, key, error))
        try:
            outputs = _AnyOutput() if schedule.after is not None else None
            render(schedule.parameters, now, ZoneInfo(schedule.timezone), outputs=outputs)
        except ConfigurationError as error:
            found.append(file.error(index, "parameters", error))
    return found


class _AnyOutput(dict[str, Any]):
    """Outputs of a run that is not known yet: each name may be one of them."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return name


def trigger_of(schedule: Schedule, calendars: Mapping[str, WorkCalendar] | None = None) -> Trigger:
    """Return the trigger that a schedule's text means; `calendars` say what a working day is.

    Raises ConfigurationError without a place: SCHED_CRON, SCHED_NEVER, SCHED_TIME or SCHED_ANCHOR.
    """
    if not schedule.is_timed:
        return OnEvent(schedule)
    zone = ZoneInfo(schedule.timezone)
    if schedule.cron is not None:
        return Cron(schedule.cron, zone)
    if schedule.every is not None:
        return Every(schedule.every, _anchor(schedule.anchor, zone))
    if schedule.workday is not None:
        days = work_days(schedule.calendars, calendars or {})
        times = tuple(_time_of_day(text) for text in schedule.workday.at)
        return Workday(schedule.workday.nth, schedule.workday.of, times, zone, days)
    return At(tuple(_written_time(text, "SCHED_TIME") for text in schedule.at or ()), zone)


def _check_one(schedule: Schedule, now: datetime) -> None:
    trigger = trigger_of(schedule)
    if isinstance(trigger, Cron):
        if _may_never_come(trigger.text):
            due = trigger.next_after(now)
            if due is None or due > now + _HORIZON:
                raise never(f"'{trigger.expression}' names a day that does not come")
    elif isinstance(trigger, (At, Workday)) and not trigger.times:
        raise ConfigurationError(
            "'at' is an empty list", expected="one or more times", hint='write at: "08:30"', code="SCHED_TIME"
        )


def _may_never_come(cron: CronText) -> bool:
    """Whether only a search can tell: days 1-28 and plain weekdays come every year."""
    return not (
        cron.any_day or any(day <= 28 for day in cron.days) or cron.special_days or cron.either_day
    ) or bool(cron.special_weekdays)


def _anchor(text: str | None, zone: ZoneInfo) -> datetime:
    if text is None:
        return default_anchor(zone)
    at = _written_time(text, "SCHED_ANCHOR")
    if not isinstance(at, datetime):
        raise ConfigurationError(
            f"'anchor' is '{text}'",
            expected="a date with a time, as in 2026-01-05 07:00",
            hint="add the date",
            code="SCHED_ANCHOR",
        )
    if at.tzinfo is not None:
        return at.astimezone(UTC)
    return settle(at, zone) or (instants_of(at + timedelta(days=1), zone) or (at.replace(tzinfo=UTC),))[0]


def _time_of_day(text: str) -> time:
    at = _written_time(text, "SCHED_TIME")
    if isinstance(at, datetime):
        raise ConfigurationError(
            f"'at' of a workday is '{text}'",
            expected="a time of day, as in 18:00",
            hint="remove the date",
            code="SCHED_TIME",
        )
    return at


def _written_time(text: str, code: str) -> datetime | time:
    try:
        return read_time(text)
    except UsageError as error:
        raise ConfigurationError(error.what, expected=error.expected, hint=error.hint, code=code) from error
