"""Makes what the machine wrote into the store again, from the journals; what people decided is kept and applied anew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet

from runner.cases.acts import apply_act
from runner.cases.announcing import in_silence
from runner.cases.history import Happening, JournalFile, Progress, find_journals, merged
from runner.cases.intake import take_in
from runner.core.clock import iso
from runner.core.contract import SUPERVISOR_LANE
from runner.core.errors import ConflictError, RunnerError
from runner.core.nouns import OccurrenceState, RunStatus
from runner.journal import Line
from runner.store import word_index
from runner.store.models import (
    Act,
    Attempt,
    Case,
    GroupingRule,
    Item,
    Lane,
    LocatorDay,
    Occurrence,
    Problem,
    Queue,
    Run,
    Step,
)

_BATCH: Final = 500  # lines per unit of work
_DELETED: Final = 2_000  # rows that are deleted together


@dataclass(frozen=True, slots=True)
class Damage:
    """A journal that could not be read to its end: from byte `offset` on, because of `reason`."""

    path: Path
    offset: int
    reason: str


@dataclass(slots=True)
class RebuildReport:
    """What a rebuild did. `not_applied`: acts of people that fit no case any more, with the reason; they are kept."""

    journals: int = 0
    lines: int = 0
    runs: int = 0
    acts: int = 0
    damaged: list[Damage] = field(default_factory=list)
    not_applied: list[tuple[str, str]] = field(default_factory=list)


def rebuild(runs_folder: Path, *, now: datetime, progress: Progress | None = None) -> RebuildReport:
    """Delete the machine-written rows and make them again from all journals below `runs_folder`.

    One transaction: whatever goes wrong, the store is as it was. Kept: acts of people, queued runs that no journal
    knows, due times that did not run (unless journals of schedulers, `scheduler/*.jsonl` beside the runs, tell them). Not kept: leases, so a run that was being worked on is taken over by the next worker.
    Raises ConflictError (REBUILD_BUSY) while a worker holds a run.
    """
    schedulers = runs_folder.parent / "scheduler"
    report = RebuildReport()
    with transaction.atomic(), word_index.made_anew(), in_silence():
        _refuse_while_running(now)
        files = find_journals(runs_folder, schedulers)
        _forget_machine_rows(everything_is_told=any(file.path.parent == schedulers for file in files))
        people = Act.objects.filter(machine=False).order_by("at", "id")
        _replay(merged(files, list(people), progress), report)
        for file in files:
            _note_position(file, runs_folder)
            if file.fault is not None:
                report.damaged.append(Damage(file.path, file.fault.offset, file.fault.reason))
        report.journals, report.runs = len(files), Run.objects.count()
    return report


def _replay(happenings: Iterable[Happening], report: RebuildReport) -> None:
    lines: list[Line] = []
    for happened in happenings:
        if isinstance(happened, Line):
            lines.append(happened)
            report.lines += 1
            if len(lines) == _BATCH:
                take_in(lines)
                lines.clear()
            continue
        take_in(lines)
        lines.clear()
        report.acts += 1
        try:
            with transaction.atomic():
                apply_act(happened)
        except RunnerError as error:  # a journal it was based on is gone: the act stays, its effect can't
            report.not_applied.append((happened.pk, str(error)))
    take_in(lines)


def _refuse_while_running(now: datetime) -> None:
    held = Run.objects.filter(status=RunStatus.RUNNING, lease_until__gt=now).first()
    if held is not None and held.lease_until is not None:
        raise ConflictError(
            f"worker '{held.worker}' is working on run {held.pk} until {iso(held.lease_until)}",
            expected="no worker at work, as a rebuild makes its rows anew",
            hint="stop the worker (or wait for the end of its lease), then: runner rebuild",
            code="REBUILD_BUSY",
        )


def _forget_machine_rows(*, everything_is_told: bool) -> None:
    queued = Run.objects.filter(status=RunStatus.QUEUED)
    told = (
        Occurrence.objects.all()
        if everything_is_told
        else Occurrence.objects.filter(state=OccurrenceState.RAN)
    )
    told.exclude(run__in=list(queued.values_list("pk", flat=True))).delete()
    Act.objects.filter(machine=True).delete()
    for model in (Case, GroupingRule, Problem, Attempt):
        model.objects.all().delete()
    _delete_bit_by_bit(Item.objects.all())
    for other in (Queue, Step, Lane, LocatorDay):
        other.objects.all().delete()
    _delete_bit_by_bit(Run.objects.exclude(status=RunStatus.QUEUED))


def _delete_bit_by_bit(rows: QuerySet[Any]) -> None:
    """Delete rows that others may point at: Django loads those before it deletes them, and a million of them are gigabytes."""
    while found := list(rows.order_by("pk").values_list("pk", flat=True)[:_DELETED]):
        rows.filter(pk__in=found).delete()


def _note_position(file: JournalFile, runs_folder: Path) -> None:
    """Where the worker's next intake goes on, and the run's folder."""
    place = {"offset": file.end, "last_seq": file.last_seq}
    if not file.run:
        return
    if file.lane == SUPERVISOR_LANE:
        folder = file.path.parent.relative_to(runs_folder).as_posix()
        Run.objects.filter(pk=file.run).update(**place, folder=folder)
    else:
        Lane.objects.filter(run_id=file.run, number=file.lane).update(**place)
