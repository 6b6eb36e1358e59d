"""Problems: what people find out, what they do, the canary, the proof, the regression, and what belongs together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runner.cases import decisions, problems
from runner.cases.audit import verify
from runner.cases.canary import hold, release, start_canary, watch_canary
from runner.cases.case_rows import recount, wrong_counts
from runner.cases.mentions import mentions_of
from runner.cases.problem_undo import take_back
from runner.cases.problems import Who, Why
from runner.cases.recurrence import Recurrence, is_regression
from runner.cases.verification import Needed, verification
from runner.core.errors import ConflictError, UsageError
from runner.core.nouns import Branch, ProblemStatus
from runner.store.models import Case, CorrectiveAction, Problem
from runner.store.problem_lists import ProblemFilter, list_problems, trends
from tests.cases_history import (
    case_of,
    failed_run,
    now,
    problem_of_key,
    retried_run,
    same_after_rebuild,
)
from tests.journal_maker import RunMaker
from tests.problem_place import ann, status

pytestmark = pytest.mark.usefixtures("store")


# -- analysis --------------------------------------------------------------------------------------------------------


def test_the_analysis_is_kept_in_order_and_survives_a_rebuild(two_causes: Path) -> None:
    pk = problem_of_key("1").pk
    due = datetime(2026, 12, 1, tzinfo=UTC)
    problems.own(pk, "ben", ann())
    problems.set_whys(
        pk, [Why("the product is unknown", "case 1"), Why(" "), Why("the list is old", "")], ann()
    )
    problems.set_causes(pk, {Branch.MATERIAL: ["price list of last year", " "], "people": []}, ann())
    problems.set_root_cause(pk, " nobody is told of new products ", ann())
    action = problems.add_action(pk, "send the list every Monday", ann(), owner="cleo", due=due)
    other = problems.add_action(pk, "train", ann())
    problems.change_action(pk, action, ann(), done=True)
    problems.change_action(pk, other, ann(), dropped=True, text="train people")
    problems.comment(pk, "@ben is it enough?", ann())
    found = Problem.objects.get(pk=pk)
    assert (found.owner, found.root_cause) == ("ben", "nobody is told of new products")
    assert [one["why"] for one in found.whys] == ["the product is unknown", "the list is old"]
    assert found.causes == {"material": ["price list of last year"]}
    kept = CorrectiveAction.objects.get(pk=action)
    assert (kept.text, kept.owner, kept.due, kept.done_by) == (
        "send the list every Monday",
        "cleo",
        due,
        "ann",
    )
    assert CorrectiveAction.objects.get(pk=other).dropped
    assert mentions_of("ben")[0]["subject_kind"] == "problem"
    assert verify().broken is None
    same_after_rebuild(two_causes)


def test_what_is_wrong_is_refused_in_words(two_causes: Path) -> None:
    pk = problem_of_key("1").pk
    with pytest.raises(UsageError, match=r"'peple' is no branch .* did you mean 'people'"):
        problems.set_causes(pk, {"peple": ["x"]}, ann())
    with pytest.raises(UsageError, match="at most 7"):
        problems.set_whys(pk, [Why(str(n)) for n in range(8)], ann())
    with pytest.raises(UsageError, match="the action is missing"):
        problems.add_action(pk, " ", ann())
    with pytest.raises(UsageError, match="action 'x' not found"):
        problems.change_action(pk, "x", ann(), done=True)
    with pytest.raises(UsageError, match="problem 'NOPE' not found"):
        problems.own("NOPE", "ben", ann())


def test_of_two_who_edit_at_once_one_is_told_by_whom_it_was_changed(two_causes: Path) -> None:
    problem = problem_of_key("1")
    problems.set_root_cause(problem.pk, "the list", ann(problem.version))
    with pytest.raises(ConflictError, match=r"CONFLICT: changed by ann at 20.*: root_cause; .* version 2"):
        problems.set_root_cause(problem.pk, "the people", Who("ben", now(), problem.version))
    first = problems.comment(problem.pk, "x", ann(token="t"))
    assert problems.comment(problem.pk, "x", ann(token="t")) == first


# -- canary ----------------------------------------------------------------------------------------------------------


def test_a_good_canary_is_released_to_the_rest(two_causes: Path) -> None:
    pk = problem_of_key("1").pk
    canary, results = start_canary(pk, 2, ann())
    assert [one.outcome for one in results] == ["done", "done"]
    seen = watch_canary(pk)
    assert seen is not None
    assert (seen.id, seen.waiting, seen.left, seen.verdict) == (canary, 2, 2, "waiting")
    with pytest.raises(ConflictError, match="2 are not ended"):
        release(pk, ann(), now=now)
    with pytest.raises(ConflictError, match="is being watched already"):
        start_canary(pk, 1, ann())
    retried_run(two_causes, good=("1", "2"))
    seen = watch_canary(pk)
    assert seen is not None
    assert (seen.succeeded, seen.verdict) == (2, "good")
    assert [one.outcome for one in release(pk, ann(), now=now)] == ["done", "done"]
    assert {case_of(key).status for key in "34"} == {"retrying"}
    seen = watch_canary(pk)
    assert seen is not None
    assert seen.state == "released"
    same_after_rebuild(two_causes)


def test_a_bad_canary_holds_the_rest_back(two_causes: Path) -> None:
    pk = problem_of_key("1").pk
    start_canary(pk, 1, ann())
    retried_run(two_causes, bad=("1",))
    seen = watch_canary(pk)
    assert seen is not None
    assert (seen.failed, seen.verdict) == (1, "bad")
    with pytest.raises(ConflictError, match="1 of its canary failed again"):
        release(pk, ann(), now=now)
    hold(pk, ann(), note="not fixed")
    with pytest.raises(ConflictError, match="no canary is being watched"):
        hold(pk, ann())
    assert start_canary(pk, 1, ann())[1][0].id in {case_of(key).pk for key in "1234"}
    assert [one.outcome for one in release(pk, ann(), now=now, anyway="the portal was down")] == ["done"] * 3
    same_after_rebuild(two_causes)


def test_a_canary_needs_cases_that_can_be_retried(two_causes: Path) -> None:
    with pytest.raises(UsageError, match="1 to 100"):
        start_canary(problem_of_key("1").pk, 0, ann())
    decisions.done(case_of("5").pk, by="ann", at=now(), note="x")
    with pytest.raises(ConflictError, match="no case of it can be retried as it is"):
        start_canary(problem_of_key("5").pk, 1, ann())
    assert watch_canary(problem_of_key("5").pk) is None


# -- proof and regression --------------------------------------------------------------------------------------------


def settle(*keys: str) -> None:
    for key in keys:
        decisions.done(case_of(key).pk, by="ann", at=now(), note="typed in")


def test_a_problem_is_closed_when_clean_runs_have_proven_it(two_causes: Path) -> None:
    pk = problem_of_key("1").pk
    for to in (ProblemStatus.ANALYSING, ProblemStatus.ACTING):
        problems.move_problem(pk, to, ann())
    problems.move_problem(pk, ProblemStatus.VERIFYING, ann(), needed=Needed(runs=2, items=3))
    with pytest.raises(ConflictError, match="4 of its cases are not settled"):
        problems.move_problem(pk, ProblemStatus.CLOSED, ann())
    settle("1", "2", "3", "4")
    assert status(pk) == "verifying"
    failed_run(two_causes, done=("10", "11"))
    with pytest.raises(ConflictError, match=r"1 of 2 clean runs and 2 of 3 items done since 20"):
        problems.move_problem(pk, ProblemStatus.CLOSED, ann())
    failed_run(two_causes)  # it did nothing, so it proves nothing
    failed_run(two_causes, "5x", code="OLD_PRICE", done=("12",))  # another problem's failure
    found = verification(Problem.objects.get(pk=pk))
    assert (found.is_proven, found.runs, found.items) == (True, 2, 3)
    problems.move_problem(pk, ProblemStatus.CLOSED, ann())
    assert (status(pk), Problem.objects.get(pk=pk).closed_how) == ("closed", "verified")
    assert {case_of(key).status for key in "1234"} == {"closed"}
    assert verify().broken is None
    same_after_rebuild(two_causes)


def test_a_problem_can_be_closed_without_proof_for_a_reason(two_causes: Path) -> None:
    pk = problem_of_key("5").pk
    settle("5")
    assert status(pk) == "resolved"
    with pytest.raises(ConflictError, match="no action is in force yet"):
        problems.move_problem(pk, ProblemStatus.CLOSED, ann())
    problems.move_problem(pk, ProblemStatus.CLOSED, ann(), note="the bot is retired")
    assert Problem.objects.get(pk=pk).closed_how == "without proof"
    same_after_rebuild(two_causes)


def test_a_problem_moves_only_along_its_ways(two_causes: Path) -> None:
    pk = problem_of_key("1").pk
    with pytest.raises(ConflictError, match=r"is open - it can't become verifying, only"):
        problems.move_problem(pk, ProblemStatus.VERIFYING, ann())
    with pytest.raises(UsageError, match="resolved by its cases"):
        problems.move_problem(pk, ProblemStatus.RESOLVED, ann())


MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("started", "version", "fixed_at", "by_version", "expected"),
    [
        (MONDAY + HOUR, "v1", MONDAY, False, True),  # it began after the fix
        (MONDAY - HOUR, "v1", MONDAY, False, False),  # it had begun before
        (MONDAY, "v1", MONDAY, False, True),
        (MONDAY + HOUR, "v1", MONDAY, True, False),  # still the old version
        (MONDAY + HOUR, "v2", MONDAY, True, True),  # the new version fails too
        (MONDAY - HOUR, "v2", MONDAY, True, True),  # whenever it began
        (MONDAY - HOUR, "v1", None, False, True),  # closed without any action
    ],
)
def test_what_is_a_regression(
    started: datetime, version: str, fixed_at: datetime | None, *, by_version: bool, expected: bool
) -> None:
    fix = {"by_version": by_version, "broken": ["v1"]}
    assert is_regression(Recurrence(MONDAY, started, version), fixed_at, fix) is expected


def test_a_failure_after_the_action_brings_the_problem_back(two_causes: Path) -> None:
    pk = problem_of_key("1").pk
    problems.move_problem(pk, ProblemStatus.ACTING, ann())
    problems.move_problem(pk, ProblemStatus.VERIFYING, ann())
    failed_run(two_causes, "6")
    found = Problem.objects.get(pk=pk)
    assert (found.status, found.regressions) == ("acting", 1)
    assert found.regressed_at is not None
    problems.move_problem(pk, ProblemStatus.VERIFYING, ann(), needed=Needed(runs=0))
    settle("1", "2", "3", "4", "6")
    problems.move_problem(pk, ProblemStatus.CLOSED, ann())
    failed_run(two_causes, "7")
    assert (status(pk), Problem.objects.get(pk=pk).regressions) == ("open", 2)
    assert case_of("7").problem_id == pk
    same_after_rebuild(two_causes)


def test_a_straggler_opens_its_case_and_does_not_bring_the_closed_problem_back(two_causes: Path) -> None:
    pk = problem_of_key("1").pk
    with RunMaker(two_causes) as old:  # it began before the action
        old.started(bot_version="v1")
        old.put("8")
        old.begin("8")
        old.take_in()
        problems.move_problem(pk, ProblemStatus.ACTING, ann())
        problems.move_problem(pk, ProblemStatus.VERIFYING, ann(), needed=Needed(runs=0))
        settle("1", "2", "3", "4")
        problems.move_problem(pk, ProblemStatus.CLOSED, ann())
        old.fail("8")
        old.finished("exceptions")
        old.take_in()
    assert (status(pk), case_of("8").status) == ("closed", "open")
    assert [one["id"] for one in list_problems(ProblemFilter(live=True)) if one["id"] == pk] == [pk]
    same_after_rebuild(two_causes)


def test_versions_that_are_known_to_be_broken_prove_nothing(two_causes: Path) -> None:
    pk = problem_of_key("1").pk
    problems.move_problem(pk, ProblemStatus.ACTING, ann())
    problems.move_problem(pk, ProblemStatus.VERIFYING, ann(), by_version=True, needed=Needed(runs=1))
    assert Problem.objects.get(pk=pk).fix == {"by_version": True, "broken": ["v1"]}
    failed_run(two_causes, "6", version="v1")
    assert status(pk) == "verifying"
    failed_run(two_causes, done=("10",), version="v1")
    assert not verification(Problem.objects.get(pk=pk)).is_proven
    failed_run(two_causes, done=("11",), version="v2")
    assert verification(Problem.objects.get(pk=pk)).is_proven
    failed_run(two_causes, "7", version="v2")
    assert status(pk) == "acting"
    same_after_rebuild(two_causes)


# -- counts and trend ------------------------------------------------------------------------------------------------


def test_the_trend_is_a_count_per_day_for_each_problem(two_causes: Path) -> None:
    one, other = problem_of_key("1").pk, problem_of_key("5").pk
    Case.objects.filter(pk=case_of("1").pk).update(opened=now() - timedelta(days=3))
    Case.objects.filter(pk=case_of("2").pk).update(opened=now() - timedelta(days=30))
    found = trends([one, other], now())
    assert (len(found[one]), sum(found[one]), found[one][-1], found[one][-4]) == (14, 3, 2, 1)
    assert found[other] == [0] * 13 + [1]
    listed = list_problems(ProblemFilter(), trend_until=now())
    assert {p["id"]: p["trend"] for p in listed} == found


def test_a_wrong_count_is_found_and_put_right(two_causes: Path) -> None:
    one = problem_of_key("1").pk
    assert wrong_counts() == []
    Problem.objects.filter(pk=one).update(total=7, waiting=0)
    assert wrong_counts() == [f"problem {one}: total is 7, counted 4; waiting is 0, counted 4"]
    recount([one])
    assert wrong_counts() == []


def test_the_oldest_due_time_follows_the_cases_that_wait(two_causes: Path) -> None:
    one = problem_of_key("1").pk
    dues = sorted(Case.objects.filter(problem=one).values_list("due", flat=True), key=str)
    assert Problem.objects.get(pk=one).oldest_due == dues[0]
    for pk in Case.objects.filter(problem=one, due=dues[0]).values_list("pk", flat=True):
        decisions.done(pk, by="ann", at=now(), note="x")
    assert Problem.objects.get(pk=one).oldest_due != dues[0]
    for pk in Case.objects.filter(problem=one, waits=True).values_list("pk", flat=True):
        decisions.retry(pk, by="ann", at=now())
    assert (Problem.objects.get(pk=one).oldest_due, Problem.objects.get(pk=one).waiting) == (None, 0)
    assert wrong_counts() == []


# -- taking back, and looking before ------------------------------------------------------------------------------------


def test_what_was_said_is_taken_back_to_what_stood_there_before(two_causes: Path) -> None:
    pk = problem_of_key("1").pk
    problems.own(pk, "ben", ann())
    first = problems.set_root_cause(pk, "the list is old", ann())
    second = problems.set_root_cause(pk, "nobody sends it", ann())
    with pytest.raises(ConflictError, match="somebody has said it anew"):
        take_back(pk, first, ann())
    take_back(pk, second, ann())
    assert Problem.objects.get(pk=pk).root_cause == "the list is old"
    action = problems.add_action(pk, "train", ann(), owner="cleo")
    done = problems.change_action(pk, action, ann(), done=True, owner="ben")
    take_back(pk, done, ann())
    kept = CorrectiveAction.objects.get(pk=action)
    assert (kept.owner, kept.done) == ("cleo", None)
    said = problems.comment(pk, "well", ann())
    take_back(pk, said, ann())
    with pytest.raises(ConflictError, match="taken back already"):
        take_back(pk, said, ann())
    late = Who("ann", now() + timedelta(minutes=11))
    with pytest.raises(ConflictError, match="older than 10m"):
        take_back(pk, problems.set_whys(pk, [Why("why")], ann()), late)
    with pytest.raises(UsageError, match="not found"):
        take_back(pk, "no-such-act", ann())
    same_after_rebuild(two_causes)


def test_an_action_that_was_added_by_mistake_is_dropped(two_causes: Path) -> None:
    pk = problem_of_key("1").pk
    action = problems.add_action(pk, "train", ann())
    take_back(pk, action, ann())
    assert CorrectiveAction.objects.get(pk=action).dropped
    same_after_rebuild(two_causes)
