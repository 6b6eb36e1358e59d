"""The outcome of a run, judged by values alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.nouns import FailureKind, RunStatus
from runner.engine.outcome import FailedItem, ItemCounts, LaneEnd, LaneResult, judge

FINE = LaneResult(1, LaneEnd.FINISHED, "done", exit_code=0)


def test_a_run_whose_items_are_all_done_is_done() -> None:
    assert judge([FINE], ItemCounts(total=2, done=2)).status is RunStatus.DONE


def test_items_in_the_exception_queue_make_it_end_with_exceptions_and_open_no_case_of_its_own() -> None:
    outcome = judge([FINE], ItemCounts(total=2, done=1, exceptions=1))
    assert (outcome.status, outcome.why) == (RunStatus.EXCEPTIONS, None)


def test_exit_code_0_without_a_result_is_a_failure() -> None:
    outcome = judge([LaneResult(1, LaneEnd.CRASHED, exit_code=0, last_step="post_one")], ItemCounts())
    assert outcome.why == "crash"
    assert outcome.error is not None
    for words in ("ended without a result", "signal or exit code", "exit code 0", "last step: post_one"):
        assert words in outcome.error["message"]


def test_a_lane_killed_by_a_signal_names_it() -> None:
    outcome = judge([LaneResult(1, LaneEnd.CRASHED, exit_code=-11)], ItemCounts())
    assert outcome.error is not None
    assert "signal 11" in outcome.error["message"]


def test_a_finished_process_without_a_verdict_of_its_own_has_failed() -> None:
    assert judge([LaneResult(1, LaneEnd.FINISHED, None, exit_code=0)], ItemCounts()).why == "crash"


@pytest.mark.parametrize(
    ("lanes", "extra", "status", "why"),
    [
        (
            [LaneResult(1, LaneEnd.TIME_LIMIT, exit_code=-9)],
            {"time_limit": "2s"},
            RunStatus.FAILED,
            "time_limit",
        ),
        ([FINE], {"target_down": [FailedItem("orders", "1")] * 5}, RunStatus.FAILED, "target_down"),
        (
            [LaneResult(1, LaneEnd.CANCELLED, exit_code=-15)],
            {"cancelled_by": "li"},
            RunStatus.CANCELLED,
            None,
        ),
        ([LaneResult(1, LaneEnd.STOPPED, exit_code=-15)], {}, RunStatus.CANCELLED, None),
        ([LaneResult(1, LaneEnd.FINISHED, "failed", {"kind": "business"})], {}, RunStatus.FAILED, "error"),
    ],
)
def test_each_way_to_end_has_its_status_and_its_case(
    lanes: list[LaneResult], extra: dict[str, object], status: RunStatus, why: str | None
) -> None:
    outcome = judge(lanes, ItemCounts(), **extra)  # type: ignore[arg-type]
    assert (outcome.status, outcome.why) == (status, why)


def test_sums_that_disagree_mean_the_run_has_not_succeeded() -> None:
    lane = LaneResult(
        1, LaneEnd.FINISHED, "done", unbalanced=({"name": "rows", "read": 3, "entered": 2, "ok": False},)
    )
    outcome = judge([lane], ItemCounts(total=1, done=1))
    assert (outcome.status, outcome.why, outcome.kind) == (RunStatus.FAILED, "balance", FailureKind.BUSINESS)
    assert outcome.error is not None
    assert "rows: read 3, entered 2" in outcome.error["message"]


@given(st.builds(ItemCounts, *(st.integers(0, 5) for _ in range(5))))
def test_items_in_are_always_done_exceptions_pending_and_rejected(items: ItemCounts) -> None:
    adds_up = items.total == items.done + items.exceptions + items.pending + items.rejected
    assert (judge([FINE], items).why != "balance") == adds_up


def test_a_run_that_was_stopped_with_work_left_is_not_done() -> None:
    left = ItemCounts(total=3, done=1, pending=2)
    assert judge([FINE], left, stopped=True).status is RunStatus.CANCELLED
    assert judge([FINE], ItemCounts(total=1, done=1), stopped=True).status is RunStatus.DONE
