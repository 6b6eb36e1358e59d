"""`runner schedules pause | resume | promote | cancel | run | backfill | accept-clock`: decisions, beside the file."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from runner.cli import schedule_views
from runner.cli.options import Json, moment_ahead, moment_before
from runner.cli.printing import Col, ago, one_line, print_json, print_table, say, short_run
from runner.cli.project import Project, open_project
from runner.cli.run import parameters_of
from runner.cli.schedules import app, chosen
from runner.cli.timetables import load
from runner.core.clock import iso, now
from runner.core.errors import UsageError
from runner.core.nouns import OccurrenceState
from runner.timetable.due_times import Planned
from runner.timetable.local_time import moment

__all__ = ["app", "schedule_views"]

Name = Annotated[str, typer.Argument(metavar="SCHEDULE", help="The schedule's id.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the history.")]
Note = Annotated[str, typer.Option(help="A few words for the history.")]


@app.command("pause")
def pause(
    name: Name,
    reason: Reason = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="Up to then: 2h, 3d, 2026-12-24.")] = "",
    as_json: Json = False,
) -> None:
    """Let a schedule's due times end as skipped, from now on; the file stays as it is."""
    project, planned = _planned(name)
    from runner.cases import schedule_acts as acts

    end = moment_ahead(until, "--until") if until else None
    acts.pause(planned.schedule.id, by=project.who, at=now(), reason=reason, until=end)
    _say(as_json, {"schedule": name, "paused": True, "until": iso(end) if end else None})


@app.command("resume")
def resume(name: Name, note: Note = "", as_json: Json = False) -> None:
    """End a pause: the next due time runs again."""
    project, planned = _planned(name)
    from runner.cases import schedule_acts as acts

    acts.resume(planned.schedule.id, by=project.who, at=now(), note=note)
    _say(as_json, {"schedule": name, "paused": False})


@app.command("promote")
def promote(name: Name, note: Note = "", as_json: Json = False) -> None:
    """Take a pilot to production: its next run works on all items. Who did it, and when, stays in the history."""
    project, planned = _planned(name)
    from runner.cases import schedule_acts as acts

    acts.promote(planned.schedule.id, by=project.who, at=now(), note=note)
    _say(as_json, {"schedule": name, "stage": "production"})


@app.command("cancel")
def cancel(
    name: Name,
    due: Annotated[str, typer.Option(metavar="TIME", help="Which due time; default: the next one.")] = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Take one due time out before it comes."""
    project, planned = _planned(name)
    from runner.cases import schedule_acts as acts

    at = _due_time(planned, due)
    acts.cancel_due(planned.schedule.id, at, by=project.who, at=now(), reason=reason)
    _say(as_json, {"schedule": name, "due": iso(at), "state": str(OccurrenceState.CANCELLED)})


@app.command("run")
def run(
    name: Name,
    param: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="In place of the file's value.")
    ] = None,
    note: Note = "",
    as_json: Json = False,
) -> None:
    """Start a schedule's run now, with its parameters, beside its due times."""
    project, planned = _planned(name)
    from runner.cases.schedule_requests import run_schedule

    values = parameters_of(param or ())
    run_id = run_schedule(planned, by=project.who, at=now(), parameters=values, note=note)
    _say(as_json, {"schedule": name, "run": run_id})


@app.command("backfill")
def backfill(
    name: Name,
    *,
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="The first due time, or before it.")],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="The last due time, or after it.")] = "",
    note: Note = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without it only show what would be done.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run due times of the past that did not run, each with the parameters of its own due time; shows them first."""
    project, planned = _planned(name)
    from runner.cases import schedule_requests as requests

    first = moment_before(start, "--from") or now()
    last = moment_before(end, "--to") or now()
    rows = requests.preview_backfill(planned, first, last, now())
    if yes:
        rows = requests.backfill(planned, rows, by=project.who, at=now(), note=note)
    _show_rows(name, rows, as_json, "Every due time of that span has run.")
    if rows and not yes and not as_json:
        say(f"{len(rows)} runs would be queued; do it with --yes")


@app.command("answer")
def answer(
    name: Name,
    *,
    run: Annotated[bool, typer.Option("--run/--leave", help="Run them now, or leave them as they are.")],
    due: Annotated[
        list[str] | None, typer.Option(metavar="TIME", help="Only this missed due time; can be repeated.")
    ] = None,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Answer due times that were missed: run them, or leave them for a reason; their case is settled with the last one."""
    project, planned = _planned(name)
    from runner.cases import schedule_requests as requests

    found = [row.due for row in requests.missed_of(name)]
    if due:
        found = [_written(text, planned) for text in due]
    rows = requests.decide_missed(planned, found, run=run, by=project.who, at=now(), note=reason)
    _show_rows(name, rows, as_json, "No due time was missed, or each is answered.")


@app.command("urls")
def urls(
    name: Annotated[str, typer.Argument(metavar="[SCHEDULE]", help="Only of this schedule.")] = "",
    make: Annotated[
        str, typer.Option(metavar="LABEL", help="Make one, for whom; its token is shown once.")
    ] = "",
    revoke: Annotated[int, typer.Option(metavar="ID", help="Let this one start nothing any more.")] = 0,
    as_json: Json = False,
) -> None:
    """List the trigger URLs by which others start schedules; make or revoke one."""
    project = _planned(name)[0] if name else open_project()
    from runner.cases import trigger_urls as known

    if make:
        if not name:
            raise UsageError("the schedule is missing", expected="its id before --make", where="SCHEDULE")
        made = known.make_trigger_url(name, label=make, by=project.who, at=now())
        _say(as_json, {"id": made.id, "schedule": name, "token": made.token})
        return
    if revoke:
        known.revoke_trigger_url(revoke, by=project.who, at=now())
        _say(as_json, {"id": revoke, "revoked": True})
        return
    rows: list[dict[str, Any]] = [
        {"id": u.pk, "schedule": u.schedule, "label": u.label, "made": iso(u.made), "made_by": u.made_by,
         "revoked": iso(u.revoked) if u.revoked else None, "uses": u.uses,
         "last_used": iso(u.last_used) if u.last_used else None}
        for u in known.trigger_urls(name)
    ]  # fmt: skip
    if as_json:
        print_json(rows)
        return
    columns = [
        Col("ID", fixed=True),
        Col("SCHEDULE"),
        Col("FOR"),
        Col("USES", right=True),
        Col("LAST"),
        Col(""),
    ]
    lines = (
        (
            r["id"],
            r["schedule"],
            r["label"],
            r["uses"],
            ago(r["last_used"]),
            "revoked" if r["revoked"] else "",
        )
        for r in rows
    )
    print_table(columns, lines, "No trigger URL yet. Make one with --make LABEL.")


@app.command("accept-clock")
def accept_clock(note: Note = "the clock is right", as_json: Json = False) -> None:
    """Confirm the time after the clock has jumped: schedulers that hold go on, by the policies of what was missed."""
    project = open_project()
    from runner.cases import clock

    cases = clock.accept_clock(by=project.who, at=now(), note=note)
    _say(as_json, {"cases": cases, "accepted_by": project.who})


def _planned(name: str) -> tuple[Project, Planned]:
    project = open_project()
    return project, chosen(load(project.settings.schedules, None, now()), [name])[0]


def _show_rows(name: str, rows: list[Any], as_json: bool, nothing: str) -> None:
    """Show due times of the past with what was and what came of them."""
    if as_json:
        told = [
            {"schedule": name, "due": iso(r.due), "was": r.was or None, "run": r.run, "why": r.why}
            for r in rows
        ]
        print_json(told)
        return
    columns = [Col("DUE (UTC)", fixed=True), Col("WAS", fixed=True), Col("RUN", fixed=True), Col("")]
    lines = (
        (f"{r.due:%Y-%m-%d %H:%M}", r.was or "not recorded", short_run(r.run), one_line(r.why)) for r in rows
    )
    print_table(columns, lines, nothing)


def _due_time(planned: Planned, text: str) -> datetime:
    """The due time that is meant: the next one, or the one at exactly that time (of the schedule's zone)."""
    meant = _written(text, planned) if text else None
    coming = planned.next_run(_just_before(meant) if meant else now())
    if coming is None or (meant is not None and coming.due != meant):
        near = f"the next one is {coming.due:%Y-%m-%d %H:%M}Z" if coming else "it has none"
        raise UsageError(
            f"'{text or 'now'}' is no due time of '{planned.schedule.id}'",
            expected=near,
            hint=f"see: runner schedules next {planned.schedule.id}",
            where="--due",
            code="CLI_DATE",
        )
    return coming.due


def _written(text: str, planned: Planned) -> datetime:
    """The instant of a text, in the form of `--json` too."""
    if text.endswith("Z"):
        with contextlib.suppress(ValueError):
            return datetime.fromisoformat(text)
    return moment(text, planned.zone, "--due")


def _just_before(at: datetime) -> datetime:
    return at - timedelta(microseconds=1)


def _say(as_json: bool, facts: dict[str, Any]) -> None:
    if as_json:
        print_json(facts)
    else:
        print(one_line(", ".join(f"{key}: {value}" for key, value in facts.items() if value is not None)))
