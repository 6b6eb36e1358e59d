"""`runner doctor` in each state that a machine can be in: a line for each thing, and the remedy where it is not well."""

# ruff: noqa: F811 - a fixture is named where it is used

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from runner.core.clock import now
from tests.cli_project import Cli, cli, fresh  # noqa: F401 - fixtures


def found(cli: Cli, check: str, code: int | None = None, **environment: str) -> list[tuple[str, str, str]]:
    """State, text and remedy of each line of one check."""
    lines = cli("doctor", "--json", code=code, **environment).json
    return [(one["state"], one["text"], one["remedy"]) for one in lines if one["check"] == check]


def change(cli: Cli, statement: str, *values: object) -> None:
    """Change the store by hand."""
    with closing(sqlite3.connect(cli.home / "store.sqlite3", isolation_level=None)) as connection:
        connection.execute(statement, values)


def test_the_doctor_says_what_is_wrong_and_what_to_do(cli: Cli) -> None:
    states = {one["check"]: one["state"] for one in cli("doctor", "--json", code=None).json}
    assert {
        states[name]
        for name in (
            "python",
            "data folder",
            "disk",
            "store",
            "version",
            "clock",
            "bots",
            "schedules",
            "calendars",
            "ledger",
            "problems",
            "audit trail",
            "vault",
            "leftovers",
        )
    } == {"OK"}
    (cli.project / "schedules.yaml").write_text(
        "schedules:\n  - id: a\n    bot: invoice\n    corn: x\n", "utf-8"
    )
    source = "from runner import bot\n\n@bot(secrets=['portal/password'])\ndef other() -> None:\n    '''Do it.'''\n"
    (cli.project / "bots" / "other.py").write_text(source, "utf-8")
    (cli.home / "store.sqlite3").write_bytes(b"no database" * 400)
    answer = cli("doctor", code=4, RUNNER_BROWSER="/nowhere/chromium")
    assert "runner secrets set portal/password" in answer.out
    assert "did you mean 'cron'?" in answer.out
    assert "browser not found" in answer.out
    lines = [line for line in answer.out.splitlines() if line.startswith("error")]
    assert [line.split()[1] for line in lines] == ["store", "browser", "schedules", "schedules"][: len(lines)]


def test_a_store_that_somebody_holds_is_named_before_runs_wait_for_it(cli: Cli) -> None:
    with closing(sqlite3.connect(cli.home / "store.sqlite3", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        (sound, held) = found(cli, "store", code=4)
        assert sound[0] == "OK"
        assert (held[0], "database is locked" in held[1], "end the program that holds it" in held[2]) == (
            "error", True, True,
        )  # fmt: skip


def test_a_store_of_another_version_is_named(cli: Cli) -> None:
    change(
        cli, "INSERT INTO django_migrations (app, name, applied) VALUES ('store', '9999_later', '2030-01-01')"
    )
    ((state, text, remedy),) = found(cli, "version", code=4)
    assert (state, "later version" in text, "install that version" in remedy) == ("error", True, True)


def test_a_clock_behind_the_store_is_named_with_both_remedies(cli: Cli) -> None:
    ahead = now() + timedelta(minutes=10)
    change(cli, "UPDATE store_run SET finished = ?", ahead.strftime("%Y-%m-%d %H:%M:%S"))
    ((state, text, remedy),) = found(cli, "clock")
    assert state == "warning"
    assert "before the newest record" in text
    assert "timedatectl" in remedy
    assert "accept-clock" in remedy


def test_too_little_space_is_what_the_setting_says(cli: Cli) -> None:
    ((state, text, remedy),) = found(cli, "disk", code=4, RUNNER_FREE_SPACE="999999999")
    assert (state, "no new run starts below 999999999 MB" in text) == ("error", True)
    assert "RUNNER_FREE_SPACE" in remedy


def test_a_vault_key_that_others_may_open_or_that_is_gone_is_named(fresh: Cli) -> None:
    fresh("secrets", "set", "portal/password", typed="open-sesame")
    assert found(fresh, "vault") == [("OK", "1 secrets; its key is in vault.key", "")]
    key = fresh.home / "vault.key"
    key.chmod(0o644)
    ((state, text, remedy),) = found(fresh, "vault", code=4)
    assert (state, "VAULT_KEY_OPEN" in text, "chmod 600" in remedy) == ("error", True, True)
    there = key.read_text()
    key.unlink()
    ((state, text, remedy),) = found(fresh, "vault", code=4)
    assert (state, "vault.key is missing" in text, "backup" in remedy) == ("error", True, True)
    assert found(fresh, "vault", RUNNER_VAULT_KEY=there)[0][1] == "1 secrets; its key is in RUNNER_VAULT_KEY"
    ((state, text, _),) = found(fresh, "vault", code=4, RUNNER_VAULT_KEY="not a key")
    assert (state, "not a Fernet key" in text) == ("error", True)


def test_a_calendar_that_is_not_there_is_named(fresh: Cli) -> None:
    (fresh.project / "schedules.yaml").write_text(
        "calendars:\n  own: {country: DE, file: missing.csv}\nschedules: []\n", "utf-8"
    )
    ((state, text, _),) = [one for one in found(fresh, "schedules", code=3) if one[0] != "OK"][:1]
    assert state == "error"
    assert "missing.csv" in text


def test_a_machine_that_can_show_no_window_says_so_before_somebody_records(cli: Cli, tmp_path: Path) -> None:
    shell = tmp_path / "programs" / "chromium-headless-shell"
    shell.parent.mkdir()
    shell.write_text("#!/bin/sh\necho Chromium 150.0\n", "utf-8")
    shell.chmod(0o755)
    (sound, windowless) = found(cli, "browser", RUNNER_BROWSER=str(shell))
    assert (sound[0], "Chromium 150.0" in sound[1]) == ("OK", True)
    assert (windowless[0], "--headed" in windowless[1]) == ("warning", True)
