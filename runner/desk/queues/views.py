"""Work queues: what is in them, by state."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.store.item_lists import list_queues


@page("queues.see")
def queues(request: DeskRequest) -> HttpResponse:
    """All work queues with the number of their items by state."""
    return render(request, "queues/list.html", {"queues": list_queues()})
