"""`runner schedules`: what did not run, the days ahead as they will go, what an edit changes, and one in plain words."""

from __future__ import annotations

import json
from datetime import UTC, timedelta
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer
from django.db.models import Q

from runner.cli.options import Json, Limit, zone_of
from runner.cli.printing import Col, one_line, print_facts, print_json, print_table, say, state, warn
from runner.cli.project import open_project
from runner.cli.schedules import Names, Zone, app, chosen
from runner.cli.timetables import load
from runner.cli.tongue import language, told, told_reason
from runner.core.clock import iso, now
from runner.core.errors import UsageError
from runner.core.nouns import OccurrenceState
from runner.timetable.describe import describe_planned
from runner.timetable.differences import differences
from runner.timetable.due_times import Planned
from runner.timetable.simulation import Predicted

_MOST_SHOWN: Final = 200
_STYLE: Final = (
    "<style>.timetable{font-family:sans-serif;background:#fff}.tt-day{stroke:#ccc}.tt-weekend{fill:#f2f2f2}"
    ".tt-run{fill:#2b6cb0}.tt-late{fill:#c05621}.tt-skipped{fill:#a0aec0}.tt-caption{fill:#666}</style>"
)


@app.command("missed")
def missed(names: Names = None, limit: Limit = 50, as_json: Json = False) -> None:
    """Show due times that should have run and did not: missed, coalesced, or left out because of an overlap."""
    open_project()
    from runner.store.models import Occurrence

    lost = Q(state__in=[OccurrenceState.MISSED, OccurrenceState.COALESCED])
    lost |= Q(state=OccurrenceState.SKIPPED, reason__startswith="overlap")
    found = Occurrence.objects.filter(lost).order_by("-due", "schedule")
    if names:
        found = found.filter(schedule__in=names)
    rows = [
        {"schedule": one.schedule, "due": iso(one.due), "state": one.state, "reason": one.reason}
        for one in found[:limit]
    ]
    if as_json:
        print_json(rows)
        return
    columns = [
        Col("DUE (UTC)", fixed=True),
        Col("SCHEDULE", fixed=True),
        Col("BECAME", fixed=True),
        Col("WHY"),
    ]
    lines = (
        (
            r["due"][:16].replace("T", " "),
            r["schedule"],
            state("occurrence", r["state"]),
            one_line(told_reason(r["reason"])),
        )
        for r in rows
    )
    print_table(columns, lines, "No due time was missed.")


@app.command("calendar")
def calendar(
    names: Names = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="So many days ahead.")] = 14,
    picture: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="Write the picture into this file.")
    ] = None,
    tz: Zone = "",
    as_json: Json = False,
) -> None:
    """Show the days ahead as they will probably go: start, end and lateness, from how long runs took so far."""
    from runner.timetable.drawing import svg, table

    project = open_project()
    from runner.cases.loads import predict

    timetable = load(project.settings.schedules, None, now())
    planned = chosen(timetable, names or [])
    zone = zone_of(tz) if tz else ZoneInfo(timetable.file.defaults.timezone)
    start = now()
    window = (start, start + timedelta(days=days))
    shown = {one.schedule.id for one in planned}
    predicted = [
        one for one in predict(timetable.planned, project.settings.slots, window) if one.schedule in shown
    ]
    if picture is not None:
        captions = {one.schedule.id: describe_planned(one, zone) for one in planned}
        drawn = svg(predicted, captions, zone, window)
        head, tail = drawn.split(">", 1)
        namespace = head.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
        picture.write_text(f"{namespace}>{_STYLE}{tail}\n", encoding="utf-8")
        warn(f"written: {picture}")
    if as_json:
        print_json([_predicted_json(one) for one in predicted])
        return
    columns = [
        Col("SCHEDULE", fixed=True),
        Col("DUE", fixed=True),
        Col("START"),
        Col("END"),
        Col("AT WORST"),
        Col(""),
    ]
    print_table(columns, table(predicted[:_MOST_SHOWN], zone), "Nothing is due.")
    if len(predicted) > _MOST_SHOWN:
        warn(f"and {len(predicted) - _MOST_SHOWN} more: see --json or --svg")


@app.command("diff")
def diff(
    old: Annotated[
        Path | None,
        typer.Argument(metavar="OLD", help="The file to compare with; default: the one in force."),
    ] = None,
    chinese: Annotated[bool, typer.Option("--zh", help="In Chinese.")] = False,
    as_json: Json = False,
) -> None:
    """Say in words what the file as it is now changes against the one that the scheduler has in force."""
    settings = open_project().settings
    from runner.engine.scheduler import in_force

    before = old or in_force(settings)
    if not before.is_file():
        raise UsageError(
            f"there is no {before.name} to compare with",
            expected="a scheduler that has run here, or a file",
            hint="runner schedules diff OLD.yaml",
            code="CLI_FILE",
        )
    at = now()
    new = load(settings.schedules, None, at)
    was = load(settings.schedules, None, at, text=before.read_text("utf-8-sig"))
    found = differences(was, new, at, "zh" if chinese else language())
    if as_json:
        print_json(
            [{"schedule": d.schedule, "text": d.text, "lost": d.lost, "gained": d.gained} for d in found]
        )
        return
    for one in found:
        print(one.text)
    if not found:
        print("没有变化" if chinese else told("nothing changes"))


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of schedules.yaml, for editors."""
    from runner.core.schedules_schema import schema as made

    print(json.dumps(made(), ensure_ascii=False, indent=2))


@app.command("describe")
def describe(names: Names = None, as_json: Json = False) -> None:
    """Say in plain words, English and Chinese, what schedules do."""
    project = open_project()
    timetable = load(project.settings.schedules, None, now())
    found = [_described(one) for one in chosen(timetable, names or [])]
    if as_json:
        print_json(found)
        return
    for one in found:
        print_facts([(key, value) for key, value in one.items() if value not in ("", None, [])])
        say()


def _predicted_json(one: Predicted) -> dict[str, Any]:
    return {
        "schedule": one.schedule,
        "due": iso(one.due),
        "start": iso(one.start) if one.start else None,
        "end": iso(one.end) if one.end else None,
        "late_end": iso(one.late_end) if one.late_end else None,
        "late_s": one.lateness.total_seconds(),
        "waits_for": list(one.waits_for),
        "skip": one.skip,
    }


def _described(one: Planned) -> dict[str, Any]:
    from runner.cases.durations import durations

    schedule = one.schedule
    coming = one.next_run(now())
    p50, p90 = durations(schedule.id)
    return {
        "id": schedule.id,
        "description": schedule.description,
        "bot": schedule.bot or schedule.recording,
        "when": describe_planned(one, one.zone),
        "when_zh": describe_planned(one, one.zone, "zh"),
        "timezone": schedule.timezone,
        "next": iso(coming.due.astimezone(UTC)) if coming else None,
        "missed": schedule.missed,
        "overlap": schedule.overlap,
        "deadline": schedule.deadline,
        "concurrency": list(schedule.concurrency),
        "stage": schedule.stage,
        "p50_s": p50.total_seconds(),
        "p90_s": p90.total_seconds(),
    }
