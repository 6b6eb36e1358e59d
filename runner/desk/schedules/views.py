"""Schedules: what is written in schedules.yaml, in plain words."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language

from runner.core.clock import now
from runner.core.errors import ErrorReport
from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.outside import place
from runner.timetable.describe import describe_planned
from runner.timetable.loading import load


@page("schedules.see")
def schedules(request: DeskRequest) -> HttpResponse:
    """All schedules; a broken file shows its errors in their place."""
    language = "zh" if (get_language() or "").startswith("zh") else "en"
    try:
        planned = load(place().settings.schedules, None, now()).planned
    except ErrorReport as report:
        return render(request, "schedules/list.html", {"errors": report.errors})
    rows = [{"schedule": one.schedule, "rule": describe_planned(one, one.zone, language)} for one in planned]
    return render(request, "schedules/list.html", {"rows": rows})
