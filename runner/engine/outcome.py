"""Judges a run by what is known of its lanes, items and balances: a pure function of values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple

from runner.core.nouns import FailureKind, RunStatus


class LaneEnd(StrEnum):
    """How a lane's process ended, as the worker saw it."""

    FINISHED = "finished"
    CRASHED = "crashed"
    TIME_LIMIT = "time_limit"
    CANCELLED = "cancelled"
    STOPPED = "stopped"
    LIMIT = "limit"  # a step or an item took longer than it may: the lane goes on with a new process
    MEMORY = "memory"
    PROCESSES = "processes"
    LEASE_LOST = "lease_lost"


@dataclass(frozen=True, slots=True)
class LaneResult:
    """What is known of one lane: how it ended, its own verdict (None: it left none), its error and unequal balances."""

    lane: int
    end: LaneEnd
    status: str | None = None
    error: Mapping[str, Any] | None = None
    exit_code: int | None = None
    last_step: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    unbalanced: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class ItemCounts:
    """The items of a run: those it put or tried. `total` is counted by itself, so that the sum can disagree."""

    total: int = 0
    done: int = 0
    exceptions: int = 0
    pending: int = 0
    rejected: int = 0

    @property
    def balances(self) -> bool:
        """Whether items in = done + exceptions + pending + rejected."""
        return self.total == self.done + self.exceptions + self.pending + self.rejected


@dataclass(frozen=True, slots=True)
class Outcome:
    """The status of a run, and for a run-level case its `why`, kind and error."""

    status: RunStatus
    why: str | None = None
    kind: FailureKind = FailureKind.APPLICATION
    error: Mapping[str, Any] | None = None


class FailedItem(NamedTuple):
    """An item that failed because of the target, as it seems, and with what."""

    queue: str
    item: str
    error: Mapping[str, Any] = {}


def judge(
    lanes: Sequence[LaneResult],
    items: ItemCounts,
    *,
    target_down: Sequence[FailedItem] = (),
    cancelled_by: str = "",
    time_limit: str = "",
    stopped: bool = False,
) -> Outcome:
    """The outcome of a run, the gravest reason first.

    A lane that ended without its own verdict has failed, whatever its exit code; sums that disagree mean the run has
    not succeeded; items in the exception queue make it `exceptions`. `stopped`: the worker was shut down meanwhile.
    """
    if cancelled_by:
        return Outcome(RunStatus.CANCELLED, error=_error("CANCELLED", f"cancelled by {cancelled_by}"))
    verdicts = (
        _late(lanes, time_limit),
        _dead(lanes),
        _target_down(target_down),
        _failed(lanes),
        _unbalanced(lanes, items),
        _stopped(lanes, asked=stopped and items.pending > 0),
    )
    through = Outcome(RunStatus.EXCEPTIONS if items.exceptions else RunStatus.DONE)
    return next((verdict for verdict in verdicts if verdict is not None), through)


_TOO_MUCH: Final = {
    LaneEnd.MEMORY: ("RUN_MEMORY", "the run was ended: its processes took more than the memory limit"),
    LaneEnd.PROCESSES: ("RUN_PROCESSES", "the run was ended: it started more processes than the limit"),
}


def _late(lanes: Sequence[LaneResult], time_limit: str) -> Outcome | None:
    late = next((lane for lane in lanes if lane.end is LaneEnd.TIME_LIMIT), None)
    if late is None:
        return None
    what = f"the run was ended at its time limit of {time_limit}{_last_step(late)}"
    return Outcome(RunStatus.FAILED, "time_limit", error=_error("RUN_TIME_LIMIT", what, late.last_step))


def _dead(lanes: Sequence[LaneResult]) -> Outcome | None:
    for lane in lanes:
        if lane.end in _TOO_MUCH:
            code, what = _TOO_MUCH[lane.end]
            what = f"{what}{_last_step(lane)}"
            return Outcome(RunStatus.FAILED, str(lane.end), error=_error(code, what, lane.last_step))
        if lane.end is LaneEnd.CRASHED or (lane.end is LaneEnd.FINISHED and not lane.status):
            return Outcome(RunStatus.FAILED, "crash", error=_crash(lane))
    return None


def _target_down(failures: Sequence[FailedItem]) -> Outcome | None:
    if not failures:
        return None
    what = f"{len(failures)} items failed one after the other: the target is down"
    last = failures[-1]
    cause = {"item": last.item, **{name: last.error.get(name) or "" for name in ("code", "message", "where")}}
    return Outcome(RunStatus.FAILED, "target_down", error={**_error("TARGET_DOWN", what), "cause": cause})


def _failed(lanes: Sequence[LaneResult]) -> Outcome | None:
    failed = next((lane for lane in lanes if lane.status == RunStatus.FAILED), None)
    if failed is None:
        return None
    error = failed.error or _error("RUN_FAILED", "the bot failed")
    return Outcome(RunStatus.FAILED, "error", FailureKind(error.get("kind", FailureKind.APPLICATION)), error)


def _unbalanced(lanes: Sequence[LaneResult], items: ItemCounts) -> Outcome | None:
    unequal = next((balance for lane in lanes for balance in lane.unbalanced), None)
    if unequal is not None:
        what = f"{unequal['name']}: read {unequal['read']}, entered {unequal['entered']}"
    elif not items.balances:
        parts = f"{items.done} done, {items.exceptions} exceptions, {items.pending} pending"
        what = f"{items.total} items in, but {parts}, {items.rejected} rejected"
    else:
        return None
    return Outcome(RunStatus.FAILED, "balance", FailureKind.BUSINESS, _error("BALANCE", what))


def _stopped(lanes: Sequence[LaneResult], *, asked: bool) -> Outcome | None:
    """A worker that was shut down: its lanes were ended, or ended by themselves with work left."""
    if not asked and not any(lane.end is LaneEnd.STOPPED for lane in lanes):
        return None
    return Outcome(
        RunStatus.CANCELLED, error=_error("STOPPED", "the worker was shut down; the rest is pending")
    )


def _crash(lane: LaneResult) -> dict[str, Any]:
    code = lane.exit_code
    how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
    what = f"the bot's process ended without a result ({how}; the signal or exit code says how)"
    return _error("BOT_DIED", f"{what}{_last_step(lane)}", lane.last_step)


def _last_step(lane: LaneResult) -> str:
    return (
        f"; last step: {lane.last_step}"
        if lane.last_step
        else "; no last step: it ended before its first one"
    )


def _error(code: str, message: str, step: str = "") -> dict[str, Any]:
    kind = FailureKind.BUSINESS if code == "BALANCE" else FailureKind.APPLICATION
    return {"kind": kind, "type": "RunFailed", "code": code, "message": message, "where": "", "step": step}
