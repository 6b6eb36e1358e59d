"""`runner schedules`: what is planned, when it is due next, whether the file is right, and what became of due times."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from runner.cli.groups import group
from runner.cli.options import Json, Limit, zone_of
from runner.cli.printing import Col, ago, one_line, print_json, print_table, say, short_run, state, warn
from runner.cli.project import open_project, open_settings
from runner.cli.timetables import load
from runner.cli.tongue import in_chinese, language, said, told, told_reason, word
from runner.core.clock import now
from runner.core.errors import ErrorReport, UsageError, did_you_mean
from runner.core.settings import Settings
from runner.timetable.calendar_days import WorkCalendar
from runner.timetable.describe import describe_planned
from runner.timetable.due_times import DueTime, Planned
from runner.timetable.loading import Timetable
from runner.timetable.local_time import moment

app = group("What is planned, when it is due, and what became of it.")
_WINDOWS: Final = (timedelta(days=2), timedelta(days=60), timedelta(days=800), timedelta(days=4000))
Names = Annotated[list[str] | None, typer.Argument(metavar="SCHEDULE", help="Only these schedules.")]
Zone = Annotated[
    str, typer.Option("--tz", metavar="ZONE", help="Show times in this zone, not the schedule's own.")
]


@app.command("list")
def list_schedules(as_json: Json = False) -> None:
    """List the schedules in plain words, with their next due time."""
    project = open_project()
    from runner.cases.schedule_json import schedules_json

    timetable = load(project.settings.schedules, None, now())
    found = schedules_json(timetable.planned, now())
    if as_json:
        print_json(found)
        return
    by_id = {one.schedule.id: one for one in timetable.planned}
    print_table(
        [
            Col(said("SCHEDULE"), fixed=True),
            Col(said("BOT")),
            Col(said("WHEN")),
            Col(said("NEXT")),
            Col(said("LAST")),
        ],
        (
            (
                s["id"],
                s["bot"] or s["recording"],
                describe_planned(by_id[s["id"]], by_id[s["id"]].zone, language()),
                _next_words(s),
                _last(s),
            )
            for s in found
        ),
        said("No schedule yet. Add one to schedules.yaml."),
    )
    for one in found:
        if one["late"]:
            warn(f"{one['id']} {told(one['late'])}")
    _tell_hold()


@app.command("next")
def show_next(
    names: Names = None,
    start: Annotated[
        str, typer.Option("--from", metavar="TIME", help="Look from here on; default: now.")
    ] = "",
    tz: Zone = "",
    count: Annotated[int, typer.Option(min=1, max=1000, help="So many runs of each schedule.")] = 5,
    as_json: Json = False,
) -> None:
    """Show when schedules are due next, and which due times are skipped and why."""
    zone = zone_of(tz) if tz else None
    after = moment(start, zone or ZoneInfo("UTC"), "--from") if start else now()
    timetable = load(open_project().settings.schedules, None, after)
    if start and zone is None:
        after = moment(start, ZoneInfo(timetable.file.defaults.timezone), "--from")
    from runner.cases.schedule_json import coming, due_json, late_words

    after -= timedelta(microseconds=1)  # a due time at --from itself counts
    ahead = sorted(
        (one for p in chosen(timetable, names or []) for one in coming(p, after, count)),
        key=lambda one: one.due.due,
    )
    for text in timetable.warnings(after):
        warn(text)
    if as_json:
        print_json([due_json(one, zone) for one in ahead])
        return
    print_table(
        [Col(said("DUE"), fixed=True), Col("", fixed=True), Col(said("SCHEDULE"), fixed=True), Col(said("BOT")), Col("")],
        (
            (f"{said(f'{one.local(zone):%a}')} {one.local(zone):%Y-%m-%d %H:%M}", one.local(zone).strftime("%Z"), one.planned.schedule.id,
             one.planned.schedule.bot or one.planned.schedule.recording, _remark(one.due, timetable.calendars) or told(late_words(one)))
            for one in ahead
        ),
        said("Nothing is due."),
    )  # fmt: skip


@app.command("check")
def check(as_json: Json = False) -> None:
    """Check schedules.yaml as a whole: every error at once, with its line, its column and what to do."""
    from runner.core.schedules_values import facts_of
    from runner.engine.bots import discover

    settings = open_settings().settings
    found = discover(settings)
    facts = None if found.errors else {bot.name: facts_of(bot) for bot in found.bots}
    timetable = _loaded_with(settings, facts, found.errors)
    for text in timetable.warnings(now()):
        warn(text)
    if as_json:
        print_json({"file": settings.schedules.name, "schedules": len(timetable.planned), "errors": []})
        return
    on = sum(one.schedule.enabled for one in timetable.planned)
    say(f"{settings.schedules.name} is right: {on} schedules on, {len(timetable.planned) - on} off")
    for one in timetable.planned:
        when = describe_planned(one, one.zone, language())
        print(f"  {one.schedule.id}: {when} ({one.schedule.timezone})")


@app.command("history")
def history(names: Names = None, limit: Limit = 50, as_json: Json = False) -> None:
    """Show what became of due times, the latest first: those that ran, and those that did not and why."""
    open_project()
    from runner.cases.schedule_json import occurrence_json
    from runner.store.models import Occurrence

    found = Occurrence.objects.order_by("-due", "schedule")
    if names:
        found = found.filter(schedule__in=names)
    rows = [occurrence_json(one) for one in found[:limit]]
    if as_json:
        print_json(rows)
        return
    print_table(
        [
            Col("DUE (UTC)", fixed=True),
            Col("SCHEDULE", fixed=True),
            Col("BECAME", fixed=True),
            Col("RUN", fixed=True),
            Col("WHY"),
        ],
        (
            (
                str(r["due"])[:16].replace("T", " "),
                r["schedule"],
                state("occurrence", r["state"]),
                short_run(r["run"]),
                one_line(told_reason(r["reason"])),
            )
            for r in rows
        ),
        "No due time has come yet. Start the scheduler with: runner up",
    )


def _loaded_with(settings: Settings, facts: Any, bot_errors: tuple[Any, ...]) -> Timetable:
    """The timetable, where the bots it names could be read too. Raises ErrorReport with the errors of both."""
    try:
        timetable = load(settings.schedules, facts, now())
    except ErrorReport as report:
        raise ErrorReport([*report.errors, *bot_errors]) from None
    if bot_errors:
        raise ErrorReport(bot_errors)
    return timetable


def chosen(timetable: Timetable, names: list[str]) -> list[Planned]:
    """The schedules of these ids, all that are on where none is named. Raises UsageError with the nearest one."""
    known = {one.schedule.id: one for one in timetable.planned}
    for name in names:
        if name not in known:
            raise UsageError(
                f"there is no schedule '{name}'",
                expected=did_you_mean(name, known) or f"one of {', '.join(known) or 'none'}",
                hint="see: runner schedules list",
                code="CLI_SCHEDULE",
            )
    return [known[name] for name in names] or [one for one in timetable.planned if one.schedule.enabled]


def _tell_hold() -> None:
    """Say that schedulers hold, where they do."""
    from runner.cases.clock import holding_cases

    for case in holding_cases():
        warn(f"schedulers hold since the clock has jumped (case {case}): runner schedules accept-clock")


def _next_words(schedule: dict[str, Any]) -> str:
    if schedule["paused"]:
        return said("paused by {who}", who=schedule["paused"]["by"])
    return ago(schedule["next"]) if schedule["enabled"] else said("off")


def _remark(due: DueTime, calendars: Mapping[str, WorkCalendar]) -> str:
    if due.skip is not None:
        if in_chinese():
            return f"{word('occurrence', 'skipped')}：{told_reason(due.reason, calendars)}"
        return f"skipped ({due.skip}): {due.reason}"
    return said("moved from {day}", day=f"{due.planned:%Y-%m-%d}") if due.planned != due.due else ""


def _last(schedule: dict[str, Any]) -> str:
    last = schedule["last"]
    return f"{word('occurrence', last['state'])} {ago(last['due'])}" if last else ""
