"""The portal's "new release" moves the words of its form: the bot goes on by its second choices, and people are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.demo.order_form import LABELS, MOVED_LABELS
from runner.demo.serve import Portal
from runner.store.locator_lists import LocatorFilter, list_locators
from runner.store.models import Case
from tests.main_job import Job, make_workbook

pytestmark = [pytest.mark.usefixtures("store"), pytest.mark.browser]
MOVED = {name for name, label in LABELS.items() if MOVED_LABELS[name] != label} - {"post"}


def test_moved_labels_open_a_case_for_each_field_while_every_order_is_entered(tmp_path: Path) -> None:
    with Portal(tmp_path / "portal") as portal:
        job = Job(tmp_path, portal)
        portal.set_faults(moved_labels=True)
        moved = job.post(make_workbook(tmp_path / "orders.xlsx", 2))
        open_cases = {case.step: case.status for case in Case.objects.filter(why="locator_decay")}
        portal.set_faults(moved_labels=False)
        back = job.post(make_workbook(tmp_path / "more.xlsx", 3))
        entered = job.entered()

    assert (moved.status, moved.done, moved.exceptions) == ("done", 2, 0)
    assert open_cases == dict.fromkeys(MOVED, "open")
    assert (back.status, back.done) == ("done", 1)
    assert entered == ["A-1", "A-2", "A-3"]
    counts = {row["locator"]: (row["first"], row["lower"]) for row in list_locators(LocatorFilter())}
    assert counts == {
        name: (1, 2) if name in MOVED else (3, 0) for name in LABELS if name not in {"post", "attachment"}
    }
    assert {case.status for case in Case.objects.filter(why="locator_decay")} == {"resolved"}
