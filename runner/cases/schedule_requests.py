"""People start what a schedule would start: now, for due times of the past, or for those that were missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from runner.cases import decisions
from runner.cases.case_rows import SETTLED
from runner.cases.run_requests import checked_parameters, moment_of
from runner.cases.run_rows import run_row
from runner.cases.schedule_acts import ScheduleVerb, Standing, leave_due, standings, start_due
from runner.core.errors import RunnerError, UsageError
from runner.core.nouns import OccurrenceState
from runner.store.models import Bot, Case, Occurrence, Run
from runner.timetable.due_times import Planned

MOST: Final = 1000
_TICK: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class BackfillRow:
    """A due time of the past that has not run; `was` is how it ended, empty where it was never recorded.

    After `backfill`: the run that was queued, or `why` there is none.
    """

    due: datetime
    was: str = ""
    reason: str = ""
    run: str | None = None
    why: str = ""


def run_schedule(
    planned: Planned,
    *,
    by: str,
    at: datetime,
    parameters: Mapping[str, Any] | None = None,
    note: str = "",
    token: str = "",
) -> str:
    """Start the schedule's run now, beside its due times; gives the run's id. `parameters` replace those of the file by name.

    They are checked where the bot is known (see `ask_run`); the same `token` twice is one run.
    """
    due = moment_of(token, at)
    if token:
        known = Occurrence.objects.filter(schedule=planned.schedule.id, due=due, decided_by=by).first()
        if known is not None and known.run:
            return known.run
    return _start(planned, due, ScheduleVerb.START, by=by, at=at, note=note, parameters=parameters)


def preview_backfill(planned: Planned, first: datetime, last: datetime, now: datetime) -> list[BackfillRow]:
    """The due times from `first` to `last` (both included, none after `now`) that have not run.

    Raises UsageError for an empty span and for more than 1000 due times.
    """
    last = min(last, now)
    if first > last:
        raise UsageError("--from is later than --to", expected="a span of the past", where="--from")
    name = planned.schedule.id
    known = {o.due: o for o in Occurrence.objects.filter(schedule=name, due__gte=first, due__lte=last)}
    rows: list[BackfillRow] = []
    for at in planned.due_times(first - _TICK, last):
        before = known.get(at.due)
        if at.skip is None and (before is None or before.state != OccurrenceState.RAN):
            rows.append(BackfillRow(at.due, before.state, before.reason) if before else BackfillRow(at.due))
        if len(rows) > MOST:
            raise UsageError(f"more than {MOST} due times", expected="a shorter span", where="--from")
    return rows


def backfill(
    planned: Planned, rows: Sequence[BackfillRow], *, by: str, at: datetime, note: str = ""
) -> list[BackfillRow]:
    """Queue a run for each due time of a preview, with the parameters of that due time; one that can't run stops no other."""
    return [_backfilled(planned, row, by=by, at=at, note=note) for row in rows]


def missed_of(schedule: str, case: str = "") -> list[BackfillRow]:
    """The due times of a schedule that were missed and that nobody has answered, of one case or all, the oldest first."""
    rows = Occurrence.objects.filter(schedule=schedule, state=OccurrenceState.MISSED, decided_by="")
    rows = rows.filter(case=case) if case else rows
    return [BackfillRow(row.due, row.state, row.reason) for row in rows.order_by("due")[:MOST]]


def decide_missed(
    planned: Planned, dues: Sequence[datetime], *, run: bool, by: str, at: datetime, note: str
) -> list[BackfillRow]:
    """Answer missed due times: `run` them now, or leave them, for the reason in `note`. A result for each.

    The case that was opened for them is settled when nothing of it is left unanswered. Raises UsageError without a note
    when they are left.
    """
    if not run and not note.strip():
        raise UsageError("the reason is missing", expected="a few words", where="--reason", code="CLI_USAGE")
    name = planned.schedule.id
    known = {o.due: o for o in Occurrence.objects.filter(schedule=name, due__in=list(dues))}
    done = []
    for due in dues:
        before = known.get(due)
        row = BackfillRow(due, before.state if before else "", before.reason if before else "")
        done.append(
            _backfilled(planned, row, by=by, at=at, note=note)
            if run
            else _left(name, row, by=by, at=at, note=note)
        )
    for case in {o.case for o in known.values() if o.case}:
        _settle(case, by=by, at=at, note=note or "the missed due times were run")
    return done


def _start(
    planned: Planned,
    due: datetime,
    verb: ScheduleVerb,
    *,
    by: str,
    at: datetime,
    note: str,
    parameters: Mapping[str, Any] | None = None,
) -> str:
    schedule = planned.schedule
    row = row_by_hand(planned, due, at, by=by)
    if parameters:
        bot = Bot.objects.filter(pk=row["bot"]).first()
        merged = {**row["parameters"], **parameters}
        row["parameters"] = checked_parameters(bot, merged) if bot is not None else merged
    return start_due(schedule.id, due, row, verb, by=by, at=at, note=note)


def row_by_hand(planned: Planned, due: datetime, at: datetime, *, by: str) -> dict[str, Any]:
    """The row of a run that somebody asks for in a schedule's place: as the scheduler would make it, without its jitter."""
    name = planned.schedule.id
    promoted = standings([name]).get(name, Standing()).promoted_by
    row = run_row(planned, due, at, outputs=_last_outputs(planned), is_production=bool(promoted))
    return row | {"requested_by": by, "not_before": None}


def _last_outputs(planned: Planned) -> dict[str, Any] | None:
    """What the last run of the schedule before handed out, for a run by hand of one that follows it."""
    after = planned.schedule.after
    if after is None:
        return None
    last = Run.objects.filter(schedule=after.schedule).exclude(finished=None).order_by("-finished").first()
    return dict(last.outputs) if last else {}


def _backfilled(planned: Planned, row: BackfillRow, *, by: str, at: datetime, note: str) -> BackfillRow:
    try:
        run = _start(planned, row.due, ScheduleVerb.BACKFILL, by=by, at=at, note=note)
    except RunnerError as error:
        return BackfillRow(row.due, row.was, row.reason, why=str(error))
    return BackfillRow(row.due, row.was, row.reason, run=run)


def _left(schedule: str, row: BackfillRow, *, by: str, at: datetime, note: str) -> BackfillRow:
    try:
        leave_due(schedule, row.due, by=by, at=at, reason=note)
    except RunnerError as error:
        return BackfillRow(row.due, row.was, row.reason, why=str(error))
    return row


def _settle(case_id: str, *, by: str, at: datetime, note: str) -> None:
    # Those without a case stand in no index of cases: SQLite takes it only where the query says so, too.
    rest = Occurrence.objects.exclude(case="").filter(
        case=case_id, state=OccurrenceState.MISSED, decided_by=""
    )
    open_case = Case.objects.filter(pk=case_id).exclude(status__in=SETTLED)
    if not rest.exists() and open_case.exists():
        decisions.done(case_id, by=by, at=at, note=note)
