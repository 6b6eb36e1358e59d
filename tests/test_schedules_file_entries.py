"""Schedules, calendars, days and windows added to schedules.yaml and taken out of it: every other line stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.errors import ConflictError, UsageError
from runner.core.schedules_edit import REMOVE, edit_schedule
from runner.core.schedules_entries import (
    add_calendar,
    add_schedule,
    add_to_calendar,
    remove_from_calendar,
    remove_schedule,
)
from runner.core.yaml_text import parse_yaml

EXAMPLE = (Path(__file__).parents[1] / "schedules.yaml").read_text("utf-8")
TEXT = """\
# head
calendars:
  china: {country: CN}  # with make-up days
  company:
    country: DE
    closed: ["2026-12-24"]   # off
    open:   # worked
      - "2026-10-03"   # a holiday
      # why not
      - "2026-10-04"
    half_days: {"2027-02-09": "12:00"}

schedules:
  # The first one,
  # every day.
  - id: a
    bot: b
    at: "08:30"
    params:
      x: 1   # one

  # The second one.
  - id: c
    bot: b
    every: 2h

# tail
"""
ENTRY: dict[str, Any] = {
    "id": "new",
    "bot": "b",
    "cron": "30 8 * * 1-5",
    "parameters": {"名 #": "值: 1", "n": [1, None]},
}


def value(text: str) -> Any:
    return parse_yaml(text, "f").value


def test_a_new_schedule_stands_below_the_last_one_and_can_be_taken_out_again() -> None:
    added = add_schedule(TEXT, ENTRY)
    assert value(added)["schedules"][-1] == ENTRY
    assert (
        '    every: 2h\n\n  - id: "new"\n    bot: "b"\n    cron: "30 8 * * 1-5"\n    parameters:\n' in added
    )
    assert added.endswith("\n\n# tail\n")
    assert [line for line in TEXT.splitlines() if line not in added.splitlines()] == []
    with pytest.raises(UsageError, match="a schedule 'new' already"):
        add_schedule(added, ENTRY)


@pytest.mark.parametrize(
    "text", ["schedules:\n", "schedules: []  # none yet\n", "schedules:   # none yet\n", "a: 1\nschedules:"]
)
def test_the_first_schedule_of_an_empty_file(text: str) -> None:
    assert value(add_schedule(text, ENTRY))["schedules"] == [ENTRY]


def test_a_schedule_is_taken_out_with_the_comment_above_it() -> None:
    gone = remove_schedule(TEXT, "a")
    assert [one["id"] for one in value(gone)["schedules"]] == ["c"]
    assert "The first one" not in gone
    assert "every day" not in gone
    assert "# The second one." in gone
    assert value(remove_schedule(gone, "c"))["schedules"] is None
    with pytest.raises(UsageError, match="unknown schedule 'd'"):
        remove_schedule(TEXT, "d")


def test_every_schedule_of_the_example_can_be_taken_out() -> None:
    for entry in value(EXAMPLE)["schedules"]:
        left = remove_schedule(EXAMPLE, entry["id"])
        assert entry not in value(left)["schedules"]
        assert "More examples: remove the '#' in front" in left
    for day in ("2027-01-02", "2027-01-03..2027-01-05"):
        assert (
            day in value(add_to_calendar(EXAMPLE, "company", "closed", day))["calendars"]["company"]["closed"]
        )
    assert value(add_to_calendar(EXAMPLE, "company", "open", "2027-01-02"))["calendars"]["company"][
        "open"
    ] == ["2027-01-02"]


@pytest.mark.parametrize(
    ("calendar", "key", "item", "end", "line"),
    [
        ("company", "closed", "2026-12-31", "", '    closed: ["2026-12-24", "2026-12-31"]   # off'),
        ("company", "open", "2026-10-10", "", '      - "2026-10-10"'),
        ("company", "blackouts", "Sun 02:00-04:00", "", '    blackouts: ["Sun 02:00-04:00"]'),
        (
            "company",
            "half_days",
            "2027-02-10",
            "13:00",
            '    half_days: {"2027-02-09": "12:00", "2027-02-10": "13:00"}',
        ),
        (
            "china",
            "closed",
            "2026-12-31",
            "",
            '  china: {"country": "CN", "closed": ["2026-12-31"]}  # with make-up days',
        ),
    ],
)
def test_a_day_or_window_is_added_and_taken_out_again(
    calendar: str, key: str, item: str, end: str, line: str
) -> None:
    added = add_to_calendar(TEXT, calendar, key, item, end)
    assert line in added.splitlines()
    with pytest.raises(UsageError, match="already"):
        add_to_calendar(added, calendar, key, item, end)
    gone = remove_from_calendar(added, calendar, key, item)
    assert value(gone) == value(TEXT)
    if calendar == "company":
        assert gone == TEXT
    with pytest.raises(UsageError, match="is not in"):
        remove_from_calendar(TEXT, calendar, key, item)


def test_the_last_day_takes_its_key_along_and_the_first_of_a_list_can_go() -> None:
    assert (
        "closed"
        not in value(remove_from_calendar(TEXT, "company", "closed", "2026-12-24"))["calendars"]["company"]
    )
    left = remove_from_calendar(TEXT, "company", "open", "2026-10-03")
    assert value(left)["calendars"]["company"]["open"] == ["2026-10-04"]
    assert "# why not" in left


def test_a_calendar_is_added_to_those_that_there_are_or_to_none() -> None:
    entry = {"country": "FR", "closed": ["2026-12-24"]}
    assert value(add_calendar(TEXT, "france", entry))["calendars"]["france"] == entry
    assert value(add_calendar("schedules:\n  - {id: a, bot: b, every: 1h}", "x", entry))["calendars"] == {
        "x": entry
    }
    with pytest.raises(UsageError, match="already"):
        add_calendar(TEXT, "china", entry)
    with pytest.raises(UsageError, match="did you mean 'china'"):
        add_to_calendar(TEXT, "chnia", "closed", "2026-12-31")


def test_one_parameter_is_set_by_the_name_that_the_entry_uses() -> None:
    edited = edit_schedule(TEXT, "a", {"parameters.x": 2, "parameters.y": "z", "time_limit": "1h"})
    assert '    params:\n      x: 2   # one\n      y: "z"\n    time_limit: "1h"\n' in edited
    assert value(edit_schedule(TEXT, "a", {"parameters.x": REMOVE}))["schedules"][0].get("params") is None
    assert value(edit_schedule(TEXT, "c", {"parameters.x": 2}))["schedules"][1]["parameters"] == {"x": 2}


def test_windows_line_ends_are_kept() -> None:
    windows = TEXT.replace("\n", "\r\n")
    for new in (add_schedule(windows, ENTRY), add_to_calendar(windows, "company", "open", "2026-10-10")):
        assert new.count("\n") == new.count("\r\n")


def test_what_can_not_be_edited_safely_is_refused() -> None:
    with pytest.raises(ConflictError, match="SCHED_EDIT"):
        remove_schedule("schedules: [{id: a, bot: b, every: 1h}, {id: c, bot: b, every: 1h}]\n", "a")


names = st.text("abcdefgh-", min_size=1, max_size=8).filter(lambda name: name[0] != "-")
plain = st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=20)


@given(
    st.lists(names, unique=True, max_size=6),
    st.dictionaries(names, plain | st.lists(plain, max_size=3), max_size=4),
    st.data(),
)
def test_whatever_is_added_is_read_back_and_taken_out(
    ids: list[str], parameters: dict[str, Any], data: st.DataObject
) -> None:
    text = "schedules:\n"
    entries = []
    for name in ids:
        entry = {"id": name, "bot": "b", "every": "1h", **({"parameters": parameters} if parameters else {})}
        text = add_schedule(text, entry)
        entries.append(entry)
    assert (value(text)["schedules"] or []) == entries
    if ids:
        gone = data.draw(st.sampled_from(ids))
        left = remove_schedule(text, gone)
        assert (value(left)["schedules"] or []) == [one for one in entries if one["id"] != gone]
