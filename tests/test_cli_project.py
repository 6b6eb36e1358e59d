"""Bots, secrets, a new project, the doctor and the rebuild, from the command line."""

# ruff: noqa: F811 - a fixture is named where it is used

from __future__ import annotations

import json
from pathlib import Path

from runner.core.vault import Vault
from tests.cli_project import Cli, cli, empty, fresh, ran  # noqa: F401 - fixtures


def test_bots_are_described_without_running_them(empty: Cli) -> None:
    listed, as_json, page = empty.each(["bots", "--json"], ["bots", "invoice", "--json"], ["bots", "invoice"])
    found = {one["name"]: one for one in listed.json}
    assert set(found) == {"invoice", "slow"}
    assert found["invoice"]["title"] == "Post some invoices."
    one = as_json.json
    assert list(one["parameters"]["properties"]) == ["count", "folder"]
    assert one["process"] == "accounts-payable"
    assert "count      integer  5" in page.out
    assert "runner run invoice" in page.out
    assert "did you mean 'invoice'?" in empty("bots", "invoce", code=2).err


def test_a_broken_bot_file_costs_only_its_own_bots(fresh: Cli) -> None:
    (fresh.project / "bots" / "broken.py").write_text("def run(:\n", encoding="utf-8")
    answer = fresh("bots", "--json", code=3)
    assert [one["name"] for one in answer.json] == ["invoice", "slow"]
    assert "bots/broken.py:1:" in answer.err


def test_a_secret_comes_by_standard_input_and_is_never_shown(fresh: Cli) -> None:
    assert fresh("secrets", "set", "portal/password", typed="open-sesame\n").out.startswith(
        "portal/password: kept\n"
    )
    shown = fresh("secrets", "list", "--json")
    assert shown.json == [{"name": "portal/password", "hosts": None}]
    stored = b"".join(path.read_bytes() for path in fresh.home.rglob("*") if path.is_file())
    assert b"open-sesame" not in stored
    key = "-----BEGIN KEY-----\nabc\n-----END KEY-----"
    fresh("secrets", "set", "portal/key", typed=f"{key}\n")
    assert Vault(fresh.home / "vault.json", {}).get("portal/key") == key
    fresh("secrets", "remove", "portal/key")
    assert "SECRET_SHORT" in fresh("secrets", "set", "pin", typed="123\n", code=2).err
    assert "no value for 'pin'" in fresh("secrets", "set", "pin", code=2).err
    assert "did you mean 'portal/password'?" in fresh("secrets", "remove", "portal/pasword", code=4).err
    fresh("secrets", "remove", "portal/password")
    assert fresh("secrets", "list", "--json").json == []


def test_a_secret_is_for_the_hosts_that_are_said(fresh: Cli) -> None:
    said = fresh(
        "secrets", "set", "portal/password", "--hosts", "portal.example,*.x.example", typed="open-sesame\n"
    )
    assert said.out == "portal/password: kept, for *.x.example, portal.example\n"
    fresh("secrets", "hosts", "portal/password", "--add", "http://test.intern:8080")
    fresh("secrets", "set", "portal/password", typed="another-word\n")
    (one,) = fresh("secrets", "list", "--json").json
    assert one["hosts"] == ["*.x.example", "http://test.intern:8080", "portal.example"]
    assert fresh("secrets", "hosts", "portal/password", "b.example").out == "portal/password: b.example\n"
    assert "recordings may not type it" in fresh("secrets", "hosts", "portal/password", "--unsaid").out
    assert (
        "SITE: HOSTS: 'ftp://x' names no site"
        in fresh("secrets", "hosts", "portal/password", "ftp://x", code=2).err
    )
    assert "SECRET_MISSING" in fresh("secrets", "hosts", "portal/passwort", code=4).err


def test_a_new_project_works_at_once(tmp_path: Path) -> None:
    outside = Cli(tmp_path)
    assert "runner run greet" in outside("init", "bots of mine").out
    (tmp_path / "here").mkdir()
    assert "in this folder. Go on with:\n  runner run greet" in Cli(tmp_path / "here")("init", ".").out
    mine = Cli(tmp_path / "bots of mine")
    run = mine("run", "greet", "--json", code=1).json
    assert run["items"] == {"total": 3, "done": 2, "exceptions": 1, "pending": 0}
    assert "is right: 1 schedules on" in mine("schedules", "check").out
    line = (mine.project / "schedules.yaml").read_text("utf-8").partition("\n")[0]
    named = mine.project / line.removeprefix("# yaml-language-server: $schema=")
    assert json.loads(named.read_text("utf-8")) == mine("schedules", "schema").json
    case = mine.cases()["Linus"]["id"]
    mine("cases", "retry", case, "--set", "email=linus@example.com", "--run")
    assert mine.cases()["Linus"]["status"] == "resolved"
    before = (mine.project / "bots" / "greet.py").read_text("utf-8")
    assert "already" in outside("init", "bots of mine", code=2).err
    assert (mine.project / "bots" / "greet.py").read_text("utf-8") == before


def test_a_rebuilt_store_says_the_same(cli: Cli) -> None:
    cli("cases", "reject", cli.cases()["A-1"]["id"], "--reason", "not ours")
    lists = (
        ["runs", "list", "--json"],
        ["items", "list", "invoices", "--json"],
        ["cases", "list", "--status", "all", "--json"],
        ["problems", "list", "--json"],
    )
    before = [answer.json for answer in cli.each(*lists)]
    report = cli("rebuild", "--json").json
    assert (report["runs"], report["decisions"], report["damaged"]) == (1, 1, [])
    assert [answer.json for answer in cli.each(*lists)] == before
