"""Schedules: the list with rule, state, last and next, and what is wrong with the file where it is broken."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from runner.cases.clock import accept_clock as believe
from runner.cases.clock import holding_cases
from runner.core.clock import now
from runner.core.errors import ConflictError
from runner.desk import lists
from runner.desk.access import ACT, page
from runner.desk.asking import DeskRequest
from runner.desk.planned import plan
from runner.desk.schedules.listing import LIST, Listed, found_rows, rows_of


@page("schedules.see")
def schedules(request: DeskRequest) -> HttpResponse:
    """All schedules; a broken file shows its errors above the version that is in force."""
    found, at = plan(), now()
    context: dict[str, Any] = {"errors": found.errors, "tab": "list", "holding": holding_cases()}
    if found.outlook is None:
        return render(request, "schedules/list.html", context)
    rows, chips = found_rows(request, found.outlook, at)
    if lists.wants_export(request):
        return lists.export_known(LIST, _with_rows(found.outlook, rows[: lists.MOST_EXPORTED], at))
    shown = lists.show_known(request, LIST, rows, chips)
    shown.rows[:] = _with_rows(found.outlook, shown.rows, at)
    warnings = found.outlook.timetable.warnings(at)
    return render(request, "schedules/list.html", {**context, "shown": shown, "warnings": warnings})


def _with_rows(outlook: Any, found: Any, at: Any) -> list[Listed]:
    return list(found) if found and isinstance(found[0], Listed) else rows_of(outlook, found, at)


@page("cases.decide", ACT)
def accept_clock(request: DeskRequest) -> HttpResponse:
    """Say that the clock is right: schedulers that hold go on."""
    note = request.POST.get("note", "").strip()[:500] or _("The clock is right.")
    try:
        believe(by=request.person.username, at=now(), note=note)
    except ConflictError:
        messages.info(request, _("No scheduler holds any more."))
    else:
        messages.success(
            request, _("The schedulers go on, by what each schedule says about missed due times.")
        )
    return redirect("schedules:list")
