"""The canary: a few cases of a problem are retried and watched before the others follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from runner.cases.bulk import LARGEST, Chosen, RowResult, Selection, act_on, apply, freeze
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
    chosen = [Chosen(*row) for row in _retryable(problem_id)[:number]]
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
    return canary_of(_problem(problem_id))


def canary_of(problem: Problem, cases: Sequence[Case] | None = None) -> Canary | None:
    """The same of a problem that has been read, and of the canary's cases where they have been read too."""
    said = problem.canary
    if not said:
        return None
    rows = cases if cases is not None else Case.objects.filter(pk__in=said["cases"]).only("status")
    states = Counter(CaseStatus(one.status) for one in rows)
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
        left=could_follow(problem.pk, without=said["cases"]),
    )


def could_follow(problem_id: str, without: list[str] | None = None) -> int:
    """How many cases of the problem wait, and could be retried as they are. One query."""
    return _retryable(problem_id, without).count()


def release(problem_id: str, who: Who, *, now: Callable[[], datetime], anyway: str = "") -> list[RowResult]:
    """Retry the rest of the problem's cases after a good canary; gives a result per case.

    `anyway` is the reason for doing so after a bad one, or before it has ended. Raises ConflictError (STATE) otherwise.
    """
    frozen = begin_release(problem_id, who, anyway=anyway)
    return apply(frozen, release_decision(problem_id), by=who.by, at=now) if frozen else []


def begin_release(problem_id: str, who: Who, *, anyway: str = "") -> Selection | None:
    """Write down that the rest follows, and freeze which cases that is (None: there is no rest): to decide part by part.

    At most 10,000 cases follow at once; those that are left can be tried again later. Errors as of `release`.
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
    rest = [Chosen(*row) for row in _retryable(problem_id, without=list(canary.cases))[:LARGEST]]
    with transaction.atomic():
        frozen = freeze(rest, by=who.by, at=who.at) if rest else None
        said = {"cases": len(rest), "verdict": canary.verdict}
        write(problem_id, ProblemVerb.RELEASE, said, who, anyway.strip())
    return frozen


def release_decision(problem_id: str) -> Decision:
    """What is decided about each case that follows a canary."""
    return Decision(ActVerb.RETRY, f"released: problem {problem_id}")


def hold(problem_id: str, who: Who, *, note: str = "") -> str:
    """End the canary without retrying the rest; another one can be started later."""
    canary = watch_canary(problem_id)
    if canary is None or canary.state != "watching":
        raise _refused(problem_id, "no canary is being watched", "start one first")
    return write(problem_id, ProblemVerb.HOLD, {}, who, note)


def _retry(wanted: Decision, who: Who, token: str) -> Callable[[Chosen], Decided]:
    return lambda one: decide(one.id, wanted, by=who.by, at=who.at, version=one.version, token=token)


def _retryable(problem_id: str, without: list[str] | None = None) -> QuerySet[Case, tuple[str, int]]:
    """The cases (id, version) that a retry as it is may help: not of unknown outcome, and no row that never fitted."""
    waiting = Case.objects.filter(problem_id=problem_id, waits=True).exclude(kind=FailureKind.UNKNOWN)
    waiting = waiting.exclude(item__valid=False).exclude(pk__in=without or [])
    return waiting.order_by("due", "opened", "id").values_list("pk", "version")


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
