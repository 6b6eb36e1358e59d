"""Runs for programs: look at them, read their journals, start, end and repeat them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import Http404, HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Query
from pydantic import Field

from runner.cases.cancel import cancel_run
from runner.cases.run_log import LogFilter, line_json, read_log
from runner.cases.run_requests import RunWish, ask_run, run_again
from runner.core.nouns import RunStatus
from runner.desk.api import shapes
from runner.desk.api.answers import Paged, answered, listed
from runner.desk.api.once import once
from runner.desk.api.operations import InQuery, operation
from runner.desk.api.wrong_input import Moment, Name, Note, Said, Text, Values
from runner.desk.asking import DeskRequest
from runner.desk.outside import place
from runner.store.models import Bot, Run
from runner.store.run_lists import SORTS, RunFilter, filtered_runs, run_json, runs_json


class RunQuery(Paged):
    """Which runs."""

    bot: Text = ""
    status: Annotated[list[RunStatus], Field(description="One or several states.")] = Field(
        default_factory=list
    )
    schedule: Text = ""
    process: Text = ""
    since: Annotated[Moment | None, Field(description="Asked for at this time or later.")] = None


class JournalQuery(InQuery):
    """Which lines of a journal; without `first` the last ones."""

    level: Annotated[Text, Field(pattern="^(trace|debug|info|success|warning|error|critical|)$")] = ""
    text: Annotated[Text, Field(max_length=500, description="Words that all stand in the line.")] = ""
    item: Annotated[Text, Field(max_length=500)] = ""
    lane: Annotated[int | None, Field(ge=0, le=1000)] = None
    first: Annotated[
        int | None, Field(ge=0, le=1_000_000_000, description="From this line on; 0 is the oldest.")
    ] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class Start(Said):
    """A run to start."""

    bot: Name
    parameters: Values = Field(default_factory=dict)
    lanes: Annotated[int, Field(ge=1, le=32)] | None = None
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    not_before: Moment | None = None
    note: Note = ""


class Again(Said):
    """A run to repeat; `parameters` take the place of its own by name."""

    parameters: Values | None = None
    note: Note = ""


class Reason(Said):
    """Why."""

    note: Note = ""


@operation("GET", "runs", "runs.see", summary=_("List runs"), gives=shapes.Rows[shapes.Run])
def list_runs(request: DeskRequest, wanted: Query[RunQuery]) -> HttpResponse:
    """The newest first. Sort: queued, started, finished, bot, status, schedule."""
    states = tuple(str(one) for one in wanted.status)
    found = RunFilter(
        bot=wanted.bot, status=states, schedule=wanted.schedule, process=wanted.process, since=wanted.since
    )
    rows = request.access.limit(filtered_runs(found), "runs.see")
    return listed(request, rows, wanted, SORTS, "-queued", runs_json)


@operation("GET", "runs/{run_id}", "runs.see", summary=_("Show one run"), gives=shapes.OneRun)
def get_run(request: DeskRequest, run_id: Text) -> HttpResponse:
    """With its lanes and steps."""
    return answered(request, run_json(run_for(request, run_id, "runs.see").pk))


@operation(
    "GET", "runs/{run_id}/journal", "runs.see", summary=_("Read the journal of a run"), gives=shapes.Log
)
def get_journal(request: DeskRequest, run_id: Text, wanted: Query[JournalQuery]) -> HttpResponse:
    """The lines of all lanes by time. Reading ends at the first damaged line of a lane, which `faults` names."""
    run = run_for(request, run_id, "runs.see")
    words = LogFilter(level=wanted.level, text=wanted.text, item=wanted.item, lane=wanted.lane)
    found = read_log(place().settings.runs, run, words, wanted.first, wanted.limit)
    faults = [{"lane": lane, "what": what} for lane, what in found.faults]
    lines = [line_json(one) for one in found.lines]
    return answered(request, {"lines": lines, "first": found.first, "total": found.total, "faults": faults})


@operation(
    "POST",
    "runs",
    "runs.start",
    summary=_("Start a run"),
    gives=shapes.RunAsked,
    status=201,
    refuses=(404, 409),
)
def start_run(request: DeskRequest, wanted: Start) -> HttpResponse:
    """Queue a run of a bot; a worker starts it when a place is free. Parameters are checked by the bot's signature."""
    bot = Bot.objects.filter(pk=wanted.bot).first()
    if bot is None or not _visible(request, bot.process, "bots.see", "runs.start"):
        raise Http404
    request.access.require("runs.start", bot.process)
    lanes = wanted.lanes or int(bot.description.get("lanes") or 1)

    def act(at: datetime) -> dict[str, Any]:
        wish = RunWish(
            bot.pk, wanted.parameters, lanes, wanted.priority, not_before=wanted.not_before, note=wanted.note
        )
        return {
            "id": ask_run(wish, by=request.person.username, at=at),
            "status": str(RunStatus.QUEUED),
            "like": None,
        }

    return once(request, act, 201)


@operation(
    "POST", "runs/{run_id}/again", "runs.start", summary=_("Repeat a run"), gives=shapes.RunAsked, status=201,
    refuses=(409,),
)  # fmt: skip
def repeat_run(request: DeskRequest, run_id: Text, wanted: Again) -> HttpResponse:
    """Queue a run like an earlier one, with the same or changed parameters."""
    before = run_for(request, run_id, "runs.start")
    changed = None if wanted.parameters is None else {**before.parameters, **wanted.parameters}

    def act(at: datetime) -> dict[str, Any]:
        made = run_again(before.pk, by=request.person.username, at=at, parameters=changed, note=wanted.note)
        return {"id": made, "status": str(RunStatus.QUEUED), "like": before.pk}

    return once(request, act, 201)


@operation(
    "POST",
    "runs/{run_id}/cancel",
    "runs.cancel",
    summary=_("End a run"),
    gives=shapes.RunAsked,
    refuses=(409,),
)
def stop_run(request: DeskRequest, run_id: Text, wanted: Reason) -> HttpResponse:
    """One that waits ends at once; one that runs after the item in work: its status is still `running` then."""
    run = run_for(request, run_id, "runs.cancel")

    def act(at: datetime) -> dict[str, Any]:
        status = cancel_run(run.pk, by=request.person.username, at=at, note=wanted.note)
        return {"id": run.pk, "status": status, "like": None}

    return once(request, act)


def run_for(request: DeskRequest, run_id: str, permission: str) -> Run:
    """The run. Raises Http404 where it is not theirs to see either, NotAllowed where they may see it and no more."""
    found = Run.objects.filter(pk=run_id).first()
    if found is None or not _visible(request, found.process, "runs.see", permission):
        raise Http404
    request.access.require(permission, found.process)
    return found


def _visible(request: DeskRequest, process: str, see: str, permission: str) -> bool:
    return request.access.may(see, process) or request.access.may(permission, process)
