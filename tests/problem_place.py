"""Failed items with known causes, for tests of problems."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.cases.problems import Who
from runner.core.clock import now
from runner.store.models import Problem
from tests.cases_history import failed_run, problem_of_key
from tests.desk_place import Desk


def ann(version: int | None = None, token: str = "") -> Who:
    """Ann, who acts now."""
    return Who("ann", now(), version, token)


def status(problem: str) -> str:
    """The state of a problem in the store."""
    return Problem.objects.values_list("status", flat=True).get(pk=problem)


@pytest.fixture
def two_causes(store: Path, tmp_path: Path) -> Path:
    """Items 1 to 4 have failed with one cause, 5 with another. The folder of the runs."""
    del store
    failed_run(tmp_path / "runs", "1", "2", customer="Ho", version="v1")
    failed_run(tmp_path / "runs", "3", "4", customer="Li", version="v1")
    failed_run(tmp_path / "runs", "5", code="OLD_PRICE", customer="Li")
    return tmp_path / "runs"


@pytest.fixture
def failed_orders(desk: Desk) -> str:
    """Items 1 to 6 of a queue have failed with one cause, 3 for each of two customers; 8 others went through. The problem's id."""
    runs = desk.settings.runs
    failed_run(runs, "O-1", "O-2", "O-3", customer="Ho", version="v1")
    failed_run(runs, "O-4", "O-5", "O-6", customer="Li", version="v1")
    failed_run(runs, done=tuple(f"O-{n}" for n in range(10, 18)), customer="Wu", version="v1")
    return problem_of_key("O-1").pk
