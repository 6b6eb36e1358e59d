"""The failure tests of `make chaos`, each as small as it can be and still see what it looks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos import claims, hung, journals, kills, stores
from chaos.checks import Checks
from tests.journal_maker import RunMaker


@pytest.mark.browser
def test_kills_of_child_worker_and_scheduler_lose_and_double_nothing() -> None:
    found = kills.storm(kills=5, orders=12, seed=3)
    checks = Checks("kills")
    kills.report(found, 5, checks)
    assert checks.failed == []
    assert found.in_work >= 1


@pytest.mark.usefixtures("store")
def test_damaged_journals_leave_exactly_the_rows_of_their_valid_prefix(tmp_path: Path) -> None:
    with RunMaker(tmp_path, live=False) as run:
        run.started()
        run.put("A-1", "A-2", "A-3", bad=("A-4",))
        run.begin("A-1")
        run.step("A-1", "enter order")
        run.end("A-1", confirmation="PC-1")
        run.begin("A-2")
        run.fail("A-2", kind="application", will_retry=True)
        run.begin("A-2", 2)
        run.fail("A-2", 2)
        run.finished()
    found = journals.damage_all([run.path(1)], 150, seed=1, scratch=tmp_path)
    checks = Checks("journals")
    journals.report(found, checks)
    assert checks.failed == []
    assert found.taken_in == 300


def test_claims_of_several_processes_never_meet_and_a_naive_claim_does(tmp_path: Path) -> None:
    claims.fill(tmp_path / "store.sqlite3", 150)
    checks = Checks("claims")
    claims.report(claims.claim_all(tmp_path / "store.sqlite3", 2, 4), 150, checks)
    assert checks.failed == []
    claims.fill(tmp_path / "naive.sqlite3", 100)
    assert max(claims.claim_all(tmp_path / "naive.sqlite3", 2, 4, naive=True).values()) > 1


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(lambda checks: stores.locked(3, checks), id="locked"),
        pytest.param(stores.full, id="full"),
        pytest.param(lambda checks: stores.clock_step(-7200, checks), id="clock back"),
    ],
)
def test_trouble_with_disk_store_and_clock_loses_no_item(trouble: stores.Trouble) -> None:
    checks = Checks("stores")
    trouble(checks)
    assert checks.failed == []


@pytest.mark.browser
def test_browsers_that_hang_or_die_give_their_items_back_and_leave_nothing() -> None:
    checks = Checks("hung")
    hung.report(hung.endure(4, at_once=1), 4, checks)
    assert checks.failed == []
