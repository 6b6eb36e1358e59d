"""The command line with its store on a server: what is said of addresses, passwords and servers; copies; what a bot gets to see."""

# ruff: noqa: F811 - a fixture is named where it is used

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runner.core.errors import EnvironmentProblem
from runner.core.store_address import ServerAddress
from runner.store.postgres.server import server_options
from tests.cli_project import Cli, cli, command, copy_of, empty, env, fresh, ran  # noqa: F401 - fixtures
from tests.postgres_server import PASSWORD, PostgresServer

ENVIRONMENT_BOT = """
import os
from runner import bot, run

@bot
def look() -> None:
    run.output("seen", " ".join(sorted(name for name in os.environ if "PG" in name or "DATABASE" in name)))
"""


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("mysql://u:open-sesame@h/d", 3, "begins with 'mysql://'"),
        ("u:open-sesame@h/d", 3, "this is no address"),
        ("postgresql://u:open-sesame%zz@h/d", 3, "the address can't be read"),
        ("postgresql://u@h/d?password=open-sesame&nonsense=1", 3, "the address can't be read"),
        ("postgresql://u:open-sesame@127.0.0.1:1/d", 4, "cannot reach the database 127.0.0.1:1/d"),
        ("postgresql:///d?host=/nowhere&password=open-sesame", 4, "cannot reach the database /nowhere/d"),
    ],
)
def test_a_wrong_address_is_told_without_what_is_secret_in_it(
    fresh: Cli, url: str, code: int, words: str
) -> None:
    answer = fresh("cases", "list", code=code, RUNNER_DATABASE_URL=url)
    assert words in answer.err
    assert "sesame" not in answer.said
    debug = subprocess.run(
        command("--debug", "cases", "list"), cwd=fresh.project, env=env({"RUNNER_DATABASE_URL": url}),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" in debug.stderr
    assert "sesame" not in debug.stdout + debug.stderr


def test_a_password_may_stand_in_the_address_in_a_variable_or_in_pgpass_and_nowhere_else(
    fresh: Cli, postgres: PostgresServer, server_store: ServerAddress, tmp_path: Path
) -> None:
    name = server_store.url.rpartition("/")[2]
    postgres.execute(f"ALTER DATABASE {name} OWNER TO clerk")
    postgres.execute("REASSIGN OWNED BY runner TO clerk", name, "admin")
    url = postgres.address(name, "clerk").url
    refused = fresh("runs", "list", code=4, RUNNER_DATABASE_URL=url)
    assert "RUNNER_DATABASE_PASSWORD" in refused.err
    wrong = fresh("runs", "list", code=4, RUNNER_DATABASE_URL=url, RUNNER_DATABASE_PASSWORD="open-sesame")
    assert "sesame" not in wrong.said
    fresh("runs", "list", RUNNER_DATABASE_URL=url, RUNNER_DATABASE_PASSWORD=PASSWORD)
    fresh("runs", "list", RUNNER_DATABASE_URL=url.replace("clerk@", f"clerk:{PASSWORD}@"))
    kept = tmp_path / "pgpass"
    kept.write_text(f"127.0.0.1:{postgres.port}:*:clerk:{PASSWORD}\n")
    kept.chmod(0o600)
    fresh("runs", "list", RUNNER_DATABASE_URL=url, PGPASSFILE=str(kept))
    (fresh.project / "pyproject.toml").write_text(
        f'[tool.runner]\ndatabase_url = "{url.replace("clerk@", "clerk:open-sesame@")}"\n', "utf-8"
    )
    told = fresh("runs", "list", code=3)
    assert "SETTING_SECRET" in told.err
    assert "sesame" not in told.said
    (fresh.project / "pyproject.toml").write_text(f'[tool.runner]\ndatabase_url = "{url}"\n', "utf-8")
    fresh("runs", "list", RUNNER_DATABASE_PASSWORD=PASSWORD)


def test_a_bot_gets_no_credentials_of_the_store(fresh: Cli, server_store: ServerAddress) -> None:
    (fresh.project / "bots" / "look.py").write_text(ENVIRONMENT_BOT, encoding="utf-8")
    run = fresh(
        "run", "look", "--json", RUNNER_DATABASE_URL=server_store.url, RUNNER_DATABASE_PASSWORD="x", PGPASSWORD="x",
        PGPASSFILE="/nowhere",
    ).json  # fmt: skip
    assert run["outputs"] == {"seen": ""}
    folder = fresh.home / "runs"
    for file in folder.rglob("*"):
        assert not file.is_file() or server_store.url.encode() not in file.read_bytes(), file


def test_without_the_driver_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(EnvironmentProblem) as refused:
        server_options(ServerAddress("postgresql://u@h/d"))
    assert "rpa-runner[postgres]" in str(refused.value)


def test_a_user_who_may_not_make_tables_and_a_database_of_the_wrong_letters_are_told(
    fresh: Cli, postgres: PostgresServer
) -> None:
    postgres.execute("CREATE DATABASE others OWNER admin TEMPLATE template0")
    postgres.execute("CREATE DATABASE latin OWNER runner TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    try:
        refused = fresh("runs", "list", code=4, RUNNER_DATABASE_URL=postgres.address("others").url)
        assert "ALTER DATABASE name OWNER TO user" in refused.err
        told = fresh("doctor", code=4, RUNNER_DATABASE_URL=postgres.address("others").url)
        assert "may not make tables" in told.out
        wrong = fresh("runs", "list", code=4, RUNNER_DATABASE_URL=postgres.address("latin").url)
        assert "encoded in LATIN1" in wrong.err
    finally:
        postgres.drop("others")
        postgres.drop("latin")


def test_the_doctor_tells_version_size_and_what_waits_and_makes_nothing(
    fresh: Cli, postgres: PostgresServer
) -> None:
    url = postgres.new_database("looked_at", "template0").url
    try:
        found = {one["text"] for one in fresh("doctor", "--json", code=None, RUNNER_DATABASE_URL=url).json}
        assert any("PostgreSQL 1" in text and "not there yet" in text for text in found)
        assert postgres.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", "looked_at"
        ) == [(0,)]
        fresh("run", "invoice", code=1, RUNNER_DATABASE_URL=url)
        found = {one["text"] for one in fresh("doctor", "--json", code=None, RUNNER_DATABASE_URL=url).json}
        assert any("4 cases wait" in text for text in found)
        assert "every due time has exactly one end" in found
    finally:
        postgres.drop("looked_at")


def test_what_ran_on_a_file_is_not_repeated_on_an_empty_server_and_comes_over_by_a_rebuild(
    cli: Cli, server_store: ServerAddress, postgres: PostgresServer
) -> None:
    url = postgres.new_database("moved_to", "template0").url
    try:
        refused = cli("run", "invoice", code=4, RUNNER_DATABASE_URL=url)
        assert "runner rebuild" in refused.err
        cli("rebuild", RUNNER_DATABASE_URL=url)
        there = cli("cases", "list", "--json", RUNNER_DATABASE_URL=url).json
        here = cli("cases", "list", "--json").json
        assert {one["id"] for one in there} == {one["id"] for one in here}
    finally:
        postgres.drop("moved_to")


def test_a_backup_of_a_server_goes_into_another_database_and_into_no_file(
    fresh: Cli, postgres: PostgresServer, server_store: ServerAddress, tmp_path: Path
) -> None:
    def on(url: str, *words: str, code: int | None = 0) -> str:
        return fresh(*words, code=code, RUNNER_DATABASE_URL=url).said

    on(server_store.url, "run", "invoice", code=1)
    case = json.loads(on(server_store.url, "cases", "list", "--json"))[0]
    on(server_store.url, "cases", "reject", case["id"], "--reason", "not ours")
    on(server_store.url, "users", "add", "li.na", "--role", "admin")
    on(server_store.url, "backup", str(tmp_path / "b.tar.gz"))
    there = postgres.new_database("brought_back", "template0").url
    try:
        elsewhere = copy_of(fresh, tmp_path / "elsewhere")
        environment: dict[str, Any] = {"RUNNER_HOME": str(tmp_path / "home")}
        elsewhere("restore", str(tmp_path / "b.tar.gz"), RUNNER_DATABASE_URL=there, **environment)
        for words in (
            ["cases", "list", "--all", "--json"],
            ["items", "list", "invoices", "--json"],
            ["users", "list", "--json"],
        ):
            ours = fresh(*words, code=None, RUNNER_DATABASE_URL=server_store.url)
            theirs = elsewhere(*words, code=None, RUNNER_DATABASE_URL=there, **environment)
            assert (ours.code, ours.out) == (theirs.code, theirs.out)
        again = elsewhere(
            "restore", str(tmp_path / "b.tar.gz"), code=5, RUNNER_DATABASE_URL=there, **environment
        )
        assert "holds a store already" in again.err
        other = elsewhere("restore", str(tmp_path / "b.tar.gz"), code=4, RUNNER_HOME=str(tmp_path / "third"))
        assert "BACKUP_KIND" in other.err
        found = elsewhere(
            "cases", "list", "--text", case["item"], code=None, RUNNER_DATABASE_URL=there, **environment
        )
        assert found.code == 0
        elsewhere("run", "invoice", code=None, RUNNER_DATABASE_URL=there, **environment)  # numbers go on
    finally:
        postgres.drop("brought_back")
