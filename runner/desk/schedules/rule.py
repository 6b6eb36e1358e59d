"""What a form says while it is being filled in: the rule in plain words, and the next due times."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from pydantic import ValidationError

from runner.core.clock import now
from runner.core.errors import RunnerError
from runner.core.schedules_model import Schedule
from runner.desk.access import ACT, page
from runner.desk.asking import DeskRequest
from runner.desk.errors.telling import said_here
from runner.desk.planned import plan
from runner.desk.schedules.entry_form import PolicyForm
from runner.desk.schedules.seen import rule_of
from runner.desk.schedules.when_form import WhenForm
from runner.store.models import Queue
from runner.timetable.due_times import DueTime, Planned
from runner.timetable.loading import Timetable, trigger_of, work_days

_NEXT: Final = 5
_DAYS: Final = ("calendars", "shift", "timezone")


@page("schedules.edit", ACT)
def rule(request: DeskRequest) -> HttpResponse:
    """The words for what is in the form now; nothing is changed."""
    found = plan().timetable
    context: dict[str, Any] = {}
    if found is not None:
        others = [one.schedule.id for one in found.planned]
        when = WhenForm(
            request.POST,
            schedules=others,
            queues=list(Queue.objects.values_list("pk", flat=True)),
            parameters=_names(request),
        )
        keys = when.keys()
        days = PolicyForm(request.POST, found, {})
        days.is_valid()
        if keys:
            context = said(found, keys, {name: days.cleaned_data.get(name) for name in _DAYS})
        else:
            said_at_fields = [str(error) for errors in when.errors.values() for error in errors]
            context = {
                "wrong": next((error for error in said_at_fields if error != _("Please fill this in.")), "")
            }
    return render(request, "schedules/rule.html", context)  # fmt: skip


def said(timetable: Timetable, keys: Mapping[str, Any], days: Mapping[str, Any]) -> dict[str, Any]:
    """The words of a trigger with its days, and its next due times; `wrong` where they make no sense."""
    usual = timetable.file.defaults
    own = {name: days.get(name) or getattr(usual, name) for name in _DAYS}
    try:
        schedule = Schedule.model_validate({"id": "new", "bot": "new", **keys, **own})
        calendars = timetable.calendars
        planned = Planned(schedule, trigger_of(schedule, calendars), work_days(schedule.calendars, calendars))
    except ValidationError as error:
        context = error.errors()[0].get("ctx", {})
        return {
            "wrong": " – ".join(
                said_here(str(context[key])) for key in ("what", "expected") if context.get(key)
            )
        }
    except RunnerError as error:
        return {"wrong": " – ".join(said_here(part) for part in (error.what, error.expected) if part)}
    coming = next_runs(planned, now())
    never = schedule.is_timed and not coming
    return {"words": rule_of(planned), "coming": coming, "never": _("Nothing is due in the next ten years.") if never else ""}  # fmt: skip


def next_runs(planned: Planned, at: datetime, count: int = _NEXT) -> list[DueTime]:
    """The next due times that run."""
    found: list[DueTime] = []
    after = at
    while planned.schedule.is_timed and len(found) < count and (due := planned.next_run(after)) is not None:
        found.append(due)
        after = due.due
    return found


def _names(request: DeskRequest) -> list[str]:
    """The parameter that an arriving file brings may be any: the form itself knows which there are."""
    return [request.POST["w-file_parameter"]] if request.POST.get("w-file_parameter") else []
