"""Edits of schedules for programs: a new one, other keys, taken out; comments and order of schedules.yaml stay."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

from django.http import Http404, HttpResponse
from django.utils.translation import gettext_noop as _
from pydantic import AfterValidator, Field

from runner.core.errors import RunnerError, UsageError, did_you_mean
from runner.core.schedules_file import ALIASES
from runner.desk.api import schedule_shapes
from runner.desk.api.answers import answered
from runner.desk.api.file_edits import Asked, FileEdit, edited, require_timetable
from runner.desk.api.operations import operation
from runner.desk.api.wrong_input import Text, Values
from runner.desk.asking import DeskRequest
from runner.desk.outside import place
from runner.desk.schedules.editing import entry_of
from runner.desk.schedules.seen import planned_of, process_of_schedule
from runner.store.models import Bot
from runner.timetable import edits

_KEY: Final = re.compile(r"[A-Za-z_]\w*(?:\.[\w.-]+)?")
_RUNS: Final = ("bot", "recording")  # the keys that say what a schedule starts


def _keys(values: dict[str, Any]) -> dict[str, Any]:
    """Keys as schedules.yaml has them. Raises ValueError for one that no file of ours can have."""
    wrong = next((key for key in values if not _KEY.fullmatch(key)), None)
    if wrong is not None:
        raise ValueError(f"it has the key {wrong!a:.60}; expected keys as in schedules.yaml")
    return values


Keys = Annotated[Values, Field(min_length=1, max_length=200), AfterValidator(_keys)]


class NewSchedule(FileEdit):
    """A schedule to add."""

    entry: Annotated[
        Keys,
        Field(
            description="Its keys as in schedules.yaml: id, bot or recording, one trigger, and what else it needs."
        ),
    ]


class ChangedSchedule(FileEdit):
    """Keys of a schedule to set."""

    changes: Annotated[
        Keys,
        Field(
            description="Keys as in schedules.yaml, `parameters.NAME` for one parameter; null takes a key out."
        ),
    ]


@operation(
    "GET", "schedules/{schedule}/entry", "schedules.edit", summary=_("Show what the file says of a schedule"),
    gives=schedule_shapes.ScheduleEntry,
)  # fmt: skip
def get_entry(request: DeskRequest, schedule: Text) -> HttpResponse:
    """Its keys as schedules.yaml has them now, and the `base` with which they can be changed."""
    _require_editing(request, schedule)
    planned_of(schedule)
    base = edits.digest_of_file(place().settings.schedules)  # first: what changes meanwhile is then refused
    return answered(request, {"schedule": schedule, "base": base, "entry": entry_of(schedule)})


@operation(
    "POST", "schedules", "schedules.edit", summary=_("Add a schedule"), gives=schedule_shapes.Edited, status=(201, 200),
    refuses=(404, 409),
)  # fmt: skip
def add_schedule(request: DeskRequest, wanted: NewSchedule) -> HttpResponse:
    """Below the last one of schedules.yaml; the scheduler takes it up within seconds.

    Send it with `preview` first, then with the `base` of the answer: 201. 409 SCHED_MOVED where the file has changed since, and
    nothing is written. What is wrong is named by its key: `entry.cron`, `entry.parameters.top`, all of it at once.
    """
    require_timetable()
    wrong = _not_theirs(request, wanted.entry)
    name = wanted.entry.get("id")
    if not name or not isinstance(name, str):
        wrong = {**wrong, "id": UsageError(
            "the id is missing" if not name else "the id is no text",
            expected="a name for the schedule",
            hint="correct it", where="entry.id", code="SCHED_MISSING_KEY"
        )}  # fmt: skip
    entry = {**wanted.entry, "id": "new"} if "id" in wrong else wanted.entry
    return edited(request, wanted, lambda _at: _asked(edits.add(entry), "entry", wrong), 201)


@operation(
    "POST", "schedules/{schedule}/edit", "schedules.edit", summary=_("Change a schedule"), gives=schedule_shapes.Edited,
    refuses=(409,),
)  # fmt: skip
def change_schedule(request: DeskRequest, schedule: Text, wanted: ChangedSchedule) -> HttpResponse:
    """Set keys in schedules.yaml; a new trigger takes the place of the old one, `enabled` false switches it off there.

    Everything else in the file stays as it is, comments included. Send it with `preview` first, then with the `base` of the
    answer. 409 SCHED_MOVED where the file has changed since. The id can't be changed.
    """
    _require_editing(request, schedule)
    wrong = _not_theirs(request, wanted.changes, "changes")
    if "id" in wanted.changes:
        wrong = {**wrong, "id": UsageError(
            "the id of a schedule can't be changed", expected=schedule, hint="leave it out, or add another schedule",
            where="changes.id", code="SCHED_VALUE",
        )}  # fmt: skip
    changes = {key: value for key, value in wanted.changes.items() if key != "id"}

    def ask(_at: datetime) -> Asked:
        planned_of(schedule)
        return _asked(edits.set_keys(schedule, changes), "changes", wrong)

    return edited(request, wanted, ask)


@operation(
    "POST", "schedules/{schedule}/remove", "schedules.edit", summary=_("Remove a schedule"), gives=schedule_shapes.Edited,
    refuses=(409,),
)  # fmt: skip
def remove_schedule(request: DeskRequest, schedule: Text, wanted: FileEdit) -> HttpResponse:
    """Out of schedules.yaml, with the comment directly above it; its history is kept.

    Send it with `preview` first, then with the `base` of the answer. 409 SCHED_MOVED where the file has changed since.
    """
    _require_editing(request, schedule)

    def ask(_at: datetime) -> Asked:
        planned_of(schedule)
        return Asked(edits.remove(schedule), "schedule")

    return edited(request, wanted, ask)


def _asked(edit: edits.Edit, part: str, wrong: Mapping[str, RunnerError]) -> Asked:
    """Of what is not theirs to start no parameter is told."""
    return Asked(edit, part, wrong, untold="SCHED_PARAM" if wrong.keys() & set(_RUNS) else "")


def _require_editing(request: DeskRequest, schedule: str) -> None:
    """Raises Http404 where the schedule is not theirs to see, NotAllowed where no more than that.

    One that was taken out is judged by the role for everything, so that a call that is sent again gets its first answer.
    """
    process = process_of_schedule(schedule)
    if process is None:
        require_timetable()
    access = request.access
    if process is None or not (access.may("schedules.see", process) or access.may("schedules.edit", process)):
        raise Http404
    access.require("schedules.edit", process)


def _not_theirs(request: DeskRequest, keys: Mapping[str, Any], part: str = "entry") -> dict[str, RunnerError]:
    """An error where a schedule would start what is not there, or not theirs to see: both in the same words.

    Nothing is then told of its parameters either. Raises NotAllowed where they may see it and not schedule it.
    """
    wrong: dict[str, RunnerError] = {}
    for key, value in keys.items():
        name = str(value or "")
        if ALIASES.get(key, (key,))[0] not in _RUNS or not name:
            continue
        bot = Bot.objects.filter(pk=name, present=True).first()
        if bot is None or not any(
            request.access.may(one, bot.process) for one in ("bots.see", "schedules.edit")
        ):
            theirs = request.access.limit(Bot.objects.filter(present=True), "schedules.edit")
            wrong[key] = UsageError(
                f"there is no {key} {name!a:.80}",
                expected=did_you_mean(name, theirs.values_list("pk", flat=True)) or "one that the desk lists",
                hint="correct the name", where=f"{part}.{key}", code="SCHED_BOT_MISSING",
            )  # fmt: skip
        else:
            request.access.require("schedules.edit", bot.process)
    return wrong
