"""The command line as a whole: help, mistyped words, errors in one line, pipes that close."""

# ruff: noqa: F811 - a fixture is named where it is used

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from runner.cli.faults import explain
from tests.cli_project import Cli, command, empty, env, fresh, make_project, ran  # noqa: F401 - fixtures

HEAVY = (
    "django",
    "pydantic",
    "playwright",
    "openpyxl",
    "loguru",
    "cryptography",
    "apscheduler",
    "rich.console",
    "flask",
)


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys, json, runner.cli.main as main; main.main(['--help']);"
        "import time; print(json.dumps([*sorted(sys.modules), time.process_time()]), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env({}), capture_output=True, text=True, check=True
    )
    loaded = json.loads(done.stderr)
    print(f"CPU of a process that shows its help: {loaded.pop()} s")
    assert [name for name in HEAVY if name in loaded] == []
    for word in ("run ", "cases", "schedules", "doctor", "Follow up exceptions:"):
        assert word in done.stdout


def test_every_command_has_help_of_its_own(tmp_path: Path) -> None:
    from runner.cli.main import Commands

    code = "import sys, runner.cli.main as m\nfor name in m.Commands.entries: m.main([name, '--help'])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env({}), capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert done.stdout.count("Usage: runner") == len(Commands.entries)


def test_a_mistyped_word_is_answered_with_the_nearest_one(empty: Cli) -> None:
    wrong: list[tuple[list[str], list[str]]] = [
        (["rnu"], ["runner: CLI_USAGE: there is no command 'rnu'", "did you mean 'run'?", "runner --help"]),
        (["cases", "lst"], ["runner cases: CLI_USAGE", "'lst'", "did you mean 'list'?"]),
        (
            ["runs", "list", "--limt", "3"],
            ["--limt: CLI_USAGE", "did you mean '--limit'?", "runner runs list --help"],
        ),
        (["runs", "list", "--limit", "many"], ["--limit: CLI_USAGE", "many", "runner runs list --help"]),
        (["runs", "list", "--limit"], ["--limit: CLI_USAGE"]),
        (["runs", "show"], ["RUN: CLI_USAGE"]),
        (["run"], ["BOT: CLI_USAGE"]),
        (["--dbug"], ["--dbug: CLI_USAGE", "did you mean '--debug'?"]),
    ]
    for answer, (_, expected) in zip(empty.each(*(words for words, _ in wrong), code=2), wrong, strict=True):
        assert answer.out == ""
        assert answer.err.count("\n") == 1
        for part in expected:
            assert part in answer.err


def test_a_group_without_a_command_shows_its_help(empty: Cli) -> None:
    group, whole, version = empty.each(["cases"], [], ["--version"])
    assert "Commands:" in group.out
    assert "Start here:" in whole.out
    assert version.out.startswith("runner ")


def test_outside_of_a_project_it_says_what_to_do(tmp_path: Path) -> None:
    done = subprocess.run(
        command("runs", "list"), cwd=tmp_path, env=env({}), capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "NO_PROJECT" in done.stderr
    assert "runner init DIR" in done.stderr


def test_a_setting_that_there_is_not_names_its_nearest_match(fresh: Cli) -> None:
    answer = fresh("runs", "list", code=3, RUNNER_BROWSR="x")
    assert "RUNNER_BROWSR: SETTING_UNKNOWN: unknown setting 'browsr' - did you mean 'browser'?" in answer.err


def test_the_python_that_setup_was_told_to_take_is_no_setting(empty: Cli) -> None:
    assert empty("runs", "list", RUNNER_PYTHON="/usr/bin/python3").code == 0


def test_a_project_is_found_from_a_folder_inside_it_and_its_data_elsewhere(
    tmp_path: Path,
) -> None:
    fresh = make_project(tmp_path / "project")
    inside = Cli(fresh.project / "bots")
    assert inside("runs", "list", "--json", RUNNER_HOME=str(tmp_path / "elsewhere")).json == []
    assert (tmp_path / "elsewhere" / "store.sqlite3").is_file()
    assert not fresh.home.exists()


def test_debug_shows_where_an_error_came_from(fresh: Cli) -> None:
    done = subprocess.run(
        command("run", "nobody", "--debug"),
        cwd=fresh.project,
        env=env({}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Traceback" in done.stderr


def test_a_reader_that_goes_away_is_no_error(ran: Cli) -> None:
    process = ran.start("runs", "logs", ran("runs", "list", "--json").json[0]["id"])
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.wait(30)
    process.stderr.close()


def test_a_fault_of_our_own_is_one_line_and_kept_with_its_traceback(
    ran: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ran.project)
    try:
        int("nothing")
    except ValueError as error:
        told = explain(error)
    assert "\n" not in str(told)
    name = str(told).split("error id ")[1][:8]
    log = (ran.home / "errors.log").read_text("utf-8")
    assert f"--- {name} " in log
    assert "ValueError: invalid literal" in log


def test_a_full_disk_is_told_from_a_fault_of_our_own() -> None:
    told = explain(OSError(28, "No space left on device", "journal.jsonl"))
    assert told.exit_code == 4
    assert "No space left on device" in str(told)
    assert "no new run will start" in str(told)


def test_every_decision_about_a_case_is_a_command_of_its_group(empty: Cli) -> None:
    said = empty("cases", "--help").out
    for word in (
        "list",
        "show",
        "claim",
        "retry",
        "done",
        "reject",
        "attest",
        "snooze",
        "export",
        "import",
        "evidence",
    ):
        assert f"\n  {word} " in said, word
