"""The numbers of a process over a time: what its runs did, how its cases were settled, what was on time; read from the store alone.

How each is counted is said here, at its function, and on the desk in the reader's language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Min, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Concat

from runner.core.nouns import ActVerb, AttemptStatus, OccurrenceState, RunStatus
from runner.insight.series import Series, Stretches
from runner.store.models import Act, Attempt, Case, Occurrence, Run

WENT_THROUGH: Final = (RunStatus.DONE, RunStatus.EXCEPTIONS)
GRACE: Final = timedelta(
    minutes=15
)  # a run of a schedule without a deadline is on time when it begins within this
MOST_CASES: Final = 20_000  # the newest, for each number about cases
_LONGEST_RUN: Final = timedelta(
    days=3
)  # runs that were asked for longer ago than this before a time don't count in it
_DECIDED: Final = (ActVerb.RETRY, ActVerb.DONE, ActVerb.REJECT, ActVerb.ATTEST)


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
    """The numbers of a process in these stretches of time. Seven queries, each along an index of process and time."""
    runs = _runs(wanted.process, stretches)
    done, exceptions = Series(stretches), Series(stretches, is_share=True)
    for run in runs:
        done.add(run["finished"], run["done"])
        exceptions.add(run["finished"], run["exceptions"], run["done"] + run["exceptions"])
    to_resolution, sla_met = _settled(wanted.process, stretches)
    return ProcessNumbers(
        done=done,
        exceptions=exceptions,
        first_pass=_first_pass(wanted.process, runs, stretches),
        on_time=_on_time(wanted, runs, stretches),
        hours_saved=_hours(done, wanted.manual_minutes),
        to_resolution=to_resolution,
        to_decision=_to_decision(wanted.process, stretches),
        sla_met=sla_met,
    )


def _runs(process: str, stretches: Stretches) -> list[dict[str, Any]]:
    """The runs of the process that ended in the time, or were due in it."""
    rows = Run.objects.filter(process=process, queued__gte=stretches.begin - _LONGEST_RUN)
    rows = rows.filter(queued__lt=stretches.end)
    wanted = ("pk", "status", "schedule", "due", "started", "finished", "done", "exceptions", "policy")
    return list(rows.order_by().values(*wanted))


def _hours(done: Series, manual_minutes: float | None) -> Series | None:
    """The time that people did not spend: items done, times the minutes that a person takes for one."""
    if not manual_minutes:
        return None
    return Series(done.stretches, parts=[n * manual_minutes / 60 for n in done.parts])


def _first_pass(process: str, runs: Sequence[Mapping[str, Any]], stretches: Stretches) -> Series:
    """Of the items that were tried for the first time, the share that this first try finished; by the end of its run."""
    found = Series(stretches, is_share=True)
    ended = {run["pk"]: run["finished"] for run in runs if run["finished"]}
    since = stretches.begin - _LONGEST_RUN
    rows = Attempt.objects.filter(
        number=1, run__process=process, run__queued__gte=since, run__queued__lt=stretches.end
    )
    rows = rows.exclude(status__in=[AttemptStatus.RUNNING, AttemptStatus.LATER])
    for run, status, n in rows.order_by().values_list("run_id", "status").annotate(n=Count("pk")):
        found.add(ended.get(run or ""), n if status == AttemptStatus.DONE else 0, n)
    return found


def _on_time(wanted: Measured, runs: Sequence[Mapping[str, Any]], stretches: Stretches) -> Series:
    """Of the due times, the share with a run that went through by its deadline; without one: that began within its grace.

    A due time that was missed counts as late; one that was skipped by a rule (holiday, overlap, pause), or whose run goes
    on and is not late yet, does not count.
    """
    best: dict[tuple[str, datetime], bool] = {}
    for run in runs:
        if run["due"] is None or not run["schedule"]:
            continue
        judged = _was_on_time(run, wanted.graces.get(run["schedule"], GRACE), stretches.end)
        key = (run["schedule"], run["due"])
        if judged is not None:
            best[key] = best.get(key, False) or judged
    missed = Occurrence.objects.filter(
        schedule__in=list(wanted.graces), state=OccurrenceState.MISSED, due__gte=stretches.begin,
        due__lt=stretches.end,
    )  # fmt: skip
    for schedule, due in missed.values_list("schedule", "due")[:MOST_CASES]:
        best.setdefault((schedule, due), False)
    found = Series(stretches, is_share=True)
    for (_schedule, due), good in best.items():
        found.add(due, float(good), 1)
    return found


def _was_on_time(run: Mapping[str, Any], grace: timedelta, now: datetime) -> bool | None:
    """Whether a run was on time; None while that can't be said."""
    said = (run["policy"] or {}).get("deadline")
    deadline = datetime.fromisoformat(said) if said else None
    if run["finished"] is None:
        last = deadline or run["due"] + grace
        late = now > last and (deadline is not None or run["started"] is None)
        return False if late else None
    if run["status"] not in WENT_THROUGH:
        return False
    if deadline is not None:
        return bool(run["finished"] <= deadline)
    return bool(run["started"] and run["started"] <= run["due"] + grace)


def _settled(process: str, stretches: Stretches) -> tuple[Series, Series]:
    """The mean time from opening a case to its end, by its end; and of the cases that were due, the share settled by then."""
    mean, met = Series(stretches, is_share=True), Series(stretches, is_share=True)
    # Along the index of what has changed lately, not through all settled cases of the process: as an expression its
    # name is looked up in no index.
    lately = Case.objects.filter(waits=0, changed__gte=stretches.begin).alias(of=Concat("process", Value("")))
    ended = lately.filter(of=process, resolved__gte=stretches.begin, resolved__lt=stretches.end)
    mine = Case.objects.filter(process=process, waits__in=[0, 1])
    for opened, resolved in _newest(ended, "-changed").values_list("opened", "resolved"):
        if resolved is not None:
            mean.add(resolved, (resolved - opened).total_seconds(), 1)
    due = mine.filter(due__gte=stretches.begin, due__lt=stretches.end)
    for at, resolved in _newest(due, "-due").values_list("due", "resolved"):
        met.add(at, float(resolved is not None and at is not None and resolved <= at), 1)
    return mean, met


def _to_decision(process: str, stretches: Stretches) -> Series:
    """The mean time from opening a case to the first decision of a person about it; by the day on which it was opened."""
    acts = Act.objects.filter(subject_kind="case", subject=OuterRef("pk"), machine=False, verb__in=_DECIDED)
    first = acts.order_by().values("subject").annotate(first=Min("at")).values("first")
    rows = Case.objects.filter(process=process, opened__gte=stretches.begin, opened__lt=stretches.end)
    found = Series(stretches, is_share=True)
    for opened, decided in (
        _newest(rows, "-opened").annotate(decided=Subquery(first)).values_list("opened", "decided")
    ):
        if decided is not None:
            found.add(opened, max((decided - opened).total_seconds(), 0.0), 1)
    return found


def _newest(rows: QuerySet[Case], by: str) -> QuerySet[Case]:
    return rows.order_by(by)[:MOST_CASES]
