"""Runs that people ask for in a schedule's place: now, through the form of its bot, or for due times of the past."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runner.cases.run_requests import new_token
from runner.cases.schedule_requests import (
    BackfillRow,
    backfill,
    preview_backfill,
    row_by_hand,
    run_schedule,
)
from runner.core.clock import now
from runner.core.errors import ConfigurationError, ConflictError, ErrorReport, UsageError
from runner.desk.access import ACT, page
from runner.desk.asking import DeskRequest
from runner.desk.bots.run_form import RunForm
from runner.desk.errors.telling import line_of
from runner.desk.schedules.acts import instant, tell
from runner.desk.schedules.reasons import told
from runner.desk.schedules.seen import bot_of, planned_of, process_of_schedule, rule_of
from runner.store.models import Bot, Run
from runner.timetable.due_times import Planned

FORM_AND_ACT: Final = ("GET", *ACT)
_WEEK: Final = timedelta(days=7)


@page("schedules.run", FORM_AND_ACT, process_of=process_of_schedule, see="schedules.see")
def run_now(request: DeskRequest, name: str) -> HttpResponse:
    """The form of the bot with the schedule's own parameters; sent, it starts a run beside the due times."""
    planned, at = planned_of(name), now()
    bot = Bot.objects.filter(pk=bot_of(planned)).first()
    start, wrong = _parameters(planned, at, request.person.username)
    context: dict[str, Any] = {"name": name, "planned": planned, "rule": rule_of(planned), "bot": bot}
    if request.method != "POST":
        form = RunForm(bot, start=start) if bot else None
        context |= {"form": form, "token": new_token(at), "refused": wrong, "going": _going(name)}
        return render(request, "schedules/run.html", context)
    form = RunForm(bot, request.POST, request.FILES, start=start) if bot else None
    wish = form.wish() if form else None
    note, token = (
        (wish.note, wish.token)
        if wish
        else (request.POST.get("note", "")[:500], request.POST.get("token", ""))
    )
    if form is None or wish is not None:
        try:
            values = wish.parameters if wish else None
            run = run_schedule(
                planned, by=request.person.username, at=at, parameters=values, note=note.strip(), token=token
            )
        except (ErrorReport, ConfigurationError, UsageError, ConflictError) as error:
            if form is not None:
                form.refuse(error)
            wrong = line_of(error) if form is None else ""
        else:
            messages.success(request, _("The run is queued. It starts as soon as a worker is free."))
            return redirect("runs:run", run)
    context |= {"form": form, "token": token, "refused": wrong, "wrong": form is not None}
    return render(request, "schedules/run.html", context, status=422)  # fmt: skip


def _parameters(planned: Planned, at: datetime, by: str) -> tuple[dict[str, Any], str]:
    """The parameters that a run of this moment would get; as the file has them, and why, where they can't be made."""
    try:
        return dict(row_by_hand(planned, at, at, by=by)["parameters"]), ""
    except ConfigurationError as error:
        return dict(planned.schedule.parameters), line_of(error)


def _going(name: str) -> Run | None:
    """A run of the schedule that goes on or waits: another one may get in its way."""
    return Run.objects.filter(schedule=name, status__in=["queued", "running"]).order_by("queued").first()


class SpanForm(forms.Form):
    """The stretch of the past whose due times are asked for."""

    start = forms.DateTimeField(
        label=gettext_lazy("From"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"required": gettext_lazy("Please fill this in."), "invalid": gettext_lazy("This must be a date and a time, such as 2026-11-24 14:30.")},
    )  # fmt: skip
    end = forms.DateTimeField(
        label=gettext_lazy("Until"), required=False, help_text=gettext_lazy("Empty: until now."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": gettext_lazy("This must be a date and a time, such as 2026-11-24 14:30.")},
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """A stretch of the past."""
        found: dict[str, Any] = super().clean() or {}
        start, end = found.get("start"), found.get("end")
        if start and start > now():
            self.add_error("start", _("This is still to come."))
        elif start and end and end < start:
            self.add_error("end", _("This is before the beginning."))
        return found


@page("schedules.run", FORM_AND_ACT, process_of=process_of_schedule, see="schedules.see")
def backfilling(request: DeskRequest, name: str) -> HttpResponse:
    """Due times of the past that did not run: shown for a stretch of time, then run, those that were left selected."""
    planned = planned_of(name)
    if request.method == "POST":
        return _backfill(request, name, planned)
    begin = (now() - _WEEK).replace(second=0, microsecond=0)
    form = SpanForm(
        request.GET if "start" in request.GET else None, initial={"start": begin}, label_suffix=""
    )
    context: dict[str, Any] = {
        "name": name,
        "form": form,
        "rule": rule_of(planned),
        "timed": planned.schedule.is_timed,
    }
    if form.is_bound and form.is_valid():
        start, end = form.cleaned_data["start"], form.cleaned_data["end"] or now()
        try:
            context["rows"] = [_shown(row) for row in preview_backfill(planned, start, end, now())]
        except UsageError:
            form.add_error("start", _("More than 1,000 due times: choose a shorter stretch."))
    return render(request, "schedules/backfill.html", context, status=422 if form.errors else 200)


def _backfill(request: DeskRequest, name: str, planned: Planned) -> HttpResponse:
    asked = [due for due in map(instant, request.POST.getlist("due")) if due is not None]
    if not asked:
        messages.error(request, _("Select the due times first."))
        return redirect("schedules:backfill", name)
    tick = timedelta(microseconds=1)
    known = {row.due: row for row in preview_backfill(planned, min(asked) - tick, max(asked), now())}
    rows = [known[due] for due in asked if due in known]
    gone = [BackfillRow(due, why="gone") for due in asked if due not in known]
    note = request.POST.get("note", "").strip()[:500]
    tell(
        request, [*backfill(planned, rows, by=request.person.username, at=now(), note=note), *gone], runs=True
    )
    return redirect("schedules:one", name)


def _shown(row: BackfillRow) -> dict[str, Any]:
    return {
        "due": row.due,
        "key": row.due.isoformat(),
        "was": row.was,
        "why": told(row.reason) if row.reason else "",
    }
