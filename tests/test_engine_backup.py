"""A backup made while runs go on can be restored, and a damaged one is refused before anything is touched."""

from __future__ import annotations

import io
import shutil
import sqlite3
import tarfile
import threading
from pathlib import Path

import pytest

from runner.core.errors import ConflictError, EnvironmentProblem
from runner.core.settings import Settings
from runner.core.vault import Vault
from runner.engine.backup import make_backup, restore_backup
from tests.engine_project import project, until, worker

BOT = """
@bot
def count() -> None:
    numbers.put(Number(n=n) for n in range(60))
    numbers.each(lambda item: time.sleep(0.01))
"""


@pytest.fixture
def used(tmp_path: Path, store: Path) -> Settings:
    """The settings of a project that has run once; its store is where the settings say."""
    settings = project(tmp_path, BOT, home=tmp_path)
    assert settings.database == store
    Vault(settings.vault, {}).set("portal/password", "correct horse")
    return settings


def counts(database: Path) -> dict[str, int]:
    with sqlite3.connect(database) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        found = connection.execute("SELECT status, COUNT(*) FROM store_item GROUP BY status").fetchall()
    connection.close()
    return dict(found)


def test_what_was_backed_up_while_a_run_went_on_is_restored_whole(used: Settings, tmp_path: Path) -> None:
    thread = threading.Thread(target=run_once, args=(used,))
    thread.start()
    until(lambda: counts(used.database).get("done", 0) > 5)
    file = tmp_path / "backup.tar.gz"
    report = make_backup(used, file)
    thread.join()
    assert report.files > 3
    there = used.model_copy(update={"home": tmp_path / "elsewhere"})
    restore_backup(there, file)
    found = counts(there.database)
    assert sum(found.values()) == 60
    assert found["done"] > 5
    assert list(there.runs.rglob("journal.jsonl"))
    assert not there.vault.with_suffix(".key").exists()


def run_once(settings: Settings) -> None:
    from django.db import connections

    worker(settings).run_now("count", {}, requested_by="test")
    connections.close_all()


def test_all_that_people_and_runs_left_goes_along_and_what_goes_away_meanwhile_is_no_error(
    used: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "uploads/ab/orders.xlsx",
        "uploads/cd/orders.new",
        "runs/2026/11/29/r/outputs/public.key",
        "proofs/note.pdf",
        "sign-ins/a.sealed",
        "sources/01/0123",
        "passing",
    ):
        (used.home / name).parent.mkdir(parents=True, exist_ok=True)
        (used.home / name).write_bytes(name.encode())
    (used.home / "webhooks.key").write_text("key")

    def told(name: str) -> None:
        if name == "passing":
            (used.home / name).unlink()

    make_backup(used, tmp_path / "b.tar.gz", progress=told)
    there = used.model_copy(update={"home": tmp_path / "elsewhere"})
    restore_backup(there, tmp_path / "b.tar.gz")
    for name in (
        "uploads/ab/orders.xlsx",
        "uploads/cd/orders.new",
        "runs/2026/11/29/r/outputs/public.key",
        "proofs/note.pdf",
        "sign-ins/a.sealed",
        "sources/01/0123",
    ):
        assert (there.home / name).read_bytes() == name.encode()
    assert not list(there.home.glob("*.key"))
    assert not (there.home / "b.tar.gz.unfinished").exists()


def test_a_restore_that_is_cut_off_can_be_called_again_and_keeps_journals_that_say_more(
    used: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_once(used)
    make_backup(used, tmp_path / "b.tar.gz")
    there = used.model_copy(update={"home": tmp_path / "elsewhere"})
    real = Path.replace

    def cut_off(self: Path, target: Path) -> Path:
        if target == there.database:
            raise KeyboardInterrupt
        return real(self, target)

    with monkeypatch.context() as context:
        context.setattr(Path, "replace", cut_off)
        with pytest.raises(KeyboardInterrupt):
            restore_backup(there, tmp_path / "b.tar.gz")
    assert not there.database.exists()
    journal = next(there.runs.rglob("lane-1/journal.jsonl"))
    with journal.open("ab") as more:
        more.write(b"said after the backup")
    restore_backup(there, tmp_path / "b.tar.gz")
    assert counts(there.database) == {"done": 60}
    assert journal.read_bytes().endswith(b"said after the backup")


def test_with_its_key_the_vault_opens_again(used: Settings, tmp_path: Path) -> None:
    make_backup(used, tmp_path / "b.tar.gz", with_key=True)
    there = used.model_copy(update={"home": tmp_path / "elsewhere"})
    restore_backup(there, tmp_path / "b.tar.gz")
    assert Vault(there.vault, {}).get("portal/password") == "correct horse"


def test_a_store_that_is_there_is_never_overwritten(used: Settings, tmp_path: Path) -> None:
    make_backup(used, tmp_path / "b.tar.gz")
    with pytest.raises(ConflictError, match="holds a store already"):
        restore_backup(used, tmp_path / "b.tar.gz")
    with pytest.raises(ConflictError, match="file of this name"):
        make_backup(used, tmp_path / "b.tar.gz")


@pytest.mark.parametrize("damage", ["cut", "flipped", "text"])
def test_a_damaged_backup_is_refused_and_nothing_is_put_in_place(
    used: Settings, tmp_path: Path, damage: str
) -> None:
    file = tmp_path / "b.tar.gz"
    make_backup(used, file)
    whole = file.read_bytes()
    middle = len(whole) // 2
    flipped = bytearray(whole)
    flipped[middle] ^= 0x10
    file.write_bytes({"cut": whole[:middle], "flipped": bytes(flipped), "text": b"hello"}[damage])
    there = used.model_copy(update={"home": tmp_path / "elsewhere"})
    with pytest.raises(EnvironmentProblem, match="damaged or no backup"):
        restore_backup(there, file)
    assert list(there.home.iterdir()) == []
    shutil.rmtree(there.home)


@pytest.mark.parametrize(("name", "kind"), [("../outside", tarfile.REGTYPE), ("link", tarfile.SYMTYPE)])
def test_what_is_no_file_of_a_data_folder_is_not_unpacked(
    used: Settings, tmp_path: Path, name: str, kind: bytes
) -> None:
    facts = tarfile.TarInfo(name)
    facts.type, facts.linkname = kind, "/etc/hostname"
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz") as archive:
        archive.addfile(facts, io.BytesIO())
    there = used.model_copy(update={"home": tmp_path / "elsewhere"})

    with pytest.raises(EnvironmentProblem, match=f"{name} is not a file of a data folder"):
        restore_backup(there, tmp_path / "b.tar.gz")
    assert list(there.home.iterdir()) == []
