"""Damaged schedules.yaml files: whatever is in them, the answer is a timetable or typed errors, quickly.

300 files by default; ``FUZZ_FILES=5000`` runs as many as docs/scheduling.md reports.
"""

from __future__ import annotations

import os
import random
import time
from datetime import UTC, datetime
from pathlib import Path

from runner.core.errors import ConfigurationError, ErrorReport, RunnerError
from runner.core.schedules_values import BotFacts
from runner.timetable.loading import Timetable, load

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
BOTS = {"b": BotFacts("b", {"x": {"type": "integer"}, "f": {"format": "path"}})}
FILES = int(os.environ.get("FUZZ_FILES", "300"))
SEED = """\
defaults: {timezone: Europe/Berlin, grace: 15m}
calendars:
  c: {country: CN, closed: ["2026-12-24..2026-12-31"], blackouts: ["Sun 02:00-04:00"]}
processes:
  p: {responsible: [a], sla: 4h, working_hours: "Mon-Fri 09:00-17:30"}
schedules:
  - id: one
    bot: b
    cron: "30 8 * * 1-5"
    params: {x: 1, f: "in/{{ due | month_start | date }}.xlsx"}
    retries: 2
  - &two
    id: two
    bot: b
    workday: {nth: -2, of: quarter, at: "18:00"}
    calendar: c
    shift: next
  - id: three
    recording: r.json
    at: ["08:30", "2027-03-31 18:00"]
    timeout: 1h
"""
PIECES = [*"\t\n\r:-#[]{}&*!|>'\"%@`,? ０：“\x00\x85\ufeff\u2028\U0001f600", "  ", "*two", "<<: *two", "!!int", "- ", "12:30",
          "99999999999999999999", "-1", "..", "~", "yes", ".inf", "{{", "}}", "9" * 400, "null", "0x1F", "1e999", "*/5"]  # fmt: skip


def damaged(chance: random.Random) -> str:
    """The seed with a few lines or characters removed, doubled, moved or replaced."""
    text = SEED
    for _ in range(chance.randint(1, 4)):
        at, length = chance.randrange(len(text) + 1), chance.choice((0, 1, 1, 3, 20))
        kind = chance.randrange(4)
        if kind == 0:
            text = text[:at] + chance.choice(PIECES) + text[at + length :]
        elif kind == 1:
            text = text[:at] + text[at + length :]
        elif kind == 2:
            lines = text.splitlines(keepends=True)
            chance.shuffle(lines) if chance.random() < 0.1 else lines.insert(
                chance.randrange(len(lines) + 1), chance.choice(lines or [""])
            )
            text = "".join(lines)
        else:
            text = text[:at]
    return text


def answer(path: Path) -> tuple[Timetable | None, tuple[RunnerError, ...]]:
    """What loading gives: a timetable, or the errors. Any other exception fails the test."""
    try:
        return load(path, BOTS, NOW), ()
    except ErrorReport as report:
        return None, report.errors


def test_a_damaged_file_is_read_or_answered_with_typed_errors_within_a_second(tmp_path: Path) -> None:
    path = tmp_path / "schedules.yaml"
    good = 0
    for number in range(FILES):
        text = damaged(random.Random(number))
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        began = time.process_time()
        table, errors = answer(path)
        for one in table.planned if table else ():
            one.next_run(NOW)
        assert time.process_time() - began <= 1.0, text
        good += table is not None
        assert (table is None) == bool(errors)
        assert all(isinstance(error, ConfigurationError) for error in errors)
        assert all(error.where.startswith("schedules.yaml:") for error in errors), text
    assert 0 < good < FILES, "the damage is too large or too small to test anything"


def test_damaged_bytes_are_answered_with_typed_errors(tmp_path: Path) -> None:
    path = tmp_path / "schedules.yaml"
    chance = random.Random(7)
    for _ in range(50):
        path.write_bytes(chance.randbytes(chance.randrange(400)))
        table, errors = answer(path)
        assert table is None
        assert all(isinstance(error, ConfigurationError) for error in errors)
