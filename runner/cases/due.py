"""When a case has to be decided: by the SLA of its process, counted in the process's own working hours and days."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from runner.store.models import Process

if TYPE_CHECKING:  # calendars are read when a case opens whose process has one: most runs open none
    from runner.timetable.calendar_days import WorkCalendar
    from runner.timetable.loading import Timetable
    from runner.timetable.working_hours import WorkingHours

ONE_WORKING_DAY: Final = timedelta(days=1)


def due_of(process: str, opened: datetime) -> datetime:
    """The time by which a case of `process`, opened at `opened` (aware UTC), has to be decided.

    The process's `sla`, in its working hours, on the working days of its calendars, in its time zone. Without an `sla`
    one working day. A process that schedules.yaml does not name: one day, Saturday and Sunday (UTC) not counted.
    """
    found = Process.objects.filter(pk=process).values_list("facts", "calendars").first() if process else None
    if found is None:
        return due_time(opened)
    hours, sla = _clock(json.dumps(found[0], sort_keys=True), json.dumps(found[1], sort_keys=True))
    return due_time(opened, sla) if hours is None else _to_millisecond(hours.due_after(opened, sla))


def due_time(opened: datetime, sla: timedelta = ONE_WORKING_DAY) -> datetime:
    """The time `sla` after `opened` (aware UTC), where Saturday and Sunday (UTC) don't count."""
    at, left = opened, sla
    while True:
        if at.weekday() >= 5:
            at = _midnight_after(at)
            continue
        day_left = _midnight_after(at) - at
        if left < day_left or (left == day_left and at.weekday() < 4):
            return at + left
        at, left = at + day_left, left - day_left


def keep_processes(timetable: Timetable, at: datetime) -> list[str]:
    """Store what schedules.yaml says about processes, for due times and the desk; gives the names of those that changed.

    Cases that are open keep the due time they have.
    """
    known = {one.pk: (one.facts, one.calendars) for one in Process.objects.all()}
    file, changed = timetable.file, []
    for name, entry in file.processes.items():
        facts = entry.model_dump(mode="json")
        facts["timezone"] = entry.timezone or file.defaults.timezone
        calendars = [_calendar_json(timetable.calendars[one]) for one in entry.calendars]
        if known.get(name) != (facts, calendars):
            values = {"facts": facts, "calendars": calendars, "read_at": at}
            Process.objects.update_or_create(name=name, defaults=values)
            changed.append(name)
    gone = set(known) - set(file.processes)
    Process.objects.filter(pk__in=gone).delete()
    return [*changed, *sorted(gone)]


@lru_cache(maxsize=256)
def _clock(facts: str, calendars: str) -> tuple[WorkingHours | None, timedelta]:
    """Working hours (None: weekdays in UTC) and the SLA of a stored process."""
    from runner.core.schedules_model import Process as ProcessEntry
    from runner.timetable.calendar_days import WorkDays
    from runner.timetable.working_hours import WorkingHours, read_working_hours

    said = json.loads(facts)
    zone = said.pop("timezone", None) or "UTC"
    entry = ProcessEntry.model_validate(said)
    days = WorkDays(tuple(_calendar(one) for one in json.loads(calendars)))
    stretches = read_working_hours(entry.working_hours)
    if not stretches and not days.calendars:
        return None, entry.sla or ONE_WORKING_DAY
    if not stretches:  # whole days, of those that count
        stretches = dict.fromkeys(range(7), ((time.min, time.max),))
    hours = WorkingHours(stretches, ZoneInfo(zone), days)
    return hours, entry.sla or _one_day(hours)


def _to_millisecond(at: datetime) -> datetime:
    """A day ends a microsecond before the next one begins: what that adds up to is nobody's deadline."""
    shifted = at + timedelta(microseconds=500)
    return shifted - timedelta(microseconds=shifted.microsecond % 1000)


def _one_day(hours: WorkingHours) -> timedelta:
    """The working time of one full day."""
    first = hours.stretches[min(hours.stretches)]
    moment = date(2000, 1, 3)
    return sum(
        (datetime.combine(moment, end) - datetime.combine(moment, begin) for begin, end in first), timedelta()
    )


def _calendar_json(calendar: WorkCalendar) -> dict[str, Any]:
    return {
        "name": calendar.name,
        "country": calendar.country,
        "subdivision": calendar.subdivision,
        "weekend": None if calendar.weekend is None else sorted(calendar.weekend),
        "closed": {day.isoformat(): why for day, why in sorted(calendar.closed.items())},
        "open": sorted(day.isoformat() for day in calendar.open),
        "half_days": {day.isoformat(): end.isoformat() for day, end in sorted(calendar.half_days.items())},
    }


def _calendar(said: Mapping[str, Any]) -> WorkCalendar:
    from runner.timetable.calendar_days import WorkCalendar

    return WorkCalendar(
        name=said["name"],
        country=said["country"],
        subdivision=said["subdivision"],
        weekend=None if said["weekend"] is None else frozenset(said["weekend"]),
        closed={date.fromisoformat(day): why for day, why in said["closed"].items()},
        open=frozenset(date.fromisoformat(day) for day in said["open"]),
        half_days={
            date.fromisoformat(day): time.fromisoformat(end) for day, end in said["half_days"].items()
        },
    )


def _midnight_after(at: datetime) -> datetime:
    return (at + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
