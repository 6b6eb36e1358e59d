"""Secrets go through everything that a bot can do with them, and are found nowhere; in full size: make chaos."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from chaos.hidden import TOGETHER, cost, forms, make_secrets, tell_all
from runner.engine.child import Child
from runner.journal import Redactor


@pytest.mark.browser
def test_what_a_bot_says_wherever_it_can_is_masked_everywhere() -> None:
    found = tell_all(2 * TOGETHER, seed=5)

    assert found.hits == []
    assert found.cases == 2
    assert {".zip", ".png", ".xlsx", ".log", ".jsonl"} <= set(found.kinds)
    assert found.environments > 0


def test_the_secrets_tried_are_of_every_sort_and_all_eight_forms_differ() -> None:
    made = make_secrets(200, seed=11)
    assert len(set(made)) == 200
    assert {len(value) for value in made} >= {6, 200}
    assert any("\n" in value for value in made)
    assert len(set(forms('p"w & ü\n').values())) == 8


def test_ten_thousand_secrets_at_most_double_the_cost_of_a_line(tmp_path: Path) -> None:
    none, many, _ = cost(10_000, 400, tmp_path)
    assert many < 2 * none


def test_a_secret_of_several_lines_is_masked_in_what_a_process_of_the_bot_prints(tmp_path: Path) -> None:
    secret = "first\nsecond\n\nlast"
    text = f"before\n{secret}\nbetween {secret}\nafter\nfirst\nand second\n"
    (tmp_path / "runner" / "kit").mkdir(parents=True)
    for name in ("runner/__init__.py", "runner/kit/__init__.py"):
        (tmp_path / name).touch()
    (tmp_path / "runner" / "kit" / "child.py").write_text(
        f"import sys; sys.stderr.write({text!r})\n", "utf-8"
    )
    child = Child(tmp_path, f"test:{os.getpid()}:0/1", {"PYTHONPATH": str(tmp_path), "PATH": os.defpath})

    child.console_to(tmp_path / "console.log", Redactor([secret]))
    assert child.wait(30) is not None
    child.end(grace=0)

    said = (tmp_path / "console.log").read_text("utf-8")
    assert said == "before\n***\nbetween ***\nafter\nfirst\nand second\n", sys.executable
