"""The journal of a run on its page: levels, lanes, words and items to narrow it, page by page, growing while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from runner.cases.run_log import LogFilter, LogPage, log_stamp, read_log
from runner.core.nouns import RunStatus
from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.live import live
from runner.desk.outside import place
from runner.desk.recordings.failures import step_names
from runner.store.models import Lane, Run

SIZE: Final = 100
_LEVELS: Final = (
    ("", _("all levels")),
    ("info", _("info and above")),
    ("warning", _("warnings and errors")),
    ("error", _("errors")),
)
_TONES: Final = {"warning": "warn", "error": "bad", "critical": "bad"}
_ASKED: Final = ("level", "text", "item", "lane")


def process_of_run(run_id: str, **_parts: object) -> str | None:
    """The process that a run belongs to; None where there is no such run."""
    return Run.objects.filter(pk=run_id).values_list("process", flat=True).first()


def _version(request: DeskRequest, run_id: str) -> object:  # noqa: ARG001 (what `live` asks with)
    found = Run.objects.get(pk=run_id)
    return found.status, log_stamp(place().settings.runs, found)


@page("runs.see", process_of=process_of_run)
@live(_version)
def journal(request: DeskRequest, run_id: str) -> HttpResponse:
    """The journal alone, for htmx; opened by itself it is a page."""
    found = Run.objects.get(pk=run_id)
    context = {"run": found, "is_final": RunStatus(found.status).is_final, **journal_context(request, found)}
    return render(request, "runs/journal.html" if request.htmx else "runs/journal_page.html", context)


def journal_context(request: DeskRequest, found: Run, lanes: Sequence[int] | None = None) -> dict[str, Any]:
    """The lines that the address asks for, and what it takes to ask for others; `lanes` where their numbers are known."""
    asked = {key: request.GET.get(key, "").strip()[:200] for key in _ASKED}
    lane = int(asked["lane"]) if asked["lane"].isdigit() else None
    first = request.GET.get("first", "")
    wanted = LogFilter(asked["level"], asked["text"], asked["item"], lane)
    shown = read_log(place().settings.runs, found, wanted, int(first) if first.isdigit() else None, SIZE)
    kept = {key: value for key, value in asked.items() if value}
    if lanes is None:
        lanes = list(Lane.objects.filter(run_id=found.pk).order_by("number").values_list("number", flat=True))
    return {
        "log": shown,
        "step_names": step_names(found.bot),
        "log_lines": [(line, _TONES.get(line.level, ""), _more(line)) for line in shown.lines],
        "asked": asked,
        "levels": _LEVELS,
        "log_lanes": lanes if len(lanes) > 1 else [],
        "places": _places(shown, kept),
        "log_query": urlencode(kept | ({"first": first} if first else {})),
    }


def _places(shown: LogPage, kept: dict[str, str]) -> dict[str, str | None]:
    """The addresses of the parts before and after; None where there is none."""
    first = urlencode({**kept, "first": 0}) if shown.first else None
    earlier = urlencode({**kept, "first": shown.earlier}) if shown.earlier is not None else None
    later = urlencode({**kept, "first": shown.later}) if shown.later is not None else None
    return {
        "first": first,
        "earlier": earlier,
        "later": later,
        "last": urlencode(kept) if later is not None else None,
    }


def _more(line: Any) -> dict[str, Any]:
    """What a line says beside its message, as it is unfolded."""
    parts = {
        "queue": line.queue,
        "item": line.item,
        "attempt": line.attempt,
        "step": line.step,
        "ms": line.ms,
    }
    parts |= {"data": line.data or None, "error": line.error, "evidence": line.evidence}
    return {name: value for name, value in parts.items() if value is not None}
