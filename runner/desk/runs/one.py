"""One run: how far it is, what it works with, what it left behind, and what came before and after it."""

from __future__ import annotations

from typing import Any, Final

from django.http import Http404, HttpResponse
from django.http.response import FileResponse, HttpResponseBase
from django.shortcuts import render

from runner.cases.run_log import log_stamp
from runner.cases.run_requests import new_token
from runner.core.clock import now
from runner.core.nouns import RunStatus
from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.kept_files import is_kept
from runner.desk.live import live
from runner.desk.outside import place
from runner.desk.recordings.failures import cause_of
from runner.desk.runs.journal import journal_context
from runner.desk.runs.left_behind import evidence_of, outputs_of
from runner.desk.runs.related import related_to
from runner.desk.runs.steps import steps_context
from runner.desk.words import tone, word
from runner.store.bot_lists import last_good_version
from runner.store.models import BotVersion, Case, Lane, Run
from runner.store.run_items import pace_of, shares_of, totals

_MOST_CASES: Final = 5


def process_of_run(run_id: str, **_parts: object) -> str | None:
    """The process that a run belongs to; None where there is no such run."""
    return Run.objects.filter(pk=run_id).values_list("process", flat=True).first()


def run_of(run_id: str) -> Run:
    """The run. Raises Http404."""
    found = Run.objects.filter(pk=run_id).first()
    if found is None:
        raise Http404(run_id)
    return found


def version_of_run(request: DeskRequest, run_id: str) -> object:  # noqa: ARG001 (what `live` asks with)
    """What changes when the state of a run may have: its row, its lanes, its journals."""
    found = run_of(run_id)
    lanes = list(Lane.objects.filter(run_id=run_id).order_by("number").values_list("status", "offset"))
    going_on = found.status == RunStatus.RUNNING
    clock = int(now().timestamp() / 5) if going_on else 0  # the time that has passed and that is left go on
    return (
        found.status,
        found.offset,
        found.stop_asked_by,
        lanes,
        log_stamp(place().settings.runs, found),
        clock,
    )


@page("runs.see", process_of=process_of_run)
def run(request: DeskRequest, run_id: str) -> HttpResponse:
    """The page of a run."""
    found = run_of(run_id)
    parts = state_context(request, found)
    context = {
        "run": found,
        "token": new_token(now()),
        "inputs": _inputs(found),
        "outputs": outputs_of(found),
        "evidence": evidence_of(found) if request.access.may("evidence.see", found.process) else [],
        "cases": list(Case.objects.filter(run_id=run_id).order_by("-opened")[: _MOST_CASES + 1]),
        "most_cases": _MOST_CASES,
        "good": _good_version(found),
        "may_start": request.access.may("runs.start", found.process),
        **parts,
        **related_to(found),
        **steps_context(request, found),
        **journal_context(request, found, [lane.number for lane in parts["lanes"]]),
    }
    return render(request, "runs/run.html", context)


@page("runs.see", process_of=process_of_run)
@live(version_of_run)
def state(request: DeskRequest, run_id: str) -> HttpResponse:
    """The part that refreshes: state, progress, lanes. When the run has ended, the whole page is loaded once more."""
    found = run_of(run_id)
    answer = render(request, "runs/state.html", {"run": found, **state_context(request, found)})
    if request.htmx and RunStatus(found.status).is_final:
        answer["HX-Refresh"] = "true"
    return answer


def state_context(request: DeskRequest, found: Run) -> dict[str, Any]:
    """State, progress and lanes of a run. Three queries."""
    shares = shares_of(found.pk)
    counts = totals(shares)
    open_ones = counts["pending"] + counts["running"]
    is_running = found.status == RunStatus.RUNNING
    return {
        "shares": shares,
        "counts": counts,
        "cause": cause_of(found.bot, found.error),
        "parts": [
            (counts["done"], tone("item", "done"), f"{word('item', 'done')}: {counts['done']}"),
            (counts["exceptions"], "bad", f"{word('item', 'exception')}: {counts['exceptions']}"),
            (counts["rejected"], "plain", f"{word('item', 'rejected')}: {counts['rejected']}"),
            (counts["running"], "info", f"{word('item', 'running')}: {counts['running']}"),
        ],
        "pace": pace_of(found.pk, open_ones, now()) if is_running else None,
        "lanes": list(Lane.objects.filter(run_id=found.pk).order_by("number")),
        "is_final": RunStatus(found.status).is_final,
        "may_cancel": request.access.may("runs.cancel", found.process),
    }  # fmt: skip


@page("evidence.see", process_of=process_of_run, see="runs.see")
def sent_file(request: DeskRequest, run_id: str, name: str) -> HttpResponseBase:  # noqa: ARG001 (what every view takes)
    """A file that somebody sent for this run, under the parameter `name`: a download of what they sent."""
    value = run_of(run_id).parameters.get(name)
    if not isinstance(value, str) or not is_kept(place().settings.home, value):
        raise Http404(name)
    file = open(value, "rb")  # noqa: SIM115, PTH123 (the answer closes it)
    return FileResponse(file, as_attachment=True, content_type="application/octet-stream")


def _inputs(found: Run) -> list[dict[str, Any]]:
    home = place().settings.home
    return [
        {"name": name, "value": value, "sent": isinstance(value, str) and is_kept(home, value)}
        for name, value in found.parameters.items()
    ]


def _good_version(found: Run) -> dict[str, Any]:
    """How the run's version of the bot stands to that of the last run before it that went through."""
    if not found.bot_version:
        return {"state": "unknown"}
    good = last_good_version(found.bot, found.queued)
    if not good or good == found.bot_version:
        return {"state": "same" if good else "first"}
    known = BotVersion.objects.filter(bot=found.bot, version__in=[good, found.bot_version]).count()
    return {"state": "other" if known == 2 else "unseen", "version": good}
