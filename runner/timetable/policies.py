"""What becomes of due times: which run now, which were missed, which give way; values in, decisions out.

The engine keeps the ledger; here is only the rule. Every due time gets exactly one decision, with a reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from runner.core.nouns import OccurrenceState
from runner.core.schedules_model import Missed, Overlap, Policies
from runner.timetable.due_times import DueTime

CLOCK_STEP_LIMIT: Final = timedelta(hours=3)
CLOCK_STEP_NOTICE: Final = timedelta(seconds=2)


class Cause(StrEnum):
    """Why a run starts when it does."""

    ON_TIME = "on_time"
    LATE_WITHIN_GRACE = "late_within_grace"
    CATCH_UP = "misfire_catchup"


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one due time: it runs (`state` RAN, with its cause) or ends otherwise, for a reason.

    `into` is the due time that stands for a coalesced one. `needs_case` asks for a person: one case for all of them.
    """

    due: DueTime
    state: OccurrenceState
    reason: str
    cause: Cause | None = None
    into: datetime | None = None
    needs_case: bool = False

    @property
    def runs(self) -> bool:
        """Whether a run is made for it."""
        return self.state is OccurrenceState.RAN


def decide_missed(due_times: Sequence[DueTime], now: datetime, policies: Policies) -> list[Decision]:
    """Decide the due times up to `now` that the ledger doesn't have yet, in their order.

    Within its grace a due time runs, however many there are. Older ones follow `missed`: ``run_once`` runs the latest,
    and the others are coalesced into it; ``run_all`` runs the latest `max_catchup`, one after the other, and asks a
    person about the rest; ``skip`` runs none and asks a person. A younger due time within its grace stands for older
    ones under ``run_once``.
    """
    decided = {one: _skipped(one) for one in due_times if one.skip is not None}
    open_ones = [one for one in due_times if one.skip is None]
    fresh = [one for one in open_ones if now - one.due <= policies.grace]
    late = [one for one in open_ones if now - one.due > policies.grace]
    decided.update({one: _fresh(one, now) for one in fresh})
    decided.update(_late(late, fresh, policies))
    return [decided[one] for one in due_times]


def _skipped(due: DueTime) -> Decision:
    return Decision(due, OccurrenceState.SKIPPED, f"{due.skip}: {due.reason}")


def _fresh(due: DueTime, now: datetime) -> Decision:
    is_late = now - due.due > timedelta(minutes=1)
    cause = Cause.LATE_WITHIN_GRACE if is_late else Cause.ON_TIME
    return Decision(due, OccurrenceState.RAN, "late, within its grace" if is_late else "on time", cause)


def _late(late: Sequence[DueTime], fresh: Sequence[DueTime], policies: Policies) -> dict[DueTime, Decision]:
    if policies.missed is Missed.SKIP:
        return {one: _missed(one, "not started in time, and missed: skip") for one in late}
    if policies.missed is Missed.RUN_ALL:
        cut = max(len(late) - policies.max_catchup, 0)
        rest = {one: _missed(one, f"more than {policies.max_catchup} were missed") for one in late[:cut]}
        return rest | {one: _catch_up(one) for one in late[cut:]}
    if not late:
        return {}
    stand_in = fresh[0] if fresh else late[-1]
    decided = {
        one: Decision(
            one,
            OccurrenceState.COALESCED,
            f"coalesced into {stand_in.due:%Y-%m-%d %H:%M}Z",
            into=stand_in.due,
        )
        for one in late
        if one is not stand_in
    }
    return decided if fresh else decided | {stand_in: _catch_up(stand_in)}


def _catch_up(due: DueTime) -> Decision:
    return Decision(due, OccurrenceState.RAN, "missed, caught up", Cause.CATCH_UP)


def _missed(due: DueTime, reason: str) -> Decision:
    return Decision(due, OccurrenceState.MISSED, reason, needs_case=True)


class OverlapMove(StrEnum):
    """What to do with a due time while an earlier run of its schedule has not ended."""

    START = "start"
    WAIT = "wait"
    LEAVE_OUT = "leave_out"
    CANCEL_EARLIER = "cancel_earlier"


def decide_overlap(running: int, waiting: int, cause: Cause, overlap: Overlap) -> OverlapMove:
    """Decide whether a due time starts beside `running` runs of its schedule, with `waiting` ones queued.

    Runs that are caught up never overlap: they wait for one another, whatever the policy.
    """
    if running + waiting == 0:
        return OverlapMove.START
    if cause is Cause.CATCH_UP or overlap is Overlap.QUEUE:
        return OverlapMove.WAIT
    return OverlapMove.LEAVE_OUT if overlap is Overlap.SKIP else OverlapMove.CANCEL_EARLIER


@dataclass(frozen=True, slots=True)
class ClockStep:
    """A jump of the machine's clock against the time that really passed (suspend counts as passed)."""

    size: timedelta

    @property
    def holds(self) -> bool:
        """Whether the scheduler must stop and ask a person before it believes the clock."""
        return abs(self.size) > CLOCK_STEP_LIMIT

    @property
    def alarm(self) -> str:
        """``clock_step_forward 86460 s``."""
        direction = "forward" if self.size > timedelta() else "backward"
        return f"clock_step_{direction} {round(abs(self.size).total_seconds())} s"


def clock_step(wall: timedelta, really: timedelta) -> ClockStep | None:
    """Compare how far the wall clock and a clock that counts suspend (CLOCK_BOOTTIME) have gone; None up to 2 s apart."""
    size = wall - really
    return ClockStep(size) if abs(size) > CLOCK_STEP_NOTICE else None
