"""Missed, late and overlapping due times, after the timelines of the scheduler cases."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.nouns import OccurrenceState
from runner.core.schedules_model import Missed, Overlap, Policies
from runner.timetable.due_times import DueTime, SkipKind
from runner.timetable.policies import Cause, OverlapMove, clock_step, decide_missed, decide_overlap

CASES = Path(__file__).parents[2] / "shared" / "data" / "dst_cases.json"
TEN = datetime(2027, 6, 1, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def hours(*numbers: int) -> list[DueTime]:
    return [DueTime(TEN + (number - 10) * HOUR, TEN + (number - 10) * HOUR) for number in numbers]


def timelines() -> list[Any]:
    if not CASES.exists():
        return [
            pytest.param(None, marks=pytest.mark.skip(reason="../shared/data/dst_cases.json is not there"))
        ]
    cases = json.loads(CASES.read_text(encoding="utf-8"))["cases"]
    return [pytest.param(case, id=case["id"]) for case in cases if case["id"] in {"M01", "M02", "M03", "M04"}]


@pytest.mark.corpus
@pytest.mark.parametrize("case", timelines())
def test_three_hours_of_sleep_are_caught_up_by_the_policy(case: dict[str, Any]) -> None:
    given_policy = case["policy"]
    wanted = {"missed": given_policy["misfire"], **{k: v for k, v in given_policy.items() if k != "misfire"}}
    policies = Policies.model_validate(wanted)
    woken = decide_missed(hours(10, 11, 12), TEN + 2.5 * HOUR, policies)
    on_time = decide_missed(hours(13), TEN + 3 * HOUR, policies)
    ran = [(f"{one.due.due:%H:%M}", str(one.cause)) for one in [*woken, *on_time] if one.runs]
    assert ran == [(run["due"], run["cause"]) for run in case["expected"]["runs"]]
    rest = {f"{one.due.due:%H:%M}": one for one in woken if not one.runs}
    assert sorted(rest) == [row["due"] for row in case["expected"]["recorded_not_run"]]
    for row in case["expected"]["recorded_not_run"]:
        decision = rest[row["due"]]
        assert row["state"].split("_")[0] == decision.state
        assert decision.needs_case == row.get("queued_exception", False)
        assert "into" not in row["state"] or decision.into == TEN + 2 * HOUR


def test_two_seconds_late_is_on_time() -> None:
    (decision,) = decide_missed(hours(10), TEN + timedelta(seconds=2), Policies())
    assert (decision.runs, decision.cause) == (True, Cause.ON_TIME)


def test_more_missed_than_may_be_caught_up_goes_to_a_person() -> None:
    policies = Policies(missed=Missed.RUN_ALL, max_catchup=2)
    decided = decide_missed(hours(10, 11, 12, 13), TEN + 5 * HOUR, policies)
    assert [one.runs for one in decided] == [False, False, True, True]
    assert [one.needs_case for one in decided] == [True, True, False, False]


def test_a_run_that_is_due_now_stands_for_the_ones_before_it() -> None:
    decided = decide_missed(hours(10, 11, 12), TEN + 2 * HOUR, Policies())
    assert [one.state for one in decided] == ["coalesced", "coalesced", "ran"]
    assert {one.into for one in decided[:2]} == {TEN + 2 * HOUR}


def test_a_holiday_is_skipped_whatever_was_missed() -> None:
    holiday = DueTime(TEN, TEN, SkipKind.CALENDAR, "Labor Day (china)")
    (decision,) = decide_missed([holiday], TEN + 9 * HOUR, Policies(missed=Missed.RUN_ALL))
    assert (decision.state, decision.reason) == (OccurrenceState.SKIPPED, "calendar: Labor Day (china)")


@given(
    st.lists(st.integers(0, 500), max_size=30, unique=True).map(sorted),
    st.sampled_from(list(Missed)),
    st.integers(1, 200),
    st.integers(1, 30),
    st.integers(0, 600),
)
def test_every_due_time_gets_exactly_one_final_decision(
    minutes: list[int], missed: Missed, grace: int, most: int, later: int
) -> None:
    dues = [DueTime(TEN + timedelta(minutes=n), TEN + timedelta(minutes=n)) for n in minutes]
    now = TEN + timedelta(minutes=max(minutes, default=0) + later)
    policies = Policies(missed=missed, grace=timedelta(minutes=grace), max_catchup=most)
    decided = decide_missed(dues, now, policies)
    assert [one.due for one in decided] == dues
    assert all(one.state is not OccurrenceState.DUE and one.reason for one in decided)
    running = {one.due.due for one in decided if one.runs}
    assert all(one.into in running for one in decided if one.state is OccurrenceState.COALESCED)
    fresh = [one for one in decided if now - one.due.due <= policies.grace]
    assert all(one.runs for one in fresh)
    if missed is Missed.RUN_ONCE and dues:
        assert len(running) == max(len(fresh), 1)


@pytest.mark.parametrize(
    ("running", "waiting", "cause", "overlap", "move"),
    [
        (0, 0, Cause.ON_TIME, Overlap.SKIP, OverlapMove.START),
        (1, 0, Cause.ON_TIME, Overlap.SKIP, OverlapMove.LEAVE_OUT),
        (1, 0, Cause.ON_TIME, Overlap.QUEUE, OverlapMove.WAIT),
        (0, 1, Cause.ON_TIME, Overlap.QUEUE, OverlapMove.WAIT),
        (1, 0, Cause.ON_TIME, Overlap.REPLACE, OverlapMove.CANCEL_EARLIER),
        (1, 0, Cause.CATCH_UP, Overlap.SKIP, OverlapMove.WAIT),
        (1, 0, Cause.CATCH_UP, Overlap.REPLACE, OverlapMove.WAIT),
    ],
)
def test_a_due_time_gives_way_to_a_run_that_has_not_ended(
    running: int, waiting: int, cause: Cause, overlap: Overlap, move: OverlapMove
) -> None:
    assert decide_overlap(running, waiting, cause, overlap) is move


@pytest.mark.parametrize(
    ("wall", "really", "holds", "alarm"),
    [
        (timedelta(seconds=-900), timedelta(), False, "clock_step_backward 900 s"),
        (timedelta(seconds=86461), timedelta(seconds=1), True, "clock_step_forward 86460 s"),
        (timedelta(seconds=-172799), timedelta(), True, "clock_step_backward 172799 s"),
    ],
)
def test_a_step_of_the_clock_is_noticed_and_a_large_one_holds(
    wall: timedelta, really: timedelta, holds: bool, alarm: str
) -> None:
    step = clock_step(wall, really)
    assert step is not None
    assert (step.holds, step.alarm) == (holds, alarm)


def test_suspend_and_small_drift_are_no_step() -> None:
    assert clock_step(3 * HOUR, 3 * HOUR) is None
    assert clock_step(timedelta(seconds=61), timedelta(seconds=60)) is None
