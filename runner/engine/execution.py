"""Executes one run: its folder, its lanes, its limits, its outcome."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from runner.cases import intake
from runner.core.clock import duration_text, iso, now
from runner.core.contract import JOURNAL_FILE, SUPERVISOR_LANE, BotDescription, ItemOrder, NoItem, Order
from runner.core.errors import ConfigurationError, ConflictError, RunFailed, RunnerError
from runner.core.nouns import RunStatus
from runner.core.settings import Settings
from runner.core.vault import Vault
from runner.engine import tree
from runner.engine.child import Child
from runner.engine.lane import LaneHand, item_order, lost_data
from runner.engine.outcome import ItemCounts, LaneEnd, LaneResult, Outcome, judge
from runner.engine.trail import OpenAttempt, is_target_failure
from runner.journal import Line, Redactor
from runner.journal.write import Journal
from runner.store import claims
from runner.store.counts import count_items
from runner.store.models import Item

T = TypeVar("T")
_TICK: Final = 0.5  # seconds between two looks at limits and requests to stop
_AT_ONCE: Final = (LaneEnd.MEMORY, LaneEnd.PROCESSES, LaneEnd.LEASE_LOST)  # not asked first
_FOLLOW: Final = 2.0  # seconds between two looks at what lanes write without asking
_STORE_WAIT: Final = 0.5  # seconds before the store is tried again
_STOP_GRACE: Final = timedelta(seconds=30)  # for the items in work when the worker shuts down


@dataclass(frozen=True, slots=True)
class Place:
    """Where runs are executed: the worker's name, settings and vault, and how it starts a child."""

    worker: str
    settings: Settings
    vault: Vault
    start_child: Callable[[], Child]
    load: Callable[[Child, Order], BotDescription]
    say: Callable[[str], None] = lambda _: None


@dataclass(slots=True)
class Progress:
    """How far a run is: what a progress bar shows."""

    total: int = 0
    done: int = 0
    exceptions: int = 0
    retried: int = 0


@dataclass(slots=True)
class _Failures:
    in_a_row: list[tuple[str, str]] = field(default_factory=list)


class Execution:
    """One run on this worker. `execute` returns when everything of it has ended and is recorded."""

    def __init__(self, place: Place, order: Order, folder: Path, bot: BotDescription, epoch: int) -> None:
        self.place = place
        self.order = order
        self.folder = folder
        self.bot = bot
        self.epoch = epoch
        self.redactor = Redactor()
        self.progress = Progress()
        self.on_progress: Callable[[Progress], None] = lambda _: None
        self.no_item: NoItem | None = None  # why no more items are handed out
        self._journal = Journal(
            folder / JOURNAL_FILE, run=order.run, lane=0, bot=order.bot, redactor=self.redactor
        )
        self._changed = threading.Condition()
        self._lanes: list[LaneHand] = []
        self._puts: dict[tuple[str, int], Mapping[str, int]] = {}
        self._failures = _Failures()
        self._ended: set[tuple[str, str, int]] = set()
        self._target_down = 0
        self._cancelled_by = ""
        self._refused: list[LaneResult] = []
        self._lease_until = now()
        self._stop_at: float | None = None

    # -- the run as a whole ------------------------------------------------------------------------------------------

    def execute(self, first: Child) -> Outcome:
        """Run the bot, whose loaded child is `first`, to its end; returns the outcome, which is recorded by then."""
        limit = self._time_limit()
        try:
            self.say("run.started", f"{self.order.bot} started", sync=True, data=self._start_data(limit))
            self._lanes = [LaneHand(self, 1, first), *self._more_lanes()]
            for lane in self._lanes:
                lane.thread.start()
            self._watch(limit)
            return self._conclude(limit)
        except (
            ConflictError
        ):  # another worker has taken the run over: its children here are gone, it writes the end
            for lane in self._lanes:
                self._end_lane(lane, LaneEnd.LEASE_LOST)
                lane.thread.join(15)
            raise
        finally:
            self._journal.close()

    def stop(self) -> None:
        """Hand out no more items and end when those in work are through (the worker shuts down)."""
        with self._changed:
            self.no_item = self.no_item or NoItem.STOPPING
            self._stop_at = self._stop_at or time.monotonic() + _STOP_GRACE.total_seconds()
            self._changed.notify_all()

    def say(self, event: str, message: str, *, sync: bool = False, **fields: Any) -> None:
        """Write a line of the run's own journal and take it into the store."""
        with self._changed:
            self._journal.event(event, message, sync=sync, **fields)
            self.take_in(self.folder / JOURNAL_FILE, SUPERVISOR_LANE)

    # -- what lanes ask ----------------------------------------------------------------------------------------------

    def take_in(self, journal: Path, lane: int) -> intake.Intake:
        """Take new lines of a journal into the store."""
        return self._held(lambda: intake.take_in_journal(journal, self.order.run, lane, self.epoch))

    def in_store(self, act: Callable[[], T]) -> T:
        """Do `act` on the store, however long the store is away: running work waits, it does not fail."""
        from django.db import OperationalError, connection

        told = False
        while True:
            try:
                return act()
            except OperationalError as error:
                connection.close()
                if not told:
                    self.place.say(
                        f"the store does not answer ({error}); run {self.order.run} waits, nothing is lost"
                    )
                    told = True
                time.sleep(_STORE_WAIT)

    def take_in_and_claim(
        self, journal: Path, lane: int, queue: str | None
    ) -> tuple[intake.Intake, Item | None]:
        """Take new lines of a lane in and claim the next item of `queue` for it, in one transaction: one write, not two."""
        from django.db import transaction

        def both() -> tuple[intake.Intake, Item | None]:
            with transaction.atomic():
                taken = intake.take_in_journal(journal, self.order.run, lane, self.epoch)
                wanted = queue is not None and self.no_item is None
                return taken, self._claim_next(queue, lane) if queue is not None and wanted else None

        self.renew()
        return self._held(both)

    def give_back(self, item: Item) -> None:
        """Put a claimed item back that was not begun."""
        self._held(lambda: claims.release(item))

    def hand_out(self, lane: LaneHand, queue: str) -> ItemOrder | NoItem:
        """The next item of `queue` for `lane`; waits while another lane still works on what may come back."""
        while True:
            if self.no_item is not None:
                return self.no_item
            self.renew()
            item = self._held(lambda: self._claim_next(queue, lane.number))
            if item is not None:
                return item_order(item)
            with self._changed:
                if lane.number != 1 or not self._others_at_work(lane):
                    return NoItem.EMPTY
                self._changed.wait(_TICK)

    def _claim_next(self, queue: str, lane: int) -> Item | None:
        until = self._lease_until
        return claims.claim_next(queue, self.order.run, lane, epoch=self.epoch, lease_until=until, now=now())

    def secret(self, name: str) -> str:
        """The secret `name`, for a bot that declares it; masked in everything of this run from now on."""
        if name not in self.bot.secrets:
            raise ConfigurationError(
                f"bot {self.bot.name} asks for the secret '{name}', which it does not declare",
                expected=f"one of {', '.join(self.bot.secrets) or 'none'}",
                hint=f'write @bot(secrets=["{name}"])',
                code="SECRET_UNDECLARED",
            )
        value = self.place.vault.get(name)
        self.redactor.register(value)
        return value

    def put_is_done(self, queue: str, number: int, counts: Mapping[str, int]) -> None:
        """Lane 1 has put its `number`-th batch into `queue`: the other lanes may go on."""
        with self._changed:
            self._puts[queue, number] = counts
            self._changed.notify_all()

    def wait_for_put(self, queue: str, number: int) -> Mapping[str, int]:
        """The counts of lane 1's `number`-th put. Raises RunFailed when it will never come."""
        with self._changed:
            while (queue, number) not in self._puts:
                if self.no_item is not None or not self._lanes[0].thread.is_alive():
                    raise RunFailed("lane 1 ended before it had put the items", code="LANE_ALONE")
                self._changed.wait(_TICK)
            return self._puts[queue, number]

    def renew(self, *, now_due: bool = False) -> float:
        """Prolong the lease on the run when half of it has gone (or at once); returns the seconds that are left of it."""
        lease = self.place.settings.lease
        if now_due or self._lease_until - now() < lease / 2:
            until = now() + lease
            self._held(lambda: claims.renew_run(self.order.run, self.epoch, until))
            self._lease_until = until
        return (self._lease_until - now()).total_seconds()

    def items_ended(self, ends: Sequence[Line], taken: intake.Intake) -> None:
        """Count what ended, and notice a target that is down."""
        with self._changed:
            put, bad = (sum(getattr(c, name) for c in taken.puts.values()) for name in ("new", "bad"))
            self.progress.total += put + bad
            self.progress.exceptions += bad
            for line in ends:
                self._ended.add((line.queue or "", line.item or "", line.attempt or 0))
                failed = line.data.get("status") != "done"
                self.progress.done += not failed
                self.progress.exceptions += failed
                self.progress.retried += not failed and (line.attempt or 1) > 1
                if is_target_failure(line):
                    self._failures.in_a_row.append((line.queue or "", line.item or ""))
                elif not failed:
                    self._failures.in_a_row.clear()
            down = len(self._failures.in_a_row)
        if ends or put or bad:
            self.on_progress(self.progress)
        if self.bot.stop_after and down >= self.bot.stop_after and self.no_item is None:
            self._declare_target_down()

    def has_ended(self, attempt: OpenAttempt) -> bool:
        """Whether an end of this attempt, or of a later one at the same item, has been seen."""
        return any((q, i) == (attempt.queue, attempt.item) and n >= attempt.number for q, i, n in self._ended)

    def judge_lost(self, lost: OpenAttempt, lane: int, end: LaneEnd, last_step: str) -> None:
        """Record the verdict on an attempt whose process is gone."""
        self.say(
            "attempt.finished",
            f"attempt {lost.number} at {lost.item} was lost: its process ended ({end})",
            level="ERROR",
            sync=True,
            queue=lost.queue,
            item=lost.item,
            attempt=lost.number,
            data=lost_data(lost, lane, end, last_step),
        )

    def lane_is_gone(self, lane: LaneHand) -> None:
        """A lane's child has ended: wake those who wait for it. A crash stops the handing out of items."""
        with self._changed:
            crashed = lane.result is None or lane.result.end is not LaneEnd.FINISHED
            if crashed and self.no_item is None:
                self.no_item = NoItem.STOPPING
            self._changed.notify_all()

    # -- inside ------------------------------------------------------------------------------------------------------

    def _held(self, act: Callable[[], T]) -> T:
        """Do `act` on the store; when the lease turns out to be lost, this worker's children must stop at once."""
        try:
            return self.in_store(act)
        except ConflictError:
            self.no_item = NoItem.STOPPING
            for lane in self._lanes:
                self._end_lane(lane, LaneEnd.LEASE_LOST)
            raise

    def _others_at_work(self, lane: LaneHand) -> bool:
        return any(other.thread.is_alive() for other in self._lanes if other is not lane)

    def _time_limit(self) -> timedelta:
        seconds = self.order.time_limit or self.bot.time_limit
        return timedelta(seconds=seconds) if seconds else self.place.settings.time_limit

    def _start_data(self, limit: timedelta) -> dict[str, Any]:
        order = self.order
        return {
            "bot_file": order.bot_file,
            "bot_version": self.bot.version,
            "process": self.bot.process,
            "parameters": order.parameters,
            "lanes": order.lanes,
            "schedule": order.schedule,
            "due": iso(order.due) if order.due else None,
            "queued": iso(order.queued),
            "requested_by": order.requested_by,
            "worker": self.place.worker,
            "host": os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", ""),
            "time_limit": duration_text(limit),
        }

    def _more_lanes(self) -> list[LaneHand]:
        """Start and load the children of lanes 2…; one that is refused costs its lane, not the run."""
        children = {number: self.new_child(number) for number in range(2, self.order.lanes + 1)}
        return [LaneHand(self, number, child) for number, child in children.items() if child is not None]

    def new_child(self, lane: int) -> Child | None:
        """Another child with the bot loaded, for `lane`; None when there can be none."""
        if self.no_item is not None:
            return None
        child = self.place.start_child()
        try:
            self.place.load(child, self.order)
        except (RunnerError, TimeoutError) as error:
            child.end(grace=0)
            self.place.say(f"lane {lane} of run {self.order.run} could not start: {error}")
            return None
        return child

    def _watch(self, limit: timedelta) -> None:
        """Wait for the lanes; enforce the time limit, a request to cancel, and the worker's own stop."""
        deadline, next_look = time.monotonic() + limit.total_seconds(), 0.0
        while any(lane.thread.is_alive() for lane in self._lanes):
            with self._changed:
                self._changed.wait(_TICK)
            self.renew()
            if time.monotonic() >= next_look:
                next_look = time.monotonic() + _FOLLOW
                self._look_at_lanes()
            by = self._cancel_asked()
            if by:
                self._cancelled_by, self.no_item = by, NoItem.CANCELLED
                self._end_lanes(LaneEnd.CANCELLED)
            elif time.monotonic() > deadline:
                self._end_lanes(LaneEnd.TIME_LIMIT)
            elif self._stop_at is not None and time.monotonic() > self._stop_at:
                self._end_lanes(LaneEnd.STOPPED)

    def _look_at_lanes(self) -> None:
        """Take in what lanes write without asking, and end a lane that takes more than its share of the machine."""
        most = self.place.settings
        for lane in self._lanes:
            lane.follow()
            late = lane.trail.overdue(now())
            if late is not None:
                self.place.say(
                    f"{late.what} of run {self.order.run} took longer than {late.seconds:g} s: ended"
                )
                self._end_lane(lane, LaneEnd.LIMIT)
                continue
            load = tree.load_of(lane.child.pid, lane.child.marker)
            if load.processes > most.process_limit:
                self._end_lane(lane, LaneEnd.PROCESSES)
            elif load.memory > most.memory_limit * 1_000_000:
                self._end_lane(lane, LaneEnd.MEMORY)

    def _cancel_asked(self) -> str:
        from runner.store.models import Run

        asked = self.in_store(
            lambda: Run.objects.filter(id=self.order.run).values_list("stop_asked_by", flat=True).first()
        )
        return asked or ""

    def _end_lanes(self, why: LaneEnd) -> None:
        for lane in self._lanes:
            self._end_lane(lane, why)
        for lane in self._lanes:
            lane.thread.join(15)

    def _end_lane(self, lane: LaneHand, why: LaneEnd) -> None:
        if lane.thread.is_alive() and lane.child.is_running:
            lane.end = lane.end or why
            lane.child.end_processes(0 if why in _AT_ONCE else tree.GRACE)

    def _declare_target_down(self) -> None:
        with self._changed:
            self.no_item = NoItem.TARGET_DOWN
            items = list(self._failures.in_a_row)
            self._target_down = len(items)
        self.say(
            "target.down",
            f"{len(items)} items failed one after the other: the target is down, they go back to pending",
            level="ERROR",
            sync=True,
            data={
                "failures": len(items),
                "stop_after": self.bot.stop_after,
                "items": [{"queue": queue, "item": item} for queue, item in items],
            },
        )

    def _conclude(self, limit: timedelta) -> Outcome:
        results = [lane.result or LaneResult(lane.number, LaneEnd.CRASHED) for lane in self._lanes]
        counts = self.in_store(lambda: ItemCounts(**count_items(self.order.run)))
        outcome = judge(
            results,
            counts,
            target_down=self._target_down,
            cancelled_by=self._cancelled_by,
            time_limit=duration_text(limit),
        )
        outputs = {name: value for result in results for name, value in result.outputs.items()}
        self.say(
            "run.finished",
            f"{self.order.bot} {outcome.status}",
            level="INFO" if outcome.status in {RunStatus.DONE, RunStatus.EXCEPTIONS} else "ERROR",
            sync=True,
            data=finish_data(outcome, counts, outputs),
            error=outcome.error,
        )
        return outcome


def finish_data(outcome: Outcome, counts: ItemCounts, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The data of the `run.finished` line."""
    items = {
        "total": counts.total,
        "done": counts.done,
        "exceptions": counts.exceptions,
        "pending": counts.pending,
    }
    case = {"kind": outcome.kind, "why": outcome.why} if outcome.why else None
    return {"status": outcome.status, "items": items, "outputs": dict(outputs), "case": case}
