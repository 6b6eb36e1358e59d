"""Cron by Debian's rules: the measured cases of clock changes, the shapes of expressions, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from runner.core.errors import ConfigurationError
from runner.timetable.cron import Cron
from runner.timetable.cron_text import parse_cron
from runner.timetable.walk import due_between

CASES = Path(__file__).parents[2] / "shared" / "data" / "dst_cases.json"


def fire_time_cases() -> list[Any]:
    if not CASES.exists():
        return [
            pytest.param(None, marks=pytest.mark.skip(reason="../shared/data/dst_cases.json is not there"))
        ]
    cases = json.loads(CASES.read_text(encoding="utf-8"))["cases"]
    return [pytest.param(case, id=case["id"]) for case in cases if case["kind"] == "fire_times"]


def texts(cron: Cron, start: str, end: str) -> list[str]:
    found = cron.between(datetime.fromisoformat(start), datetime.fromisoformat(end))
    return [at.strftime("%Y-%m-%dT%H:%MZ") for at in found]


@pytest.mark.corpus
@pytest.mark.parametrize("case", fire_time_cases())
def test_a_clock_change_is_handled_as_debian_cron_handles_it(case: dict[str, Any]) -> None:
    cron = Cron(case["cron"], ZoneInfo(case["zone"]))
    assert texts(cron, case["window_start_utc"], case["window_end_utc_exclusive"]) == case["expected_utc"]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 9 * * 7", ["2026-11-01", "2026-11-08", "2026-11-15", "2026-11-22", "2026-11-29"]),
        ("0 9 * * sun", ["2026-11-01", "2026-11-08", "2026-11-15", "2026-11-22", "2026-11-29"]),
        ("0 9 L * *", ["2026-11-30"]),
        ("0 9 LW * *", ["2026-11-30"]),
        ("0 9 * * 5L", ["2026-11-27"]),
        ("0 9 * * friL", ["2026-11-27"]),
        ("0 9 * * mon#2", ["2026-11-09"]),
        ("0 9 1 nov *", ["2026-11-01"]),
        ("0 9 15,L * *", ["2026-11-15", "2026-11-30"]),
        (
            "0 9 * * FRI-SUN",
            ["2026-11-01", *(f"2026-11-{d:02}" for d in (6, 7, 8, 13, 14, 15, 20, 21, 22, 27, 28, 29))],
        ),
        ("@monthly", ["2026-11-01"]),
        ("@weekly", ["2026-11-01", "2026-11-08", "2026-11-15", "2026-11-22", "2026-11-29"]),
    ],
)
def test_the_days_that_an_expression_names(expression: str, expected: list[str]) -> None:
    found = texts(Cron(expression, ZoneInfo("UTC")), "2026-11-01T00:00Z", "2026-12-01T00:00Z")
    assert [text[:10] for text in found] == expected


def test_the_next_due_time_is_strictly_later() -> None:
    cron = Cron("0 9 * * *", ZoneInfo("Asia/Shanghai"))
    nine = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
    assert cron.next_after(nine) == nine + timedelta(days=1)
    assert cron.next_after(nine - timedelta(microseconds=1)) == nine


def test_what_is_due_between_two_looks_includes_the_second_and_not_the_first() -> None:
    cron = Cron("*/15 * * * *", ZoneInfo("UTC"))
    start = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    assert [due.minute for due in due_between(cron, start, start + timedelta(minutes=30))] == [15, 30]


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("60 * * * *", ["minute 60", "0-59"]),
        ("* * * *", ["4 fields", "expected 5", "minute hour day-of-month month day-of-week"]),
        ("0 0 9 * * *", ["6 fields", "seconds are not supported"]),
        (
            "*/90 * * * *",
            ["minute step 90", "larger than 59", "runs once an hour, which is probably not meant"],
        ),
        ("0 */24 * * *", ["hour step 24", "larger than 23", "runs once a day"]),
        ("0 17-9 * * *", ["hour range 17-9", "start is after end", "17-23,0-9"]),
        ("0 9 * * 5-1", ["5-6,0-1"]),
        ("０ ９ * * *", ["non-ASCII digit", "U+FF10", "column 1"]),
        ("0 0 * * mno", ["day-of-week 'MNO'", "did you mean 'MON'?"]),
        ("5/15 * * * *", ["has a step and no range", "5-59/15"]),
        ("0 9 ? * *", ["'?' is not cron"]),
        ("0 9 15W * *", ["'15W' is not cron"]),
        ("0 9 * * 1#6", ["#1 to #5"]),
        ("0 9 * * ,", ["day-of-week ''"]),
        ("*/0 * * * *", ["step '0'"]),
        ("@dayly", ["'@dayly'", "did you mean '@daily'?"]),
        ("", ["0 fields"]),
    ],
)
def test_a_wrong_expression_is_refused_in_words(expression: str, words: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_cron(expression)
    for word in words:
        assert word in f"{caught.value}"
    assert caught.value.stable_code == "SCHED_CRON"


@pytest.mark.parametrize(
    ("expression", "date"), [("0 0 30 2 *", "30 February"), ("0 0 31 4,6 *", "31 April")]
)
def test_a_date_that_no_calendar_has_is_refused(expression: str, date: str) -> None:
    with pytest.raises(ConfigurationError, match=f"no run in the next 10 years.*{date}") as caught:
        parse_cron(expression)
    assert caught.value.stable_code == "SCHED_NEVER"
