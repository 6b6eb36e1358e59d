"""Schedules, the due times that come and those that have ended as JSON values (fields: docs/json.md)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final
from zoneinfo import ZoneInfo

from runner.cases.durations import durations
from runner.cases.schedule_acts import Standing, standings
from runner.cases.schedule_lists import LastDue, last_dues
from runner.core.clock import iso
from runner.core.schedules_pilot import Stage
from runner.store.models import Occurrence
from runner.timetable.deadlines import foresee, jitter_of
from runner.timetable.describe import describe_planned
from runner.timetable.due_times import DueTime, Planned
from runner.timetable.edits import EditPreview

_WINDOWS: Final = (timedelta(days=2), timedelta(days=60), timedelta(days=800), timedelta(days=4000))


@dataclass(frozen=True, slots=True)
class Ahead:
    """A due time of a schedule that comes, whether it runs or is skipped."""

    planned: Planned
    due: DueTime

    def local(self, zone: ZoneInfo | None = None) -> datetime:
        """On the clock of `zone`; None: of the schedule's own."""
        return self.due.due.astimezone(UTC).astimezone(zone or self.planned.zone)


def coming(planned: Planned, after: datetime, count: int) -> Iterator[Ahead]:
    """Yield the due times that come, the skipped ones too, until `count` of them run."""
    runs, left = 0, after
    for window in _WINDOWS:
        until = after + window
        for due in islice(planned.due_times(left, until), 20 * count + 400):
            runs += due.skip is None
            yield Ahead(planned, due)
            if runs == count:
                return
        left = until


def late_words(one: Ahead) -> str:
    """What the schedule's own history says of its deadline; empty where the run will be in time."""
    if one.due.skip is not None or one.planned.schedule.deadline is None:
        return ""
    schedule, due = one.planned.schedule, one.due.due
    late = foresee(schedule, due, due + jitter_of(schedule, due), *durations(schedule.id))
    return late.text if late is not None else ""


def schedules_json(planned: Sequence[Planned], now: datetime) -> list[dict[str, Any]]:
    """Schedules with what people have set, what is next and what was last. Two queries, and one for each with a deadline."""
    names = [one.schedule.id for one in planned]
    last, stand = last_dues(names), standings(names)
    return [
        _schedule_json(one, last.get(one.schedule.id), stand.get(one.schedule.id, Standing()), now)
        for one in planned
    ]


def due_json(one: Ahead, zone: ZoneInfo | None = None) -> dict[str, Any]:
    """A due time that comes."""
    due = one.due
    return {
        "schedule": one.planned.schedule.id,
        "bot": one.planned.schedule.bot,
        "due": iso(due.due),
        "local": one.local(zone).isoformat(timespec="seconds"),
        "timezone": zone.key if zone else one.planned.schedule.timezone,
        "planned": iso(due.planned),
        "runs": due.skip is None,
        "skip": due.skip,
        "reason": due.reason,
        "late": late_words(one),
    }


def edit_json(shown: EditPreview, *, applied: bool) -> dict[str, Any]:
    """An edit of schedules.yaml: what changes in words of both languages, and the due times that come, go and are new."""
    return {
        "applied": applied,
        "changes": [one.text for one in shown.english],
        "changes_zh": [one.text for one in shown.chinese],
        "next": {name: [iso(due) for due in dues] for name, dues in shown.coming.items()},
        "lost": [{"schedule": name, "due": iso(due)} for name, due in shown.lost],
        "gained": [{"schedule": name, "due": iso(due)} for name, due in shown.gained],
    }


def occurrence_json(one: Occurrence) -> dict[str, Any]:
    """How a due time ended."""
    return {
        "schedule": one.schedule,
        "due": iso(one.due),
        "state": one.state,
        "reason": one.reason,
        "run": one.run,
        "decided_by": one.decided_by,
    }


def _schedule_json(one: Planned, last: LastDue | None, standing: Standing, now: datetime) -> dict[str, Any]:
    schedule = one.schedule
    pause = standing.pause_at(now, now)
    following = one.next_run(now) if schedule.enabled else None
    return {
        "id": schedule.id,
        "bot": schedule.bot,
        "recording": schedule.recording,
        "description": schedule.description,
        "when": describe_planned(one, one.zone),
        "timezone": schedule.timezone,
        "enabled": schedule.enabled,
        "next": iso(following.due) if following else None,
        "parameters": schedule.parameters,
        "missed": schedule.missed,
        "overlap": schedule.overlap,
        "deadline": schedule.deadline,
        "late": late_words(Ahead(one, following)) if following else "",
        "concurrency": list(schedule.concurrency),
        "stage": Stage.PRODUCTION if standing.promoted_by else schedule.stage,
        "promoted_by": standing.promoted_by,
        "paused": {"by": pause.by, "reason": pause.reason, "until": iso(pause.until) if pause.until else None}
        if pause
        else None,
        "last": {"due": iso(last.due), "state": last.state, "reason": last.reason, "run": last.run}
        if last
        else None,
    }
