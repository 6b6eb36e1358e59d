"""The calendar of days: what was due and became of it, what comes, and which days are off, half or closed to starts."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db import connection

from runner.cases.outlook import Outlook, pauses_at, why_held
from runner.cases.schedule_acts import Pause
from runner.core.nouns import OccurrenceState, RunStatus
from runner.store.models import Occurrence, Run
from runner.timetable.calendar_days import WorkCalendar
from runner.timetable.day_dues import DayDue, day_bounds

BAD_ENDS: Final = (RunStatus.LOST, RunStatus.FAILED, RunStatus.EXCEPTIONS)
_MOST_DAYS: Final = 62
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DayNote:
    """What is special about a day: `kind` is closed, open (worked all the same), half or blackout."""

    kind: str
    calendar: str
    text: str


@dataclass(frozen=True, slots=True)
class DaySchedule:
    """One schedule on one day. `states` counts what became of past due times; `due` and `skipped` are still to come.

    A due time counts as `ran` where its last run went well or goes on, else as what that run was: `exceptions`, `failed`
    or `lost`. `first` and `last` are the due times at both ends; `why` says why those to come are skipped.
    """

    schedule: str
    states: Mapping[str, int]
    due: int
    skipped: int
    first: datetime
    last: datetime
    why: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """One local day: its notes, and its schedules by their first due time. `totals` counts states, `due` and `skipped`."""

    date: date
    notes: tuple[DayNote, ...]
    schedules: tuple[DaySchedule, ...]
    totals: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DayEntry:
    """One due time of a day: `state` is `due` while it is to come; `start` and `end` are the run's, or predicted then."""

    schedule: str
    due: datetime
    state: str
    reason: str = ""
    run: str | None = None
    run_status: str = ""
    start: datetime | None = None
    end: datetime | None = None


def calendar_days(
    outlook: Outlook,
    first: date,
    last: date,
    zone: ZoneInfo,
    now: datetime,
    *,
    schedules: Collection[str] | None = None,
) -> list[Day]:
    """The days from `first` to `last`, both included, as they are in `zone`; of these schedules, or of all.

    Two queries. What is past comes from the ledger, what comes from the timetable. Raises ValueError for more than 62 days.
    """
    if not 0 <= (last - first).days < _MOST_DAYS:
        raise ValueError(f"{first} to {last}: 1 to {_MOST_DAYS} days")
    past = _past(day_bounds(first, last, zone), now)
    coming, pauses = outlook.dues_on(first, last, zone, now), pauses_at(now)
    days = []
    for number, (was, will) in enumerate(zip(past, coming, strict=True)):
        rows = {name: row for name, row in was.items() if schedules is None or name in schedules}
        for name, its in will.items():
            if schedules is not None and name not in schedules:
                continue
            due = _with_pause(its, pauses.get(name))
            before = rows.get(name)
            first_due = before.first if before is not None else due.first
            states = before.states if before is not None else {}
            rows[name] = DaySchedule(name, states, due.runs, due.skipped, first_due, due.last, due.why)
        day = first + number * _DAY
        found = tuple(sorted(rows.values(), key=lambda row: (row.first, row.schedule)))
        days.append(Day(day, notes_of(outlook.timetable.calendars, day), found, _totals(found)))
    return days


def day_entries(
    outlook: Outlook,
    day: date,
    zone: ZoneInfo,
    now: datetime,
    *,
    schedules: Collection[str] | None = None,
    limit: int = 500,
) -> list[DayEntry]:
    """Every due time of one day with what became of it or what will, by due time, at most `limit`. Two queries."""
    start, end = day_bounds(day, day, zone)
    rows = Occurrence.objects.filter(due__gte=start, due__lt=end, due__lte=now)
    rows = rows.filter(schedule__in=schedules) if schedules is not None else rows
    known = list(rows.order_by("due", "schedule")[:limit])
    runs = {run.pk: run for run in Run.objects.filter(pk__in=[row.run for row in known if row.run])}
    found = [_entry(row, runs.get(row.run or "")) for row in known]
    if end > now and len(found) < limit:
        ahead = (one for one in outlook.forecast(now, end) if start <= one.due < end)
        wanted = [one for one in ahead if schedules is None or one.schedule in schedules]
        for one in wanted[: limit - len(found)]:
            state = OccurrenceState.SKIPPED if one.skip else OccurrenceState.DUE
            found.append(DayEntry(one.schedule, one.due, state, one.skip, start=one.start, end=one.end))
    return found


def _with_pause(due: DayDue, pause: Pause | None) -> DayDue:
    """The due times of a day as a pause leaves them: it skips all of them, or none where it ends in between."""
    if pause is None or not due.runs or (pause.until is not None and pause.until <= due.last):
        return due
    return replace(due, runs=0, skipped=due.runs + due.skipped, why=due.why or f"paused: {why_held(pause)}")


def notes_of(calendars: Mapping[str, WorkCalendar], day: date) -> tuple[DayNote, ...]:
    """What the calendars say of a day; plain weekends are not noted."""
    found = []
    for name, one in calendars.items():
        reason = one.why_off(day)
        if reason and reason != "weekend":
            found.append(DayNote("closed", name, reason))
        elif not reason and (day in one.open or day.weekday() >= 5):
            found.append(DayNote("open", name, ""))
        if day in one.half_days:
            found.append(DayNote("half", name, f"{one.half_days[day]:%H:%M}"))
        found += [DayNote("blackout", name, window.text) for window in one.blackouts if window.touches(day)]
    return tuple(found)


def _past(bounds: Sequence[datetime], now: datetime) -> list[dict[str, DaySchedule]]:
    """What became of the due times of each day, by schedule: one query of two parts for each day."""
    days: list[dict[str, DaySchedule]] = [{} for _ in bounds[1:]]
    spans = [(n, a, min(b, now)) for n, (a, b) in enumerate(itertools.pairwise(bounds)) if a <= now]
    if not spans:
        return days
    part = (
        "SELECT %s, schedule, state, COUNT(*), MIN(due), MAX(due) FROM store_occurrence"
        " WHERE due >= %s AND due < %s GROUP BY schedule, state"
    )
    # The states stand here as its index has them, so that it is used; a later try of a due time is the one that counts.
    ended = (
        "SELECT %s, schedule, status, COUNT(*), MIN(due), MAX(due) FROM store_run AS run"
        " WHERE due >= %s AND due < %s AND status IN ('exceptions', 'failed', 'lost') AND NOT EXISTS"
        " (SELECT 1 FROM store_run AS later"
        "  WHERE later.schedule = run.schedule AND later.due = run.due AND later.id > run.id)"
        " GROUP BY schedule, status"
    )
    adapt = connection.ops.adapt_datetimefield_value
    values = [value for n, a, b in spans for value in (n, adapt(a), adapt(b))]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([part] * len(spans) + [ended] * len(spans)), values * 2)
        rows = cursor.fetchall()
    rows.sort(key=lambda row: row[2] in BAD_ENDS)
    for number, schedule, state, count, first, last in rows:
        its = days[int(number)]
        before = its.get(schedule)
        if state in BAD_ENDS:
            if before is not None:
                its[schedule] = replace(before, states=_ended(before.states, state, count))
            continue
        begin, end = _instant(first), _instant(last)
        states = {**(before.states if before is not None else {}), state: count}
        if before is not None:
            begin, end = min(begin, before.first), max(end, before.last)
        its[schedule] = DaySchedule(schedule, states, 0, 0, begin, end)
    return days


def _ended(states: Mapping[str, int], how: str, count: int) -> dict[str, int]:
    """The states with `count` of those that ran told by how their run ended."""
    ran = states.get(OccurrenceState.RAN, 0)
    count = min(count, ran)
    told = {**states, OccurrenceState.RAN.value: ran - count, how: count}
    return {state: number for state, number in told.items() if number}


def _instant(value: str | datetime) -> datetime:
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _totals(rows: Sequence[DaySchedule]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for row in rows:
        ahead = {"due": row.due, "skipped": row.skipped}
        for state, count in (*row.states.items(), *ahead.items()):
            totals[state] = totals.get(state, 0) + count
    return {state: count for state, count in totals.items() if count}


def _entry(row: Occurrence, run: Run | None) -> DayEntry:
    told = DayEntry(row.schedule, row.due, row.state, row.reason, row.run)
    if run is None:
        return told
    return DayEntry(
        *(told.schedule, told.due, told.state, told.reason, told.run), run.status, run.started, run.finished
    )
