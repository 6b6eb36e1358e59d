"""Which act a case allows, and what it does: every state, kind and act."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.cases.due import ONE_WORKING_DAY, due_time
from runner.cases.moves import Answer, CaseState, decide
from runner.core.contract import Settled
from runner.core.errors import ConflictError
from runner.core.nouns import CASE_MOVES, ActVerb, CaseStatus, FailureKind, ItemStatus

WAITS = (CaseStatus.OPEN, CaseStatus.CLAIMED, CaseStatus.WAITING)


def state(
    status: CaseStatus = CaseStatus.OPEN,
    kind: FailureKind = FailureKind.BUSINESS,
    item: ItemStatus | None = ItemStatus.EXCEPTION,
) -> CaseState:
    return CaseState("C", status, kind, item, step="submit")


@pytest.mark.parametrize(
    ("status", "kind"), [*product(WAITS, (FailureKind.BUSINESS, FailureKind.APPLICATION))]
)
def test_a_waiting_case_of_known_outcome_allows_every_answer(status: CaseStatus, kind: FailureKind) -> None:
    case = state(status, kind)
    assert decide(case, Answer(ActVerb.RETRY)).case == CaseStatus.RETRYING
    assert decide(case, Answer(ActVerb.RETRY)).item == ItemStatus.PENDING
    done, rejected = decide(case, Answer(ActVerb.DONE)), decide(case, Answer(ActVerb.REJECT))
    assert (done.case, done.item, done.resolution) == ("resolved", "done", "by_hand")
    assert (rejected.case, rejected.item, rejected.resolution) == ("resolved", "rejected", "rejected")
    assert decide(case, Answer(ActVerb.CLAIM)).case == CaseStatus.CLAIMED
    assert decide(case, Answer(ActVerb.SNOOZE)).case == CaseStatus.WAITING
    with pytest.raises(ConflictError, match="nothing to attest"):
        decide(case, Answer(ActVerb.ATTEST, Settled.DONE))


@pytest.mark.parametrize(("status", "verb"), [*product(WAITS, (ActVerb.RETRY, ActVerb.DONE, ActVerb.REJECT))])
def test_an_unknown_outcome_is_only_attested(status: CaseStatus, verb: ActVerb) -> None:
    case = state(status, FailureKind.UNKNOWN)
    with pytest.raises(ConflictError) as refused:
        decide(case, Answer(verb, with_data=True))
    assert refused.value.stable_code == "STATE"
    for words in ("outcome of step 'submit' is unknown", "confirm in the target system first"):
        assert words in str(refused.value)
    done = decide(case, Answer(ActVerb.ATTEST, Settled.DONE))
    again = decide(case, Answer(ActVerb.ATTEST, Settled.NOT_DONE))
    assert (done.case, done.item, done.irreversible) == ("resolved", "done", Settled.DONE)
    assert (again.case, again.item, again.irreversible) == ("retrying", "pending", Settled.NOT_DONE)


def test_a_runs_case_has_no_item_to_move_and_no_data() -> None:
    case = state(item=None, kind=FailureKind.APPLICATION)
    for verb in (ActVerb.RETRY, ActVerb.DONE, ActVerb.REJECT):
        assert decide(case, Answer(verb)).item is None
    with pytest.raises(ConflictError, match="a run has no data"):
        decide(case, Answer(ActVerb.RETRY, with_data=True))


ANSWERS = st.builds(
    Answer, st.sampled_from(ActVerb), st.sampled_from([Settled.DONE, Settled.NOT_DONE]), st.booleans()
)
STATES = st.builds(
    CaseState,
    st.just("C"),
    st.sampled_from(CaseStatus),
    st.sampled_from(FailureKind),
    st.sampled_from([*ItemStatus, None]),
    st.just("submit"),
    st.booleans(),
)


@given(STATES, ANSWERS)
def test_no_act_leaves_the_table_of_moves_or_touches_an_item_in_work(case: CaseState, answer: Answer) -> None:
    try:
        planned = decide(case, answer)
    except ConflictError:
        assert answer.verb != ActVerb.COMMENT
        return
    assert planned.case is None or planned.case in CASE_MOVES[case.status]
    assert planned.item is None or case.item != ItemStatus.RUNNING
    if case.kind == FailureKind.UNKNOWN and planned.item is not None:
        assert answer.verb == ActVerb.ATTEST
    if planned.item == ItemStatus.PENDING and not case.fits:
        assert answer.with_data or answer.verb == ActVerb.ATTEST


TUESDAY = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
FRIDAY, SATURDAY, MONDAY = (TUESDAY + timedelta(days=n) for n in (3, 4, 6))


@pytest.mark.parametrize(
    ("opened", "sla", "due"),
    [
        (TUESDAY, ONE_WORKING_DAY, TUESDAY + timedelta(days=1)),
        (FRIDAY, ONE_WORKING_DAY, MONDAY),
        (FRIDAY, timedelta(hours=2), FRIDAY + timedelta(hours=2)),
        (SATURDAY, timedelta(hours=2), MONDAY.replace(hour=2, minute=0)),
        (TUESDAY, timedelta(days=5), TUESDAY + timedelta(days=7)),
        (TUESDAY, timedelta(0), TUESDAY),
    ],
)
def test_saturday_and_sunday_do_not_count_towards_the_due_time(
    opened: datetime, sla: timedelta, due: datetime
) -> None:
    assert due_time(opened, sla) == due


MINUTES = st.integers(0, 10 * 365 * 24 * 60).map(lambda minutes: TUESDAY + timedelta(minutes=minutes))


@given(MINUTES, st.integers(0, 10**6))
def test_a_due_time_is_never_early_and_never_on_a_weekend(opened: datetime, seconds: int) -> None:
    sla = timedelta(seconds=seconds)
    due = due_time(opened, sla)
    assert due - opened >= sla
    assert due.weekday() < 5
    assert due_time(opened, sla + timedelta(seconds=1)) > due
