"""Locators that decay: counted by day, one case each before the bot fails, resolved when the first choice matches again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner.cases.intake_locators import locator_case_id
from runner.cases.rebuild import rebuild
from runner.store.locator_lists import LocatorFilter, list_locators
from runner.store.models import Act, Case, LocatorDay, Problem
from tests.journal_maker import RunMaker
from tests.store_snapshot import differences, snapshot

pytestmark = pytest.mark.usefixtures("store")


def fell(run: RunMaker, name: str, rank: int = 2, lane: int = 1) -> None:
    data = {"name": name, "rank": rank, "first": f'label "{name}"', "used": f"[name={name}]"}
    run.line(lane, "locator.fallback", data=data)


def used(run: RunMaker, lane: int = 1, **counts: tuple[int, int, int]) -> None:
    told = {name: dict(zip(("first", "lower", "last"), three, strict=True)) for name, three in counts.items()}
    run.line(lane, "locator.uses", data={"locators": told})


def decaying(runs: Path) -> None:
    with RunMaker(runs) as run:
        run.started()
        for _ in range(3):
            fell(run, "amount")
        fell(run, "number", rank=3)
        used(run, amount=(4, 3, 2), number=(0, 1, 3), notes=(5, 0, 1))
        run.finished()


def test_one_case_is_opened_for_each_locator_and_none_for_those_that_hold(tmp_path: Path) -> None:
    decaying(tmp_path)

    cases = {case.step: case for case in Case.objects.all()}
    assert set(cases) == {"amount", "number"}
    case = cases["amount"]
    assert (case.pk, case.why, case.status, case.kind, case.times_opened, case.process) == (
        locator_case_id("post_orders", "amount"), "locator_decay", "open", "application", 1, "sales",
    )  # fmt: skip
    assert case.message == (
        'locator amount decays: its first choice (label "amount") matches nothing, choice 2 ([name=amount]) does'
    )
    assert Problem.objects.count() == 2
    assert Act.objects.filter(subject=case.pk).count() == 1


def test_uses_are_counted_by_day(tmp_path: Path) -> None:
    decaying(tmp_path)

    found = {row["locator"]: row for row in list_locators(LocatorFilter(bot="post_orders"))}
    today = datetime.now(UTC).date().isoformat()
    counts = {name: (row["day"], row["first"], row["lower"], row["used_rank"]) for name, row in found.items()}
    assert counts == {"amount": (today, 4, 3, 2), "number": (today, 0, 1, 3), "notes": (today, 5, 0, 1)}
    assert [row["locator"] for row in list_locators(LocatorFilter(decaying=True, text="am"))] == ["amount"]
    assert found["notes"]["used_choice"] is None
    assert json.dumps(found)


def test_the_case_is_resolved_when_the_first_choice_matches_again_and_comes_back_with_the_decay(
    tmp_path: Path,
) -> None:
    decaying(tmp_path)
    with RunMaker(tmp_path) as repaired:
        repaired.started()
        used(repaired, amount=(2, 0, 1))
        repaired.finished()

    case = Case.objects.get(step="amount")
    assert (case.status, case.resolution) == ("resolved", "first_choice")
    assert Case.objects.get(step="number").status == "open"

    with RunMaker(tmp_path) as again:
        again.started()
        fell(again, "amount")
        again.finished()
    case.refresh_from_db()
    assert (case.status, case.times_opened) == ("open", 2)


def test_a_rebuild_makes_counts_and_cases_again(tmp_path: Path) -> None:
    decaying(tmp_path)
    before = snapshot()
    assert LocatorDay.objects.count() == 3

    rebuild(tmp_path, now=datetime.now(UTC))

    assert differences(before, snapshot()) == []
