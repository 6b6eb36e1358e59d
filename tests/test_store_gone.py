"""A store whose file is moved away or deleted: nothing new begins, nobody is told that something was kept, nothing is done again."""

# ruff: noqa: F811 - a fixture is named where it is used

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner.core.nouns import RunStatus
from runner.store.models import Run
from runner.store.presence import StoreFile
from tests.cli_project import Cli, cli  # noqa: F401 - fixtures
from tests.desk_place import Desk
from tests.engine_project import project, until, worker


def test_a_store_is_known_by_its_file_not_by_its_name(store: Path) -> None:
    opened = StoreFile()
    assert opened.trouble() == ""
    away = store.rename(store.with_name("away"))
    assert "is not there any more" in opened.trouble()
    store.write_bytes(b"another one")
    assert "another file is in the place" in opened.trouble()
    away.replace(store)
    assert opened.trouble() == ""


def test_no_run_starts_on_a_store_that_was_moved_away_until_it_is_back(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, real = [0], StoreFile.trouble

    def counted(self: StoreFile) -> str:
        found = real(self)
        looks[0] += 1
        return found

    monkeypatch.setattr(StoreFile, "trouble", counted)
    settings = project(tmp_path, "@bot\ndef count() -> None:\n    pass\n")
    said: list[str] = []
    hand = worker(settings, said)
    thread = threading.Thread(target=hand.serve)
    thread.start()
    try:
        Run.objects.create(id="first", bot="count", queued=datetime.now(UTC))
        until(lambda: Run.objects.filter(status=RunStatus.DONE).exists())
        away = store.rename(store.with_name("away"))
        until(lambda: any("the store has gone" in text for text in said))
        Run.objects.create(id="second", bot="count", queued=datetime.now(UTC))  # into the file that was moved
        begun = looks[0]
        until(lambda: looks[0] > begun + 2)
        assert Run.objects.get(pk="second").status == RunStatus.QUEUED
        assert len([text for text in said if "the store has gone" in text]) == 1
        away.rename(store)
        until(lambda: Run.objects.filter(pk="second", status=RunStatus.DONE).exists())
    finally:
        hand.stop()
        thread.join()


def test_beside_journals_no_empty_store_is_made_and_what_is_done_is_not_done_again(cli: Cli) -> None:
    before = cli("items", "list", "invoices", "--json").json
    for file in cli.home.glob("store.sqlite3*"):
        file.unlink()
    for words in (["run", "invoice"], ["cases", "list"], ["worker"], ["up", "--no-desk"], ["desk"]):
        answer = cli(*words, code=4)
        assert "STORE_GONE" in answer.err
        assert "runner rebuild" in answer.err
    assert not (cli.home / "store.sqlite3").exists()
    doctor = cli("doctor", code=4)
    assert "error   store" in doctor.out
    assert "runner rebuild" in doctor.out
    cli("rebuild")
    assert [(i["key"], i["status"]) for i in cli("items", "list", "invoices", "--json").json] == [
        (i["key"], i["status"]) for i in before
    ]


@pytest.mark.parametrize("moved", [True, False])
def test_the_desk_acknowledges_no_decision_while_its_store_is_away(desk: Desk, moved: bool) -> None:
    client = desk.client("supervisor", language="en")
    assert client.get("/cases/").status_code == 200
    database = desk.settings.database
    away = database.with_name("away")
    if moved:
        database.rename(away)
    try:
        answer = client.post("/cases/bulk/", {"act": "claim"})
        assert (answer.status_code == 503) == moved
        assert ("the store has gone" in answer.content.decode()) == moved
    finally:
        if moved:
            away.rename(database)
