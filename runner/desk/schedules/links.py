"""Trigger URLs: each lets whoever knows it start one schedule, and nothing else. Made, shown once, revoked."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from runner.cases.trigger_urls import make_trigger_url, revoke_trigger_url
from runner.core.clock import now
from runner.core.errors import ConflictError
from runner.desk.access import ACT, page
from runner.desk.asking import DeskRequest
from runner.desk.outside import place
from runner.desk.schedules.seen import planned_of, process_of_schedule
from runner.store.models import TriggerUrl


@page("schedules.urls", ACT, process_of=process_of_schedule)
def make(request: DeskRequest, name: str) -> HttpResponse:
    """Make one; the answer is the only page that ever shows it."""
    planned_of(name)
    label = request.POST.get("label", "").strip()[:200]
    if not label:
        messages.error(request, _("Say who will call it."))
        return redirect("schedules:one", name)
    made = make_trigger_url(name, label=label, by=request.person.username, at=now())
    base = place().settings.desk_url.rstrip("/") or request.build_absolute_uri("/").rstrip("/")
    address = f"{base}/hooks/{made.token}"
    answer = render(request, "schedules/link.html", {"name": name, "label": label, "address": address})
    answer["Cache-Control"] = "no-store"
    return answer


@page("schedules.urls", ACT, process_of=process_of_schedule)
def revoke(request: DeskRequest, name: str, number: int) -> HttpResponse:
    """Let one start nothing any more."""
    url = TriggerUrl.objects.filter(pk=number, schedule=name).first()
    if url is None:
        raise Http404(str(number))
    try:
        revoke_trigger_url(number, by=request.person.username, at=now())
    except ConflictError:
        messages.info(request, _("It was revoked already."))
    else:
        messages.success(request, _("The URL for %(label)s starts nothing any more.") % {"label": url.label})
    return redirect("schedules:one", name)
