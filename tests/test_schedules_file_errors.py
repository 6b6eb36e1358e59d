"""What a broken schedules.yaml is answered with: the cases of the bad-input list, and all errors at once."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from runner.core.errors import ErrorReport, exit_code_of
from runner.core.schedules_values import BotFacts
from runner.timetable.loading import load

CASES = Path(__file__).parents[2] / "shared" / "data" / "bad_inputs.json"
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
BOTS = {
    "post_invoices": BotFacts(
        "post_invoices",
        {
            "workbook": {"type": "string", "format": "path"},
            "rows": {"type": "integer"},
            "password": {"type": "string"},
        },
    )
}


def entry(*lines: str) -> str:
    body = "\n".join(f"    {line}" for line in lines)
    return f"schedules:\n  - id: invoices\n    bot: post_invoices\n{body}\n"


ALIAS_BOMB = (
    "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
    + "schedules: *a9\n"
)
DAILY = "cron: '0 9 * * *'"
FILES = {
    "SC01": "",
    "SC02": entry("at: 12:30"),
    "SC03": entry("cron: */5 * * * *"),
    "SC04": entry("cron: @daily"),
    "SC05": entry(DAILY, "cron: '0 10 * * *'"),
    "SC06": entry(DAILY) + f"  - id: invoices\n    bot: post_invoices\n    {DAILY}\n",
    "SC07": entry("corn: '0 9 * * *'"),
    "SC08": entry("cron: '60 * * * *'"),
    "SC09": entry("cron: '* * * *'"),
    "SC10": entry("cron: '0 0 9 * * *'"),
    "SC11": entry("cron: '*/90 * * * *'"),
    "SC12": entry("cron: '0 0 30 2 *'"),
    "SC13": entry("cron: '0 17-9 * * *'"),
    "SC14": entry("cron: '０ ９ * * *'"),
    "SC15": entry(DAILY, "timezone: Europe/Berln"),
    "SC16": entry(DAILY, "timezone: ''"),
    "SC17": entry(DAILY, "timezone: '+02:00'"),
    "SC18": entry(DAILY).replace("post_invoices", "post_invioces"),
    "SC19": entry(DAILY).replace("bot: post_invoices", "recording: ../../etc/passwd"),
    "SC20": entry(DAILY, "params: {password: hunter2}"),
    "SC21": "x: !!python/object/apply:os.system [id]\n" + entry(DAILY),
    "SC22": ALIAS_BOMB,
    "SC23": entry(DAILY, "timeout: -5", "retries: many"),
}


def report(text: str, folder: Path, bots: dict[str, BotFacts] | None = None) -> ErrorReport:
    path = folder / "schedules.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ErrorReport) as caught:
        load(path, BOTS if bots is None else bots, NOW)
    return caught.value


def listed_cases() -> list[Any]:
    if not CASES.exists():
        return [
            pytest.param(None, marks=pytest.mark.skip(reason="../shared/data/bad_inputs.json is not there"))
        ]
    cases = json.loads(CASES.read_text(encoding="utf-8"))["cases"]
    return [pytest.param(case, id=case["id"]) for case in cases if case["id"] in FILES]


@pytest.mark.corpus
@pytest.mark.parametrize("case", listed_cases())
def test_each_bad_input_is_answered_with_its_code_and_words(case: dict[str, Any], tmp_path: Path) -> None:
    began = time.process_time()  # others use this machine, too
    found = report(FILES[case["id"]], tmp_path)
    assert time.process_time() - began <= 1.0
    text = str(found)
    for word in case["message_must_contain"]:
        assert word in text, text
    assert {error.stable_code for error in found.errors} == {case["error_code"]}
    assert exit_code_of(found) == case["exit_code"]
    assert all(error.where.startswith("schedules.yaml:") for error in found.errors)


def test_a_secret_in_clear_text_is_in_no_message(tmp_path: Path) -> None:
    assert "hunter2" not in str(report(FILES["SC20"], tmp_path))
    nested = entry(
        DAILY, "parameters:", "  login: {user: ann, apiToken: 4711}", "  url: http://ann:hunter2@portal"
    )
    text = str(report(nested, tmp_path))
    assert "parameters.login.apiToken" in text
    assert "hunter2" not in text
    assert "4711" not in text


def test_every_error_of_the_file_is_reported_at_its_place_in_order(tmp_path: Path) -> None:
    found = report(
        "defaults:\n  grace: 5s\nschedules:\n  - id: a\n    bot: post_invoices\n    cron: '61 * * * *'\n"
        "    missed: run_twice\n  - id: b\n    bot: nobody\n    at: '25:00'\n  - id: c\n    bot: post_invoices\n",
        tmp_path,
    )
    seen = [(error.where, error.stable_code) for error in found.errors]
    assert seen == [
        ("schedules.yaml:2:10", "SCHED_VALUE"),
        ("schedules.yaml:7:13", "SCHED_VALUE"),
        ("schedules.yaml:9:10", "SCHED_BOT_MISSING"),
        ("schedules.yaml:10:9", "SCHED_TIME"),
        ("schedules.yaml:11:5", "SCHED_TRIGGER"),
    ]


@pytest.mark.parametrize(
    ("lines", "code", "words"),
    [
        (["at: '2027-02-30 08:00'"], "SCHED_TIME", ["February 2027 has 28 days"]),
        (["at: '24:00'"], "SCHED_TIME", ["00:00 to 23:59"]),
        (["at: []"], "SCHED_TIME", ["one or more times"]),
        (["at: 9"], "SCHED_TIME_TYPE", ["'at' is 9", "in quotes"]),
        (["every: 0s"], "SCHED_VALUE", ["'every'", "must be > 0"]),
        (["every: 90"], "SCHED_VALUE", ["'every' is 90", "a number with a unit"]),
        (["every: 99999999999w"], "SCHED_VALUE", ["at most ten years"]),
        (["every: 2h", "anchor: '07:00'"], "SCHED_ANCHOR", ["'anchor' is '07:00'", "add the date"]),
        ([DAILY, "every: 2h"], "SCHED_TRIGGER", ["has cron and every", "exactly one of"]),
        ([DAILY, "anchor: '2026-01-01'"], "SCHED_VALUE", ["anchor only together with every"]),
        ([DAILY, "missed: run_onse"], "SCHED_VALUE", ["'run_onse'", "did you mean 'run_once'?"]),
        ([DAILY, "enabled: perhaps"], "SCHED_VALUE", ["'perhaps'", "true or false"]),
        ([DAILY, "retry: {tiems: 3}"], "SCHED_UNKNOWN_KEY", ["'tiems'", "did you mean 'times'?"]),
        ([DAILY, "retry: {times: 99}"], "SCHED_VALUE", ["'times' is 99", "must be <= 20"]),
        ([DAILY, "params: {workbok: x}"], "SCHED_PARAM_UNKNOWN", ["'workbok'", "did you mean 'workbook'?"]),
        ([DAILY, "params: {rows: many}"], "SCHED_PARAM_VALUE", ["'rows'", "integer"]),
        ([DAILY, "params: {workbook: ../x.xlsx}"], "SCHED_PATH", ["must be inside the project"]),
        ([DAILY, "params: {rows: 1}", "parameters: {rows: 2}"], "SCHED_DUP_KEY", ["mean the same"]),
        (["cron: '0 0 31 2,4 *'"], "SCHED_NEVER", ["31 February"]),
        (["cron: '0 0 * 2 1#5'"], "SCHED_NEVER", ["no run in the next 10 years"]),
    ],
)
def test_a_wrong_value_is_answered_in_words(
    lines: list[str], code: str, words: list[str], tmp_path: Path
) -> None:
    found = report(entry(*lines), tmp_path)
    assert [error.stable_code for error in found.errors] == [code], str(found)
    for word in words:
        assert word in str(found)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("# only a comment\n", "SCHED_EMPTY"),
        ("defaults: {timezone: UTC}\n", "SCHED_EMPTY"),
        ("- id: a\n", "SCHED_VALUE"),
        ("just text", "SCHED_VALUE"),
        ("schedules: {a: {bot: x}}\n", "SCHED_VALUE"),
        ("schedules: [x]\n", "SCHED_VALUE"),
        ("schedules:\n\t- id: a\n", "SCHED_YAML"),
        ("schedules：\n  - id: a\n", "SCHED_YAML"),
        ("schedules:\n  - id: a\x01\n", "SCHED_YAML"),
        ("schedules: *nothing\n", "SCHED_YAML"),
        ("[" * 5000, "SCHED_YAML_LIMIT"),
        ("schedules: []\n---\nschedules: []\n", "SCHED_YAML"),
        ("schedule: []\n", "SCHED_UNKNOWN_KEY"),
    ],
)
def test_a_file_of_another_shape_is_refused(text: str, code: str, tmp_path: Path) -> None:
    assert code in {error.stable_code for error in report(text, tmp_path).errors}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "schedules:\n  - {id: a\n  - b",
            "schedules.yaml:2:5: SCHED_YAML: line 2: a bracket or a quotation mark",
        ),
        ("a: 'x\nb: 1\n", "schedules.yaml:1:4: SCHED_YAML: line 1: a bracket or a quotation mark"),
        ("schedules: [", "SCHED_YAML: line 1: a bracket or a quotation mark is opened and never closed"),
        (
            "schedules:\n  - id: a\n   bot: b\n",
            "schedules.yaml:3:4: SCHED_YAML: line 3: the line begins further",
        ),
        (
            "schedules:\n  - id: a\n    bot b\n",
            "schedules.yaml:3:5: SCHED_YAML: line 3: there is no ':' behind the key",
        ),
    ],
)
def test_what_people_mistype_in_yaml_is_said_without_words_of_parsers(
    text: str, said: str, tmp_path: Path
) -> None:
    assert said in str(report(text, tmp_path))


def test_a_file_in_another_encoding_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "schedules.yaml"
    path.write_bytes("schedules: # 每天\n".encode("gbk"))
    with pytest.raises(ErrorReport, match=r"SCHED_ENCODING: byte 16 is not UTF-8 .* save the file as UTF-8"):
        load(path, None, NOW)


def test_a_file_that_is_not_there_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ErrorReport, match=r"schedules.yaml: SCHED_FILE: can't be read: .*runner init"):
        load(tmp_path / "schedules.yaml", None, NOW)
