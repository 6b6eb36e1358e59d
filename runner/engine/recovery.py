"""Takes over the runs of workers that died: takes their journals in, judges open attempts, records the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runner.cases import intake
from runner.core.clock import now
from runner.core.contract import JOURNAL_FILE, lane_folder
from runner.core.nouns import ItemStatus, RunStatus
from runner.core.settings import Settings
from runner.engine import tree
from runner.engine.execution import finish_data
from runner.engine.folder import folder_of
from runner.engine.lane import lost_data
from runner.engine.outcome import ItemCounts, LaneEnd, Outcome
from runner.engine.trail import OpenAttempt, Trail
from runner.journal import read_journal
from runner.journal.write import Journal
from runner.store import claims
from runner.store.counts import count_items


def recover(settings: Settings, worker: str) -> Iterator[str]:
    """Bring every run that a dead worker left to its recorded end; yields their ids.

    A worker is dead when its process is gone (on this machine), or when its lease has ended (on any).
    """
    for run in claims.running_runs():
        if run.worker == worker or not _is_dead(run, worker):
            continue
        if claims.seize_run(run.id, run.epoch, worker, now() + settings.lease) is not None:
            tree.end_tree(0, f"{run.worker}/", grace=0)
            _conclude(settings, run)
            yield run.id


def _is_dead(run: Any, worker: str) -> bool:
    host, pid, started = run.worker.rsplit(":", 2)
    if host == worker.rsplit(":", 2)[0]:
        return not tree.is_alive(int(pid), float(started))
    return bool(run.lease_until and run.lease_until < now())


def _conclude(settings: Settings, run: Any) -> None:
    folder = settings.runs / (run.folder or folder_of(run.id, run.queued))
    own = folder / JOURNAL_FILE
    intake.take_in_journal(own, run.id, 0)
    lanes = sorted(int(p.name.removeprefix("lane-")) for p in folder.glob("lane-*") if p.is_dir())
    trails = {lane: _trail(folder, run.id, lane) for lane in lanes}
    with Journal(own, run=run.id, lane=0, bot=run.bot) as journal:
        for lost, lane in _lost(run.id, trails):
            trail = trails.get(lane, Trail())
            journal.event(
                "attempt.finished", f"attempt {lost.number} at {lost.item} was lost: its worker died", level="ERROR",
                sync=True, queue=lost.queue, item=lost.item, attempt=lost.number,
                data=lost_data(lost, lane, LaneEnd.CRASHED, trail.last_step),
            )  # fmt: skip
        intake.take_in_journal(own, run.id, 0)
        counts = ItemCounts(**count_items(run.id))
        error = {
            "kind": "application", "type": "RunFailed", "code": "WORKER_DIED", "where": "",
            "message": f"the worker {run.worker} ended in the middle of the run",
        }  # fmt: skip
        outcome = Outcome(RunStatus.LOST, "crash", error=error)
        message = f"{run.bot} was lost with its worker"
        data = finish_data(outcome, counts, {})
        journal.event("run.finished", message, level="ERROR", sync=True, data=data, error=error)
    intake.take_in_journal(own, run.id, 0)


def _trail(folder: Path, run: str, lane: int) -> Trail:
    path = folder / lane_folder(lane) / JOURNAL_FILE
    intake.take_in_journal(path, run, lane)
    trail = Trail()
    trail.follow(read_journal(path).lines)
    return trail


def _lost(run: str, trails: dict[int, Trail]) -> Iterator[tuple[OpenAttempt, int]]:
    """The attempts without an end: those the journals show, and items claimed whose attempt left no line."""
    from runner.store.models import Item

    shown = set()
    for lane, trail in trails.items():
        if trail.attempt is not None:
            shown.add((trail.attempt.queue, trail.attempt.item))
            yield trail.attempt, lane
    for item in Item.objects.filter(claimed_run=run, status=ItemStatus.RUNNING):
        if (item.queue_id, item.key) not in shown:
            yield OpenAttempt(item.queue_id, item.key, item.attempts_made + 1), item.claimed_lane or 1
