"""The words of Runner as types: the states of each noun and the moves that are allowed between them.

One table each, used by the code and by the store's conditions alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Final, TypeVar

from runner.core.errors import ConflictError

State = TypeVar("State", bound=StrEnum)


class OccurrenceState(StrEnum):
    """How a due time ended. `DUE` is the only state that is not final."""

    DUE = "due"
    RAN = "ran"
    COALESCED = "coalesced"
    MISSED = "missed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class RunStatus(StrEnum):
    """The life of a run. `EXCEPTIONS`: it went through, and some items are in the exception queue."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    EXCEPTIONS = "exceptions"
    FAILED = "failed"
    LOST = "lost"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether the run has ended."""
        return self not in {RunStatus.QUEUED, RunStatus.RUNNING}


class ItemStatus(StrEnum):
    """The life of an item. `EXCEPTION` means: its case is open, a person decides."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    EXCEPTION = "exception"
    REJECTED = "rejected"


class AttemptStatus(StrEnum):
    """How one try at an item ended. `LOST`: its process ended without a recorded end; `LATER`: it goes back unfailed."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    LATER = "later"
    LOST = "lost"


class FailureKind(StrEnum):
    """The field's words for why something failed; they decide whether it may be retried."""

    BUSINESS = "business"
    APPLICATION = "application"
    UNKNOWN = "unknown"  # outcome unknown: an irreversible step began, no outcome was recorded


class CaseStatus(StrEnum):
    """The life of a case. `RETRYING`: decided, and waiting for the new attempt to prove it."""

    OPEN = "open"
    CLAIMED = "claimed"
    WAITING = "waiting"
    RETRYING = "retrying"
    RESOLVED = "resolved"
    CLOSED = "closed"

    @property
    def needs_a_person(self) -> bool:
        """Whether the case is still in the queue that people look at."""
        return self in {CaseStatus.OPEN, CaseStatus.CLAIMED, CaseStatus.WAITING}


class ProblemStatus(StrEnum):
    """The life of a problem. `RESOLVED`: its cases are settled, nobody has looked for the cause; `CLOSED`: it is proven."""

    OPEN = "open"
    ANALYSING = "analysing"
    ACTING = "acting"
    VERIFYING = "verifying"
    RESOLVED = "resolved"
    CLOSED = "closed"

    @property
    def is_at_rest(self) -> bool:
        """Whether nobody has to do anything about the problem itself (its cases are another matter)."""
        return self in {ProblemStatus.RESOLVED, ProblemStatus.CLOSED}


class Branch(StrEnum):
    """The six branches of a fishbone: where a cause can lie."""

    PEOPLE = "people"
    METHOD = "method"
    MACHINE = "machine"  # and systems
    MATERIAL = "material"  # and data
    MEASUREMENT = "measurement"
    ENVIRONMENT = "environment"


class Priority(IntEnum):
    """How urgent a case is; lists with the most urgent first sort by it."""

    LOW = -1
    NORMAL = 0
    HIGH = 1
    URGENT = 2


class ActVerb(StrEnum):
    """What a person can do to a case."""

    CLAIM = "claim"
    RETRY = "retry"
    DONE = "done"
    REJECT = "reject"
    ATTEST = "attest"
    SNOOZE = "snooze"
    COMMENT = "comment"
    ASSIGN = "assign"
    UNASSIGN = "unassign"
    PRIORITY = "priority"
    UNDO = "undo"
    WAKE = "wake"  # the snooze is over; nobody's decision


class ProblemVerb(StrEnum):
    """What a person can do to a problem."""

    OWN = "own"
    WHYS = "whys"
    CAUSES = "causes"
    ROOT_CAUSE = "root_cause"
    ACTION = "action"
    MOVE = "move"
    CANARY = "canary"
    RELEASE = "release"
    HOLD = "hold"
    MERGE = "merge"
    SPLIT = "split"
    UNGROUP = "ungroup"
    COMMENT = "comment"


class Event(StrEnum):
    """What subscribers can be told of. `TEST` is what somebody sends to see whether it arrives."""

    CASE_OPENED = "case.opened"
    CASE_DECIDED = "case.decided"
    CASE_OVERDUE = "case.overdue"
    RUN_FINISHED = "run.finished"
    PROBLEM_OPENED = "problem.opened"
    PROBLEM_REGRESSED = "problem.regressed"
    SCHEDULE_MISSED = "schedule.missed"
    TEST = "test"


RUN_MOVES: Final[Mapping[RunStatus, frozenset[RunStatus]]] = {
    RunStatus.QUEUED: frozenset({RunStatus.RUNNING, RunStatus.CANCELLED, RunStatus.FAILED}),
    RunStatus.RUNNING: frozenset(
        {RunStatus.DONE, RunStatus.EXCEPTIONS, RunStatus.FAILED, RunStatus.LOST, RunStatus.CANCELLED}
    ),
    RunStatus.DONE: frozenset(),
    RunStatus.EXCEPTIONS: frozenset(),
    RunStatus.FAILED: frozenset(),
    RunStatus.LOST: frozenset(),
    RunStatus.CANCELLED: frozenset(),
}

ITEM_MOVES: Final[Mapping[ItemStatus, frozenset[ItemStatus]]] = {
    ItemStatus.PENDING: frozenset({ItemStatus.RUNNING, ItemStatus.REJECTED, ItemStatus.DONE}),
    ItemStatus.RUNNING: frozenset({ItemStatus.DONE, ItemStatus.EXCEPTION, ItemStatus.PENDING}),
    ItemStatus.EXCEPTION: frozenset({ItemStatus.PENDING, ItemStatus.DONE, ItemStatus.REJECTED}),
    ItemStatus.DONE: frozenset(),
    ItemStatus.REJECTED: frozenset({ItemStatus.PENDING}),
}

CASE_MOVES: Final[Mapping[CaseStatus, frozenset[CaseStatus]]] = {
    CaseStatus.OPEN: frozenset(
        {CaseStatus.CLAIMED, CaseStatus.WAITING, CaseStatus.RETRYING, CaseStatus.RESOLVED}
    ),
    CaseStatus.CLAIMED: frozenset(
        {CaseStatus.OPEN, CaseStatus.CLAIMED, CaseStatus.WAITING, CaseStatus.RETRYING, CaseStatus.RESOLVED}
    ),
    CaseStatus.WAITING: frozenset(
        {CaseStatus.OPEN, CaseStatus.CLAIMED, CaseStatus.WAITING, CaseStatus.RETRYING, CaseStatus.RESOLVED}
    ),
    CaseStatus.RETRYING: frozenset({CaseStatus.OPEN, CaseStatus.RESOLVED}),
    CaseStatus.RESOLVED: frozenset({CaseStatus.OPEN, CaseStatus.CLOSED}),
    CaseStatus.CLOSED: frozenset({CaseStatus.OPEN}),
}

PROBLEM_MOVES: Final[Mapping[ProblemStatus, frozenset[ProblemStatus]]] = {
    ProblemStatus.OPEN: frozenset(
        {ProblemStatus.ANALYSING, ProblemStatus.ACTING, ProblemStatus.RESOLVED, ProblemStatus.CLOSED}
    ),
    ProblemStatus.ANALYSING: frozenset(
        {ProblemStatus.OPEN, ProblemStatus.ACTING, ProblemStatus.VERIFYING, ProblemStatus.CLOSED}
    ),
    ProblemStatus.ACTING: frozenset({ProblemStatus.ANALYSING, ProblemStatus.VERIFYING, ProblemStatus.CLOSED}),
    ProblemStatus.VERIFYING: frozenset({ProblemStatus.ANALYSING, ProblemStatus.ACTING, ProblemStatus.CLOSED}),
    ProblemStatus.RESOLVED: frozenset(
        {ProblemStatus.OPEN, ProblemStatus.ANALYSING, ProblemStatus.ACTING, ProblemStatus.CLOSED}
    ),
    ProblemStatus.CLOSED: frozenset({ProblemStatus.OPEN, ProblemStatus.ANALYSING}),
}


def move(table: Mapping[State, frozenset[State]], now: State, to: State, what: str) -> State:
    """`to`, where `table` allows it from `now`.

    Raises ConflictError naming the noun (`what`), its state and the states it can go to.
    """
    if to in table[now]:
        return to
    allowed = ", ".join(sorted(table[now])) or "no other state: it has ended"
    raise ConflictError(f"{what} is {now}", expected=f"it can't become {to}, only {allowed}", code="STATE")


def sources(table: Mapping[State, frozenset[State]], to: State) -> tuple[State, ...]:
    """The states from which `to` is allowed, for the WHERE of an UPDATE."""
    return tuple(state for state, targets in table.items() if to in targets)
