"""`runner schedules pause | resume | promote | cancel | run | backfill | accept-clock`: decisions, beside the file."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import typer

from runner.cli import schedule_views
from runner.cli.options import Json, moment_ahead, moment_before
from runner.cli.printing import Col, one_line, print_json, print_table, short_run
from runner.cli.project import Project, open_project
from runner.cli.schedules import app, chosen
from runner.core.clock import iso, now
from runner.core.errors import ConflictError, UsageError
from runner.core.nouns import OccurrenceState
from runner.timetable.due_times import Planned
from runner.timetable.loading import load
from runner.timetable.local_time import moment

__all__ = ["app", "schedule_views"]

Name = Annotated[str, typer.Argument(metavar="SCHEDULE", help="The schedule's id.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the history.")]
Note = Annotated[str, typer.Option(help="A few words for the history.")]
_MOST: Final = 1000


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
def run(name: Name, note: Note = "", as_json: Json = False) -> None:
    """Start a schedule's run now, with its parameters, beside its due times."""
    project, planned = _planned(name)
    run_id = _start(project, planned, now(), "start", note)
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
    from runner.store.models import Occurrence

    first = moment_before(start, "--from")
    last = min(moment_before(end, "--to") or now(), now()) if end else now()
    if first is None or first > last:
        raise UsageError("--from is later than --to", expected="a span of the past", where="--from")
    known = {o.due: o for o in Occurrence.objects.filter(schedule=name, due__gte=first, due__lte=last)}
    rows: list[dict[str, Any]] = []
    for at in planned.due_times(_just_before(first), last):
        before = known.get(at.due)
        if at.skip is None and (before is None or before.state != OccurrenceState.RAN):
            rows.append(
                {"schedule": name, "due": iso(at.due), "was": before.state if before else None, "run": None}
            )
        if len(rows) > _MOST:
            raise UsageError(f"more than {_MOST} due times", expected="a shorter span", where="--from")
    for row in rows if yes else ():
        row["run"] = _start(project, planned, datetime.fromisoformat(row["due"]), "backfill", note)
    if as_json:
        print_json(rows)
        return
    columns = [Col("DUE (UTC)", fixed=True), Col("WAS", fixed=True), Col("RUN", fixed=True)]
    lines = ((r["due"][:16].replace("T", " "), r["was"] or "not recorded", short_run(r["run"])) for r in rows)
    print_table(columns, lines, "Every due time of that span has run.")
    if rows and not yes:
        print(f"{len(rows)} runs would be queued; do it with --yes")


@app.command("accept-clock")
def accept_clock(note: Note = "the clock is right", as_json: Json = False) -> None:
    """Confirm the time after the clock has jumped: schedulers that hold go on, by the policies of what was missed."""
    project = open_project()
    from runner.cases import decisions
    from runner.engine.holding import holding_cases

    cases = holding_cases()
    if not cases:
        raise ConflictError(
            "no scheduler holds", expected="a jump of the clock of more than 3 h", code="STATE"
        )
    for case in cases:
        decisions.done(case, by=project.who, at=now(), note=note)
    _say(as_json, {"cases": cases, "accepted_by": project.who})


def _planned(name: str) -> tuple[Project, Planned]:
    project = open_project()
    return project, chosen(load(project.settings.schedules, None, now()), [name])[0]


def _start(project: Project, planned: Planned, due: datetime, verb: str, note: str) -> str:
    from runner.cases.run_rows import run_row
    from runner.cases.schedule_acts import ScheduleVerb, Standing, standings, start_due

    name, at = planned.schedule.id, now()
    promoted = standings([name]).get(name, Standing()).promoted_by
    outputs = _last_outputs(planned)
    row = run_row(planned, due, at, outputs=outputs, is_production=bool(promoted))
    row |= {"requested_by": project.who, "not_before": None}
    return start_due(name, due, row, ScheduleVerb(verb), by=project.who, at=at, note=note)


def _last_outputs(planned: Planned) -> dict[str, Any] | None:
    """What the last run of the schedule before handed out, for a run by hand of one that follows it."""
    from runner.store.models import Run

    after = planned.schedule.after
    if after is None:
        return None
    last = Run.objects.filter(schedule=after.schedule).exclude(finished=None).order_by("-finished").first()
    return dict(last.outputs) if last else {}


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
