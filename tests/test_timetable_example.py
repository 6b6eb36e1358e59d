"""The schedules.yaml of the repository: it is valid, and so is every example in its comments when copied."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner.core.schedules_model import Schedule
from runner.core.schedules_values import BotFacts
from runner.timetable.describe import describe_planned
from runner.timetable.loading import load

EXAMPLE = Path(__file__).parents[1] / "schedules.yaml"
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
BOTS = {
    "post_orders": BotFacts("post_orders", {"workbook": {"format": "path"}, "portal": {}}),
    "collect_prices": BotFacts("collect_prices", {"portal": {}}),
    "reconcile": BotFacts("reconcile", {"bank": {}, "ledger": {}}, frozenset({"bank", "ledger"})),
}


def examples() -> list[str]:
    """The commented entries, each as the lines that somebody would uncomment."""
    text = EXAMPLE.read_text(encoding="utf-8")
    lines = [line[1:] for line in text.splitlines() if re.match(r"#  (- id|  )", line)]
    return ["  - id" + part for part in "\n".join(lines).split("  - id")[1:]]


def test_the_example_schedules_the_three_bots() -> None:
    planned = load(EXAMPLE, BOTS, NOW).planned
    assert [one.schedule.bot for one in planned] == ["post_orders", "collect_prices", "reconcile"]
    told = [describe_planned(one, one.zone, "zh") for one in planned]
    assert told == ["周一至周五 08:30", "每 2 小时", "每天 18:00"]


@pytest.mark.parametrize("example", examples(), ids=lambda text: re.findall(r"id: (\S+)", text)[0])
def test_a_commented_example_works_when_it_is_copied(example: str, tmp_path: Path) -> None:
    path = tmp_path / "schedules.yaml"
    head, _, _ = EXAMPLE.read_text(encoding="utf-8").partition("\nschedules:")
    first = "  - {id: collect-prices, bot: collect_prices, every: 2h}\n"  # what `after` waits for
    path.write_text(f"{head}\nschedules:\n{first}{example}\n", encoding="utf-8")
    planned = load(path, BOTS, NOW).planned[1]
    assert describe_planned(planned, planned.zone)


def test_the_example_shows_every_key_of_a_schedule() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert [key for key in Schedule.model_fields if key != "recording" and f"{key}:" not in text] == []
