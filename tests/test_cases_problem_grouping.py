"""What belongs together: problems that are merged and split, what comes later, and the way back."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.cases import problems
from runner.cases.fingerprint import explain
from runner.cases.regrouping import merge_choices, preview_merge, preview_split, rules_of, split_choices
from runner.core.errors import ConflictError, UsageError
from runner.store.models import Problem
from runner.store.problem_lists import ProblemFilter, list_problems
from tests.cases_history import (
    case_of,
    failed_run,
    problem_of_key,
    same_after_rebuild,
)
from tests.problem_place import ann, status

pytestmark = pytest.mark.usefixtures("store")


# -- grouping --------------------------------------------------------------------------------------------------------


def test_merged_problems_stay_together_with_what_comes_later_until_that_is_taken_back(
    two_causes: Path,
) -> None:
    one, other = problem_of_key("1").pk, problem_of_key("5").pk
    version = case_of("5").version
    rule = problems.merge(other, one, ann(), note="the same list")
    assert {case_of(key).problem_id for key in "12345"} == {one}
    assert case_of("5").version == version
    failed_run(two_causes, "6", code="OLD_PRICE")
    assert case_of("6").problem_id == one
    merged = Problem.objects.get(pk=other)
    assert (merged.status, merged.closed_how, merged.merged_into_id, merged.total) == (
        "closed",
        "merged",
        one,
        0,
    )
    assert Problem.objects.get(pk=one).total == 6
    assert "Merged by hand with: OLD_PRICE" in Problem.objects.get(pk=one).explanation
    assert "手动合并" in explain(Problem.objects.get(pk=one).parts, "zh")
    assert [p["id"] for p in list_problems(ProblemFilter())] == [one]
    assert len(list_problems(ProblemFilter(merged=True))) == 2
    same_after_rebuild(two_causes)
    problems.ungroup(one, rule, ann())
    assert {case_of(key).problem_id for key in "56"} == {other}
    assert (status(other), Problem.objects.get(pk=one).total, Problem.objects.get(pk=other).total) == (
        "open",
        4,
        2,
    )
    assert "Merged" not in Problem.objects.get(pk=one).explanation
    failed_run(two_causes, "7", code="OLD_PRICE")
    assert case_of("7").problem_id == other
    with pytest.raises(ConflictError, match="no such rule in force"):
        problems.ungroup(one, rule, ann())
    same_after_rebuild(two_causes)


def test_a_part_is_split_off_with_what_comes_later_until_that_is_taken_back(two_causes: Path) -> None:
    one = problem_of_key("1").pk
    rule = problems.split(one, "data.customer", "ho", ann())
    part = problems.part_of(rule)
    assert {case_of(key).problem_id for key in "12"} == {part}
    assert {case_of(key).problem_id for key in "34"} == {one}
    assert Problem.objects.get(pk=part).title.endswith("[customer = ho]")
    assert "only where customer = ho" in Problem.objects.get(pk=part).explanation
    assert "Without what was split off by hand: customer = ho" in Problem.objects.get(pk=one).explanation
    failed_run(two_causes, "6", customer="Ho")
    failed_run(two_causes, "7", customer="Wu")
    assert (case_of("6").problem_id, case_of("7").problem_id) == (part, one)
    with pytest.raises(ConflictError, match="split by customer = HO already"):
        problems.split(one, "data.customer", "HO", ann())
    same_after_rebuild(two_causes)
    problems.ungroup(part, rule, ann())
    assert {case_of(key).problem_id for key in "12367"} == {one}
    assert Problem.objects.get(pk=part).merged_into_id == one
    again = problems.split(one, "data.customer", "Ho", ann())
    assert problems.part_of(again) == part
    assert (case_of("1").problem_id, Problem.objects.get(pk=part).merged_into_id) == (part, None)
    same_after_rebuild(two_causes)


def test_a_split_that_fits_nothing_changes_nothing(two_causes: Path) -> None:
    one = problem_of_key("1").pk
    with pytest.raises(ConflictError, match="no case of it has customer = Nobody"):
        problems.split(one, "data.customer", "Nobody", ann())
    with pytest.raises(UsageError, match=r"can't be split by 'steps' - did you mean 'step'"):
        problems.split(one, "steps", "x", ann())
    assert Problem.objects.count() == 2
    assert problems.split(one, "message", "is not in the CATALOGUE", ann())
    assert Problem.objects.get(pk=one).total == 0


def test_problems_that_are_part_of_another_are_not_merged_again(two_causes: Path) -> None:
    failed_run(two_causes, "8", code="THIRD")
    one, two, three = (problem_of_key(key).pk for key in ("1", "5", "8"))
    problems.merge(two, one, ann())
    for source, target in ((two, three), (three, two)):
        with pytest.raises(ConflictError, match=f"problem {two} is part of problem {one}"):
            problems.merge(source, target, ann())
    with pytest.raises(ConflictError, match="merged with itself"):
        problems.merge(one, one, ann())
    problems.merge(one, three, ann())  # with all that was merged into it
    failed_run(two_causes, "9", code="OLD_PRICE")
    assert case_of("9").problem_id == three
    assert Problem.objects.get(pk=three).total == 7
    same_after_rebuild(two_causes)


def test_a_preview_says_what_a_split_would_move_and_moves_nothing(two_causes: Path) -> None:
    pk = problem_of_key("1").pk
    found = preview_split(pk, "data.customer", "ho")
    assert (found.count, found.of, {one.key for one in found.first}) == (2, 4, {"1", "2"})
    assert preview_split(pk, "message", "nothing like it").count == 0
    choices = {one.field: one.values for one in split_choices(pk)}
    assert set(choices["data.customer"]) == {("Ho", 2), ("Li", 2)}
    assert "message" not in choices
    assert preview_merge(pk).count == 4
    assert [one.pk for one in merge_choices(Problem.objects.get(pk=pk))] == [problem_of_key("5").pk]
    assert merge_choices(Problem.objects.get(pk=pk), "no such words") == []
    moved = problems.split(pk, "data.customer", "Ho", ann())
    assert Problem.objects.get(pk=problems.part_of(moved)).total == found.count
    assert [(one["leads"], one["other"].pk) for one in rules_of(Problem.objects.get(pk=pk))] == [
        ("away", problems.part_of(moved))
    ]
