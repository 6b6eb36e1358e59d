"""Dates in parameters that follow the due time, and what is not a word of a template."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.errors import ConfigurationError
from runner.timetable.calendar_days import WorkCalendar, WorkDays
from runner.timetable.dates import render

SHANGHAI = ZoneInfo("Asia/Shanghai")
DUE = datetime(2026, 3, 30, 23, 30, tzinfo=UTC)  # 31 March, 07:30 in Shanghai


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ due }}", "2026-03-31"),
        ("{{ due | date }}", "2026-03-31"),
        ("{{due|time}}", "07:30"),
        ("{{ due | month_start | date }}", "2026-03-01"),
        ("{{ due | previous_month | month_end | date }}", "2026-02-28"),
        ("{{ due | months(-1) }}", "2026-02-28"),
        ("{{ due | quarter_end }}", "2026-03-31"),
        ("{{ due | year_start | year }}", "2026"),
        ("{{ due | week_start }}", "2026-03-30"),
        ("{{ due | days(-1) | format('%Y%m%d') }}", "20260330"),
        ("{{ due | working_days(-1) }}", "2026-03-30"),
        ("in/orders_{{ due | month }}_{{ due | day }}.xlsx", "in/orders_2026-03_31.xlsx"),
        ('{{ due | format("%Y年%m月") }}', "2026年03月"),
    ],
)
def test_a_date_follows_the_due_time_in_its_zone(template: str, expected: str) -> None:
    assert render(template, DUE, SHANGHAI) == expected


def test_working_days_follow_the_calendars() -> None:
    china = WorkDays((WorkCalendar("china", "CN"),))
    due = datetime(2026, 2, 24, 1, 0, tzinfo=UTC)
    assert render("{{ due | working_days(-1) }}", due, SHANGHAI, china) == "2026-02-14"
    assert render("{{ due | days(-1) | working_days(0) }}", due, SHANGHAI, china) == "2026-02-24"


def test_templates_are_found_in_lists_and_mappings_and_other_values_stay() -> None:
    given_value = {"a": ["{{ due }}", 1], "b": {"c": None}, "d": "plain"}
    assert render(given_value, DUE, SHANGHAI) == {"a": ["2026-03-31", 1], "b": {"c": None}, "d": "plain"}


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{ now }}", ["begins with 'now'"]),
        ("{{ due.__class__ }}", ["begins with 'due.__class__'"]),
        ("{{ due | __class__ }}", ["'__class__' is not a word"]),
        ("{{ due | mouth_start }}", ["did you mean 'month_start'?"]),
        ("{{ due | date | days(1) }}", ["'date' is not the last word"]),
        ("{{ due | days }}", ["has no number"]),
        ("{{ due | days(99999) }}", ["has no number"]),
        ("{{ due | month_start(1) }}", ["takes no argument"]),
        ('{{ due | format("%q") }}', ["format"]),
        ("{{ due | months(-4000)" + " | months(-4000)" * 9 + " }}", ["leaves the calendar"]),
        ("{{ due ", ["does not close it"]),
    ],
)
def test_anything_else_is_refused_in_words(template: str, words: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        render(template, DUE, SHANGHAI)
    for word in words:
        assert word in str(caught.value)


@given(st.text(alphabet="{}due |()datemonth_sr%Y-19'\"", max_size=40))
def test_any_text_is_rendered_or_refused(text: str) -> None:
    try:
        render(text, DUE, SHANGHAI)
    except ConfigurationError as error:
        if error.stable_code != "SCHED_TEMPLATE":
            raise
