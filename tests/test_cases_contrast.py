"""What failed ones have in common that clean ones have not."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from fractions import Fraction
from math import comb
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.cases.contrast import Finding, contrast, fisher
from runner.cases.contrast_sample import contrast_of
from runner.core.errors import UsageError
from tests.cases_history import failed_run, problem_of_key
from tests.journal_maker import RunMaker


def exact(a: int, n: int, c: int, m: int) -> float:
    """Fisher's test by whole numbers."""
    total, having = n + m, a + c
    ways = sum(comb(having, k) * comb(total - having, n - k) for k in range(a, min(having, n) + 1))
    return float(Fraction(ways, comb(total, n)))


@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_the_test_is_exact(failed: int, clean: int, data: st.DataObject) -> None:
    a, c = data.draw(st.integers(0, failed)), data.draw(st.integers(0, clean))
    assert fisher(a, failed, c, clean) == pytest.approx(exact(a, failed, c, clean), rel=1e-9, abs=1e-300)


def test_the_test_is_quick_and_sound_for_large_numbers() -> None:
    begun = time.process_time()
    assert fisher(1000, 1000, 0, 3000) < 1e-300
    assert fisher(500, 1000, 1500, 3000) == pytest.approx(0.5, abs=0.05)
    assert fisher(0, 1000, 5, 3000) == pytest.approx(1.0)
    assert time.process_time() - begun < 0.5


def facts(count: int, **makers: Callable[[int], str]) -> list[dict[str, str]]:
    return [{name: make(n) for name, make in makers.items()} for n in range(count)]


def test_a_customer_that_only_the_failed_ones_have_comes_first() -> None:
    rows = contrast(
        facts(50, number=str, customer=lambda n: "Ho" if n % 5 else "Li", hour=lambda n: f"{n % 24:02}:00"),
        facts(200, number=lambda n: str(1000 + n * 7), customer=lambda n: "Li" if n % 3 else "Wu",
              hour=lambda n: f"{n % 24:02}:00"),
    )  # fmt: skip
    first = next(one for one in rows if one.dimension == "customer")
    assert (first.value, first.failed_with, first.failed, first.clean_with, first.clean) == (
        "Ho",
        40,
        50,
        0,
        200,
    )
    assert first.ratio is None
    assert first.is_notable
    assert not any(one.dimension == "hour" and one.is_notable for one in rows)


def test_amounts_above_a_limit_are_found_as_a_threshold_once() -> None:
    draw = random.Random(5)
    bad = [{"amount": f"{draw.uniform(5000, 9000):.2f}"} for _ in range(40)]
    good = [{"amount": f"{draw.uniform(1, 5200):.2f}"} for _ in range(400)]
    found = contrast(bad, good)
    assert [one.dimension for one in found if one.value[0] in "≥<"] == ["amount"]
    assert found[0].value.startswith("≥ 4") or found[0].value.startswith("≥ 5")
    assert found[0].failed_with >= 35
    assert found[0].clean_with <= 20


@pytest.mark.parametrize(
    ("bad", "good", "form"),
    [
        ("Übergroß", "plain", "(has characters outside ASCII)"),
        ("", "plain", "(empty)"),
        ("plain ", "plain", "(has spaces at an end)"),
    ],
)
def test_the_form_of_a_text_can_be_the_cause(bad: str, good: str, form: str) -> None:
    found = contrast(
        facts(20, name=lambda n: f"{bad}" if not bad.strip() else f"{n}{bad}"),
        facts(80, name=lambda n: f"{n}{good}"),
    )
    assert (found[0].dimension, found[0].value) == ("name", form)
    assert (found[0].failed_with, found[0].clean_with) == (20, 0)


def test_without_a_difference_nothing_is_notable() -> None:
    draw = random.Random(7)
    bad = [{f"f{k}": str(draw.randrange(4)) for k in range(20)} for _ in range(100)]
    good = [{f"f{k}": str(draw.randrange(4)) for k in range(20)} for _ in range(300)]
    assert not any(one.is_notable for one in contrast(bad, good))


@pytest.mark.parametrize(("bad", "good"), [([], [{"a": "1"}]), ([{"a": "1"}], []), ([], [])])
def test_one_side_alone_says_nothing(bad: list[dict[str, str]], good: list[dict[str, str]]) -> None:
    assert contrast(bad, good) == []


def test_unique_keys_are_never_named() -> None:
    assert contrast(facts(30, key=lambda n: f"K{n}"), facts(90, key=lambda n: f"L{n}")) == []


@given(
    st.lists(st.dictionaries(st.sampled_from("abc"), st.text(max_size=3)), max_size=30),
    st.lists(st.dictionaries(st.sampled_from("abc"), st.text(max_size=3)), max_size=30),
)
def test_findings_are_true_counts_ranked_by_chance(
    bad: list[dict[str, str]], good: list[dict[str, str]]
) -> None:
    found = contrast(bad, good, most=100)
    assert [one.chance for one in found] == sorted(one.chance for one in found)
    for one in found:
        assert one.failed_with * one.clean > one.clean_with * one.failed
        assert 0 <= one.chance <= 1
        if not one.value.startswith(("(", "≥", "<")):
            assert one.failed_with == sum(row.get(one.dimension) == one.value for row in bad)
            assert one.clean_with == sum(row.get(one.dimension) == one.value for row in good)


def test_a_problem_is_compared_with_clean_items_of_its_queue(store: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    failed_run(runs, *(f"F{n}" for n in range(6)), customer="Ho", version="v2")
    failed_run(runs, done=tuple(f"D{n}" for n in range(30)), customer="Li", version="v1")
    with RunMaker(runs) as run:
        run.started(bot_version="v2")
        for n in range(6, 8):
            run.put(f"F{n}", customer="Ho")
            run.begin(f"F{n}")
            run.line(
                1,
                "locator.fallback",
                queue="orders",
                item=f"F{n}",
                attempt=1,
                data={"name": "Post", "rank": 3},
            )
            run.fail(f"F{n}")
        run.finished("exceptions")
        run.take_in()
    found = contrast_of(problem_of_key("F0").pk)
    assert (found.of, found.failed, found.clean) == ("items", 8, 30)
    named = {(one.dimension, one.value): one for one in found.findings}
    assert named["data.customer", "Ho"].failed_with == 8
    assert named["bot_version", "v2"].is_notable
    assert named["locator Post", "rank 3"].failed_with == 2
    with pytest.raises(UsageError, match="NOT_FOUND"):
        contrast_of("NOPE")


def test_a_problem_of_runs_is_compared_with_runs_that_went_through(store: Path, tmp_path: Path) -> None:
    from runner.store.models import Problem

    for workbook, status in (
        ("old.xlsx", "lost"),
        ("old.xlsx", "lost"),
        ("new.xlsx", "done"),
        ("new.xlsx", "done"),
    ):
        with RunMaker(tmp_path / "runs") as run:
            run.started(parameters={"workbook": workbook})
            run.finished(status, {"kind": "application", "why": "crash"} if status == "lost" else None)
            run.take_in()
    found = contrast_of(Problem.objects.get().pk)
    assert (found.of, found.failed, found.clean) == ("runs", 2, 2)
    one: Finding = next(one for one in found.findings if one.dimension == "parameter.workbook")
    assert (one.value, one.failed_with, one.clean_with) == ("old.xlsx", 2, 0)
