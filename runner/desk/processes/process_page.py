"""The page of one process: its health, numbers against their targets, who answers for it, and everything that belongs to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.db.models import OuterRef, Q, Subquery
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language

from runner.cases.schedule_lists import last_dues
from runner.core.clock import now
from runner.core.schedules_model import Process as Entry
from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.outside import place
from runner.desk.people.models import Person, ProcessRole
from runner.desk.planned import in_force
from runner.desk.processes.health_words import findings_of, verdict
from runner.desk.processes.planned_for import entries, graces, is_known, schedules_by_process
from runner.desk.processes.tiles import PERIODS, period_of, stretches_of, tiles_of
from runner.desk.roles import Role
from runner.desk.runs.strips import strip_of
from runner.insight.process_health import Health, health_of, is_failing, workers_of
from runner.insight.process_numbers import Measured, numbers_of
from runner.store.models import Bot, Queue
from runner.store.problem_lists import ProblemFilter, filtered_problems, trends
from runner.timetable.describe import describe_planned
from runner.timetable.due_times import Planned

_MOST: Final = 10
_DOCUMENTS: Final = frozenset(
    (
        ".pdf",
        ".md",
        ".txt",
        ".docx",
        ".doc",
        ".odt",
        ".rtf",
        ".xlsx",
        ".xls",
        ".ods",
        ".pptx",
        ".odp",
        ".html",
        ".png",
        ".jpg",
        ".svg",
    )
)
_MOST_PEOPLE: Final = 50


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody of the RACI: the name, and their page where they may sign in here."""

    name: str
    link: str = ""


def process_named(process: str, **_parts: object) -> str | None:
    """The process of an address; None where nothing is called so."""
    return process if is_known(process) else None


@page("processes.see", process_of=process_named)
def process(request: DeskRequest, process: str) -> HttpResponse:
    """One process."""
    at = now()
    workers = workers_of([process])
    planned = schedules_by_process(workers)[process]
    health = health_of(workers, {process: [one.schedule.id for one in planned]}, at)[process]
    entry = entries().get(process)
    people = _people_of(process, entry or Entry()) if request.access.may("people.see") else []
    context = {
        "process": process,
        "entry": entry or Entry(),
        "is_written": entry is not None,
        "sop_link": _sop_link(process, entry.sop if entry else ""),
        "health": health,
        "verdict": verdict(health),
        "findings": findings_of(health),
        "bots": _bots(health, workers[process].known),
        "schedules": _schedules(planned),
        "queues": list(Queue.objects.filter(bot__in=health.bots).order_by("name")[:50]),
        "problems": _problems(process) if request.access.may("problems.see", process) else (),
        "raci": _raci(entry or Entry(), {one.username for one in people}),
        "people": _with_access(people),
        "periods": PERIODS,
        "days": period_of(request.GET.get("days", "")),
    }
    return render(request, "processes/process.html", context)


@page("processes.see", process_of=process_named)
def numbers(request: DeskRequest, process: str) -> HttpResponse:
    """The tiles, as a part of the page that comes after the rest: it reads all runs and cases of the time."""
    days = period_of(request.GET.get("days", ""))
    planned = schedules_by_process(workers_of([process]))[process]
    entry = entries().get(process) or Entry()
    wanted = Measured(process, graces(planned), entry.manual_minutes)
    found = numbers_of(wanted, stretches_of(days, now()))
    return render(request, "processes/numbers.html", {"tiles": tiles_of(found, entry), "days": days})


@page("processes.see", process_of=process_named)
def sop(request: DeskRequest, process: str) -> HttpResponseBase:  # noqa: ARG001 (the signature of a page)
    """The file of the SOP, as a download: what `schedules.yaml` names for the process, and nothing else."""
    entry = entries().get(process)
    file = sop_file(place().settings.project, entry.sop if entry else "")
    if file is None:
        raise Http404(process)
    answer = FileResponse(
        file.open("rb"), as_attachment=True, filename=file.name, content_type="application/octet-stream"
    )
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer["Cache-Control"] = "private, no-cache"
    return answer


def sop_file(project: Path, sop: str) -> Path | None:
    """The document that an SOP's path means; None for an address, and for what is no document inside the project's folder.

    A link that leads out of the folder, a hidden file or folder, and a file that is no document (a setting, a bot) are not given out.
    """
    if not sop or "://" in sop or Path(sop).suffix.lower() not in _DOCUMENTS:
        return None
    try:
        root = project.resolve(strict=True)
        found = (root / sop).resolve(strict=True)
    except (OSError, ValueError):
        return None
    if not found.is_file() or not found.is_relative_to(root) or found.suffix.lower() not in _DOCUMENTS:
        return None
    return None if any(part.startswith(".") for part in found.relative_to(root).parts) else found


def _sop_link(process: str, sop: str) -> str:
    """Where the SOP is read: its address, or that of the document in the project; empty where there is no such document."""
    if sop.startswith(("https://", "http://")):
        return sop if " " not in sop else ""
    return reverse("processes:sop", args=[process]) if sop_file(place().settings.project, sop) else ""


def _bots(health: Health, known: Mapping[str, Bot]) -> list[dict[str, Any]]:
    """The bots with how they are doing, those that fail first."""
    rows = [
        {
            "name": name,
            "known": known.get(name),
            "health": health.of_bots[name],
            "strip": strip_of(health.of_bots[name].runs),
            "failing": is_failing(health.of_bots[name]),
        }
        for name in health.bots
    ]
    return sorted(rows, key=lambda row: (not row["failing"], -row["health"].waiting, row["name"]))


def _schedules(planned: Sequence[Planned]) -> list[dict[str, Any]]:
    """The schedules with their rule in words, what became of the last due time, and the next one."""
    at = now()
    language = "zh" if (get_language() or "").startswith("zh") else "en"
    last = last_dues([one.schedule.id for one in planned])
    names = {one.schedule.bot or one.schedule.recording or "" for one in planned}
    on = {one.schedule.id for one in in_force(names)} if planned else set()
    rows = []
    for one in planned:
        coming = one.next_run(at) if one.schedule.id in on else None
        rows.append(
            {
                "schedule": one.schedule,
                "rule": describe_planned(one, one.zone, language),
                "state": "on" if one.schedule.id in on else "paused" if one.schedule.enabled else "off",
                "last": last.get(one.schedule.id),
                "next": coming.due if coming else None,
            }
        )
    return rows


def _problems(process: str) -> list[Any]:
    """Its open problems, those that keep most cases waiting first."""
    wanted = ProblemFilter(live=True, process=process)
    found: list[Any] = list(filtered_problems(wanted).order_by("-waiting", "id")[:_MOST])
    trend = trends([one.pk for one in found], now())
    for one in found:
        one.trend = trend[one.pk]
    return found


def _letters(entry: Entry) -> list[tuple[str, list[str]]]:
    return [
        ("responsible", list(entry.responsible)),
        ("accountable", [entry.accountable] if entry.accountable else []),
        ("consulted", list(entry.consulted)),
        ("informed", list(entry.informed)),
    ]


def _raci(entry: Entry, known: Collection[str]) -> list[tuple[str, list[Named]]]:
    """The four letters, each with who stands there; `known` names lead to their pages."""
    return [
        (letter, [Named(n, f"/people/{n}/" if n in known else "") for n in names])
        for letter, names in _letters(entry)
    ]


def _people_of(process: str, entry: Entry) -> list[Any]:
    """Everybody who may sign in or stands in the RACI, with the role that they have `here` alone. One query."""
    named = {name for _letter, names in _letters(entry) for name in names}
    here = ProcessRole.objects.filter(person=OuterRef("pk"), process=process).values("role")
    rows = Person.objects.filter(Q(is_active=True) | Q(username__in=named)).order_by("username")
    return list(rows.annotate(here=Subquery(here[:1]))[:500])


def _with_access(people: Sequence[Any]) -> list[tuple[Person, str, bool]]:
    """Who may do what in the process: person, role there, and whether it is a role for this process alone."""
    found = [(one, one.here or one.role, one.here is not None) for one in people if one.is_active]
    with_access = [row for row in found if row[1] != Role.NONE]
    return sorted(with_access, key=lambda row: (not row[2], -Role(row[1]).rank, row[0].username))[
        :_MOST_PEOPLE
    ]
