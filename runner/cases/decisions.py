"""What people decide about cases: each decision is checked, written down and applied in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from django.db import transaction

from runner.cases.acts import CASE, answer_of, apply_act, state_of
from runner.cases.moves import decide
from runner.cases.openings import SETTLED
from runner.cases.queued import row_of
from runner.core.clock import iso
from runner.core.contract import Settled
from runner.core.errors import ConflictError, RunnerError, UsageError
from runner.core.ids import uuid7
from runner.core.nouns import ActVerb, CaseStatus, RunStatus
from runner.store.case_lists import CaseFilter, filtered_cases
from runner.store.models import Act, Case, Run

MOVED: Final = "CONFLICT"  # the code of a refusal because the case is not as it was


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that has been written down. `run` is the run it asked for, or that was queued already, if any."""

    act: str
    case: str
    status: str
    version: int
    run: str | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """A case as somebody saw it when they chose it."""

    id: str
    version: int


class Outcome(StrEnum):
    """What a bulk act did with one case."""

    DONE = "done"
    SKIPPED = "skipped"  # it moved after it was chosen
    REFUSED = "refused"  # it does not allow the act


@dataclass(frozen=True, slots=True)
class RowResult:
    """The result for one case of a bulk act; `why` where it was not done."""

    id: str
    outcome: Outcome
    why: str = ""
    decided: Decided | None = None


def claim(
    case_id: str, *, by: str, at: datetime, assignee: str = "", note: str = "", version: int | None = None
) -> Decided:
    """`by` (or `assignee`) takes the case on."""
    return _act(_Asked(case_id, ActVerb.CLAIM, by, at, note, {"assignee": assignee or by}, version))


def comment(case_id: str, *, by: str, at: datetime, note: str) -> Decided:
    """Say something about the case, in whatever state it is."""
    return _act(_Asked(case_id, ActVerb.COMMENT, by, at, _required(note, "the comment", "--note")))


def snooze(
    case_id: str, *, by: str, at: datetime, until: datetime, note: str = "", version: int | None = None
) -> Decided:
    """Put the case aside until a time in the future."""
    if until <= at:
        raise UsageError(f"{iso(until)} is not in the future", expected="a later time", where="--until")
    return _act(_Asked(case_id, ActVerb.SNOOZE, by, at, note, {"until": iso(until)}, version))


def done(case_id: str, *, by: str, at: datetime, note: str, version: int | None = None) -> Decided:
    """It has been done by hand; `note` says what was done."""
    note = _required(note, "what was done by hand", "--note")
    return _act(_Asked(case_id, ActVerb.DONE, by, at, note, version=version))


def reject(case_id: str, *, by: str, at: datetime, note: str, version: int | None = None) -> Decided:
    """It will not be done; `note` says why."""
    note = _required(note, "the reason", "--reason")
    return _act(_Asked(case_id, ActVerb.REJECT, by, at, note, version=version))


def retry(
    case_id: str,
    *,
    by: str,
    at: datetime,
    data: Mapping[str, Any] | None = None,
    note: str = "",
    version: int | None = None,
    start_run: bool = True,
) -> Decided:
    """Try the item again, with the whole corrected `data` where given (validated by the caller), or run the bot again.

    The case is resolved by what comes of it, not by this. `start_run`: leave a queued run for a worker to pick up,
    unless one of that bot is queued already; the retry of a run's case is a new run, always.
    """
    carried = {} if data is None else {"after": dict(data)}
    return _act(_Asked(case_id, ActVerb.RETRY, by, at, note, carried, version, start_run))


def attest(
    case_id: str,
    *,
    by: str,
    at: datetime,
    outcome: Settled,
    note: str,
    version: int | None = None,
    start_run: bool = True,
) -> Decided:
    """Somebody looked in the target system: the step was done, or not done. `note` is the proof.

    ``DONE``: the item is done, with the output it had. ``NOT_DONE``: it is tried again, and the step acts again.
    """
    if outcome not in {Settled.DONE, Settled.NOT_DONE}:
        raise UsageError(f"'{outcome}' can't be attested", expected="done or not_done", where="--done")
    proof = _required(note, "what was seen in the target system", "--note")
    carried = {"outcome": str(outcome)}
    return _act(_Asked(case_id, ActVerb.ATTEST, by, at, proof, carried, version, start_run))


def select(wanted: CaseFilter) -> list[Chosen]:
    """The cases of a filter, frozen as they are now: what is shown before a bulk act is what it works on."""
    return [
        Chosen(*row) for row in filtered_cases(wanted).order_by("opened", "id").values_list("pk", "version")
    ]


def bulk(chosen: Sequence[Chosen], act: Callable[[Chosen], Decided]) -> list[RowResult]:
    """Act on each case in a transaction of its own; a case that moved, or does not allow it, stops no other.

    `act` calls one of the decisions above with the id and the version of the case it is given.
    """
    results = []
    for one in chosen:
        try:
            results.append(RowResult(one.id, Outcome.DONE, decided=act(one)))
        except ConflictError as error:
            moved = error.stable_code == MOVED
            results.append(RowResult(one.id, Outcome.SKIPPED if moved else Outcome.REFUSED, str(error)))
        except RunnerError as error:
            results.append(RowResult(one.id, Outcome.REFUSED, str(error)))
    return results


@dataclass(frozen=True, slots=True)
class _Asked:
    case: str
    verb: ActVerb
    by: str
    at: datetime
    note: str
    data: dict[str, Any] = field(default_factory=dict)
    version: int | None = None
    start_run: bool = False


def _act(asked: _Asked) -> Decided:
    with transaction.atomic():
        case = Case.objects.select_related("item__queue", "run").filter(pk=asked.case).first()
        if case is None:
            raise UsageError(
                f"case '{asked.case}' not found", hint="see: runner cases list", code="NOT_FOUND"
            )
        _check_unmoved(case, asked.verb, asked.version)
        data = asked.data
        if "after" in data and case.item is not None:
            data = {"before": case.item.data, **data}
        act = Act(pk=uuid7(asked.at), at=asked.at, by=asked.by, subject_kind=CASE, subject=case.pk)
        act.verb, act.note, act.data = asked.verb, asked.note, data
        planned = decide(state_of(case), answer_of(act))
        run = None
        if planned.case == CaseStatus.RETRYING and (asked.start_run or case.item is None):
            run = _ask_for_run(case, act)
        act.save(force_insert=True)
        apply_act(act)
        status, version = Case.objects.values_list("status", "version").get(pk=case.pk)
        return Decided(act.pk, case.pk, status, version, run)


def _check_unmoved(case: Case, verb: ActVerb, version: int | None) -> None:
    moved = version is not None and version != case.version
    decided = case.status in {*SETTLED, CaseStatus.RETRYING} and verb != ActVerb.COMMENT
    if (
        decided
        and not moved
        and case.status == CaseStatus.RETRYING
        and verb in {ActVerb.DONE, ActVerb.REJECT}
    ):
        return
    if not (moved or decided):
        return
    raise ConflictError(
        f"{_who_moved(case)}; it is {case.status} now, in version {case.version}",
        expected=f"version {version}" if moved else "a case that waits for a decision",
        hint="reload it and decide again",
        where=f"case {case.pk}",
        code=MOVED,
    )


def _who_moved(case: Case) -> str:
    acts = Act.objects.filter(subject_kind=CASE, subject=case.pk).exclude(verb=ActVerb.COMMENT)
    last = acts.order_by("-at", "-id").first()
    if last is None:
        return "the case has moved meanwhile"
    did = "changed by" if last.machine else "already decided by"
    return f"{did} {last.by} at {iso(last.at)}: {last.verb}"


def _ask_for_run(case: Case, act: Act) -> str | None:
    """Write into the act which run it asks for; the run's id follows from the act's."""
    if case.item is None and case.run is None:
        raise ConflictError(
            "no run belongs to it that could be started again",
            expected="done, reject or comment",
            hint="start what was missed with: runner schedules backfill SCHEDULE --from TIME --to TIME",
            where=f"case {case.pk}",
            code="STATE",
        )
    bot = case.item.queue.bot if case.item else case.bot
    queued = Run.objects.filter(status=RunStatus.QUEUED, bot=bot).order_by("queued").first()
    if queued is not None and case.item is not None:
        return queued.pk
    run_id = uuid7(act.at, seed=act.pk)
    row = row_of(case.run, act.by) if case.run else {"bot": bot, "requested_by": act.by}
    act.data = {**act.data, "run": run_id, "run_row": {**row, "bot": bot or row["bot"]}}
    return run_id


def _required(note: str, what: str, where: str) -> str:
    if not note.strip():
        raise UsageError(f"{what} is missing", expected="a few words", where=where, code="CLI_USAGE")
    return note.strip()
