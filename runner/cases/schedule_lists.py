"""Schedules as rows for pages: their rule in plain words, next and last, how people have set them, and what is late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from runner.cases.outlook import Outlook
from runner.cases.schedule_acts import Pause, Standing, standings
from runner.core.schedules_pilot import Stage
from runner.store.models import Occurrence, Run
from runner.timetable.deadlines import foresee, jitter_of
from runner.timetable.describe import describe_planned
from runner.timetable.due_times import DueTime, Planned

_UNKNOWN: Final = (timedelta(minutes=1), timedelta(minutes=1))


@dataclass(frozen=True, slots=True)
class ScheduleFilter:
    """Which schedules; an empty field asks for nothing. `state`: on, off, paused, pilot."""

    text: str = ""
    bot: str = ""
    state: str = ""
    trigger: str = ""


@dataclass(frozen=True, slots=True)
class LastRun:
    """The run that a schedule started last."""

    id: str
    status: str
    queued: datetime
    started: datetime | None
    finished: datetime | None
    exceptions: int


@dataclass(frozen=True, slots=True)
class LastDue:
    """The due time that was recorded last, and what became of it."""

    due: datetime
    state: str
    reason: str
    run: str | None


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """One schedule as a list shows it. `english` and `chinese` say when it is due; `late` what its next run will miss."""

    id: str
    bot: str
    recording: str
    description: str
    english: str
    chinese: str
    timezone: str
    trigger: str
    enabled: bool
    stage: str
    promoted_by: str
    pause: Pause | None
    next: DueTime | None
    last: LastDue | None
    last_run: LastRun | None
    p50: timedelta | None
    p90: timedelta | None
    late: str
    resources: tuple[str, ...]
    parameters: dict[str, Any]


def matching(outlook: Outlook, wanted: ScheduleFilter, now: datetime, sort: str = "id") -> list[str]:
    """The ids of the schedules of a filter, by `id`, `next` (those without one last), `bot` or `file` (its own order)."""
    stand = standings()
    found = [
        one
        for one in outlook.timetable.planned
        if _fits(one, wanted, stand.get(one.schedule.id, Standing()), now)
    ]
    if sort.lstrip("-") == "next":
        far = datetime.max.replace(tzinfo=now.tzinfo)
        nexts = {one.schedule.id: outlook.next_of(one, now) for one in found}
        dues = {name: due.due if due is not None else far for name, due in nexts.items()}
        found.sort(key=lambda one: (dues[one.schedule.id], one.schedule.id))
    elif sort.lstrip("-") == "bot":
        found.sort(key=lambda one: (one.schedule.bot or one.schedule.recording or "", one.schedule.id))
    elif sort.lstrip("-") == "id":
        found.sort(key=lambda one: one.schedule.id)
    names = [one.schedule.id for one in found]
    return names[::-1] if sort.startswith("-") else names


def schedule_rows(outlook: Outlook, names: Sequence[str], now: datetime) -> list[ScheduleRow]:
    """The rows of these schedules, in their order; names that the file does not have are left out. Four queries."""
    by_name = {one.schedule.id: one for one in outlook.timetable.planned}
    planned = [by_name[name] for name in names if name in by_name]
    ids = [one.schedule.id for one in planned]
    stand, last, runs, loads = standings(ids), last_dues(ids), _last_runs(ids), outlook.durations(now)
    rows = []
    for one in planned:
        schedule, name = one.schedule, one.schedule.id
        standing = stand.get(name, Standing())
        coming, load = outlook.next_of(one, now), loads.get(name)
        rows.append(
            ScheduleRow(
                id=name,
                bot=schedule.bot or "",
                recording=schedule.recording or "",
                description=schedule.description,
                english=describe_planned(one, one.zone),
                chinese=describe_planned(one, one.zone, "zh"),
                timezone=schedule.timezone,
                trigger=schedule.trigger_key,
                enabled=schedule.enabled,
                stage=Stage.PRODUCTION if standing.promoted_by else schedule.stage,
                promoted_by=standing.promoted_by,
                pause=standing.pause_at(now, now),
                next=coming,
                last=last.get(name),
                last_run=runs.get(name),
                p50=load[0] if load else None,
                p90=load[1] if load else None,
                late=_late(one, coming, load or _UNKNOWN),
                resources=tuple(schedule.concurrency),
                parameters=schedule.parameters,
            )
        )
    return rows


def _fits(one: Planned, wanted: ScheduleFilter, standing: Standing, now: datetime) -> bool:
    schedule = one.schedule
    said = f"{schedule.id} {schedule.bot or schedule.recording} {schedule.description}".lower()
    is_pilot = schedule.stage is Stage.PILOT and not standing.promoted_by
    states = {
        "": True,
        "on": schedule.enabled,
        "off": not schedule.enabled,
        "paused": standing.pause_at(now, now) is not None,
        "pilot": is_pilot,
    }
    return (
        all(word in said for word in wanted.text.lower().split())
        and wanted.bot in {"", schedule.bot}
        and wanted.trigger in {"", schedule.trigger_key}
        and states.get(wanted.state, False)
    )


def _late(one: Planned, coming: DueTime | None, load: tuple[timedelta, timedelta]) -> str:
    if coming is None or one.schedule.deadline is None:
        return ""
    late = foresee(one.schedule, coming.due, coming.due + jitter_of(one.schedule, coming.due), *load)
    return late.text if late is not None else ""


def last_dues(names: Sequence[str]) -> dict[str, LastDue]:
    """What became of the latest recorded due time of each of these schedules. One query, a row of an index for each."""
    rows = Occurrence.objects.raw(_LAST.format(table="store_occurrence", marks=_marks(names)), list(names))
    return {row.schedule: LastDue(row.due, row.state, row.reason, row.run) for row in rows} if names else {}


def _last_runs(names: Sequence[str]) -> dict[str, LastRun]:
    rows = Run.objects.raw(_LAST.format(table="store_run", marks=_marks(names)), list(names))
    return {
        str(row.schedule): LastRun(row.pk, row.status, row.queued, row.started, row.finished, row.exceptions)
        for row in (rows if names else ())
    }


_LAST: Final = """
    SELECT one.* FROM (SELECT schedule, MAX(due) AS last FROM {table} WHERE schedule IN ({marks}) GROUP BY schedule) AS newest
    JOIN {table} AS one ON one.schedule = newest.schedule AND one.due = newest.last"""


def _marks(names: Sequence[str]) -> str:
    return ", ".join(["%s"] * len(names)) or "NULL"
