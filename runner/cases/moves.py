"""What a person's decision does to a case and its item: a pure function, used when deciding and when rebuilding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from runner.core.contract import Settled
from runner.core.errors import ConflictError
from runner.core.nouns import CASE_MOVES, ActVerb, CaseStatus, FailureKind, ItemStatus, move


@dataclass(frozen=True, slots=True)
class CaseState:
    """What decides which acts a case allows.

    `step` is the irreversible step of a case of unknown outcome; `fits` is False for a row that never fitted the
    queue's model; `item` is None for the case of a run; `assignee` is who has taken it on, if anybody.
    """

    id: str
    status: CaseStatus
    kind: FailureKind
    item: ItemStatus | None
    step: str = ""
    fits: bool = True
    assignee: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An act as far as it matters for the move: `outcome` of an attest, and whether a retry brings corrected data."""

    verb: ActVerb
    outcome: Settled | None = None
    with_data: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """What an act does. None means: stays as it is. `irreversible` is what the item's open step is now known to be.

    `changes` is False where nothing moves, so that nobody's decision becomes stale.
    """

    case: CaseStatus | None = None
    item: ItemStatus | None = None
    resolution: str = ""
    irreversible: Settled | None = None
    changes: bool = True


_NO_ANSWER: Final = {
    ActVerb.COMMENT: Move(changes=False),
    ActVerb.PRIORITY: Move(),
    ActVerb.CLAIM: Move(CaseStatus.CLAIMED),
    ActVerb.SNOOZE: Move(CaseStatus.WAITING),
}


def decide(case: CaseState, answer: Answer) -> Move:
    """What `answer` does to `case`.

    Raises ConflictError (STATE) when the case does not allow it: it has been decided, its outcome is unknown, or its
    item is being worked on.
    """
    planned = _plan(case, answer)
    if planned.case is not None:
        move(CASE_MOVES, case.status, planned.case, f"case {case.id}")
    if planned.item is not None and case.item == ItemStatus.RUNNING:
        raise ConflictError(
            "its item is being worked on at this moment",
            expected="an item that waits",
            hint="decide again when the attempt has ended",
            where=f"case {case.id}",
            code="STATE",
        )
    return planned


def _plan(case: CaseState, answer: Answer) -> Move:
    verb = answer.verb
    if verb in _NO_ANSWER:
        return _NO_ANSWER[verb]
    if verb == ActVerb.ATTEST:
        return _attested(case, answer)
    if verb in {ActVerb.ASSIGN, ActVerb.UNASSIGN, ActVerb.WAKE}:
        return _handed_on(case, verb)
    if case.kind == FailureKind.UNKNOWN:
        raise outcome_is_unknown(case)
    if verb == ActVerb.RETRY:
        return _retried(case, answer)
    if verb == ActVerb.DONE:
        return Move(CaseStatus.RESOLVED, case.item and ItemStatus.DONE, "by_hand")
    return Move(CaseStatus.RESOLVED, case.item and ItemStatus.REJECTED, "rejected")


def _handed_on(case: CaseState, verb: ActVerb) -> Move:
    """Somebody else has it, or nobody, or its time has come: one that was put aside stays so until then."""
    if verb == ActVerb.WAKE:
        return Move(CaseStatus.CLAIMED if case.assignee else CaseStatus.OPEN)
    if verb == ActVerb.UNASSIGN and not case.assignee:
        raise ConflictError(
            "nobody has taken it on",
            expected="a case with an assignee",
            where=f"case {case.id}",
            code="STATE",
        )
    if case.status == CaseStatus.WAITING:
        return Move()
    if verb == ActVerb.ASSIGN:
        return Move(CaseStatus.CLAIMED)
    return Move(CaseStatus.OPEN if case.status == CaseStatus.CLAIMED else None)


def _retried(case: CaseState, answer: Answer) -> Move:
    if case.item is None and answer.with_data:
        raise ConflictError(
            "a run has no data of its own",
            expected="a retry as it is",
            hint="leave the data out, or start the bot with other parameters: runner run BOT --param name=value",
            where=f"case {case.id}",
            code="STATE",
        )
    if case.item is not None and not case.fits and not answer.with_data:
        raise ConflictError(
            "its row does not fit the queue's model",
            expected="corrected data",
            hint=f"correct it: runner cases retry {case.id} --set field=value",
            where=f"case {case.id}",
            code="STATE",
        )
    return Move(CaseStatus.RETRYING, case.item and ItemStatus.PENDING)


def _attested(case: CaseState, answer: Answer) -> Move:
    if case.kind != FailureKind.UNKNOWN:
        raise ConflictError(
            f"there is nothing to attest: the kind of the failure is {case.kind}",
            expected="a case of unknown outcome",
            hint="decide with: retry, done or reject",
            where=f"case {case.id}",
            code="STATE",
        )
    if answer.outcome == Settled.DONE:
        return Move(CaseStatus.RESOLVED, case.item and ItemStatus.DONE, "attested", Settled.DONE)
    return Move(CaseStatus.RETRYING, case.item and ItemStatus.PENDING, "", Settled.NOT_DONE)


def outcome_is_unknown(case: CaseState) -> ConflictError:
    """The refusal to repeat, or to close, what may have happened."""
    return ConflictError(
        f"outcome of step '{case.step}' is unknown",
        expected="to know whether it happened, as trying again could do it twice",
        hint=f"confirm in the target system first, then: runner cases attest {case.id} --done or --not-done",
        where=f"case {case.id}",
        code="STATE",
    )
