"""Bots of this project."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.outside import place


@page("bots.see")
def bots(request: DeskRequest) -> HttpResponse:
    """All bots, with the files that could not be loaded."""
    found, errors = place().outside.discover(None)
    return render(request, "bots/list.html", {"bots": found, "errors": errors})
