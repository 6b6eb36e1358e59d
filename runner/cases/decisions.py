"""What people decide about cases. Each decision is one call: applied and acknowledged, or refused with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runner.cases.deciding import Asked, Decided, carry_out
from runner.cases.proofs import Proof
from runner.core.clock import from_iso, iso
from runner.core.contract import Settled
from runner.core.errors import UsageError
from runner.core.nouns import ActVerb, Priority


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done with a case. Which fields count depends on `verb`; the others are left as they are.

    claim and assign: `assignee` (claim: empty means oneself). snooze: `until`. retry: `data`, the whole corrected data, validated
    by the caller; `start_run`. attest: `outcome`, `proof`, `start_run`. priority: `priority`. `note`: the words, needed
    for comment, done, reject and attest; ``@name`` in it names somebody.
    """

    verb: ActVerb
    note: str = ""
    assignee: str = ""
    until: datetime | None = None
    data: Mapping[str, Any] | None = None
    outcome: Settled | None = None
    proof: Proof | None = None
    priority: Priority | None = None
    start_run: bool = True

    def as_json(self) -> dict[str, Any]:
        """As a stored bulk act keeps it."""
        return {
            "verb": str(self.verb),
            "note": self.note,
            "assignee": self.assignee,
            "until": iso(self.until) if self.until else None,
            "data": None if self.data is None else dict(self.data),
            "outcome": str(self.outcome) if self.outcome else None,
            "proof": self.proof.as_json() if self.proof else None,
            "priority": None if self.priority is None else int(self.priority),
            "start_run": self.start_run,
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Decision:
        """What `as_json` gave."""
        return cls(
            verb=ActVerb(said["verb"]),
            note=said["note"],
            assignee=said["assignee"],
            until=from_iso(said["until"]) if said["until"] else None,
            data=said["data"],
            outcome=Settled(said["outcome"]) if said["outcome"] else None,
            proof=Proof(**said["proof"]) if said["proof"] else None,
            priority=None if said["priority"] is None else Priority(said["priority"]),
            start_run=said["start_run"],
        )


def decide(
    case_id: str, decision: Decision, *, by: str, at: datetime, version: int | None = None, token: str = ""
) -> Decided:
    """Carry out `decision`: the case, its item and the run it asks for change together, or nothing does.

    `version` is the version of the case that was looked at. `token` names this decision: sent again (a second click, a
    lost answer), it is not applied again and gets the same answer.
    Raises UsageError for what is missing or wrong in the decision, and ConflictError: CONFLICT (the case moved: by whom,
    when and what), STATE (the case does not allow it), TOKEN (the token stands for another decision).
    """
    carried, note = _carried(decision, by, at), decision.note.strip()
    start = decision.start_run and decision.verb in {ActVerb.RETRY, ActVerb.ATTEST}
    return carry_out(Asked(case_id, decision.verb, by, at, note, carried, version, start, token))


def claim(
    case_id: str,
    *,
    by: str,
    at: datetime,
    assignee: str = "",
    note: str = "",
    version: int | None = None,
    token: str = "",
) -> Decided:
    """`by` (or `assignee`) takes the case on."""
    wanted = Decision(ActVerb.CLAIM, note, assignee=assignee)
    return decide(case_id, wanted, by=by, at=at, version=version, token=token)


def assign(
    case_id: str,
    *,
    by: str,
    at: datetime,
    assignee: str,
    note: str = "",
    version: int | None = None,
    token: str = "",
) -> Decided:
    """Give the case to `assignee`; one that was put aside stays so until its time."""
    wanted = Decision(ActVerb.ASSIGN, note, assignee=assignee)
    return decide(case_id, wanted, by=by, at=at, version=version, token=token)


def unassign(
    case_id: str, *, by: str, at: datetime, note: str = "", version: int | None = None, token: str = ""
) -> Decided:
    """Nobody has the case any more."""
    return decide(case_id, Decision(ActVerb.UNASSIGN, note), by=by, at=at, version=version, token=token)


def prioritise(
    case_id: str, *, by: str, at: datetime, priority: Priority, version: int | None = None, token: str = ""
) -> Decided:
    """Say how urgent the case is."""
    wanted = Decision(ActVerb.PRIORITY, priority=priority)
    return decide(case_id, wanted, by=by, at=at, version=version, token=token)


def comment(case_id: str, *, by: str, at: datetime, note: str, token: str = "") -> Decided:
    """Say something about the case, in whatever state it is."""
    return decide(case_id, Decision(ActVerb.COMMENT, note), by=by, at=at, token=token)


def snooze(
    case_id: str,
    *,
    by: str,
    at: datetime,
    until: datetime,
    note: str = "",
    version: int | None = None,
    token: str = "",
) -> Decided:
    """Put the case aside until a time in the future; it comes back by itself."""
    wanted = Decision(ActVerb.SNOOZE, note, until=until)
    return decide(case_id, wanted, by=by, at=at, version=version, token=token)


def done(
    case_id: str, *, by: str, at: datetime, note: str, version: int | None = None, token: str = ""
) -> Decided:
    """It has been done by hand; `note` says what was done."""
    return decide(case_id, Decision(ActVerb.DONE, note), by=by, at=at, version=version, token=token)


def reject(
    case_id: str, *, by: str, at: datetime, note: str, version: int | None = None, token: str = ""
) -> Decided:
    """It will not be done; `note` says why."""
    return decide(case_id, Decision(ActVerb.REJECT, note), by=by, at=at, version=version, token=token)


def retry(
    case_id: str,
    *,
    by: str,
    at: datetime,
    data: Mapping[str, Any] | None = None,
    note: str = "",
    version: int | None = None,
    start_run: bool = True,
    token: str = "",
) -> Decided:
    """Try the item again, with the whole corrected `data` where given (validated by the caller), or run the bot again.

    The case is resolved by what comes of it, not by this. `start_run`: leave a queued run for a worker to pick up,
    unless one of that bot is queued already; the retry of a run's case is a new run, always.
    """
    wanted = Decision(ActVerb.RETRY, note, data=data, start_run=start_run)
    return decide(case_id, wanted, by=by, at=at, version=version, token=token)


def attest(
    case_id: str,
    *,
    by: str,
    at: datetime,
    outcome: Settled,
    note: str,
    proof: Proof | None = None,
    version: int | None = None,
    start_run: bool = True,
    token: str = "",
) -> Decided:
    """Somebody looked in the target system: the step was done, or not done. `note` says what was seen, `proof` shows it.

    ``DONE``: the item is done, with the output it had. ``NOT_DONE``: it is tried again, and the step acts again.
    """
    wanted = Decision(ActVerb.ATTEST, note, outcome=outcome, proof=proof, start_run=start_run)
    return decide(case_id, wanted, by=by, at=at, version=version, token=token)


_NEEDS_WORDS = {
    ActVerb.COMMENT: ("the comment", "--note"),
    ActVerb.DONE: ("what was done by hand", "--note"),
    ActVerb.REJECT: ("the reason", "--reason"),
    ActVerb.ATTEST: ("what was seen in the target system", "--note"),
}


def _carried(wanted: Decision, by: str, at: datetime) -> dict[str, Any]:
    """What the act keeps of the decision, as JSON. Raises UsageError where something is missing."""
    verb = wanted.verb
    if verb in {ActVerb.UNDO, ActVerb.WAKE}:
        raise UsageError(
            f"'{verb}' is no decision about a case", expected="one of the decisions", where="verb"
        )
    if verb in _NEEDS_WORDS and not wanted.note.strip():
        what, where = _NEEDS_WORDS[verb]
        raise UsageError(f"{what} is missing", expected="a few words", where=where, code="CLI_USAGE")
    if verb == ActVerb.RETRY:
        return {} if wanted.data is None else {"after": dict(wanted.data)}
    if verb == ActVerb.ATTEST:
        return _attested(wanted)
    if verb == ActVerb.SNOOZE:
        return {"until": iso(_future(wanted.until, at))}
    if verb == ActVerb.PRIORITY:
        if wanted.priority is None:
            raise UsageError(
                "the priority is missing", expected="low, normal, high or urgent", where="--priority"
            )
        return {"priority": int(wanted.priority)}
    if verb == ActVerb.ASSIGN and not wanted.assignee.strip():
        raise UsageError("it is not said to whom", expected="the name of a person", where="--to")
    if verb in {ActVerb.CLAIM, ActVerb.ASSIGN}:
        return {"assignee": wanted.assignee.strip() or by}
    return {}


def _attested(wanted: Decision) -> dict[str, Any]:
    if wanted.outcome not in {Settled.DONE, Settled.NOT_DONE}:
        raise UsageError(f"'{wanted.outcome}' can't be attested", expected="done or not_done", where="--done")
    proof = {"proof": wanted.proof.as_json()} if wanted.proof else {}
    return {"outcome": str(wanted.outcome), **proof}


def _future(until: datetime | None, at: datetime) -> datetime:
    if until is None or until <= at:
        what = f"{iso(until)} is not in the future" if until else "the time is missing"
        raise UsageError(what, expected="a later time", where="--until")
    return until
