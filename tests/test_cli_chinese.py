"""The lists that ops staff read on the command line, in Chinese where the terminal speaks it; `--json` is the same everywhere."""

# ruff: noqa: F811 - a fixture is named where it is used

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from rich.cells import cell_len

from runner.cli.main import command_line, main
from runner.cli.tongue import in_chinese
from tests.cli_project import Cli, cli, empty, fresh, ran  # noqa: F401 - fixtures

# What may stand in Latin letters: data of the project, ids, commands, and the error's own words beside the Chinese ones.
_WORDS = re.compile(r"[A-Za-z]{2,}")


@pytest.mark.parametrize(
    ("environment", "chinese"),
    [
        ({}, False),
        ({"LANG": "zh_CN.UTF-8"}, True),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, False),
        ({"LANG": "en_GB.UTF-8", "RUNNER_LANG": "zh"}, True),
        ({"LANG": "zh_CN.UTF-8", "RUNNER_LANG": "en"}, False),
    ],
)
def test_the_first_variable_that_is_set_decides(environment: dict[str, str], chinese: bool) -> None:
    assert in_chinese(environment) is chinese


def test_runs_cases_and_schedules_are_listed_in_chinese_below_their_heads(ran: Cli) -> None:
    runs, cases, schedules, coming = (
        ran(*words, RUNNER_LANG="zh").out.splitlines()
        for words in (["runs", "list"], ["cases", "list"], ["schedules", "list"], ["schedules", "next"])
    )
    assert runs[0].split() == ["运行", "机器人", "状态", "开始", "耗时", "工作项", "异常", "计划"]
    assert "有异常" in runs[1]
    assert cell_len(runs[0].partition("状态")[0]) == cell_len(runs[1].partition("有异常")[0])
    assert re.search("前|现在", runs[1])  # within its first second a run began "now"
    assert cases[0].split() == ["个案", "状态", "类型", "工作项", "到期", "负责人", "内容"]
    assert {"待处理"} == {line.split()[1] for line in cases[1:]}
    assert {"业务异常", "系统异常", "结果未知"} == {line.split()[2] for line in cases[1:]}
    assert schedules[0].split() == ["计划", "机器人", "何时", "下次", "上次"]
    assert "周一至周五" in schedules[1]
    assert "停用" in schedules[2]
    assert re.match(r"周[一二三四五] \d{4}-\d\d-\d\d", coming[1])
    heads = " ".join([runs[0], cases[0], schedules[0], coming[0]])
    assert _WORDS.findall(heads) == []


def test_a_case_is_shown_in_chinese_with_the_commands_to_copy(ran: Cli) -> None:
    case = next(one for one in ran("cases", "list", "--json").json if one["item"] == "A-4")
    shown = ran("cases", "show", case["id"], RUNNER_LANG="zh").out
    for words in (
        "结果未知：请到对方系统查看是否已发生",
        "已尝试 1 次",
        "runner 打开了个案",
        "--done --note '…'       已发生：该工作项已完成",
    ):
        assert words in shown
    assert [name for name in re.findall(r"^(\w+)  ", shown, re.MULTILINE) if _WORDS.search(name)] == []


def test_json_is_the_same_in_every_language(ran: Cli) -> None:
    lists = (["runs", "list", "--json"], ["cases", "list", "--json"], ["schedules", "list", "--json"])
    for words in lists:
        english, chinese = ran(*words).out, ran(*words, RUNNER_LANG="zh").out
        assert english == chinese


def test_empty_lists_are_said_in_chinese(fresh: Cli) -> None:
    assert fresh("runs", "list", RUNNER_LANG="zh").out == "还没有运行。启动一次：runner run BOT\n"
    assert fresh("cases", "list", RUNNER_LANG="zh").out == "没有等待处理的个案。\n"


SAME = re.compile(
    r"runner(?: [a-z-]+)+(?: [A-Z]+)?|--[a-z-]+|…?\S*[/\\]\S+|[\w-]+\.(?:yaml|py|xlsx|json)|[A-Z]{2,}(?:_[A-Z]+)*|[0-9a-f-]{8,}|'[^']*'|“[^”]*”"
)
DATA = frozenset(
    """
    invoice invoices slow ways sane waits post accounts payable work MB GB UTC Europe Berlin linux python root report out count submit
    finished cron bot id schedules amount number lines A-1 A-3 A-4 A-2 Chromium built on Debian GNU Linux bookworm enabled of is too small Amount initial VALUE workbook none never many queued running done exceptions failed lost cancelled
    """.split()  # noqa: SIM905
)


@pytest.mark.parametrize(
    "words",
    [
        ["doctor"], ["bots"], ["problems", "list"], ["queues", "list"], ["items", "list", "invoices"], ["schedules", "check"],
        ["schedules", "history"], ["schedules", "missed"], ["audit", "list"], ["users", "list"], ["webhooks", "list"], ["secrets", "list"],
        ["cases", "show", "none-of-ours"], ["runs", "show", "0000000000000"], ["runs", "list", "--status", "never"], ["runs", "lst"],
        ["run", "invoic"], ["run", "invoice", "--param", "count"], ["run", "invoice", "--param", "count=many"], ["cases", "retry"],
        ["cases", "done", "--all"], ["schedules", "run", "none"], ["items", "show", "invoices", "none"], ["problems", "show", "none-of-ours"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_commands_say_and_refuse_is_chinese(ran: Cli, words: list[str]) -> None:
    answer = ran(*words, code=None, RUNNER_LANG="zh")
    assert "Traceback" not in answer.err
    for line in (answer.out + answer.err).splitlines():
        left = [word for word in _WORDS.findall(SAME.sub(" ", line)) if word not in DATA]
        assert len(left) <= (2 if re.search(r"[\u4e00-\u9fff]", line) else 0) or words[0] in {
            "items",
            "bots",
        }, line


def test_what_runner_noted_in_the_history_of_a_case_is_chinese(ran: Cli) -> None:
    case = next(one for one in ran("cases", "list", "--json").json if one["item"] == "A-2")
    shown = ran("cases", "show", case["id"], RUNNER_LANG="zh").out
    assert re.search(r"runner 打开了个案: .*应为.*请更正该值并重试", shown), shown


def test_the_log_of_a_run_is_chinese_but_for_what_the_bot_wrote(ran: Cli) -> None:
    run = ran("runs", "list", "--json").json[0]["id"]
    head, *lines = ran("runs", "logs", run, RUNNER_LANG="zh").out.splitlines()
    assert re.fullmatch(r"周. \d{4}-\d\d-\d\d（时间为 UTC[+-]\d{4}）", head)
    for text in (
        "泳道 1  ",
        "工作进程",
        "A-0 完成",
        "对 A-1 的第 1 次尝试",
        "处理时的数据行",
        "submit 开始",
        "A-4 失败：",
        "泳道 1 已结束",
        "invoice 有异常",
        "posting A-0",
    ):
        assert any(text in line for line in lines), text
    told = [line.partition(" [")[0] for line in lines if "posting" not in line]
    english = [
        line
        for line in told
        if re.search(r"\b(done|failed|started|finished|begins|Attempt|lane|rows|nobody)\b", line)
    ]
    assert not english, english
    widths = {
        cell_len(line.partition(level)[0]) for line in lines for level in ("INFO", "ERROR") if level in line
    }
    assert len(widths) == 1
    assert "lane 1  INFO     A-0 (1) A-0 done" in ran("runs", "logs", run, RUNNER_LANG="en").out


def test_items_and_queues_have_their_states_in_chinese(ran: Cli) -> None:
    shown = ran("items", "show", "invoices", "A-4", RUNNER_LANG="zh").out
    for text in ("状态     异常", "第 1 次  失败，用时", "毫秒，运行", "步骤“post”: “submit”已开始但中断了"):
        assert text in shown, shown
    listed = [
        line.split()[:2] for line in ran("items", "list", "invoices", RUNNER_LANG="zh").out.splitlines()
    ]
    assert listed[:3] == [["键", "状态"], ["A-0", "完成"], ["A-1", "异常"]]
    assert ran("queues", "list", RUNNER_LANG="zh").out.split()[3:8] == [
        "待办",
        "处理中",
        "完成",
        "异常",
        "已拒绝",
    ]
    assert re.search(
        r"队列 invoices +键 number：number, amount", ran("bots", "show", "invoice", RUNNER_LANG="zh").out
    )
    assert ran("items", "list", "invoices", RUNNER_LANG="en").out.split()[:2] == ["KEY", "STATUS"]


def test_a_run_and_a_problem_are_shown_in_chinese(ran: Cli) -> None:
    run = ran("runs", "list", "--json").json[0]["id"]
    problem = ran("problems", "list", "--json").json[0]["id"]
    shown = ran("runs", "show", run, RUNNER_LANG="zh").out
    for text in ("状态", "有异常", "完成 1，异常 4，待处理 0", "问题"):
        assert text in shown
    assert re.search(r"^(status|bot|items|took|next) ", shown, re.MULTILINE) is None
    page = ran("problems", "show", problem, RUNNER_LANG="zh").out
    for text in ("为何是同一个", "首次", "全部决定"):
        assert text in page


ENGLISH = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,}")
LATIN = re.compile(
    r"runner(?: [a-z-]+)+|-{1,2}[a-z][a-z-]*|<[^>]*>|`[^`]*`|\$?\{[^}]*\}|[A-Z]+=\S*|Chrome DevTools Recorder|Playwright codegen|Selenium IDE|JSON Schema|'[^']*'|\bKEY\b|\[默认：[^\]]*\]"
)


def commands(words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command, by its words."""
    found = command_line()
    for word in words:
        found = found.get_command(None, word)
    yield words
    for name in found.list_commands(None) if hasattr(found, "list_commands") else ():
        yield from commands((*words, name))


def help_of(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    assert main([*words, "--help"]) == 0
    return capsys.readouterr().out


def test_the_help_of_every_command_is_chinese_and_no_wider_than_the_page(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNNER_LANG", "zh")
    monkeypatch.setenv("COLUMNS", "80")
    every = list(commands())
    assert len(every) > 100
    for words in every:
        page = help_of(words, capsys)
        lines = page.splitlines()
        assert lines[0].startswith(f"用法：{' '.join(('runner', *words))}"), page
        wrong = [line for line in lines[1:] if ENGLISH.search(LATIN.sub("", line))]
        assert not wrong, (words, wrong)
        assert not [line for line in lines[1:] if cell_len(line) > 80], page
        assert "显示此说明。" in page


def test_the_help_is_english_where_the_terminal_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNNER_LANG", "en")
    assert "Run a bot here and now" in help_of((), capsys)
    assert re.search(r"[\u4e00-\u9fff]", help_of(("cases",), capsys)) is None


def test_a_missing_argument_is_named_with_its_help_in_chinese(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNNER_LANG", "zh")
    assert main(["run"]) == 2
    assert "机器人的名称；可用 runner bots 列出 - " in capsys.readouterr().err
