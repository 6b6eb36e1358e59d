"""The steps of a run: by name with their times, and as a waterfall, part by part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from runner.core.clock import now
from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.charts import Piece
from runner.desk.recordings.failures import step_names
from runner.desk.runs.journal import process_of_run
from runner.store.models import Run, Step
from runner.store.run_items import steps_by_name

SIZE: Final = 60
_DEEPEST: Final = 3
_BAD: Final = frozenset({"failed", "lost"})


@page("runs.see", process_of=process_of_run)
def steps(request: DeskRequest, run_id: str) -> HttpResponse:
    """The steps alone, for htmx; opened by itself it is a page."""
    found = Run.objects.get(pk=run_id)
    context = {"run": found, **steps_context(request, found)}
    return render(request, "runs/steps.html" if request.htmx else "runs/steps_page.html", context)


def steps_context(request: DeskRequest, run: Run) -> dict[str, Any]:
    """The steps by name, and the part of the waterfall that ``?step=`` and ``?from=`` ask for. Two queries."""
    name, begin = request.GET.get("step", ""), request.GET.get("from", "")
    offset = int(begin) if begin.isdigit() else 0
    rows = Step.objects.filter(run_id=run.pk).order_by("lane", "seq")
    rows = rows.filter(name=name) if name else rows
    found = list(rows[offset : offset + SIZE + 1])
    names = step_names(run.bot)
    return {
        "by_name": [(one, names.get(str(one["name"]), one["name"])) for one in steps_by_name(run.pk)],
        "pieces": pieces_of(found[:SIZE], names),
        "step_name": name,
        "step_shown": names.get(name, name),
        "steps_before": max(0, offset - SIZE) if offset else None,
        "steps_after": offset + SIZE if len(found) > SIZE else None,
    }


def pieces_of(steps: list[Step], names: Mapping[str, str]) -> list[Piece]:
    """Steps as bars: nested below those that they are part of, linked to their item; `names` are what they are called here."""
    depths: dict[tuple[int, int], int] = {}
    pieces = []
    for step in steps:
        above = depths.get((step.lane, step.parent), -1) if step.parent is not None else -1
        depth = depths[step.lane, step.seq] = min(above + 1, _DEEPEST)
        seconds = step.ms / 1000 if step.ms is not None else max(0.0, (now() - step.started).total_seconds())
        link = (
            f"{reverse('queues:queue', args=[step.queue])}item?key={quote(step.item)}"
            if step.queue and step.item
            else ""
        )
        called = names.get(step.name, step.name)
        shown = f"{called} · {step.item}" if step.item and depth == 0 else called
        pieces.append(
            Piece(shown, step.started.timestamp(), seconds, depth, "bad" if step.status in _BAD else "", link)
        )
    return pieces
