"""Takes over the runs of workers that died: takes their journals in, judges open attempts, records the end."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from runner.cases import intake
from runner.core.clock import now
from runner.core.contract import JOURNAL_FILE, Settled, lane_folder, run_folder
from runner.core.nouns import AttemptStatus, RunStatus
from runner.core.settings import Settings
from runner.engine import tree
from runner.engine.execution import finish_data
from runner.engine.outcome import ItemCounts, LaneEnd, Outcome
from runner.engine.shared import lost_data
from runner.engine.sweep import sweep_scratch
from runner.engine.trail import OpenAttempt, Trail
from runner.journal import read_journal
from runner.journal.seal import seal
from runner.journal.write import Journal
from runner.store import claims
from runner.store.counts import count_items
from runner.store.models import Attempt, Item, Run


def recover(settings: Settings, worker: str, at_work: Collection[str] = ()) -> Iterator[str]:
    """Bring every run that a dead worker left to its recorded end; yields their ids.

    A worker is dead when its process is gone (on this machine), or when its lease has ended (on any). One that lives
    all the same has lost its claim: the store refuses its writes by their epoch, and its journals are sealed.
    `at_work` are the runs that `worker` itself executes: one that it holds beside them came to no end here, by an error.
    """
    for run in claims.running_runs():
        if run.worker == worker and run.id in at_work:
            continue
        until = now() + settings.lease
        if run.worker == worker or _is_gone(run.worker, worker):
            epoch = claims.seize_run(run.id, run.epoch, worker, until)
        else:
            taken = claims.take_over_run(run.id, worker, until, now())
            epoch = taken.epoch if taken else None
        if epoch is not None:
            _end_processes(run, worker)
            _conclude(settings, run, epoch, worker)
            yield run.id


def _host(worker: str) -> str:
    return worker.rsplit(":", 2)[0]


def _is_gone(holder: str, worker: str) -> bool:
    """Whether the worker that holds a run was on this machine and its process has ended."""
    _, pid, started = holder.rsplit(":", 2)
    return _host(holder) == _host(worker) and not tree.is_alive(int(pid), float(started))


def _end_processes(run: Run, worker: str) -> None:
    """End what is left of the run on this machine: all of a worker that is gone, of one that lives this run's only."""
    if _host(run.worker) != _host(worker):
        return
    if _is_gone(run.worker, worker):
        tree.end_tree(0, f"{run.worker}/", grace=0)
        sweep_scratch()
        return
    for lane in run.lanes.all():
        pid = lane.pid or 0
        marker = tree.marker_of(pid)
        if marker.startswith(f"{run.worker}/"):
            tree.end_tree(pid, marker, grace=0)


def _conclude(settings: Settings, run: Run, epoch: int, worker: str) -> None:
    folder = settings.runs / (run.folder or run_folder(run.id, run.queued))
    own = folder / JOURNAL_FILE
    _take_in_sealed(own, run.id, 0, epoch)
    lanes = sorted(int(p.name.removeprefix("lane-")) for p in folder.glob("lane-*") if p.is_dir())
    trails = {lane: _trail(folder, run.id, lane, epoch) for lane in lanes}
    with Journal(
        own, run=run.id, lane=0, bot=run.bot, after_seq=_last_seq(run.id), reserve=settings.reserve
    ) as journal:
        for lost, lane in _lost(run.id, trails):
            trail = trails.get(lane, Trail())
            journal.event(
                "attempt.finished", f"attempt {lost.number} at {lost.item} was lost: its worker died", level="ERROR",
                sync=True, queue=lost.queue, item=lost.item, attempt=lost.number,
                data=lost_data(lost, lane, LaneEnd.CRASHED, trail.last_step),
            )  # fmt: skip
        intake.take_in_journal(own, run.id, 0, epoch)
        counts = ItemCounts(**count_items(run.id))
        message_of_end = f"the worker {run.worker} ended in the middle of the run"
        if run.worker == worker:
            message_of_end = f"the worker {run.worker} met an error of its own in the middle of the run"
        error = {
            "kind": "application", "type": "RunFailed", "code": "WORKER_DIED", "where": "",
            "message": message_of_end,
        }  # fmt: skip
        outcome = Outcome(RunStatus.LOST, "crash", error=error)
        message = f"{run.bot} was lost with its worker"
        data = finish_data(outcome, counts, {})
        journal.event("run.finished", message, level="ERROR", sync=True, data=data, error=error)
    intake.take_in_journal(own, run.id, 0, epoch)


def _trail(folder: Path, run: str, lane: int, epoch: int) -> Trail:
    path = folder / lane_folder(lane) / JOURNAL_FILE
    _take_in_sealed(path, run, lane, epoch)
    trail = Trail()
    trail.follow(read_journal(path).lines)
    return trail


def _take_in_sealed(path: Path, run: str, lane: int, epoch: int) -> None:
    """Shut the journal to whoever still holds it, then take in the rest of what it said before.

    A journal that has lost its tail (power, a person, a disk) is gone on with behind what is left of it: else nothing that
    is written behind it would ever be found, and the run would never end.
    """
    taken, last_seq = intake.position(run, lane)
    reading = seal(path, taken, last_seq)
    if reading.end < taken:
        intake.rewind(run, lane, reading, epoch)
    intake.take_in_journal(path, run, lane, epoch)


def _last_seq(run: str) -> int:
    return intake.position(run, 0)[1]


def _lost(run: str, trails: dict[int, Trail]) -> Iterator[tuple[OpenAttempt, int]]:
    """The attempts without an end: those the journals show, and items claimed whose attempt left no line."""
    shown = set()
    for lane, trail in trails.items():
        lost = trail.attempt or trail.waits
        if lost is not None:
            shown.add((lost.queue, lost.item))
            yield lost, lane
    for item in claims.held_items(run):
        if (item.queue_id, item.key) not in shown:
            yield _as_the_store_knows_it(item, run), item.claimed_lane or 1


def _as_the_store_knows_it(item: Item, run: str) -> OpenAttempt:
    """The attempt at an item that no journal shows: one that left no line, or whose lines were lost after the intake."""
    begun = Attempt.objects.filter(
        item=item, run_id=run, number=item.attempts_made, status=AttemptStatus.RUNNING
    ).exists()
    if not begun:
        return OpenAttempt(item.queue_id, item.key, item.attempts_made + 1)
    open_ones = (n for n, record in item.irreversible.items() if record.get("state") == Settled.INTENT)
    return OpenAttempt(item.queue_id, item.key, item.attempts_made, next(open_ones, None))
