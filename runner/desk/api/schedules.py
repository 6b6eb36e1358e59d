"""Schedules for programs: what is planned and what became of it, start one now, pause and resume."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from django.http import Http404, HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Query
from pydantic import Field

from runner.cases import schedule_acts
from runner.cases.schedule_json import coming, due_json, occurrence_json, schedules_json
from runner.cases.schedule_requests import run_schedule
from runner.core.clock import iso, now
from runner.core.errors import ErrorReport, UsageError
from runner.core.nouns import OccurrenceState
from runner.desk.api import shapes
from runner.desk.api.answers import Paged, answered, listed
from runner.desk.api.once import once
from runner.desk.api.operations import InQuery, operation
from runner.desk.api.runs import Reason
from runner.desk.api.wrong_input import Moment, Note, Said, Text, Values
from runner.desk.asking import DeskRequest
from runner.desk.schedules.seen import allowed, bot_of, planned_of, processes_of
from runner.store.models import Occurrence
from runner.timetable.due_times import Planned

_JUST_BEFORE = timedelta(microseconds=1)  # a due time at the beginning itself counts


class NextQuery(InQuery):
    """Which due times."""

    count: Annotated[int, Field(ge=1, le=200, description="So many runs.")] = 5
    after: Annotated[Moment | None, Field(description="From this time on; default: now.")] = None


class OccurrenceQuery(Paged):
    """Which due times that have ended."""

    state: Annotated[list[OccurrenceState], Field(description="One or several ends.")] = Field(
        default_factory=list
    )
    since: Annotated[Moment | None, Field(description="Due at this time or later.")] = None


class RunNow(Said):
    """A run of a schedule beside its due times; `parameters` take the place of those of the file by name."""

    parameters: Values = Field(default_factory=dict)
    note: Note = ""


class Pause(Said):
    """Why, and until when; without `until` until somebody resumes it."""

    reason: Annotated[Note, Field(min_length=1)]
    until: Moment | None = None


@operation(
    "GET", "schedules", "schedules.see", summary=_("List schedules"), gives=shapes.All[shapes.Schedule]
)
def list_schedules(request: DeskRequest) -> HttpResponse:
    """In the order of schedules.yaml."""
    return answered(request, {"rows": schedules_json(allowed(request.access, "schedules.see"), now())})


@operation(
    "GET", "schedules/{schedule}", "schedules.see", summary=_("Show one schedule"), gives=shapes.Schedule
)
def get_schedule(request: DeskRequest, schedule: Text) -> HttpResponse:
    """With what people have set, what is next and what was last."""
    return answered(request, schedules_json([_planned(request, schedule, "schedules.see")], now())[0])


@operation(
    "GET", "schedules/{schedule}/next", "schedules.see", summary=_("Look ahead"), gives=shapes.All[shapes.Due]
)
def get_next(request: DeskRequest, schedule: Text, wanted: Query[NextQuery]) -> HttpResponse:
    """Due times that come, those that are skipped too, with the reason."""
    planned = _planned(request, schedule, "schedules.see")
    after = (wanted.after or now()) - _JUST_BEFORE
    return answered(request, {"rows": [due_json(one) for one in coming(planned, after, wanted.count)]})


@operation(
    "GET", "schedules/{schedule}/occurrences", "schedules.see", summary=_("Show what became of due times"),
    gives=shapes.Rows[shapes.Occurrence],
)  # fmt: skip
def get_occurrences(request: DeskRequest, schedule: Text, wanted: Query[OccurrenceQuery]) -> HttpResponse:
    """The latest first. Sort: due, state."""
    _planned(request, schedule, "schedules.see")
    rows = whole = Occurrence.objects.filter(schedule=schedule)
    if wanted.state:
        rows = rows.filter(state__in=[str(one) for one in wanted.state])
    if wanted.since:
        rows = rows.filter(due__gte=wanted.since)
    sorts = {"due": "due", "state": "state"}
    return listed(
        request, rows, wanted, sorts, "-due", lambda part: [occurrence_json(one) for one in part], whole
    )


@operation(
    "POST", "schedules/{schedule}/run", "schedules.run", summary=_("Run a schedule now"), gives=shapes.ScheduleRun,
    status=201, refuses=(409,),
)  # fmt: skip
def run_now(request: DeskRequest, schedule: Text, wanted: RunNow) -> HttpResponse:
    """Beside its due times, which go on as they are."""
    planned = _planned(request, schedule, "schedules.run")

    def act(at: datetime) -> dict[str, Any]:
        run = run_schedule(
            planned, by=request.person.username, at=at, parameters=wanted.parameters, note=wanted.note
        )
        return {"schedule": schedule, "run": run}

    return once(request, act, 201)


@operation(
    "POST", "schedules/{schedule}/pause", "schedules.pause", summary=_("Pause a schedule"), gives=shapes.ScheduleSet,
    refuses=(409,),
)  # fmt: skip
def pause(request: DeskRequest, schedule: Text, wanted: Pause) -> HttpResponse:
    """Its due times end as skipped from now on; the file stays as it is."""
    _planned(request, schedule, "schedules.pause")
    if wanted.until is not None and wanted.until <= now():
        raise ErrorReport([UsageError(
            "'until' has passed", expected="a time in the future", hint="correct it", where="until", code="API_SCHEMA"
        )])  # fmt: skip

    def act(at: datetime) -> dict[str, Any]:
        schedule_acts.pause(
            schedule, by=request.person.username, at=at, reason=wanted.reason, until=wanted.until
        )
        return {"schedule": schedule, "paused": True, "until": iso(wanted.until) if wanted.until else None}

    return once(request, act)


@operation(
    "POST", "schedules/{schedule}/resume", "schedules.pause", summary=_("Resume a schedule"), gives=shapes.ScheduleSet,
    refuses=(409,),
)  # fmt: skip
def resume(request: DeskRequest, schedule: Text, wanted: Reason) -> HttpResponse:
    """The next due time runs again."""
    _planned(request, schedule, "schedules.pause")

    def act(at: datetime) -> dict[str, Any]:
        schedule_acts.resume(schedule, by=request.person.username, at=at, note=wanted.note)
        return {"schedule": schedule, "paused": False, "until": None}

    return once(request, act)


def _planned(request: DeskRequest, name: str, permission: str) -> Planned:
    """The schedule of the timetable. Raises Http404 where it is not theirs to see, NotAllowed where no more than that."""
    one = planned_of(name)
    process = processes_of([bot_of(one)]).get(bot_of(one), "")
    if not (request.access.may("schedules.see", process) or request.access.may(permission, process)):
        raise Http404
    request.access.require(permission, process)
    return one
