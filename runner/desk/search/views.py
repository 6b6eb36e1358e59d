"""Search over cases, items and runs."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.store.case_lists import CaseFilter, filtered_cases


@page("search.use")
def search(request: DeskRequest) -> HttpResponse:
    """Cases in which all of the words occur."""
    words = request.GET.get("q", "").strip()
    found = (
        filtered_cases(CaseFilter(text=words)).select_related("item").order_by("-opened") if words else None
    )
    rows = list(request.access.limit(found, "cases.see")[:50]) if found is not None else []
    return render(request, "search/page.html", {"words": words, "rows": rows})
