"""What people decide about a schedule beside its file: pause, resume, promote, take a due time out, answer a missed one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from runner.cases import schedule_acts
from runner.cases.schedule_acts import SCHEDULE, ScheduleVerb
from runner.cases.schedule_requests import BackfillRow, decide_missed
from runner.core.clock import from_iso, now
from runner.core.errors import ConflictError
from runner.desk import times
from runner.desk.access import ACT, page
from runner.desk.asking import DeskRequest
from runner.desk.queue.asked import presets
from runner.desk.queue.deciding import UNDO
from runner.desk.runs.views import read_moment
from runner.desk.schedules.seen import planned_of, process_of_schedule
from runner.store.models import Act


@page("schedules.pause", ACT, process_of=process_of_schedule)
def pause(request: DeskRequest, name: str) -> HttpResponse:
    """Let due times end as skipped, for a reason, until a time or until somebody resumes it.

    ``?again=ACT`` is the undo of a resume: the pause of that act, with its reason and end.
    """
    planned_of(name)
    at = now()
    again = _pause_of(name, request.GET.get("again", ""))
    reason = again.note if again else request.POST.get("note", "").strip()[:500]
    until, wrong = _again_until(again) if again else _until(request, at)
    if not reason or wrong:
        messages.error(request, wrong or _("Say in a few words why it is paused."))
        query = {"note": reason, "until": request.POST.get("until", ""), "asked": "pause"}
        return redirect(f"{reverse('schedules:one', args=[name])}?{urlencode(query)}")
    schedule_acts.pause(name, by=request.person.username, at=at, reason=reason, until=until)
    words = {"name": name, "until": times.moment(until) if until else ""}
    text = (
        _("%(name)s is paused until %(until)s.")
        if until
        else _("%(name)s is paused until somebody resumes it.")
    )
    messages.success(request, text % words, extra_tags=f"{UNDO}{reverse('schedules:resume', args=[name])}")
    return redirect("schedules:one", name)


@page("schedules.pause", ACT, process_of=process_of_schedule)
def resume(request: DeskRequest, name: str) -> HttpResponse:
    """End the pause."""
    planned_of(name)
    before = _last_pause(name)
    try:
        schedule_acts.resume(
            name, by=request.person.username, at=now(), note=request.POST.get("note", "").strip()[:500]
        )
    except ConflictError:
        messages.info(request, _("%(name)s is not paused.") % {"name": name})
        return redirect("schedules:one", name)
    tags = f"{UNDO}{reverse('schedules:pause', args=[name])}?again={before.pk}" if before else ""
    messages.success(
        request, _("%(name)s runs again, from its next due time on.") % {"name": name}, extra_tags=tags
    )
    return redirect("schedules:one", name)


@page("schedules.promote", ACT, process_of=process_of_schedule)
def promote(request: DeskRequest, name: str) -> HttpResponse:
    """Take a pilot to production: its next run works on all items."""
    planned_of(name)
    note = request.POST.get("note", "").strip()[:500]
    try:
        schedule_acts.promote(name, by=request.person.username, at=now(), note=note)
    except ConflictError:
        messages.info(request, _("%(name)s is in production already.") % {"name": name})
    else:
        messages.success(
            request, _("%(name)s is in production: its next run works on all items.") % {"name": name}
        )
    return redirect("schedules:one", name)


@page("schedules.pause", ACT, process_of=process_of_schedule)
def cancel_due(request: DeskRequest, name: str) -> HttpResponse:
    """Take one due time out before it comes."""
    planned = planned_of(name)
    due = instant(request.POST.get("due", ""))
    reason = request.POST.get("note", "").strip()[:500]
    if due is None or due <= now() or planned.next_after(due - timedelta(microseconds=1)) != due:
        messages.error(request, _("This due time has come already, or is none any more."))
    elif not reason:
        messages.error(request, _("Say in a few words why it is taken out."))
    else:
        try:
            schedule_acts.cancel_due(name, due, by=request.person.username, at=now(), reason=reason)
        except ConflictError:
            messages.warning(request, _("This due time has ended already; see its history."))
        else:
            words = {"name": name, "due": times.moment(due)}
            messages.success(request, _("%(name)s will not run at %(due)s.") % words)
    return redirect("schedules:one", name)


@page("schedules.run", ACT, process_of=process_of_schedule)
def answer(request: DeskRequest, name: str) -> HttpResponse:
    """Answer due times that were missed: run them now, or leave them for a reason."""
    planned = planned_of(name)
    dues = [due for due in map(instant, request.POST.getlist("due")) if due is not None]
    runs, note = request.POST.get("answer") == "run", request.POST.get("note", "").strip()[:500]
    if not dues:
        messages.error(request, _("Select the due times first."))
    elif not runs and not note:
        messages.error(request, _("Say in a few words why they are left."))
    else:
        done = decide_missed(planned, dues, run=runs, by=request.person.username, at=now(), note=note)
        tell(request, done, runs=runs)
    return redirect("schedules:one", name)


def tell(request: DeskRequest, done: Sequence[BackfillRow], *, runs: bool) -> None:
    """Say what became of due times of the past, and which of them somebody else has answered meanwhile."""
    refused = [row for row in done if row.why]
    went = len(done) - len(refused)
    if went and runs:
        text = ngettext(
            "%(n)d run is queued. It starts as soon as a worker is free.",
            "%(n)d runs are queued. They start one after the other as workers are free.",
            went,
        )
        messages.success(request, text % {"n": went})
    elif went:
        text = ngettext("%(n)d due time is left as it is.", "%(n)d due times are left as they are.", went)
        messages.success(request, text % {"n": went})
    if refused:
        text = ngettext(
            "%(n)d due time has run or was answered meanwhile: nothing was done about it.",
            "%(n)d due times have run or were answered meanwhile: nothing was done about them.",
            len(refused),
        )
        messages.warning(request, text % {"n": len(refused)})


def instant(text: str) -> datetime | None:
    """The instant that a form of ours names; None for what is none."""
    try:
        found = from_iso(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


def _until(request: DeskRequest, at: datetime) -> tuple[datetime | None, str]:
    """When the pause ends (None: when somebody ends it), and what is wrong with it."""
    preset = dict(presets(at)).get(request.POST.get("preset", ""))
    text = request.POST.get("until", "").strip()
    if preset is not None or not text:
        return preset, ""
    try:
        until = read_moment(text)
    except ValueError:
        return None, _("This must be a date and a time, such as 2026-11-24 14:30.")
    return until, "" if until > at else _("Choose a time in the future.")


def _pause_of(name: str, act: str) -> Act | None:
    return Act.objects.filter(
        pk=act, subject_kind=SCHEDULE, subject=name, verb=ScheduleVerb.PAUSE
    ).first() if act else None  # fmt: skip


def _again_until(act: Act) -> tuple[datetime | None, str]:
    until = instant(act.data.get("until", ""))
    return (until, "") if until is None or until > now() else (None, _("Choose a time in the future."))


def _last_pause(name: str) -> Act | None:
    acts = Act.objects.filter(subject_kind=SCHEDULE, subject=name, verb=ScheduleVerb.PAUSE)
    return acts.order_by("-at", "-pk").first()
