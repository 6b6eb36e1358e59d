"""What the rows of a filled-in spreadsheet ask for is done: each case by itself, in one go or in parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from runner.cases.bulk import Chosen, RowResult, act_on
from runner.cases.corrections import Corrections, PlannedRow, RowState, tokens_of_row
from runner.cases.deciding import Decided
from runner.cases.decisions import comment, decide
from runner.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """What became of a part of the rows; `looked_at` is how many were, those that nothing was to be done with included."""

    results: tuple[RowResult, ...]
    looked_at: int


def apply_corrections(corrections: Corrections, *, by: str, at: Callable[[], datetime]) -> list[RowResult]:
    """Do what the preview said, each case in a transaction of its own; a case that moved since is skipped.

    Rows that are not to be applied are left out. The same workbook given back again does nothing twice.
    """
    return [_apply(row, by, at()) for row in corrections.rows if row.state is RowState.APPLY]


def apply_corrections_part(
    corrections: Corrections, *, by: str, at: Callable[[], datetime], limit: timedelta
) -> CarriedOut:
    """Like `apply_corrections`, for as long as `limit` allows; one row at least is done."""
    began = at()
    results: list[RowResult] = []
    for place, row in enumerate(corrections.rows):
        if row.state is not RowState.APPLY:
            continue
        if results and at() - began > limit:
            return CarriedOut(tuple(results), place)
        results.append(_apply(row, by, at()))
    return CarriedOut(tuple(results), len(corrections.rows))


def _apply(row: PlannedRow, by: str, at: datetime) -> RowResult:
    def act(one: Chosen) -> Decided:
        given = None
        if row.decision is not None:
            given = decide(one.id, row.decision, by=by, at=at, version=one.version, token=row.token)
        if row.comment:
            after = at + timedelta(microseconds=1)  # it stands behind the decision in the history
            said = comment(one.id, by=by, at=after, note=row.comment, token=tokens_of_row(row.token)[1])
            given = given or said
        if given is None:
            raise UsageError("the row does nothing", expected="a decision or a comment", where=row.sheet)
        return given

    return act_on(Chosen(row.case, row.version), act)
