"""Health: the check-up of `runner doctor`, as a page."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.outside import place


@page("health.see")
def health(request: DeskRequest) -> HttpResponse:
    """What the check-up finds; it takes a few seconds, so the page fetches its lines after it has opened."""
    if not request.htmx:
        return render(request, "health/page.html")
    return render(request, "health/lines.html", {"lines": place().outside.checkup()})
