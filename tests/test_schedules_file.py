"""What a good schedules.yaml means: defaults, other names of keys, positions, and values that stay what they are."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from runner.core.contract import BotDescription
from runner.core.errors import ErrorReport
from runner.core.schedules_file import load_schedules
from runner.core.schedules_model import Missed, Overlap
from runner.core.schedules_values import BotFacts, facts_of, is_secret_name
from runner.core.yaml_text import Position, parse_yaml

TEXT = """\
defaults:
  timezone: Europe/Berlin
  missed: skip
  grace: 15m
schedules:
  - id: post-orders
    bot: post_orders
    cron: "30 8 * * 1-5"
    params: {workbook: in/orders.xlsx, zip: 01067, note: yes, token_count: 3}
    timeout: 1h30m
    retries: 2
  - id: prices
    bot: collect_prices
    every: 2h
    timezone: Asia/Shanghai
    missed: run_all
    overlap: queue
    enabled: no
processes:
  accounts-payable:
    title: Accounts payable
    responsible: [ann, bo]
    informed: cleo
    sla: 4h
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "schedules.yaml").write_text(TEXT, encoding="utf-8")
    return tmp_path / "schedules.yaml"


def test_a_schedule_takes_the_defaults_and_its_own_words_win(project: Path) -> None:
    orders, prices = load_schedules(project).schedules
    assert (orders.timezone, orders.missed, orders.grace) == (
        "Europe/Berlin",
        Missed.SKIP,
        timedelta(minutes=15),
    )
    assert (prices.timezone, prices.missed, prices.grace) == (
        "Asia/Shanghai",
        Missed.RUN_ALL,
        timedelta(minutes=15),
    )
    assert (prices.overlap, prices.enabled, orders.enabled) == (Overlap.QUEUE, False, True)


def test_the_shorter_names_of_keys_mean_the_same(project: Path) -> None:
    orders = load_schedules(project).schedules[0]
    assert orders.time_limit == timedelta(hours=1, minutes=30)
    assert orders.retry.times == 2
    assert orders.parameters["workbook"] == "in/orders.xlsx"


def test_parameters_keep_leading_zeros_and_words_that_other_readers_take_for_booleans(project: Path) -> None:
    parameters = load_schedules(project).schedules[0].parameters
    assert (parameters["zip"], parameters["note"], parameters["token_count"]) == ("01067", "yes", 3)


def test_a_process_names_who_answers_for_it(project: Path) -> None:
    process = load_schedules(project).processes["accounts-payable"]
    assert (process.responsible, process.informed, process.sla) == (
        ("ann", "bo"),
        ("cleo",),
        timedelta(hours=4),
    )


def test_a_list_of_schedules_that_is_all_comments_is_a_file_without_schedules(tmp_path: Path) -> None:
    path = tmp_path / "schedules.yaml"
    path.write_text("schedules:\n#  - id: a\n", encoding="utf-8")
    assert load_schedules(path).schedules == ()


def test_every_value_remembers_its_line_and_column(project: Path) -> None:
    document = load_schedules(project).document
    assert document.position("schedules", 0, "cron") == Position(8, 11)
    assert document.key_position("schedules", 1, "every") == Position(14, 5)
    assert document.position("schedules", 1, "not there") == Position(12, 5)


def test_merged_and_referenced_values_are_written_out() -> None:
    document = parse_yaml("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\nc: *a\n", "f.yaml")
    assert document.value == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"x": 1, "y": 2}}
    assert document.position("c", "x") == Position(5, 4)


@pytest.mark.parametrize(
    "name", ["password", "db_pwd", "apiToken", "API_KEY", "client_secret", "登录密码", "privateKey"]
)
def test_names_of_secrets_are_known(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["token_count", "password_file", "secretary", "workbook", "pass_through"])
def test_names_that_only_sound_like_secrets_are_not(name: str) -> None:
    assert not is_secret_name(name)


def test_a_secret_reference_is_not_a_secret_in_clear_text(project: Path) -> None:
    project.write_text(TEXT.replace("note: yes", "'password': '${secret:portal}'"), encoding="utf-8")
    assert load_schedules(project).schedules[0].parameters["password"] == "${secret:portal}"


def test_a_missing_required_parameter_is_an_error(project: Path) -> None:
    described = BotDescription(
        name="post_orders",
        file="bots/post_orders.py",
        title="",
        doc="",
        parameters={
            "properties": {"workbook": {}, "portal": {}, "zip": {}, "note": {}, "token_count": {}},
            "required": ["portal"],
        },
    )
    bots = {"post_orders": facts_of(described), "collect_prices": BotFacts("collect_prices")}
    with pytest.raises(ErrorReport, match="line 9: parameter 'portal' of bot 'post_orders' is missing"):
        load_schedules(project, bots)


def test_a_recording_may_be_named_with_or_without_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "schedules.yaml"
    text = "schedules:\n  - {id: a, recording: login.json, at: '08:30'}\n  - {id: b, recording: recordings/x/login.json, at: '08:30'}\n"
    path.write_text(text, encoding="utf-8")
    assert len(load_schedules(path).schedules) == 2


def test_a_recording_that_is_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "out").symlink_to(tmp_path)
    path = tmp_path / "schedules.yaml"
    path.write_text("schedules:\n  - {id: a, recording: out/x.json, at: '08:30'}\n", encoding="utf-8")
    with pytest.raises(ErrorReport, match="must be inside recordings/"):
        load_schedules(path)


def test_the_trigger_of_a_schedule_is_known_by_its_key(project: Path) -> None:
    assert [one.trigger_key for one in load_schedules(project).schedules] == ["cron", "every"]


def test_defaults_set_every_policy_and_jitter_only_where_a_clock_starts(tmp_path: Path) -> None:
    path = tmp_path / "schedules.yaml"
    path.write_text(
        "defaults: {jitter: 5m, deadline: 2h, concurrency: portal, stage: pilot, sample: 5 % evenly}\n"
        "schedules:\n  - {id: a, bot: b, every: 1h}\n  - {id: c, bot: b, file: 'x/*.csv', stage: production}\n"
        "  - {id: d, bot: b, manual: yes}\n",
        "utf-8",
    )
    timed, waiting, by_hand = load_schedules(path).schedules
    assert (timed.jitter, timed.deadline, timed.concurrency) == (timedelta(minutes=5), "2h", ("portal",))
    assert (timed.stage, timed.sample) == ("pilot", "5 % evenly")
    assert (waiting.jitter, waiting.stage, waiting.deadline) == (None, "production", "2h")
    assert (by_hand.trigger_key, by_hand.is_timed) == ("manual", False)
    path.write_text("schedules:\n  - {id: d, bot: b, manual: no}\n", "utf-8")
    with pytest.raises(ErrorReport, match="'manual' is 'no' - yes - write manual: yes"):
        load_schedules(path)


def test_the_parameter_that_a_file_brings_is_not_missing(tmp_path: Path) -> None:
    path = tmp_path / "schedules.yaml"
    bots = {
        "b": BotFacts("b", {"book": {"type": "string"}, "n": {"type": "integer"}}, frozenset({"book", "n"}))
    }
    path.write_text("schedules:\n  - {id: a, bot: b, file: {glob: 'x/*.csv', parameter: book}}\n", "utf-8")
    with pytest.raises(ErrorReport) as caught:
        load_schedules(path, bots)
    assert [error.what for error in caught.value.errors] == [
        "schedule 'a', line 2: parameter 'n' of bot 'b' is missing"
    ]
