"""What people do with runs: end one, and ask for another like it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from runner.cases.cancel import cancel_run
from runner.cases.run_requests import run_again
from runner.core.clock import now
from runner.core.errors import ConflictError
from runner.core.nouns import RunStatus
from runner.desk.access import ACT, page
from runner.desk.asking import DeskRequest
from runner.desk.runs.one import process_of_run, run_of
from runner.desk.words import word


@page("runs.cancel", ACT, process_of=process_of_run)
def cancel(request: DeskRequest, run_id: str) -> HttpResponse:
    """End a run: one that waits at once, one that goes on by its worker, between two items."""
    note = request.POST.get("note", "").strip()[:500]
    try:
        status = cancel_run(run_id, by=request.person.username, at=now(), note=note)
    except ConflictError:
        found = run_of(run_id)
        messages.warning(
            request, _("It had ended already: %(state)s.") % {"state": word("run", found.status)}
        )
        return redirect("runs:run", run_id)
    if status == RunStatus.CANCELLED:
        messages.success(request, _("The run is cancelled. It had not begun."))
    else:
        messages.success(
            request, _("The worker was asked to end the run. The item in work is finished first.")
        )
    return redirect("runs:run", run_id)


@page("runs.start", ACT, process_of=process_of_run)
def again(request: DeskRequest, run_id: str) -> HttpResponse:
    """Ask for the same run again, with the same parameters; the form sent twice asks once."""
    note, token = request.POST.get("note", "").strip()[:500], request.POST.get("token", "")
    made = run_again(run_id, by=request.person.username, at=now(), note=note, token=token)
    messages.success(request, _("The run is queued. It starts as soon as a worker is free."))
    return redirect("runs:run", made)
