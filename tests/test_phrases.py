"""The phrase book: sentences of errors and commands are found in the code, and said in Chinese with their values.

That none is missing is tested beside the texts of the desk (test_desk_texts.py).
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs import phrases
from runner.core.errors import ConfigurationError, ErrorReport, RunnerError
from runner.core.phrase_book import line_of, told, told_whole
from runner.core.schedules_file import load_schedules
from runner.timetable.cron_text import parse_cron

CHINESE = re.compile(r"[\u4e00-\u9fff]")
DATA = re.compile(
    r"“[^”]*”|\"[^\"]*\"|'[^']*'|`[^`]*`|runner [a-z -]+|[\w./-]+\.(?:yaml|py|xlsx)|docs/\S+|@\w+"
)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("raise UsageError(f\"there is no '{name}'\", hint='look')", ["there is no '{0}'", "look"]),
        ("say(f'{n} cases')", ["{0} cases"]),
        ("Col('WHO')", ["WHO"]),
        ("wait = 'two words'", ["two words"]),
        ("raise UsageError(text, code='CLI_FILE')", []),
        ('def f():\n    """Say nothing of this."""\n    return "word"', []),
        ("re.compile('two words')", []),
    ],
)
def test_a_sentence_in_the_code_is_found(source: str, found: list[str]) -> None:
    assert list(phrases.sentences(source)) == found


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("unknown bot 'gret'", "未知的机器人“gret”"),
        ("unknown bot 'a' - did you mean 'b'?", "未知的机器人“a” - 是否想写“b”？"),
        ("schedule 'x', line 9: 'at' is an empty list", "计划“x”，第 9 行：“at”是空列表"),
        ("x.yaml:9:1: SCHED_CRON: hour 'a' is not a number", "x.yaml:9:1: SCHED_CRON: 小时“a”不是数字"),
        ("it can't become done, only open, claimed", "它不能变为完成，只能变为待处理、处理中"),
        ("the portal says no", "the portal says no"),
        ("'x' is not known here - one of queued, done", "此处不认识“x” - 以下之一：queued, done"),
        ("set it with: runner secrets set portal", "请设置：runner secrets set portal"),
        ("no product 'closed' - anew - done", "no product 'closed' - anew - 完成"),
    ],
)
def test_a_text_is_told_with_its_values(english: str, chinese: str) -> None:
    assert told(english, "zh") == chinese
    assert told(english, "en") == english


def test_what_stands_in_quotes_is_data_and_stays() -> None:
    assert told("unknown bot 'done'", "zh") == "未知的机器人“done”"


def test_no_line_mixes_two_languages_where_the_whole_is_asked_for() -> None:
    assert told_whole("unknown bot 'a' - bad luck", "zh") == ""
    assert told_whole("hour 'a' is not a number - 0-23", "zh") == "小时“a”不是数字 - 0-23"


def test_an_error_keeps_its_place_and_its_code() -> None:
    one = ConfigurationError("unknown key 'x'", hint="remove it", where="a.yaml:1:2", code="SCHED_KEY")
    assert line_of(one, "zh") == "a.yaml:1:2: SCHED_KEY: 未知的键“x” - 请删除"
    assert line_of(ErrorReport([one, one]), "zh").count("\n") == 1
    assert line_of(one, "en") == str(one)


@pytest.mark.parametrize(
    "expression",
    ["* * *", "70 * * * *", "a * * * *", "*/0 * * * *", "5/3 * * * *", "9-3 * * * *", "* * 30 2 *", "@never", "* * * * 1#7", "* * ? * *", "１ * * * *", "*/99 * * * *"],
)  # fmt: skip
def test_every_refusal_of_a_cron_expression_is_said_in_chinese(expression: str) -> None:
    with pytest.raises(RunnerError) as refused:
        parse_cron(expression)
    for part in filter(None, (refused.value.what, refused.value.expected, refused.value.hint)):
        assert english_in(told(part, "zh")) == [], part


WRONG = """\
defaults: {timezone: Berlin, grace: 5s, colour: red}
calendars: {work: {country: XX, closed: [yesterday]}}
processes: {ap: {sla: never}}
schedules:
  - {id: one, bot: b, cron: "70 * * * *"}
  - {id: one, every: 5}
  - {id: two, bot: b, recording: r, at: 08:30}
  - {id: three, bot: b}
  - {id: four, bot: b, every: 1h, at: "08:30", missed: perhaps, max_catchup: many}
  - {id: five, bot: b, queue: {name: q}, jitter: 1m}
  - {id: six, bot: b, workday: {nth: 0, at: "18:00"}, calendars: [none]}
  - {id: seven, bot: b, after: seven, deadline: soon, sample: few}
  - {id: eight, bot: b, manual: no}
  - {id: nine, bot: b, cron: "0 8 * * *", parameters: {password: x}}
"""


def test_every_refusal_of_a_schedules_file_is_said_in_chinese(tmp_path: Path) -> None:
    file = tmp_path / "schedules.yaml"
    file.write_text(WRONG, "utf-8")
    with pytest.raises(ErrorReport) as refused:
        load_schedules(file)
    assert len(refused.value.errors) > 15
    for error in refused.value.errors:
        for part in filter(None, (error.what, error.expected, error.hint)):
            assert english_in(told(part, "zh")) == [], part
        assert re.match(r"schedules\.yaml:\d+:\d+: SCHED_", line_of(error, "zh"))


def english_in(text: str) -> list[str]:
    """The English words of a text that are neither quoted, nor keys of the file, nor commands."""
    plain = DATA.sub("", text)
    return [word for word in re.findall(r"[A-Za-z_-]{3,}", plain) if word not in KEYS]


KEYS = frozenset(
    """
    schedules id bot recording cron every at workday file queue after manual parameters enabled timezone missed grace overlap max_catchup
    retry item_retry time_limit priority calendars calendar shift jitter deadline concurrency stage sample anchor description params
    timeout retries first last pending oldest nth yes true false defaults IANA YAML UTF- ASCII work run_once run_all skip items evenly
    secret password parameters NAME SUN-SAT JAN-DEC closed open half
    """.split()  # noqa: SIM905
)
