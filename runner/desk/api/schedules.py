"""Schedules for programs: what is planned and what became of it, start one now, pause and resume."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from django.http import Http404, HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Query
from pydantic import Field

from runner.cases import schedule_acts
from runner.cases.schedule_json import coming, due_json, occurrence_json, schedules_json
from runner.cases.schedule_requests import (
    BackfillRow,
    backfill,
    decide_missed,
    preview_backfill,
    run_schedule,
)
from runner.core.clock import iso, now
from runner.core.errors import ConflictError, ErrorReport, UsageError
from runner.core.nouns import OccurrenceState
from runner.core.schedules_pilot import Stage
from runner.desk.api import schedule_shapes, shapes
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


Dues = Annotated[list[Moment], Field(min_length=1, max_length=1000)]


class Cancel(Said):
    """The due time that is taken out, and why."""

    due: Moment
    reason: Annotated[Note, Field(min_length=1)]


class Answer(Said):
    """What becomes of missed due times."""

    dues: Dues
    run: Annotated[bool, Field(description="Run them now; otherwise they are left.")]
    note: Note = ""


class SpanQuery(InQuery):
    """A stretch of the past."""

    start: Moment
    end: Annotated[Moment | None, Field(description="Default: now.")] = None


class Fill(Said):
    """The due times that are run now."""

    dues: Dues
    note: Note = ""


@operation(
    "GET",
    "schedules",
    "schedules.see",
    summary=_("List schedules"),
    gives=shapes.All[schedule_shapes.Schedule],
)
def list_schedules(request: DeskRequest) -> HttpResponse:
    """In the order of schedules.yaml."""
    return answered(request, {"rows": schedules_json(allowed(request.access, "schedules.see"), now())})


@operation(
    "GET",
    "schedules/{schedule}",
    "schedules.see",
    summary=_("Show one schedule"),
    gives=schedule_shapes.Schedule,
)
def get_schedule(request: DeskRequest, schedule: Text) -> HttpResponse:
    """With what people have set, what is next and what was last."""
    return answered(request, schedules_json([_planned(request, schedule, "schedules.see")], now())[0])


@operation(
    "GET",
    "schedules/{schedule}/next",
    "schedules.see",
    summary=_("Look ahead"),
    gives=shapes.All[schedule_shapes.Due],
)
def get_next(request: DeskRequest, schedule: Text, wanted: Query[NextQuery]) -> HttpResponse:
    """Due times that come, those that are skipped too, with the reason."""
    planned = _planned(request, schedule, "schedules.see")
    after = (wanted.after or now()) - _JUST_BEFORE
    return answered(request, {"rows": [due_json(one) for one in coming(planned, after, wanted.count)]})


@operation(
    "GET", "schedules/{schedule}/occurrences", "schedules.see", summary=_("Show what became of due times"),
    gives=shapes.Rows[schedule_shapes.Occurrence],
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
    "POST", "schedules/{schedule}/run", "schedules.run", summary=_("Run a schedule now"), gives=schedule_shapes.ScheduleRun,
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
    "POST", "schedules/{schedule}/pause", "schedules.pause", summary=_("Pause a schedule"), gives=schedule_shapes.ScheduleSet,
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
    "POST", "schedules/{schedule}/resume", "schedules.pause", summary=_("Resume a schedule"), gives=schedule_shapes.ScheduleSet,
    refuses=(409,),
)  # fmt: skip
def resume(request: DeskRequest, schedule: Text, wanted: Reason) -> HttpResponse:
    """The next due time runs again."""
    _planned(request, schedule, "schedules.pause")

    def act(at: datetime) -> dict[str, Any]:
        schedule_acts.resume(schedule, by=request.person.username, at=at, note=wanted.note)
        return {"schedule": schedule, "paused": False, "until": None}

    return once(request, act)


@operation(
    "POST", "schedules/{schedule}/promote", "schedules.promote", summary=_("Promote a pilot"), gives=schedule_shapes.ScheduleStage,
    refuses=(409,),
)  # fmt: skip
def promote(request: DeskRequest, schedule: Text, wanted: Reason) -> HttpResponse:
    """Its next run works on all items."""
    if _planned(request, schedule, "schedules.promote").schedule.stage is not Stage.PILOT:
        raise ConflictError(
            "it is no pilot",
            expected="a schedule with stage: pilot",
            where=f"schedule {schedule}",
            code="STATE",
        )

    def act(at: datetime) -> dict[str, Any]:
        schedule_acts.promote(schedule, by=request.person.username, at=at, note=wanted.note)
        return {"schedule": schedule, "stage": "production"}

    return once(request, act)


@operation(
    "POST", "schedules/{schedule}/cancel", "schedules.pause", summary=_("Take a due time out"), gives=schedule_shapes.DueAnswers,
    refuses=(409,),
)  # fmt: skip
def cancel_due(request: DeskRequest, schedule: Text, wanted: Cancel) -> HttpResponse:
    """One that is to come: it ends as cancelled, for the reason."""
    planned = _planned(request, schedule, "schedules.pause")
    if wanted.due <= now() or planned.next_after(wanted.due - _JUST_BEFORE) != wanted.due:
        raise ErrorReport([UsageError(
            "this is no due time to come", expected="one of schedules/SCHEDULE/next", hint="correct it", where="due",
            code="API_SCHEMA",
        )])  # fmt: skip

    def act(at: datetime) -> dict[str, Any]:
        by = request.person.username
        schedule_acts.cancel_due(schedule, wanted.due, by=by, at=at, reason=wanted.reason)
        row = {"due": iso(wanted.due), "was": "", "run": None, "why": ""}
        return {"schedule": schedule, "rows": [row]}

    return once(request, act)


@operation(
    "POST", "schedules/{schedule}/missed", "schedules.run", summary=_("Answer missed due times"), gives=schedule_shapes.DueAnswers,
    refuses=(409,),
)  # fmt: skip
def answer_missed(request: DeskRequest, schedule: Text, wanted: Answer) -> HttpResponse:
    """Run them now, or leave them for the reason in `note`. A result for each; their case is settled with the last of them."""
    planned = _planned(request, schedule, "schedules.run")
    if not wanted.run and not wanted.note.strip():
        raise ErrorReport([UsageError(
            "'note' is missing", expected="why they are left", hint="add it", where="note", code="API_SCHEMA"
        )])  # fmt: skip

    def act(at: datetime) -> dict[str, Any]:
        done = decide_missed(
            planned, wanted.dues, run=wanted.run, by=request.person.username, at=at, note=wanted.note
        )
        return {"schedule": schedule, "rows": _answers(done)}

    return once(request, act)


@operation(
    "GET",
    "schedules/{schedule}/backfill",
    "schedules.run",
    summary=_("Preview a backfill"),
    gives=schedule_shapes.DueAnswers,
)
def preview_filling(request: DeskRequest, schedule: Text, wanted: Query[SpanQuery]) -> HttpResponse:
    """Due times of the past that did not run; `was`: how they ended. Changes nothing."""
    planned = _planned(request, schedule, "schedules.run")
    rows = preview_backfill(planned, wanted.start, wanted.end or now(), now())
    return answered(request, {"schedule": schedule, "rows": _answers(rows)})


@operation(
    "POST", "schedules/{schedule}/backfill", "schedules.run", summary=_("Run due times of the past"), gives=schedule_shapes.DueAnswers,
    refuses=(409,),
)  # fmt: skip
def fill_back(request: DeskRequest, schedule: Text, wanted: Fill) -> HttpResponse:
    """Those of a preview, each with the parameters of its time; one that can't run stops no other."""
    planned = _planned(request, schedule, "schedules.run")

    def act(at: datetime) -> dict[str, Any]:
        dues = sorted(set(wanted.dues))
        known = {row.due: row for row in preview_backfill(planned, dues[0], dues[-1], at)}
        done = backfill(
            planned,
            [known[due] for due in dues if due in known],
            by=request.person.username,
            at=at,
            note=wanted.note,
        )
        gone = [
            BackfillRow(due, why="it is no due time of the past, or has run")
            for due in dues
            if due not in known
        ]
        return {"schedule": schedule, "rows": _answers([*done, *gone])}

    return once(request, act)


def _answers(rows: Sequence[BackfillRow]) -> list[dict[str, Any]]:
    return [{"due": iso(one.due), "was": one.was, "run": one.run, "why": one.why} for one in rows]


def _planned(request: DeskRequest, name: str, permission: str) -> Planned:
    """The schedule of the timetable. Raises Http404 where it is not theirs to see, NotAllowed where no more than that."""
    one = planned_of(name)
    process = processes_of([bot_of(one)]).get(bot_of(one), "")
    if not (request.access.may("schedules.see", process) or request.access.may(permission, process)):
        raise Http404
    request.access.require(permission, process)
    return one
