"""Bulk acts: cases are chosen once and frozen, looked at, and decided one by one, each with a result of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from django.db import transaction

from runner.cases.acts import state_of
from runner.cases.audit import append
from runner.cases.deciding import MOVED, Decided, check_unmoved, last_acts, not_found
from runner.cases.decisions import Decision, decide
from runner.cases.moves import Answer
from runner.cases.moves import decide as judge
from runner.cases.tokens import acts_sent_as
from runner.cases.undoing import undo
from runner.core.clock import iso
from runner.core.errors import ConflictError, RunnerError, UsageError
from runner.core.ids import uuid7
from runner.store.case_lists import CaseFilter, filtered_cases
from runner.store.models import BulkSelection, Case

LARGEST: Final = 10_000  # cases in one selection


@dataclass(frozen=True, slots=True)
class Chosen:
    """A case as somebody saw it when they chose it."""

    id: str
    version: int


class Outcome(StrEnum):
    """What a bulk act did with one case, or would do."""

    DONE = "done"
    SKIPPED = "skipped"  # it moved after it was chosen
    REFUSED = "refused"  # it does not allow the act


@dataclass(frozen=True, slots=True)
class RowResult:
    """The result for one case of a bulk act; `why` (and `error`) where it was not done. In a preview `decided` is None."""

    id: str
    outcome: Outcome
    why: str = ""
    decided: Decided | None = None
    error: RunnerError | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """A frozen list of cases, stored under `id`. `decision` once somebody has said what to do with all of them."""

    id: str
    by: str
    at: datetime
    cases: tuple[Chosen, ...]
    decision: Decision | None
    decided_by: str
    finished: datetime | None
    counts: dict[str, int]


def select(wanted: CaseFilter) -> list[Chosen]:
    """The cases of a filter as they are now: what is shown before a bulk act is what it works on."""
    rows = filtered_cases(wanted).order_by("opened", "id").values_list("pk", "version")
    return [Chosen(*row) for row in rows]


def freeze(chosen: CaseFilter | Sequence[str] | Sequence[Chosen], *, by: str, at: datetime) -> Selection:
    """Store which cases are meant, in the version that they have now (or had when they were `Chosen`).

    Raises UsageError: SELECTION_EMPTY, SELECTION_SIZE (more than 10,000), NOT_FOUND.
    """
    wanted: dict[str, Any] = {}
    if isinstance(chosen, CaseFilter):
        wanted = {name: _plain(value) for name, value in asdict(chosen).items() if value}
        rows = filtered_cases(chosen).order_by("opened", "id").values_list("pk", "version")
        cases = [list(row) for row in rows[: LARGEST + 1]]
    else:
        cases = _named(chosen)
    if not cases:
        raise UsageError(
            "no case fits", expected="at least one case", where="selection", code="SELECTION_EMPTY"
        )
    if len(cases) > LARGEST:
        raise UsageError(
            f"more than {LARGEST:,} cases fit",
            expected=f"at most {LARGEST:,} at a time",
            hint="narrow the filter, or decide in parts",
            where="selection",
            code="SELECTION_SIZE",
        )
    stored = BulkSelection.objects.create(id=uuid7(at), by=by, at=at, wanted=wanted, cases=cases)
    return _selection(stored)


def selection(selection_id: str) -> Selection:
    """A stored selection. Raises UsageError (NOT_FOUND)."""
    stored = BulkSelection.objects.filter(pk=selection_id).first()
    if stored is None:
        raise UsageError(
            f"selection '{selection_id}' not found", hint="choose the cases again", code="NOT_FOUND"
        )
    return _selection(stored)


def preview(chosen: Selection, decision: Decision, *, only: int | None = None) -> list[RowResult]:
    """What `apply` would do with each case as it is at this moment, in the order of the selection. Changes nothing.

    `only`: the first so many of them.
    """
    looked_at = chosen.cases[:only]
    cases = Case.objects.select_related("item").in_bulk([one.id for one in looked_at])
    answer = Answer(decision.verb, decision.outcome, with_data=decision.data is not None)
    moved = [one.id for one in looked_at if one.id in cases and cases[one.id].version != one.version]
    last = last_acts(moved)
    results = []
    for one in looked_at:
        case = cases.get(one.id)
        try:
            if case is None:
                raise not_found(one.id)
            check_unmoved(case, decision.verb, one.version, last)
            judge(state_of(case), answer)
        except RunnerError as error:
            results.append(RowResult(one.id, _outcome_of(error), str(error), error=error))
        else:
            results.append(RowResult(one.id, Outcome.DONE))
    return results


def apply(
    chosen: Selection,
    decision: Decision,
    *,
    by: str,
    at: Callable[[], datetime],
    progress: Callable[[int, RowResult], None] = lambda _number, _result: None,
) -> list[RowResult]:
    """Decide each case of a frozen selection, in a transaction of its own; a case that moved meanwhile is skipped.

    What has been done is stored when its result is known, so this can be called again after a crash with the same decision: it
    goes on, and no case is decided twice. `at` is asked for each case. Raises ConflictError (SELECTION) for another
    decision, or another person, than the one that was begun.
    """
    _begin(chosen.id, decision, by, at())
    results = []
    for number, (one, token) in enumerate(zip(chosen.cases, tokens_of(chosen), strict=True), start=1):
        result = act_on(one, _decider(decision, by, at(), token))
        results.append(result)
        progress(number, result)
    counts = Counter(str(one.outcome) for one in results)
    BulkSelection.objects.filter(pk=chosen.id).update(finished=at(), counts=dict(counts))
    return results


@dataclass(frozen=True, slots=True)
class Part:
    """How far a bulk act has come: the results so far by outcome, and whether all of its cases have been looked at.

    `rows` are the results of the cases that this part decided.
    """

    counts: dict[str, int]
    finished: bool
    rows: tuple[RowResult, ...] = ()


def apply_part(
    chosen: Selection, decision: Decision, *, by: str, at: Callable[[], datetime], limit: timedelta
) -> Part:
    """Like `apply`, but for as long as `limit` allows: called again, it goes on where the last call ended.

    At least one case is decided by each call. What `apply` promises about crashes and doubles is promised here too.
    """
    began = at()
    _begin(chosen.id, decision, by, began)
    stored = BulkSelection.objects.get(pk=chosen.id)
    if stored.finished is not None:
        return Part(dict(stored.counts), finished=True)
    counts, start = Counter(stored.counts), sum(stored.counts.values())
    tokens = tokens_of(chosen)
    rows: list[RowResult] = []
    for number in range(start, len(chosen.cases)):
        if number > start and at() - began > limit:
            return Part(dict(counts), finished=False, rows=tuple(rows))
        one = chosen.cases[number]
        result = act_on(one, _decider(decision, by, at(), tokens[number]))
        rows.append(result)
        counts[str(result.outcome)] += 1
        BulkSelection.objects.filter(pk=chosen.id).update(counts=dict(counts))
    BulkSelection.objects.filter(pk=chosen.id).update(finished=at(), counts=dict(counts))
    return Part(dict(counts), finished=True, rows=tuple(rows))


def tokens_of(chosen: Selection) -> list[str]:
    """The tokens under which the cases of a selection are decided, in its order."""
    return [f"bulk:{chosen.id}:{one.id}" for one in chosen.cases]


def undo_all(chosen: Selection, *, by: str, at: Callable[[], datetime]) -> list[RowResult]:
    """Take back what a bulk act decided, case by case, where nothing has followed from it yet."""
    return [_take_back(*one, by, at()) for one in _decided(chosen)]


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What became of some of the decisions, of `total`."""

    results: tuple[RowResult, ...]
    total: int


def undo_part(
    chosen: Selection, *, by: str, at: Callable[[], datetime], limit: timedelta, start: int = 0
) -> TakenBack:
    """Like `undo_all`, from the decision at place `start` on, for as long as `limit` allows; at least one is taken back."""
    began, decided = at(), _decided(chosen)
    results: list[RowResult] = []
    for place in range(start, len(decided)):
        if results and at() - began > limit:
            break
        results.append(_take_back(*decided[place], by, at()))
    return TakenBack(tuple(results), len(decided))


def _decided(chosen: Selection) -> list[tuple[str, str]]:
    """The acts of a bulk decision in their order, each with its case: always the same ones, taken back or not."""
    return list(acts_sent_as(tokens_of(chosen)).order_by("at", "id").values_list("pk", "subject"))


def _take_back(act: str, case: str, by: str, at: datetime) -> RowResult:
    try:
        undo(act, by=by, at=at)
    except RunnerError as error:
        return RowResult(case, Outcome.REFUSED, str(error))
    return RowResult(case, Outcome.DONE)


def bulk(chosen: Sequence[Chosen], act: Callable[[Chosen], Decided]) -> list[RowResult]:
    """Act on each case in a transaction of its own; a case that moved, or does not allow it, stops no other.

    `act` calls one of the decisions with the id and the version of the case it is given.
    """
    return [act_on(one, act) for one in chosen]


def act_on(one: Chosen, act: Callable[[Chosen], Decided]) -> RowResult:
    """The result of `act` for one case, a refusal included."""
    try:
        return RowResult(one.id, Outcome.DONE, decided=act(one))
    except RunnerError as error:
        return RowResult(one.id, _outcome_of(error), str(error), error=error)


def _decider(decision: Decision, by: str, at: datetime, token: str) -> Callable[[Chosen], Decided]:
    return lambda one: decide(one.id, decision, by=by, at=at, version=one.version, token=token)


def _outcome_of(error: RunnerError) -> Outcome:
    moved = isinstance(error, ConflictError) and error.stable_code == MOVED
    return Outcome.SKIPPED if moved else Outcome.REFUSED


def _begin(selection_id: str, decision: Decision, by: str, at: datetime) -> None:
    with transaction.atomic():
        stored = BulkSelection.objects.select_for_update().get(pk=selection_id)
        said = decision.as_json()
        if stored.decision is None:
            BulkSelection.objects.filter(pk=selection_id).update(decision=said, decided_by=by, started=at)
            append(
                at,
                by,
                "bulk.decide",
                "selection",
                selection_id,
                {"verb": said["verb"], "cases": len(stored.cases)},
            )
            return
        if (stored.decision, stored.decided_by) != (said, by):
            raise ConflictError(
                f"'{stored.decision['verb']}' by {stored.decided_by} was begun on this selection",
                expected="the same decision, to go on with it",
                hint="choose the cases again for another decision",
                where=f"selection {selection_id}",
                code="SELECTION",
            )


def _named(chosen: Sequence[str] | Sequence[Chosen]) -> list[list[Any]]:
    seen = {one.id: one.version for one in chosen if isinstance(one, Chosen)}
    ids = list(dict.fromkeys(one.id if isinstance(one, Chosen) else one for one in chosen))
    versions: dict[str, int] = {}
    for start in range(0, min(len(ids), LARGEST + 1), 500):
        part = Case.objects.filter(pk__in=ids[start : start + 500])
        versions.update(part.values_list("pk", "version"))
    missing = next((one for one in ids if one not in versions), None)
    if missing is not None and len(ids) <= LARGEST:
        raise not_found(missing)
    return [[one, seen.get(one, versions.get(one, 0))] for one in ids]


def _selection(stored: BulkSelection) -> Selection:
    return Selection(
        id=stored.pk,
        by=stored.by,
        at=stored.at,
        cases=tuple(Chosen(*row) for row in stored.cases),
        decision=Decision.from_json(stored.decision) if stored.decision else None,
        decided_by=stored.decided_by,
        finished=stored.finished,
        counts=dict(stored.counts),
    )


def _plain(value: Any) -> Any:
    return iso(value) if isinstance(value, datetime) else list(value) if isinstance(value, tuple) else value
