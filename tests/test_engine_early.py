"""The child that `runner run` starts ahead: used once, and gone when the run does not begin."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.core.errors import ErrorReport
from runner.core.settings import Settings
from runner.engine import tree
from runner.engine.bots import file_of
from runner.engine.early import EarlyChild, early_child
from runner.engine.scratch import scratch_of
from tests.engine_project import project, worker

pytestmark = pytest.mark.usefixtures("store")

SOURCE = """
@bot
def count() -> None:
    numbers.put([Number(n=1)])
    numbers.each(one)

def one(item: Item[Number]) -> None:
    log.info("seen")
"""


def early(settings: Settings) -> EarlyChild:
    return EarlyChild(settings, dict(os.environ), file_of(settings.project, "count"))


def nothing_of(settings: Settings) -> bool:
    name = worker(settings).name
    return not tree.marked(f"{name}/") and not scratch_of(name)


def test_a_run_takes_the_child_that_was_started_ahead(tmp_path: Path) -> None:
    settings = project(tmp_path, SOURCE)
    ahead, hand = early(settings), worker(settings)
    _, outcome = hand.run_now("count", {}, requested_by="test", early=ahead)
    assert str(outcome.status) == "done", outcome.error
    assert ahead.take() is None
    assert hand._children == 0, "no other child was needed"
    assert nothing_of(settings)


def test_a_child_started_ahead_ends_with_a_command_that_fails_before_its_run(tmp_path: Path) -> None:
    settings = project(tmp_path, SOURCE)
    with (
        pytest.raises(RuntimeError),
        early_child(settings, dict(os.environ), file_of(settings.project, "count")),
    ):
        raise RuntimeError("the store can't be opened")
    assert nothing_of(settings)


def test_a_child_that_died_ahead_is_replaced(tmp_path: Path) -> None:
    settings = project(tmp_path, SOURCE)
    ahead, hand = early(settings), worker(settings)
    tree.end_tree(0, f"{hand.name}/", grace=0)
    _, outcome = hand.run_now("count", {}, requested_by="test", early=ahead)
    assert str(outcome.status) == "done", outcome.error
    assert hand._children == 1
    assert nothing_of(settings)


def test_wrong_parameters_end_the_child_that_was_started_ahead(tmp_path: Path) -> None:
    settings = project(tmp_path, SOURCE)
    with (
        pytest.raises(ErrorReport),
        early_child(settings, dict(os.environ), file_of(settings.project, "count")) as ahead,
    ):
        worker(settings).run_now("count", {"nonsense": 1}, requested_by="test", early=ahead)
    assert nothing_of(settings)
