"""Executes one run: its folder, its lanes, its limits, its outcome."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from runner.core.clock import duration_text, iso, now
from runner.core.contract import NoItem
from runner.core.errors import ConflictError
from runner.core.nouns import RunStatus
from runner.engine import tree
from runner.engine.child import Child
from runner.engine.lane import LaneHand
from runner.engine.outcome import ItemCounts, LaneEnd, LaneResult, Outcome, judge
from runner.engine.shared import TICK, SharedRun
from runner.store.counts import count_items

_AT_ONCE: Final = (LaneEnd.MEMORY, LaneEnd.PROCESSES, LaneEnd.LEASE_LOST)  # not asked first
_FOLLOW: Final = 2.0  # seconds between two looks at what lanes write without asking
_STOP_GRACE: Final = timedelta(seconds=30)  # for the items in work when the worker shuts down


class Execution:
    """One run on this worker. `execute` returns when everything of it has ended and is recorded."""

    def __init__(self, shared: SharedRun) -> None:
        self.run = shared
        self._lanes: list[LaneHand] = []
        self._cancelled_by = ""
        self._stop_at: float | None = None

    # -- the run as a whole ------------------------------------------------------------------------------------------

    def execute(self, first: Child) -> Outcome:
        """Run the bot, whose loaded child is `first`, to its end; returns the outcome, which is recorded by then."""
        limit = self._time_limit()
        try:
            self.run.say(
                "run.started", f"{self.run.order.bot} started", sync=True, data=self._start_data(limit)
            )
            self._lanes = [LaneHand(self.run, 1, first), *self._more_lanes()]
            for lane in self._lanes:
                self.run.lane_begins(lane.number)
            for lane in self._lanes:
                lane.thread.start()
            self._watch(limit)
            return self._conclude(limit)
        except ConflictError:  # another worker has taken the run over, and writes its end
            for lane in self._lanes:
                self._end_lane(lane, LaneEnd.LEASE_LOST)
                lane.thread.join(15)
            raise
        finally:
            self.run.journal.close()

    def stop(self) -> None:
        """Hand out no more items and end when those in work are through (the worker shuts down)."""
        with self.run.changed:
            self.run.no_item = self.run.no_item or NoItem.STOPPING
            self._stop_at = self._stop_at or time.monotonic() + _STOP_GRACE.total_seconds()
            self.run.changed.notify_all()

    # -- inside ------------------------------------------------------------------------------------------------------

    def _time_limit(self) -> timedelta:
        seconds = self.run.order.time_limit or self.run.bot.time_limit
        return timedelta(seconds=seconds) if seconds else self.run.place.settings.time_limit

    def _start_data(self, limit: timedelta) -> dict[str, Any]:
        order = self.run.order
        return {
            "bot_file": order.bot_file,
            "bot_version": self.run.bot.version,
            "process": self.run.bot.process,
            "parameters": order.parameters,
            "lanes": order.lanes,
            "item_retry": order.item_retry.model_dump() if order.item_retry else None,
            "policy": order.policy,
            "priority": order.priority,
            "own_limit": order.time_limit,
            "schedule": order.schedule,
            "due": iso(order.due) if order.due else None,
            "queued": iso(order.queued),
            "requested_by": order.requested_by,
            "worker": self.run.place.worker,
            "host": os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", ""),
            "time_limit": duration_text(limit),
        }

    def _more_lanes(self) -> list[LaneHand]:
        """Start and load the children of lanes 2…; one that is refused costs its lane, not the run."""
        children = {number: self.run.new_child(number) for number in range(2, self.run.order.lanes + 1)}
        return [LaneHand(self.run, number, child) for number, child in children.items() if child is not None]

    def _watch(self, limit: timedelta) -> None:
        """Wait for the lanes; enforce the time limit, a request to cancel, and the worker's own stop."""
        deadline, next_look = time.monotonic() + limit.total_seconds(), time.monotonic() + _FOLLOW
        while self._is_going_on():
            self.run.renew()
            if time.monotonic() >= next_look:
                next_look = time.monotonic() + _FOLLOW
                self._look_at_lanes()
            else:  # a limit that is known already is looked at from tick to tick
                self._end_late_lanes(lane for lane in self._lanes if lane.trail.overdue(now()))
            by = self._cancel_asked()
            if by:
                self._cancelled_by, self.run.no_item = by, NoItem.CANCELLED
                self._end_lanes(LaneEnd.CANCELLED)
            elif time.monotonic() > deadline and not self.run.order.pause_on_error:
                self._end_lanes(LaneEnd.TIME_LIMIT)
            elif self._stop_at is not None and time.monotonic() > self._stop_at:
                self._end_lanes(LaneEnd.STOPPED)

    def _is_going_on(self) -> bool:
        """Wait until something changes, at most for a tick; False when every lane has ended."""
        with self.run.changed:
            if all(lane.is_over for lane in self._lanes):
                return False
            self.run.changed.wait(TICK)
            return True

    def _look_at_lanes(self) -> None:
        """Take in what lanes write without asking, and end a lane that takes more than its share of the machine."""
        most = self.run.place.settings
        self._end_late_lanes(self._lanes)
        for lane in self._lanes:
            if lane.end is not None:
                continue
            load = tree.load_of(lane.child.pid, lane.child.marker)
            if load.processes > most.process_limit:
                self._end_lane(lane, LaneEnd.PROCESSES)
            elif load.memory > most.memory_limit * 1_000_000:
                self._end_lane(lane, LaneEnd.MEMORY)

    def _end_late_lanes(self, lanes: Iterable[LaneHand]) -> None:
        """End those of `lanes` in which a step or an item takes longer than it may, by what they have written until now."""
        for lane in lanes:
            lane.follow()
            if lane.end is not None:  # it is being ended; a new process has a trail of its own
                continue
            late = lane.trail.overdue(now())
            if late is not None and not self.run.order.pause_on_error:
                self.run.place.say(
                    f"{late.what} of run {self.run.order.run} took longer than {late.seconds:g} s: ended"
                )
                self._end_lane(lane, LaneEnd.LIMIT)

    def _cancel_asked(self) -> str:
        from runner.store.models import Run

        asked = self.run.in_store(
            lambda: Run.objects.filter(id=self.run.order.run).values_list("stop_asked_by", flat=True).first()
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

    def _conclude(self, limit: timedelta) -> Outcome:
        results = [lane.result or LaneResult(lane.number, LaneEnd.CRASHED) for lane in self._lanes]
        counts = self.run.in_store(lambda: ItemCounts(**count_items(self.run.order.run)))
        outcome = judge(
            results,
            counts,
            target_down=self.run.target_down,
            cancelled_by=self._cancelled_by,
            time_limit=duration_text(limit),
            stopped=self._stop_at is not None,
        )
        outputs = {name: value for result in results for name, value in result.outputs.items()}
        self.run.say(
            "run.finished",
            f"{self.run.order.bot} {outcome.status}",
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
