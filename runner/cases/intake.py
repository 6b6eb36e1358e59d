"""Takes journals into the store: the only code that writes machine rows, used live by the worker and by a rebuild."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from django.db import transaction

from runner.cases import intake_items, intake_locators, intake_runs, intake_schedules, intake_workbooks
from runner.cases.batch import Batch, PutCounts
from runner.core.contract import SUPERVISOR_LANE
from runner.journal import Fault, Line, Reading, read_journal
from runner.store.claims import lease_lost
from runner.store.models import Lane, Run
from runner.store.quick import table

_APPLY: Final[dict[str, Callable[[Batch, Line], None]]] = {
    "run.started": intake_runs.run_started,
    "run.finished": intake_runs.run_finished,
    "lane.ended": intake_runs.lane_ended,
    "step.started": intake_runs.step_started,
    "step.finished": intake_runs.step_finished,
    "occurrence": intake_schedules.occurrence,
    "clock.step": intake_schedules.clock_step,
    "items.put": intake_items.items_put,
    "attempt.started": intake_items.attempt_started,
    "attempt.finished": intake_items.attempt_finished,
    "irreversible.intent": intake_items.irreversible_intent,
    "irreversible.outcome": intake_items.irreversible_outcome,
    "once": intake_items.once,
    "evidence": intake_items.evidence,
    "target.down": intake_items.target_down,
    "locator.fallback": intake_locators.locator_fallback,
    "locator.uses": intake_locators.locator_uses,
    "workbook.written": intake_workbooks.workbook_written,
}
"""What each event does to the rows. Events that are not named (log, retry, balance) leave none."""


@dataclass(frozen=True, slots=True)
class Intake:
    """What a piece of a journal did: `puts` by queue, `finished` attempts, `fault` where reading stopped early."""

    lines: tuple[Line, ...] = ()
    puts: dict[str, PutCounts] = field(default_factory=dict)
    finished: int = 0
    fault: Fault | None = None


def take_in(lines: Sequence[Line]) -> Intake:
    """Apply journal lines, in their order, to the rows. The caller holds the transaction and hands in each line once."""
    batch = Batch()
    for line in lines:
        apply = _APPLY.get(line.event)
        if apply is not None:
            apply(batch, line)
    batch.write()
    return Intake(tuple(lines), batch.puts, batch.finished)


def take_in_journal(path: Path, run_id: str, lane: int, epoch: int | None = None) -> Intake:
    """Take in what a lane's journal holds beyond the stored offset; lines and new offset in one transaction.

    So each line counts exactly once, however often this is called and wherever the process dies. A torn last line is
    left for the next call (`fault` says so). With `epoch` nothing is written when the run has been claimed by another
    worker since: raises ConflictError (LEASE_LOST).
    """
    with transaction.atomic():
        offset, last_seq, row_id = _position(run_id, lane, epoch)
        reading = read_journal(path, offset, last_seq)
        if not reading.lines:
            return Intake(fault=reading.fault)
        if row_id is None:
            first = reading.lines[0]
            intake_runs.ensure_lane(run_id, lane, first.bot, first.time)
            row_id = _position(run_id, lane, None)[2]
        done = take_in(reading.lines)
        place = {"offset": reading.end, "last_seq": reading.lines[-1].seq}
        table(Run if lane == SUPERVISOR_LANE else Lane).set(row_id, place)
        return Intake(reading.lines, done.puts, done.finished, reading.fault)


def position(run_id: str, lane: int) -> tuple[int, int]:
    """How far a lane's journal has been taken in: the offset in bytes, and the number of the last line."""
    offset, last_seq, _ = _position(run_id, lane, None)
    return offset, last_seq


def rewind(run_id: str, lane: int, left: Reading, epoch: int) -> None:
    """Go on behind what is `left` of a journal (read from its beginning) that has lost lines after they were taken in.

    What they said stays in the store. Raises ConflictError (LEASE_LOST) as `take_in_journal` does.
    """
    with transaction.atomic():
        row_id = _position(run_id, lane, epoch)[2]
        place = {"offset": left.end, "last_seq": left.lines[-1].seq if left.lines else 0}
        table(Run if lane == SUPERVISOR_LANE else Lane).set(row_id, place)


def _position(run_id: str, lane: int, epoch: int | None) -> tuple[int, int, str | int | None]:
    """Where the last call stopped, and the primary key of the row that says so (None: there is none yet)."""
    run = table(Run).values(("offset", "last_seq", "id", "epoch"), id=run_id)
    if run is not None and epoch is not None and run[3] != epoch:
        raise lease_lost(run_id, epoch)
    if lane == SUPERVISOR_LANE:
        return run[:3] if run else (0, 0, None)
    return table(Lane).values(("offset", "last_seq", "id"), run_id=run_id, number=lane) or (0, 0, None)
