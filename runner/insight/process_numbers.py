"""The numbers of a process over a time: what its runs did, how its cases were settled, what was on time; read from the store alone.

How each is counted is said here, at its function, and on the desk in the reader's language.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import connection

from runner.core.nouns import OccurrenceState, RunStatus
from runner.insight import stretch_sums
from runner.insight.series import Series, Stretches
from runner.store.models import Occurrence, Run
from runner.store.moments import moment

WENT_THROUGH: Final = (RunStatus.DONE, RunStatus.EXCEPTIONS)
GRACE: Final = timedelta(
    minutes=15
)  # a run of a schedule without a deadline is on time when it begins within this
_LONGEST_RUN: Final = timedelta(
    days=3
)  # runs that were asked for longer ago than this before a time don't count in it


@dataclass(frozen=True, slots=True)
class Measured:
    """What is measured: a process, its schedules with their grace, and how many minutes a person takes for an item."""

    process: str
    graces: Mapping[str, timedelta]
    manual_minutes: float | None = None


@dataclass(frozen=True, slots=True)
class ProcessNumbers:
    """All numbers of a process; times in seconds, shares from 0 to 1, `hours_saved` None without `manual_minutes`."""

    done: Series
    exceptions: Series
    first_pass: Series
    on_time: Series
    hours_saved: Series | None
    to_resolution: Series
    to_decision: Series
    sla_met: Series


def numbers_of(wanted: Measured, stretches: Stretches) -> ProcessNumbers:
    """The numbers of a process in these stretches of time. Six queries, each along an index of process and time."""
    runs = _runs(wanted.process, stretches)
    done, exceptions = Series(stretches), Series(stretches, is_share=True)
    for run in runs:
        done.add(run.finished, run.done)
        exceptions.add(run.finished, run.exceptions, run.done + run.exceptions)
    return ProcessNumbers(
        done=done,
        exceptions=exceptions,
        first_pass=_share(stretches, stretch_sums.first_tries(wanted.process, stretches)),
        on_time=_on_time(wanted, runs, stretches),
        hours_saved=_hours(done, wanted.manual_minutes),
        to_resolution=_share(stretches, stretch_sums.times_to_resolution(wanted.process, stretches)),
        to_decision=_share(stretches, stretch_sums.times_to_decision(wanted.process, stretches)),
        sla_met=_share(stretches, stretch_sums.due_cases(wanted.process, stretches)),
    )


def _share(stretches: Stretches, sums: Mapping[int, tuple[float, float]]) -> Series:
    found = Series(stretches, is_share=True)
    for place, (part, whole) in sums.items():
        found.parts[place], found.wholes[place] = part, whole
    return found


class _Ran(NamedTuple):
    """What matters here of a run."""

    status: str
    schedule: str
    due: datetime | None
    started: datetime | None
    finished: datetime | None
    done: int
    exceptions: int
    deadline: datetime | None


def _runs(process: str, stretches: Stretches) -> list[_Ran]:
    """The runs of the process that ended in the time, or were due in it."""
    rows = Run.objects.filter(process=process, queued__gte=stretches.begin - _LONGEST_RUN)
    rows = rows.filter(queued__lt=stretches.end)
    wanted = ("status", "schedule", "due", "started", "finished", "done", "exceptions", "policy")
    # Read without Django's converters: tens of thousands of times are a tenth of a second for them.
    sql, parameters = rows.order_by().values_list(*wanted).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [
            _Ran(
                status, schedule or "", moment(due), moment(started), moment(finished), done, exceptions, _deadline(policy)
            )
            for status, schedule, due, started, finished, done, exceptions, policy in cursor.fetchall()
        ]  # fmt: skip


def _deadline(policy: Any) -> datetime | None:
    """The deadline in a policy, which is JSON: text, or a value already, as the database gives it."""
    if isinstance(policy, str):
        if '"deadline"' not in policy:  # most have none
            return None
        policy = json.loads(policy)
    return moment((policy or {}).get("deadline"))


def _hours(done: Series, manual_minutes: float | None) -> Series | None:
    """The time that people did not spend: items done, times the minutes that a person takes for one."""
    if not manual_minutes:
        return None
    return Series(done.stretches, parts=[n * manual_minutes / 60 for n in done.parts])


def _on_time(wanted: Measured, runs: Sequence[_Ran], stretches: Stretches) -> Series:
    """Of the due times, the share with a run that went through by its deadline; without one: that began within its grace.

    A due time that was missed counts as late; one that was skipped by a rule (holiday, overlap, pause), or whose run goes
    on and is not late yet, does not count.
    """
    best: dict[tuple[str, datetime], bool] = {}
    for run in runs:
        if run.due is None or not run.schedule:
            continue
        judged = _was_on_time(run, run.due, wanted.graces.get(run.schedule, GRACE), stretches.end)
        key = (run.schedule, run.due)
        if judged is not None:
            best[key] = best.get(key, False) or judged
    missed = Occurrence.objects.filter(
        schedule__in=list(wanted.graces), state=OccurrenceState.MISSED, due__gte=stretches.begin,
        due__lt=stretches.end,
    )  # fmt: skip
    for schedule, due in missed.order_by().values_list("schedule", "due"):
        best.setdefault((schedule, due), False)
    found = Series(stretches, is_share=True)
    for (_schedule, due), good in best.items():
        found.add(due, float(good), 1)
    return found


def _was_on_time(run: _Ran, due: datetime, grace: timedelta, now: datetime) -> bool | None:
    """Whether a run was on time; None while that can't be said."""
    if run.finished is None:
        last = run.deadline or due + grace
        late = now > last and (run.deadline is not None or run.started is None)
        return False if late else None
    if run.status not in WENT_THROUGH:
        return False
    if run.deadline is not None:
        return run.finished <= run.deadline
    return run.started is not None and run.started <= due + grace
