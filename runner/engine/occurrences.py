"""Records due times: each decision of the timetable once, with its run, many of them in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from runner.cases.case_news import announce_missed
from runner.cases.intake_schedules import missed_case, missed_case_id
from runner.cases.queued import run_values
from runner.cases.run_rows import run_row
from runner.core.clock import iso
from runner.core.errors import ConfigurationError
from runner.core.ids import uuid7
from runner.core.nouns import OccurrenceState, RunStatus
from runner.journal import Line
from runner.journal.write import Journal
from runner.timetable.due_times import Planned
from runner.timetable.policies import Cause, Decision, OverlapMove, decide_overlap

_ACTIVE: Final = (RunStatus.QUEUED, RunStatus.RUNNING)
_AT_ONCE: Final = 250  # due times in one transaction: others get their turn in between
_TICK: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One due time to be recorded. What no clock made due has a `key`, and a `stamp` that never changes for it.

    `more` are parameters that the event brings, `policy` what else its run must know, `outputs` those of the run before.
    """

    decision: Decision
    planned: Planned
    key: str = ""
    stamp: datetime | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    policy: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] | None = None
    is_production: bool = False


def record(decision: Decision, planned: Planned, at: datetime, journal: Journal) -> Decision | None:
    """Write one due time down; returns what came of it, None where it was known already. See `record_all`."""
    recorded = record_all([Wanted(decision, planned)], at, journal)
    return recorded[0].decision if recorded else None


def record_all(wanted: Sequence[Wanted], at: datetime, journal: Journal) -> list[Wanted]:
    """Write due times down, with their runs where they run; returns those that were not known yet, as they ended.

    Due times of one schedule stand together, in their order. The journal lines come first (on the disk before the
    commit), then occurrences and runs in one transaction that is unique on (schedule, due): a crash in between, or a
    second scheduler, leads to the same run, whose id follows from schedule and due time.
    """
    from django.db import transaction

    recorded: list[Wanted] = []
    for start in range(0, len(wanted), _AT_ONCE):
        with transaction.atomic():
            recorded += _Ledger(wanted[start : start + _AT_ONCE], at, journal).write()
    return recorded


class _Ledger:
    """One transaction's due times."""

    def __init__(self, wanted: Sequence[Wanted], at: datetime, journal: Journal) -> None:
        from runner.store.models import Occurrence, Run

        self._wanted = wanted
        self._at = at
        self._journal = journal
        names = {one.planned.schedule.id for one in wanted}
        dues = [one.decision.due.due for one in wanted]
        rows = Occurrence.objects.filter(schedule__in=names)
        span = rows.filter(due__gte=min(dues), due__lte=max(dues) + timedelta(seconds=1))
        self._known = set(span.values_list("schedule", "due"))
        keys = [one.key for one in wanted if one.key]
        self._known_keys = set(rows.filter(key__in=keys).values_list("schedule", "key")) if keys else set()
        active = Run.objects.filter(schedule__in=names, status__in=_ACTIVE)
        self._active = Counter(active.values_list("schedule", "status"))
        self._missed: dict[str, str] = {}  # the case of each schedule whose due times were missed

    def write(self) -> list[Wanted]:
        """Write what is new; one look at the disk for all."""
        from runner.store.models import Occurrence, Run

        recorded, occurrences, runs, cases = [], [], [], []
        for one in self._wanted:
            if self._is_known(one):
                continue
            ended = self._as_it_ends(one)
            ended, row = self._with_row(ended)
            due, name = ended.decision.due.due, ended.planned.schedule.id
            run = _run_id(ended) if row is not None else None
            line = self._line(ended, run, row)
            if "case" in line.data:
                cases.append(line)
            occurrences.append(
                Occurrence(
                    schedule=name, due=due, state=ended.decision.state, reason=ended.decision.reason, run=run,
                    decided_by=ended.decision.due.by, key=ended.key, recorded=self._at,
                    case=line.data.get("missed_case", ""),
                )
            )  # fmt: skip
            if run is not None and row is not None:
                values = run_values(run, {**row, "schedule": name, "due": iso(due)}, self._at)
                runs.append(Run(pk=run, **values))
                self._active[name, RunStatus.QUEUED] += 1
            self._known.add((name, due))
            recorded.append(ended)
        if occurrences:
            self._journal.sync()
            Occurrence.objects.bulk_create(occurrences)
            Run.objects.bulk_create(runs, ignore_conflicts=True)
        for line in cases:
            missed_case(line)
        announce_missed(
            occurrences, {one.planned.schedule.id: one.planned.schedule.bot or "" for one in recorded}
        )
        return recorded

    def _is_known(self, one: Wanted) -> bool:
        name = one.planned.schedule.id
        if one.key:
            return (name, one.key) in self._known_keys
        return (name, one.decision.due.due) in self._known

    def _as_it_ends(self, one: Wanted) -> Wanted:
        """Give an event a due time of its own where another one has it, and do what `overlap` says."""
        name, due = one.planned.schedule.id, one.decision.due
        while one.key and (name, due.due) in self._known:
            due = replace(due, due=due.due + _TICK, planned=due.planned + _TICK)
        return replace(one, decision=self._by_overlap(replace(one.decision, due=due), one))

    def _by_overlap(self, decision: Decision, one: Wanted) -> Decision:
        from runner.store.models import Run

        if not decision.runs:
            return decision
        schedule = one.planned.schedule
        running, waiting = (self._active[schedule.id, s] for s in (RunStatus.RUNNING, RunStatus.QUEUED))
        move = decide_overlap(running, waiting, decision.cause or Cause.ON_TIME, schedule.overlap)
        if move is OverlapMove.LEAVE_OUT:
            return Decision(decision.due, OccurrenceState.SKIPPED, "overlap: the last run had not ended")
        if move is OverlapMove.CANCEL_EARLIER:
            by = f"schedule {schedule.id} (overlap: replace)"
            Run.objects.filter(schedule=schedule.id, status=RunStatus.RUNNING).update(stop_asked_by=by)
        return decision

    def _with_row(self, one: Wanted) -> tuple[Wanted, dict[str, Any] | None]:
        """The run's row; parameters that can't be made are a due time that was missed."""
        if not one.decision.runs:
            return one, None
        due = one.decision.due.due
        try:
            row = run_row(one.planned, due, self._at, outputs=one.outputs, is_production=one.is_production)
        except ConfigurationError as error:
            decision = Decision(one.decision.due, OccurrenceState.MISSED, str(error), needs_case=True)
            return replace(one, decision=decision), None
        row["parameters"] = {**row["parameters"], **one.more}
        row["policy"] = {**row["policy"], **one.policy}
        return one, row

    def _line(self, one: Wanted, run: str | None, row: dict[str, Any] | None) -> Line:
        name, decision = one.planned.schedule.id, one.decision
        data: dict[str, Any] = {
            "schedule": name,
            "due": iso(decision.due.due),
            "state": decision.state,
            "reason": decision.reason,
            "run": run,
            "run_row": row,
            "recorded": iso(self._at),
        }
        data |= {"key": one.key} if one.key else {}
        data |= {"by": decision.due.by} if decision.due.by else {}
        if decision.needs_case and name not in self._missed:
            self._missed[name] = missed_case_id(name, data["due"])
            data["case"] = {"message": self._case_text(one), "bot": one.planned.schedule.bot or ""}
        data |= {"missed_case": self._missed[name]} if decision.needs_case else {}
        message = f"{name} due {data['due']}: {decision.state}"
        seq = self._journal.event("occurrence", message, data=data)
        return Line(seq, self._at, "", 0, "", "occurrence", "info", message, data=data)

    def _case_text(self, one: Wanted) -> str:
        """What one case says of all due times of a schedule that were missed together."""
        name = one.planned.schedule.id
        dues = [
            other.decision.due.due
            for other in self._wanted
            if other.planned.schedule.id == name and other.decision.needs_case
        ] or [one.decision.due.due]
        first, last = f"{dues[0]:%Y-%m-%d %H:%M}Z", f"{dues[-1]:%Y-%m-%d %H:%M}Z"
        span = f"the due time {first}" if len(dues) == 1 else f"{len(dues)} due times from {first} to {last}"
        return f"schedule '{name}': {span} did not run: {one.decision.reason}"


def _run_id(one: Wanted) -> str:
    """The id that every scheduler, and a rebuild, gives to this run."""
    name, due = one.planned.schedule.id, one.decision.due.due
    if one.key and one.stamp is not None:
        return uuid7(one.stamp, f"{name}@{one.key}")
    return uuid7(due, f"{name}@{iso(due)}")
