"""The numbers of a process over a time: what its runs did, how its cases were settled, what was on time; read from the store alone.

How each is counted is said here, at its function, and on the desk in the reader's language.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import connection

from runner.core.nouns import OccurrenceState, RunStatus
from runner.insight import stretch_sums
from runner.insight.series import Series, Stretches
from runner.store.models import Occurrence
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
    ended = stretch_sums.ended_runs(wanted.process, stretches)
    done = Series(stretches)
    for place, one in ended.items():
        done.parts[place] = one.done
    return ProcessNumbers(
        done=done,
        exceptions=_share(
            stretches, {n: (one.exceptions, one.done + one.exceptions) for n, one in ended.items()}
        ),
        first_pass=_share(stretches, {n: (one.first_passes, one.first_tries) for n, one in ended.items()}),
        on_time=_on_time(wanted, _due_runs(wanted.process, stretches), stretches),
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
    """What matters here of a run that was due; its times as the database gives them, text or instants: both can be compared."""

    schedule: str
    due: Any
    status: str
    started: Any
    finished: Any
    policy: Any


def _due_runs(process: str, stretches: Stretches) -> Iterator[_Ran]:
    """The runs of the process with a due time, as far as that may lie in the time."""
    # Text, as it is stored: the converters that are called for columns of times cost more than all the rest.
    time = "CAST({0} AS TEXT)" if connection.vendor == "sqlite" else "{0}"
    due, started, finished = map(time.format, ("due", "started", "finished"))
    sql = f"""
        SELECT schedule, {due}, status, {started}, {finished}, policy FROM store_run
        WHERE process = %s AND queued >= %s AND queued < %s AND schedule > '' AND due IS NOT NULL
    """  # noqa: S608 (no value is in it)
    with connection.cursor() as cursor:
        cursor.execute(sql, [process, *_as_stored((stretches.begin - _LONGEST_RUN, stretches.end))])
        yield from map(_Ran._make, cursor.fetchall())


def _as_stored(times: Iterable[datetime]) -> list[Any]:
    return [connection.ops.adapt_datetimefield_value(at) for at in times]


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


def _on_time(wanted: Measured, runs: Iterable[_Ran], stretches: Stretches) -> Series:
    """Of the due times, the share with a run that went through by its deadline; without one: that began within its grace.

    A due time that was missed counts as late; one that was skipped by a rule (holiday, overlap, pause), or whose run goes
    on and is not late yet, does not count.
    """
    missed = set(
        Occurrence.objects.filter(
            schedule__in=list(wanted.graces), state=OccurrenceState.MISSED, due__gte=stretches.begin, due__lt=stretches.end,
        ).order_by().values_list("schedule", "due")
    )  # fmt: skip
    has_missed = {schedule for schedule, _due in missed}
    best: dict[tuple[str, Any], bool] = {}
    for run in runs:
        judged = _was_on_time(run, wanted.graces.get(run.schedule, GRACE), stretches.end)
        if judged is not None:
            key = (run.schedule, run.due)
            best[key] = best.get(key, False) or judged
            if run.schedule in has_missed:
                missed.discard((run.schedule, _moment(run.due)))
    found, edges = Series(stretches, is_share=True), _as_stored(stretches.edges)
    for (_schedule, due), good in best.items():
        place = bisect_right(edges, due) - 1
        if 0 <= place < len(stretches):
            found.parts[place] += good
            found.wholes[place] += 1
    for _schedule, at in missed:
        found.add(at, 0, 1)
    return found


def _was_on_time(run: _Ran, grace: timedelta, now: datetime) -> bool | None:
    """Whether a run was on time; None while that can't be said. Times are read only where it depends on them."""
    deadline = _deadline(run.policy)
    if run.finished is None:
        late = now > (deadline or _moment(run.due) + grace) and (deadline is not None or run.started is None)
        return False if late else None
    if run.status not in WENT_THROUGH:
        return False
    if deadline is not None:
        return _moment(run.finished) <= deadline
    if run.started is None:
        return False
    return run.started <= run.due or _moment(run.started) <= _moment(run.due) + grace


def _moment(value: Any) -> datetime:
    found = moment(value)
    assert found is not None
    return found
