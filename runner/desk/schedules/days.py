"""Holidays and closed hours: a calendar's year with the source of every day, and edits that show which due times move."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runner.core.clock import now
from runner.core.errors import RunnerError, UsageError
from runner.desk import times
from runner.desk.access import ACT, page
from runner.desk.asking import DeskRequest
from runner.desk.errors.telling import lines_of
from runner.desk.planned import plan
from runner.desk.schedules import preview
from runner.desk.schedules import year as years
from runner.desk.schedules.editing import REFUSED
from runner.desk.schedules.policy_words import weekdays
from runner.desk.schedules.spans import around, local_of, span_of, stretch
from runner.timetable import edits
from runner.timetable.loading import Timetable

_DATE_WANTED: Final = {"required": gettext_lazy("Please fill this in."), "invalid": gettext_lazy("This must be a date, such as 2026-11-24.")}  # fmt: skip
_TIME_WANTED: Final = {"invalid": gettext_lazy("This must be a time, such as 14:30.")}


def _day_input() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def _time_input() -> forms.TimeInput:
    return forms.TimeInput(attrs={"type": "time"}, format="%H:%M")


class DayForm(forms.Form):
    """Days to add: from one to another, what they are, and when the work of a half day ends."""

    first = forms.DateField(label=gettext_lazy("Day"), widget=_day_input(), error_messages=_DATE_WANTED)
    last = forms.DateField(
        label=gettext_lazy("to (empty: one day)"),
        required=False,
        widget=_day_input(),
        error_messages=_DATE_WANTED,
    )
    kind = forms.ChoiceField(label=gettext_lazy("What it is"), choices=list(years.KINDS.items()))
    until = forms.TimeField(label=gettext_lazy("Work of a half day ends"), required=False, widget=_time_input(), error_messages=_TIME_WANTED)  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """The last day is not before the first."""
        found: dict[str, Any] = super().clean() or {}
        if found.get("first") and found.get("last") and found["last"] < found["first"]:
            self.add_error("last", _("This is before the beginning."))
        return found


class WindowForm(forms.Form):
    """A window in which nothing starts: every week, or once."""

    weekdays = forms.MultipleChoiceField(
        label=gettext_lazy("Every week on"), required=False, widget=forms.CheckboxSelectMultiple, choices=()
    )
    start_at = forms.TimeField(
        label=gettext_lazy("from"), required=False, widget=_time_input(), error_messages=_TIME_WANTED
    )
    end_at = forms.TimeField(
        label=gettext_lazy("to"), required=False, widget=_time_input(), error_messages=_TIME_WANTED
    )
    once_from = forms.CharField(
        label=gettext_lazy("or once, from"),
        required=False,
        widget=forms.TextInput(attrs={"type": "datetime-local"}),
    )
    once_to = forms.CharField(label=gettext_lazy("to"), required=False, widget=forms.TextInput(attrs={"type": "datetime-local"}))  # fmt: skip

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, prefix="b", label_suffix="")
        field: Any = self.fields["weekdays"]
        field.choices = list(zip(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), weekdays(), strict=True))

    def clean(self) -> dict[str, Any]:
        """Either the one or the other, whole."""
        found: dict[str, Any] = super().clean() or {}
        once = (local_of(found.get("once_from")), local_of(found.get("once_to")))
        weekly = (found.get("start_at"), found.get("end_at"))
        if once[0] and once[1]:
            if once[0] >= once[1]:
                self.add_error("once_to", _("This is before the beginning."))
            found["window"] = f"{once[0]:%Y-%m-%d %H:%M}..{once[1]:%Y-%m-%d %H:%M}"
        elif weekly[0] and weekly[1]:
            days = ", ".join(found.get("weekdays") or ())
            found["window"] = f"{days} {weekly[0]:%H:%M}-{weekly[1]:%H:%M}".strip()
        elif not self.errors:
            self.add_error("start_at", _("Give two times of day, or two dates with times."))
        return found


class CalendarForm(forms.Form):
    """A new calendar: a name, and the country whose holidays it has."""

    name = forms.RegexField(
        r"^\w[\w.-]*$", label=gettext_lazy("Name"), max_length=60,
        error_messages={"required": gettext_lazy("Please fill this in."), "invalid": gettext_lazy("Letters, digits, “-”, “_” and “.” only, beginning with a letter or digit.")},
    )  # fmt: skip
    country = forms.RegexField(
        r"^[A-Za-z]{2,3}$", label=gettext_lazy("Country"), required=False, help_text=gettext_lazy("Its code, such as CN or DE. Empty: no holidays but your own."),
        error_messages={"invalid": gettext_lazy("This must be the code of a country, such as CN.")},
    )  # fmt: skip
    subdivision = forms.CharField(
        label=gettext_lazy("State or province"),
        required=False,
        max_length=20,
        help_text=gettext_lazy("Its code, such as BY."),
    )


@page("schedules.see")
def year(request: DeskRequest) -> HttpResponse:
    """The year of one calendar (``?calendar=company&year=2026``), and what can be changed about it."""
    return _page(request, request.GET.get("calendar", ""), {})


def _page(request: DeskRequest, wanted: str, refused: Mapping[str, Any], status: int = 200) -> HttpResponse:
    found = plan()
    timetable = found.timetable
    here = times.local(now()).date()
    asked = request.GET.get("year", "")
    shown = int(asked) if asked.isdecimal() and 2000 <= int(asked) <= 2100 else here.year
    context: dict[str, Any] = {
        "tab": "days",
        "year": shown,
        "errors": found.errors,
        "names": list(timetable.calendars) if timetable else [],
        "today": here,
        "before": shown - 1,
        "after": shown + 1,
    }
    name = wanted or (context["names"][0] if context["names"] else "")
    day = _date(request.GET.get("day", ""))
    context |= {
        "name": name, "may": request.access.may("calendars.edit") and not found.errors, "weekdays": [one[:2] for one in weekdays()],
        "day_form": DayForm(initial={"first": day or here, "kind": "closed"}, label_suffix="", prefix="d"), "window_form": WindowForm(),
        "calendar_form": CalendarForm(label_suffix="", prefix="c"), "picked": day, **refused,
    }  # fmt: skip
    if timetable is not None and name in timetable.calendars:
        context |= _of_calendar(timetable, name, shown, day)
    return render(request, "schedules/days.html", context, status=status)


def _of_calendar(timetable: Timetable, name: str, shown: int, day: date | None) -> dict[str, Any]:
    calendar, entry = timetable.calendars[name], timetable.file.calendars[name]
    months = years.year_of(calendar, entry, shown)
    users = [one.schedule.id for one in timetable.planned if name in one.schedule.calendars]
    picked = years.day_of(calendar, entry, years.written_days(entry), day) if day else None
    return {
        "months": months, "lines": years.stretches(years.special_days(months)), "calendar": calendar, "entry": entry, "users": users,
        "country": years.country_of(calendar), "guessed": bool(calendar.unknown_years([shown])), "picked_day": picked,
        "windows": [(one.text, years.window_words(one)) for one in calendar.blackouts],
    }  # fmt: skip


@page("calendars.edit", ACT)
def change(request: DeskRequest) -> HttpResponse:
    """Show what an edit of a calendar does, and make it when that was seen."""
    name = request.POST.get("calendar", "")
    back = f"{reverse('schedules:days')}?calendar={name}"
    try:
        asked = _edit(request, name)
        if asked is None:
            return _page(request, name, _forms(request), 422)
        edit, first, last = asked
        at = now()
        shown = preview.look_at(edit, around(first, last, at))
    except REFUSED as error:
        return _page(request, name, {**_forms(request), "refused": _lines(error)}, 422)
    moved = request.POST.get("step") == "save" and request.POST.get("base") != shown.base
    if request.POST.get("step") == "save" and not moved:
        if preview.make(request, shown, _("The calendar %(name)s is changed.") % {"name": edit.subject}):
            return redirect(f"{reverse('schedules:days')}?calendar={edit.subject}")
        moved = True
    context = preview.context_of(
        shown, request, moved=moved, action=reverse("schedules:days_change"), back=back, of_calendar=True
    )
    return render(request, "schedules/preview.html", context, status=409 if moved else 200)  # fmt: skip


_Asked = (
    tuple[edits.Edit, datetime, datetime] | None
)  # an edit, and from when to when it matters; None: a field is wrong


def _edit(request: DeskRequest, name: str) -> _Asked:
    """The edit that one of the page's forms asks for. Raises UsageError for none of them."""
    what = request.POST.get("what", "")
    if what not in _MAKERS:
        raise UsageError(f"'{what}' is no change", expected="one of the forms of the page", code="CLI_USAGE")
    return _MAKERS[what](request, name)


def _add_day(request: DeskRequest, name: str) -> _Asked:
    form = DayForm(request.POST, prefix="d", label_suffix="")
    if not form.is_valid():
        return None
    given = form.cleaned_data
    until = f"{given['until']:%H:%M}" if given["until"] else edits.NOON
    last = given["last"] or given["first"]
    edit = edits.add_day(name, given["first"], given["kind"], last=last, until=until)
    return edit, *stretch(given["first"], last)


def _remove_day(request: DeskRequest, name: str) -> _Asked:
    written = request.POST.get("written", "")
    first, _dots, last = written.partition("..")
    today = times.local(now()).date()
    span = [_date(text) or today for text in (first, last or first)]
    return edits.remove_day(name, written, request.POST.get("kind", "")), *stretch(span[0], span[1])


def _add_window(request: DeskRequest, name: str) -> _Asked:
    form = WindowForm(request.POST)
    if not form.is_valid():
        return None
    text = form.cleaned_data["window"]
    return edits.add_blackout(name, text), *span_of(text)


def _remove_window(request: DeskRequest, name: str) -> _Asked:
    text = request.POST.get("window", "")
    return edits.remove_blackout(name, text), *span_of(text)


def _new_calendar(request: DeskRequest, name: str) -> _Asked:
    del name
    form = CalendarForm(request.POST, prefix="c", label_suffix="")
    if not form.is_valid():
        return None
    said = form.cleaned_data
    entry = {key: said[key].upper() for key in ("country", "subdivision") if said[key]}
    return edits.new_calendar(said["name"], entry), now(), now()


_MAKERS: Final[Mapping[str, Callable[[DeskRequest, str], _Asked]]] = {
    "day": _add_day,
    "remove-day": _remove_day,
    "window": _add_window,
    "remove-window": _remove_window,
    "calendar": _new_calendar,
}


def _forms(request: DeskRequest) -> dict[str, Any]:
    """The form that was sent, as it was filled in."""
    what = request.POST.get("what", "")
    if what == "day":
        return {"day_form": DayForm(request.POST, prefix="d", label_suffix="")}
    if what == "window":
        return {"window_form": WindowForm(request.POST)}
    return (
        {"calendar_form": CalendarForm(request.POST, prefix="c", label_suffix="")}
        if what == "calendar"
        else {}
    )


def _lines(error: RunnerError) -> list[str]:
    return lines_of(error)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None
