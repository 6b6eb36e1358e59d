"""The sizes of the failure tests: no part is left out of the gate, and each does about a quarter there."""

from __future__ import annotations

import sys

import pytest

from chaos.all import PARTS
from chaos.place import ROOT
from chaos.sizes import CI, COUNTS, FULL, options_of, parser_of


def test_each_part_has_its_counts_and_its_module() -> None:
    assert PARTS.keys() == COUNTS.keys()
    assert [name for name in PARTS if not (ROOT / "chaos" / f"{name}.py").is_file()] == []


@pytest.mark.parametrize("part", COUNTS)
def test_the_gate_does_a_fifth_to_a_half_of_everything(part: str) -> None:
    for name, count in COUNTS[part].items():
        share = count.full / count.ci if name == "every" else count.ci / count.full
        assert 0.2 <= share <= 0.5, name


def test_the_gate_runs_every_part() -> None:
    assert "chaos SIZE=ci" in (ROOT / ".ci" / "run").read_text("utf-8")
    assert "chaos.all --size $(SIZE)" in (ROOT / "Makefile").read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "kills", "orders"),
    [([], 200, 60), (["--size", FULL], 200, 60), (["--size", CI], 50, 20), (["--size", CI, "--kills", "7"], 7, 20)],
)  # fmt: skip
def test_a_count_that_is_given_takes_the_place_of_the_size_s(
    words: list[str], kills: int, orders: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["kills", *words])
    options = options_of("kills", parser_of("kills", "About."))
    assert (options.kills, options.orders) == (kills, orders)
