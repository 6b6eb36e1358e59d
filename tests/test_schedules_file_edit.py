"""Edits of schedules.yaml that leave every comment where it is, and the schema that editors read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from runner.core.errors import ConflictError, UsageError
from runner.core.schedules_edit import REMOVE, edit_schedule
from runner.core.schedules_schema import schema
from runner.core.yaml_text import parse_yaml

ROOT = Path(__file__).parents[1]
TEXT = """\
# head
schedules:
  - id: a            # the first
    cron: "0 9 * * *"   # nine o'clock
    bot: b
    parameters:      # what it gets
      x: 1           # one

  # before the second
  - bot: c
    id: d
    at: '08:30'
# tail
"""


def test_a_value_is_replaced_and_every_comment_stays() -> None:
    assert edit_schedule(TEXT, "a", {"cron": "30 8 * * 1-5"}) == TEXT.replace("0 9 * * *", "30 8 * * 1-5")


def test_a_new_key_goes_below_the_entry() -> None:
    edited = edit_schedule(TEXT, "d", {"enabled": False})
    assert edited == TEXT.replace("    at: '08:30'\n", "    at: '08:30'\n    enabled: false\n")


def test_a_new_key_goes_below_a_nested_last_value() -> None:
    assert '      x: 1           # one\n    grace: "1h"\n\n  # before' in edit_schedule(
        TEXT, "a", {"grace": "1h"}
    )


def test_a_key_is_removed_with_its_line_and_its_nested_lines() -> None:
    edited = edit_schedule(TEXT, "a", {"parameters": REMOVE})
    assert edited == TEXT.replace("    parameters:      # what it gets\n      x: 1           # one\n", "")


def test_the_key_behind_the_dash_can_be_replaced_by_another_trigger() -> None:
    edited = edit_schedule(TEXT, "d", {"at": REMOVE, "every": "2h", "bot": "e"})
    assert parse_yaml(edited, "f").value["schedules"][1] == {"bot": "e", "id": "d", "every": "2h"}


def test_a_mapping_is_written_on_one_line_and_read_back() -> None:
    edited = edit_schedule(TEXT, "a", {"parameters": {"名": "值: #1", "n": [1, None, True]}})
    assert parse_yaml(edited, "f").value["schedules"][0]["parameters"] == {
        "名": "值: #1",
        "n": [1, None, True],
    }


def test_line_ends_of_windows_and_a_missing_last_one_are_kept() -> None:
    windows = TEXT.replace("\n", "\r\n")
    assert edit_schedule(windows, "d", {"grace": "1h"}).count("\r\n") == windows.count("\r\n") + 1
    bare = "schedules:\n  - id: a\n    bot: b\n    at: '08:30'"
    assert edit_schedule(bare, "a", {"grace": "1h"}) == bare + '\n    grace: "1h"\n'


def test_every_schedule_of_the_example_can_be_edited_and_edited_back() -> None:
    text = (ROOT / "schedules.yaml").read_text(encoding="utf-8")
    for entry in parse_yaml(text, "f").value["schedules"]:
        assert (
            edit_schedule(edit_schedule(text, entry["id"], {"grace": "3h"}), entry["id"], {"grace": REMOVE})
            == text
        )


@pytest.mark.parametrize(
    "text",
    ["schedules:\n  - {id: a, bot: b}\n", "schedules:\n  - &x\n    id: a\n    bot: b\n  - {<<: *x, id: c}\n"],
)
def test_an_entry_that_can_not_be_edited_safely_is_refused(text: str) -> None:
    with pytest.raises(ConflictError, match="SCHED_EDIT"):
        edit_schedule(text, "a", {"bot": "other"})


def test_an_unknown_schedule_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="unknown schedule 'post-order' - one of post-orders - did you mean"):
        edit_schedule("schedules:\n  - id: post-orders\n    bot: b\n", "post-order", {"bot": "c"})


def test_the_published_schema_is_the_one_that_the_code_makes() -> None:
    assert json.loads((ROOT / "docs" / "schedules.schema.json").read_text(encoding="utf-8")) == schema()


def test_the_example_is_valid_by_the_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    value = parse_yaml((ROOT / "schedules.yaml").read_text(encoding="utf-8"), "schedules.yaml").value
    jsonschema.validate(value, schema(), cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    "keys",
    [
        {"cron": "0 9 * * *", "params": {"a": 1}, "timeout": "1h30m", "retries": 2, "enabled": "no"},
        {"at": ["08:30", "12:00"], "calendar": "china", "shift": "next", "missed": "skip"},
        {"workday": {"nth": "last", "at": "18:00"}, "calendars": ["china"]},
    ],
)
def test_what_is_accepted_is_valid_by_the_schema(keys: dict[str, Any]) -> None:
    jsonschema.validate({"schedules": [{"id": "a", "bot": "b", **keys}]}, schema())


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"corn": "0 9 * * *"},
        {"cron": "* * * * *", "every": "2h"},
        {"every": 90},
        {"at": 750},
        {"every": "2h", "missed": "x"},
    ],
)
def test_what_is_refused_is_invalid_by_the_schema(keys: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"schedules": [{"id": "a", "bot": "b", **keys}]}, schema())
