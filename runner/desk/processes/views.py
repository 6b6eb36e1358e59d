"""All processes with their health at a glance, the worst first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render

from runner.core.clock import now
from runner.core.schedules_model import Process as Entry
from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.processes.health_words import findings_of, verdict
from runner.desk.processes.planned_for import entries, known_processes, schedules_by_process
from runner.desk.runs.strips import strip_of
from runner.insight.process_health import Health, health_of, workers_of

_TONES: Final = ("bad", "warn", "info", "good")
_MOST: Final = 200


@page("processes.see")
def processes(request: DeskRequest) -> HttpResponse:
    """Every process, with what needs somebody now."""
    at = now()
    names = [name for name in known_processes() if request.access.may("processes.see", name)][:_MOST]
    written, workers = entries(), workers_of(names)
    planned = schedules_by_process(workers)
    health = health_of(workers, {name: [one.schedule.id for one in planned[name]] for name in names}, at)
    rows = [_row(health[name], written.get(name, Entry())) for name in names]
    rows.sort(
        key=lambda row: (_TONES.index(row["health"].tone), -row["health"].overdue, row["health"].process)
    )
    return render(request, "processes/list.html", {"processes": rows, "most": _MOST})


def _row(health: Health, entry: Entry) -> dict[str, Any]:
    runs = [run for one in health.of_bots.values() for run in one.runs]
    runs.sort(key=lambda run: (run.started is None, run.started or datetime.min.replace(tzinfo=UTC)))
    return {
        "health": health,
        "entry": entry,
        "verdict": verdict(health),
        "findings": findings_of(health),
        "strip": strip_of(runs[-20:]),
    }
