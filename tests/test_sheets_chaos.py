"""Damaged workbooks and killed saves, as `make chaos` has them, in a size for every day."""

from __future__ import annotations

from pathlib import Path

from chaos import workbooks
from chaos.checks import Checks


def test_a_save_that_is_killed_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    checks = Checks("kills")
    workbooks.report_kills(workbooks.kill_saves(50, tmp_path), 50, checks)
    assert checks.failed == []


def test_damaged_workbooks_give_rows_or_a_typed_error_within_their_limits() -> None:
    checks = Checks("damage")
    found = workbooks.damage_all(300, workbooks.SEED)
    workbooks.report(found, 300, checks)
    assert checks.failed == []
    assert found.said["done"] > 50
    assert len(found.said) > 6
