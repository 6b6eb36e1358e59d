"""The canary: a few cases of a problem are retried and watched before the others follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from runner.cases.bulk import Chosen, RowResult, act_on, apply, freeze
from runner.cases.deciding import Decided
from runner.cases.decisions import Decision, decide
from runner.cases.problems import Who, write
from runner.core.clock import from_iso, iso
from runner.core.errors import ConflictError, UsageError
from runner.core.nouns import ActVerb, CaseStatus, FailureKind, ProblemVerb
from runner.store.models import Case, Problem

_MOST = 100


@dataclass(frozen=True, slots=True)
class Canary:
    """How it stands: of `cases` retried, how many went through, failed again, or have not ended. `left`: could follow."""

    id: str
    cases: tuple[str, ...]
    started: datetime
    by: str
    state: str
    succeeded: int
    failed: int
    waiting: int
    left: int

    @property
    def verdict(self) -> str:
        """``waiting`` (not all have ended), ``bad`` (one failed), ``good`` (all went through)."""
        if self.failed:
            return "bad"
        return "waiting" if self.waiting else "good"


def start_canary(problem_id: str, number: int, who: Who) -> tuple[str, list[RowResult]]:
    """Retry the `number` oldest cases of a problem that can be retried as they are; gives the canary's id and results.

    Raises UsageError for a number below 1 or above 100, ConflictError (STATE) where no case can be retried, or one
    canary is being watched already.
    """
    if not 1 <= number <= _MOST:
        raise UsageError(f"{number} cases", expected=f"1 to {_MOST}", where="--cases")
    problem = _problem(problem_id)
    if problem.canary and problem.canary["state"] == "watching":
        raise _refused(problem_id, "a canary is being watched already", "release the rest or hold it first")
    chosen = _retryable(problem_id)[:number]
    if not chosen:
        raise _refused(
            problem_id, "no case of it can be retried as it is", "correct or attest them one by one"
        )
    said = {"canary": {"cases": [one.id for one in chosen]}, "at": iso(who.at)}
    canary = write(problem_id, ProblemVerb.CANARY, said, who)
    wanted = Decision(ActVerb.RETRY, f"canary of problem {problem_id}")
    results = []
    for one in chosen:
        token = f"canary:{canary}:{one.id}"
        results.append(act_on(one, _retry(wanted, who, token)))
    return canary, results


def watch_canary(problem_id: str) -> Canary | None:
    """How the problem's last canary stands; None when there was none. Three queries."""
    problem = _problem(problem_id)
    said = problem.canary
    if not said:
        return None
    found = Case.objects.filter(pk__in=said["cases"]).values_list("status", flat=True)
    states = Counter(CaseStatus(status) for status in found)
    succeeded = states[CaseStatus.RESOLVED] + states[CaseStatus.CLOSED]
    waiting = states[CaseStatus.RETRYING]
    return Canary(
        id=said["id"],
        cases=tuple(said["cases"]),
        started=from_iso(said["started"]),
        by=said["by"],
        state=said["state"],
        succeeded=succeeded,
        failed=sum(states.values()) - succeeded - waiting,
        waiting=waiting,
        left=len(_retryable(problem_id, without=said["cases"])),
    )


def release(problem_id: str, who: Who, *, now: Callable[[], datetime], anyway: str = "") -> list[RowResult]:
    """Retry the rest of the problem's cases after a good canary; gives a result per case.

    `anyway` is the reason for doing so after a bad one, or before it has ended. Raises ConflictError (STATE) otherwise.
    """
    canary = watch_canary(problem_id)
    if canary is None or canary.state != "watching":
        raise _refused(problem_id, "no canary is being watched", "start one first")
    if canary.verdict != "good" and not anyway.strip():
        what = (
            f"{canary.failed} of its canary failed again"
            if canary.failed
            else f"{canary.waiting} are not ended"
        )
        raise _refused(problem_id, what, "look at them first, or say why it is released anyway")
    rest = _retryable(problem_id, without=list(canary.cases))
    write(
        problem_id, ProblemVerb.RELEASE, {"cases": len(rest), "verdict": canary.verdict}, who, anyway.strip()
    )
    if not rest:
        return []
    frozen = freeze(rest, by=who.by, at=who.at)
    return apply(frozen, Decision(ActVerb.RETRY, f"released: problem {problem_id}"), by=who.by, at=now)


def hold(problem_id: str, who: Who, *, note: str = "") -> str:
    """End the canary without retrying the rest; another one can be started later."""
    canary = watch_canary(problem_id)
    if canary is None or canary.state != "watching":
        raise _refused(problem_id, "no canary is being watched", "start one first")
    return write(problem_id, ProblemVerb.HOLD, {}, who, note)


def _retry(wanted: Decision, who: Who, token: str) -> Callable[[Chosen], Decided]:
    return lambda one: decide(one.id, wanted, by=who.by, at=who.at, version=one.version, token=token)


def _retryable(problem_id: str, without: list[str] | None = None) -> list[Chosen]:
    """The cases that a retry as it is may help: not of unknown outcome, and no row that never fitted."""
    waiting = Case.objects.filter(problem_id=problem_id, waits=True).exclude(kind=FailureKind.UNKNOWN)
    waiting = waiting.exclude(item__valid=False).exclude(pk__in=without or [])
    rows = waiting.order_by("due", "id").values_list("pk", "version")
    return [Chosen(*row) for row in rows]


def _problem(problem_id: str) -> Problem:
    found = Problem.objects.filter(pk=problem_id).first()
    if found is None:
        raise UsageError(
            f"problem '{problem_id}' not found", hint="see: runner problems list", code="NOT_FOUND"
        )
    return found


def _refused(problem_id: str, what: str, hint: str) -> ConflictError:
    return ConflictError(
        what, expected="a canary that went through", hint=hint, where=f"problem {problem_id}", code="STATE"
    )
