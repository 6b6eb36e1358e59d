"""Calendars of schedules.yaml for programs: what is written there, days off and closed hours added and taken out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

from django.http import Http404, HttpResponse
from django.utils.translation import gettext_noop as _
from pydantic import Field

from runner.core.errors import RunnerError, UsageError
from runner.desk.api import schedule_shapes
from runner.desk.api.answers import answered
from runner.desk.api.file_edits import Asked, FileEdit, edited, require_timetable
from runner.desk.api.operations import operation
from runner.desk.api.wrong_input import Name, Text
from runner.desk.asking import DeskRequest
from runner.desk.outside import place
from runner.desk.planned import plan
from runner.desk.schedules.seen import allowed
from runner.desk.schedules.spans import around, span_of, stretch
from runner.timetable import edits

_DAYS: Final = "A day (2026-12-24), or the first and the last of several (2026-12-24..2026-12-31)."
_WINDOW: Final = "Weekdays and hours (Sun 02:00-04:00; without weekdays every day), or two times (2026-12-31 18:00..2027-01-01 06:00)."


class NewCalendar(FileEdit):
    """A calendar to add."""

    name: Annotated[
        Name, Field(max_length=60, pattern=r"^\w[\w.-]*$", description="What schedules call it by.")
    ]
    country: Annotated[
        Text | None,
        Field(
            pattern=r"^[A-Za-z]{2,3}$",
            description="Whose holidays it has, such as CN or DE; left out: none but its own.",
        ),
    ] = None
    subdivision: Annotated[
        Text | None, Field(max_length=20, description="A state or province of the country, such as BY.")
    ] = None


class DaysOff(FileEdit):
    """Days of a calendar: off (`closed`), worked all the same (`open`), or with half a day's work (`half`)."""

    days: Annotated[Name, Field(description=_DAYS)]
    kind: Literal["closed", "open", "half"] = "closed"


class MoreDays(DaysOff):
    """Days to add."""

    until: Annotated[
        Text | None,
        Field(max_length=20, description="When the work of a half day ends; 12:00 where it is left out."),
    ] = None


class ClosedHours(FileEdit):
    """A window in which nothing starts."""

    window: Annotated[Name, Field(description=_WINDOW)]


@operation(
    "GET", "calendars", "schedules.see", summary=_("List calendars"), gives=schedule_shapes.Calendars, refuses=(404, 409)
)  # fmt: skip
def list_calendars(request: DeskRequest) -> HttpResponse:
    """What schedules.yaml says of each, as it can be taken out, and the `base` with which it can be changed."""
    base = edits.digest_of_file(place().settings.schedules)  # first: what changes meanwhile is then refused
    timetable = plan().timetable
    if timetable is None:
        raise Http404
    theirs = allowed(request.access, "schedules.see")
    rows = [
        {
            "name": name, "country": entry.country, "days": _written(entry.closed, entry.open, entry.half_days),
            "blackouts": list(entry.blackouts),
            "schedules": [one.schedule.id for one in theirs if name in one.schedule.calendars],
        }
        for name, entry in timetable.file.calendars.items()
    ]  # fmt: skip
    return answered(request, {"base": base, "rows": rows})


@operation(
    "POST", "calendars", "calendars.edit", summary=_("Add a calendar"), gives=schedule_shapes.Edited, status=(201, 200),
    refuses=(404, 409),
)  # fmt: skip
def add_calendar(request: DeskRequest, wanted: NewCalendar) -> HttpResponse:
    """With the holidays of a country, or none; its own days and closed hours are added afterwards. Previewed and written as days are added."""
    require_timetable()
    keys = {"country": wanted.country, "subdivision": wanted.subdivision}
    entry = {key: said.upper() for key, said in keys.items() if said}
    return edited(
        request, wanted, lambda at: Asked(edits.new_calendar(wanted.name, entry), window=(at, at)), 201
    )


@operation(
    "POST", "calendars/{calendar}/days", "calendars.edit", summary=_("Add days to a calendar"),
    gives=schedule_shapes.Edited, refuses=(409,),
)  # fmt: skip
def add_days(request: DeskRequest, calendar: Text, wanted: MoreDays) -> HttpResponse:
    """Days off, days that are worked all the same, or half days.

    Send it with `preview` first (it names the due times that go and come), then with the `base` of the answer. 409 SCHED_MOVED
    where schedules.yaml has changed since.
    """
    if wanted.until is not None and wanted.kind != "half":
        wrong = {"until": _wrong("'until' belongs to half days", "it with kind half, or left out", "until")}
    else:
        wrong = {}
    until = wanted.until or edits.NOON

    def make(first: date, last: date) -> edits.Edit:
        return edits.add_day(calendar, first, wanted.kind, last=last, until=until)

    return _edit(request, calendar, wanted, _of_days(wanted.days, make, wrong))


@operation(
    "POST", "calendars/{calendar}/days/remove", "calendars.edit", summary=_("Take days out of a calendar"),
    gives=schedule_shapes.Edited, refuses=(409,),
)  # fmt: skip
def remove_days(request: DeskRequest, calendar: Text, wanted: DaysOff) -> HttpResponse:
    """As they are written there (`GET calendars`). Previewed and written as days are added."""

    def make(_first: date, _last: date) -> edits.Edit:
        return edits.remove_day(calendar, wanted.days, wanted.kind)

    return _edit(request, calendar, wanted, _of_days(wanted.days, make, {}))


@operation(
    "POST", "calendars/{calendar}/blackouts", "calendars.edit", summary=_("Add a window in which nothing starts"),
    gives=schedule_shapes.Edited, refuses=(409,),
)  # fmt: skip
def add_blackout(request: DeskRequest, calendar: Text, wanted: ClosedHours) -> HttpResponse:
    """Every week, or once. Previewed and written as days are added."""
    return _edit(
        request, calendar, wanted, _of_window(wanted.window, edits.add_blackout(calendar, wanted.window))
    )


@operation(
    "POST", "calendars/{calendar}/blackouts/remove", "calendars.edit", summary=_("Take such a window out"),
    gives=schedule_shapes.Edited, refuses=(409,),
)  # fmt: skip
def remove_blackout(request: DeskRequest, calendar: Text, wanted: ClosedHours) -> HttpResponse:
    """As it is written there (`GET calendars`). Previewed and written as days are added."""
    return _edit(
        request, calendar, wanted, _of_window(wanted.window, edits.remove_blackout(calendar, wanted.window))
    )


def _edit(
    request: DeskRequest, calendar: str, said: FileEdit, ask: Callable[[datetime], Asked]
) -> HttpResponse:
    if calendar not in require_timetable().calendars:
        raise Http404
    return edited(request, said, ask)


def _of_days(
    text: str, make: Callable[[date, date], edits.Edit], wrong: Mapping[str, RunnerError]
) -> Callable[[datetime], Asked]:
    """The edit of the days in `text`; the due times around them are compared. Raises UsageError for what are no days."""

    def ask(at: datetime) -> Asked:
        first, dots, last = text.partition("..")
        days = [_day(first), _day(last if dots else first)]
        if days[1] < days[0]:
            raise _wrong("the last day is before the first", "days in their order", "days")
        return Asked(make(days[0], days[1]), wrong=wrong, window=around(*stretch(days[0], days[1]), at))

    return ask


def _of_window(text: str, edit: edits.Edit) -> Callable[[datetime], Asked]:
    return lambda at: Asked(edit, window=around(*span_of(text), at))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise _wrong(f"{text!a:.60} is not a day: {error}", "as in 2026-12-24", "days") from error


def _written(closed: Any, opened: Any, half: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        *({"days": one, "kind": "closed", "until": None} for one in closed),
        *({"days": one, "kind": "open", "until": None} for one in opened),
        *({"days": one, "kind": "half", "until": until} for one, until in half.items()),
    ]


def _wrong(what: str, expected: str, where: str) -> UsageError:
    return UsageError(what, expected=expected, hint="correct it", where=where, code="API_SCHEMA")
