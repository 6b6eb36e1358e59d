"""Processes: what the bots work for."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.navigation import counted
from runner.store.models import Case, Run


@page("processes.see")
def processes(request: DeskRequest) -> HttpResponse:
    """Every process that a run or a case names, with the cases that wait for a person."""
    runs = request.access.limit(Run.objects.exclude(process=""), "processes.see")
    names = sorted(runs.order_by().values_list("process", flat=True).distinct())
    found = [
        {"name": name, "cases": counted(Case.objects.filter(process=name, status="open"))} for name in names
    ]
    return render(request, "processes/list.html", {"processes": found})
