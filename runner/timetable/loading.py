"""The timetable of a project: schedules.yaml with its triggers, read in two passes that report their errors as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from runner.core.errors import ConfigurationError, ErrorReport, UsageError
from runner.core.schedules_file import SchedulesFile, in_file_order, read_schedules
from runner.core.schedules_model import Schedule
from runner.core.schedules_values import BotFacts
from runner.timetable.cron import Cron
from runner.timetable.cron_text import CronText, never
from runner.timetable.local_time import read_time
from runner.timetable.triggers import At, Every, default_anchor
from runner.timetable.walk import Trigger
from runner.timetable.zones import instants_of, settle

_HORIZON: Final = timedelta(days=3653)


@dataclass(frozen=True, slots=True)
class Planned:
    """A schedule and the trigger that its text means."""

    schedule: Schedule
    trigger: Trigger

    @property
    def zone(self) -> ZoneInfo:
        """The schedule's time zone."""
        return ZoneInfo(self.schedule.timezone)


@dataclass(frozen=True, slots=True)
class Timetable:
    """Every schedule of a project with its trigger, in the order of the file."""

    file: SchedulesFile
    planned: tuple[Planned, ...]

    def of(self, schedule: str) -> Planned | None:
        """Return the entry with this schedule id."""
        return next((one for one in self.planned if one.schedule.id == schedule), None)


def load(path: Path, known_bots: Mapping[str, BotFacts] | None, now: datetime) -> Timetable:
    """Read a schedules.yaml and its triggers; `now` is where the search for due times that never come begins.

    Raises ErrorReport with every error of the file, in its order.
    """
    reading = read_schedules(path, known_bots)
    errors = [*reading.errors, *check(reading.content, now)]
    if errors:
        raise ErrorReport(in_file_order(errors))
    planned = tuple(Planned(one, trigger_of(one)) for one in reading.content.schedules)
    return Timetable(reading.content, planned)


def check(file: SchedulesFile, now: datetime) -> list[ConfigurationError]:
    """Return what is wrong with the texts of the file's triggers, each with its place."""
    found: list[ConfigurationError] = []
    for index, schedule in enumerate(file.schedules):
        try:
            _check_one(schedule, now)
        except ConfigurationError as error:
            key = "anchor" if error.stable_code == "SCHED_ANCHOR" else schedule.trigger_key
            found.append(file.error(index, key, error))
    return found


def trigger_of(schedule: Schedule) -> Trigger:
    """Return the trigger that a schedule's text means.

    Raises ConfigurationError without a place: SCHED_CRON, SCHED_NEVER, SCHED_TIME or SCHED_ANCHOR.
    """
    zone = ZoneInfo(schedule.timezone)
    if schedule.cron is not None:
        return Cron(schedule.cron, zone)
    if schedule.every is not None:
        return Every(schedule.every, _anchor(schedule.anchor, zone))
    return At(tuple(_written_time(text, "SCHED_TIME") for text in schedule.at or ()), zone)


def _check_one(schedule: Schedule, now: datetime) -> None:
    trigger = trigger_of(schedule)
    if isinstance(trigger, Cron):
        if _may_never_come(trigger.text):
            due = trigger.next_after(now)
            if due is None or due > now + _HORIZON:
                raise never(f"'{trigger.expression}' names a day that does not come")
    elif isinstance(trigger, At) and not trigger.times:
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


def _written_time(text: str, code: str) -> datetime | time:
    try:
        return read_time(text)
    except UsageError as error:
        raise ConfigurationError(error.what, expected=error.expected, hint=error.hint, code=code) from error
