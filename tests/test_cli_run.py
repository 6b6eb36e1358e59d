"""`runner run`: exit codes, what it prints, parameters, and how it is stopped."""

# ruff: noqa: F811 - a fixture is named where it is used

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli_project import Cli, empty, env, fresh, ran  # noqa: F401 - fixtures
from tests.engine_project import until


def test_all_done_is_0_and_the_run_is_printed_as_json(fresh: Cli) -> None:
    answer = fresh("run", "invoice", "--param", "count=1", "--json")
    run = answer.json
    assert run["items"] == {"total": 1, "done": 1, "exceptions": 0, "pending": 0}
    assert (run["bot"], run["status"], run["schedule"]) == ("invoice", "done", None)
    assert run["parameters"]["count"] == 1
    assert run["requested_by"] == "mei"
    assert run["started"] < run["finished"]
    assert f"invoice: run {run['id']} started" in answer.err


def test_exceptions_are_1_and_the_summary_says_what_is_next(fresh: Cli) -> None:
    answer = fresh("run", "invoice", code=1)
    assert "through, with exceptions" in answer.out
    assert "5: 1 done, 4 exceptions, 0 pending" in answer.out
    assert "1 × Amount … of … is too small" in answer.out
    assert "report: out.xlsx" in answer.out
    assert "runner cases list" in answer.out
    assert "runner runs logs " in answer.out


def test_a_run_without_failures_loads_only_what_it_uses(fresh: Cli) -> None:
    code = (
        "import sys, runner.cli.main as main; assert main.main(['run', 'invoice', '--param', 'count=1']) == 0;"
        "print(' '.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=fresh.project,
        env=env({}),
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = done.stderr.splitlines()[-1].split()
    assert "django.db.models" in loaded
    for name in (
        "rich.console",
        "loguru",
        "ruamel.yaml",
        "cronsim",
        "django.http",
        "django.core.mail",
        "playwright",
    ):
        assert name not in loaded


def test_a_run_leaves_no_process_behind(ran: Cli) -> None:
    import psutil

    mine = str(ran.project)
    left = [p.pid for p in psutil.process_iter(["cmdline", "cwd"]) if p.info["cwd"] == mine]
    assert left == []


def test_what_can_not_run_is_2_and_leaves_no_run(fresh: Cli) -> None:
    wrong: list[tuple[list[str], list[str]]] = [
        (["invoce"], ["CLI_BOT: unknown bot 'invoce'", "did you mean 'invoice'", "runner bots"]),
        (["invoice", "--param", "count"], ["--param: CLI_PARAM: 'count'", "expected name=value"]),
        (["invoice", "--param", "count=1", "-p", "count=2"], ["--param: CLI_PARAM: 'count' is given twice"]),
        (["invoice", "--param", "cuont=1"], ["CLI_PARAM", "'cuont'", "did you mean 'count'?"]),
        (["invoice", "--param", "count=many"], ["CLI_PARAM", "'count' is 'many'", "integer"]),
        (["invoice", "--lanes", "0"], ["--lanes: CLI_USAGE"]),
    ]
    answers = fresh.each(*(["run", *words] for words, _ in wrong), code=2)
    for answer, (_, expected) in zip(answers, wrong, strict=True):
        for part in expected:
            assert part in answer.err
        assert answer.out == ""
    assert fresh("runs", "list", "--json").json == []


def test_a_broken_bot_file_is_3_and_the_others_still_run(fresh: Cli) -> None:
    (fresh.project / "bots" / "broken.py").write_text("def run(:\n", encoding="utf-8")
    assert "bots/broken.py:1" in fresh("run", "broken", code=3).err
    assert fresh("run", "invoice", "--param", "count=1", "--json").json["status"] == "done"


def test_a_data_folder_that_can_not_be_written_is_4_and_nothing_starts(fresh: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    answer = fresh("run", "invoice", code=4, RUNNER_HOME=str(tmp_path / "file" / "home"))
    assert "CLI_DISK" in answer.err
    assert "no new run will start" in answer.err


def test_a_database_server_that_does_not_answer_is_4_and_its_password_is_not_shown(fresh: Cli) -> None:
    url = "postgresql://clerk:open-sesame@127.0.0.1:1/runner"
    for words in (["run", "invoice"], ["cases", "list"]):
        answer = fresh(*words, code=4, RUNNER_DATABASE_URL=url)
        assert "cannot reach the database 127.0.0.1:1" in answer.err
        assert "sesame" not in answer.said
        assert "clerk" not in answer.said


def test_a_missing_browser_ends_the_run_with_4(fresh: Cli) -> None:
    source = "from runner import bot, web\n\n@bot\ndef look() -> None:\n    with web.page() as page:\n        page.goto('about:blank')\n"
    (fresh.project / "bots" / "look.py").write_text(source, encoding="utf-8")
    answer = fresh("run", "look", "--json", code=4, RUNNER_BROWSER="/nowhere/chromium")
    assert "browser not found" in answer.err
    assert "runner doctor" in answer.err
    assert answer.json["error"]["code"] == "CLI_BROWSER"


def test_ctrl_c_lets_the_item_in_work_finish_and_keeps_the_rest(fresh: Cli) -> None:
    process = fresh.start("run", "slow")
    try:
        until(lambda: fresh.states("waits").get("done"))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130
    assert "stopping: what is in work is finished first" in err
    assert err.rstrip().endswith("runner: interrupted")
    assert "Traceback" not in err
    states = fresh.states("waits")
    assert set(states) == {"done", "pending"}
    assert f"50: {states['done']} done" in out


def test_a_second_ctrl_c_ends_at_once_and_the_next_run_takes_over(fresh: Cli) -> None:
    process = fresh.start("run", "slow", "--param", "seconds=60", "--param", "count=2")
    try:
        until(lambda: fresh.states("waits").get("running"))
        process.send_signal(signal.SIGINT)
        errors = process.stderr
        assert errors is not None
        until(lambda: "stopping" in errors.readline())
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130
    fresh("run", "invoice", "--param", "count=1")
    runs = fresh("runs", "list", "--bot", "slow", "--json").json
    assert [run["status"] for run in runs] == ["lost"]
    assert "running" not in fresh.states("waits")


@pytest.mark.skipif(os.name != "posix", reason="a terminal is made with pty")
def test_on_a_terminal_there_is_a_bar_and_the_summary(fresh: Cli) -> None:
    import pty

    from tests.cli_project import command, env

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command("run", "invoice", "--param", "count=1"), cwd=fresh.project, env=env({"TERM": "xterm"}),
        stdout=subprocess.PIPE, stderr=theirs, text=True,
    )  # fmt: skip
    os.close(theirs)
    out, _ = process.communicate(timeout=60)
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError:  # the other side is closed
        pass
    finally:
        os.close(ours)
    assert process.returncode == 0
    assert "\x1b[" in shown.decode()
    assert "invoice" in shown.decode()
    assert "run " in out
