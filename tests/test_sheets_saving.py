"""Saving: who has the file open, what a kill leaves, in which order things reach the disk."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from runner import sheets
from runner.core.errors import WorkbookError, WorkbookLoss
from runner.sheets import saving
from tests.sheets_workbook import Order, cell, orders


def busy_words(error: WorkbookError) -> None:
    for word in ("WB_BUSY", "is open in Excel by", "or changed since", "nothing was written"):
        assert word in str(error)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def excel_lock(owner: str) -> bytes:
    name = owner.encode("utf-16-le")
    return (
        bytes([len(owner)])
        + owner.encode("cp1252", "replace").ljust(53)
        + bytes([len(owner), 0])
        + name.ljust(109, b" ")
    )


@pytest.mark.parametrize(
    ("lock", "content", "who"),
    [
        ("~$a.xlsx", excel_lock("Ann Bo"), "Excel by Ann Bo"),
        ("~$a.xlsx", excel_lock("李伟"), "Excel by 李伟"),
        ("~$a.xlsx", b"", "Excel by somebody"),
        (".~lock.a.xlsx#", b"Ann Bo,ann,host,24.11.2026 10:00,file:///x;", "LibreOffice by Ann Bo"),
    ],
)
def test_an_open_workbook_is_left_alone_and_its_owner_named(
    tmp_path: Path, lock: str, content: bytes, who: str
) -> None:
    path = orders(tmp_path / "a.xlsx")
    before = path.read_bytes()
    (tmp_path / lock).write_bytes(content)
    with pytest.raises(WorkbookError) as caught:
        sheets.patch_cells(path, path, "Orders", {(2, 3): "x"})
    busy_words(caught.value)
    assert who in str(caught.value)
    assert path.read_bytes() == before


def test_a_read_only_target_and_a_changed_source_are_left_alone(tmp_path: Path) -> None:
    path = orders(tmp_path / "a.xlsx")
    read = sheets.read(path, Order)
    path.chmod(0o444)
    with pytest.raises(WorkbookError, match="read-only") as caught:
        sheets.patch_cells(path, path, "Orders", {(2, 3): "x"})
    busy_words(caught.value)
    path.chmod(0o644)
    sheets.patch_cells(path, path, "Orders", {(2, 3): "x"})
    for stale in (read.fingerprint, sheets.Fingerprint("0" * 64, 1, 1)):
        with pytest.raises(WorkbookError, match="has changed since it was read") as caught:
            sheets.patch_cells(path, path, "Orders", {(2, 3): "y"}, fingerprint=stale)
        busy_words(caught.value)
        with pytest.raises(WorkbookError, match="has changed since it was read") as caught:
            sheets.write_results(path, None, [], fingerprint=stale)
        busy_words(caught.value)
    assert files(tmp_path) == ["a.xlsx"]


def test_a_change_during_the_save_is_noticed_before_the_file_is_replaced(tmp_path: Path) -> None:
    path = orders(tmp_path / "a.xlsx")
    seen = sheets.read(path, Order).fingerprint

    def meanwhile(_new: Path) -> None:
        path.write_bytes(b"theirs")

    with pytest.raises(WorkbookError, match="has changed since it was read"):
        saving.replace(path, lambda out: None, meanwhile, expected=seen)
    assert path.read_bytes() == b"theirs"
    assert files(tmp_path) == ["a.xlsx"]


def test_a_failing_check_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = orders(tmp_path / "a.xlsx")
    before = path.read_bytes()

    def fails(_new: Path) -> None:
        raise WorkbookLoss("differs")

    with pytest.raises(WorkbookLoss):
        saving.replace(path, lambda out: None, fails)
    assert path.read_bytes() == before
    assert files(tmp_path) == ["a.xlsx"]


SAVER = """
import sys
from pathlib import Path
from runner import sheets
number = 0
while True:
    number += 1
    print(number, flush=True)
    sheets.patch_cells(sys.argv[1], sys.argv[1], "Orders", {(2, 3): number, (3, 3): number})
"""


@pytest.mark.parametrize("saves", [1, 2, 3, 5, 8, 13])
def test_a_kill_during_a_save_leaves_the_old_file_or_the_new_one(tmp_path: Path, saves: int) -> None:
    path = orders(tmp_path / "a.xlsx")
    command = [sys.executable, "-c", SAVER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]) as child:
        assert child.stdout is not None
        started = [child.stdout.readline() for _ in range(saves)]
        child.kill()
        started += child.stdout.readlines()
    assert started[0] == "1\n"
    found = cell(path, "Orders", "C2").value, cell(path, "Orders", "C3").value
    assert found in {(n or None, n or None) for n in range(len(started) + 1)}
    assert cell(path, "Orders", "B9").value == 22.5
    left = [p for p in tmp_path.iterdir() if p.is_file() and p != path]
    assert len(left) <= 1
    for unfinished in left:
        os.utime(unfinished, (0, 0))
    sheets.patch_cells(path, path, "Orders", {(2, 3): "done"})
    assert files(tmp_path) == ["a.xlsx"]


def test_the_new_file_is_on_disk_before_it_takes_the_place_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = orders(tmp_path / "a.xlsx")
    before = path.stat().st_ino
    synced: list[tuple[str, bool]] = []
    sync = os.fsync

    def watched(handle: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file"
        synced.append((kind, path.stat().st_ino == before))
        sync(handle)

    monkeypatch.setattr(os, "fsync", watched)
    sheets.patch_cells(path, path, "Orders", {(2, 3): "x"})
    assert synced == [("file", True), ("folder", False)]


def test_the_last_states_of_a_workbook_changed_in_place_are_kept(tmp_path: Path) -> None:
    path = orders(tmp_path / "a.xlsx")
    states = [path.read_bytes()]
    for number in range(1, 5):
        sheets.patch_cells(path, path, "Orders", {(2, 3): number}, backups=3)
        states.append(path.read_bytes())
    kept = saving.backups_of(path)
    assert [one.read_bytes() for one in kept] == states[1:4]
    assert all(one.parent == tmp_path / ".backups" for one in kept)
    sheets.patch_cells(path, tmp_path / "copy.xlsx", "Orders", {(2, 3): 9})
    sheets.patch_cells(path, path, "Orders", {(2, 3): 9}, backups=0)
    assert saving.backups_of(path) == kept


def test_without_room_for_a_backup_nothing_is_written(tmp_path: Path) -> None:
    path = orders(tmp_path / "a.xlsx")
    before = path.read_bytes()
    (tmp_path / ".backups").write_text("a file of somebody")
    with pytest.raises(WorkbookError, match="no backup can be kept") as caught:
        sheets.patch_cells(path, path, "Orders", {(2, 3): "x"})
    busy_words(caught.value)
    assert path.read_bytes() == before
    assert files(tmp_path) == [".backups", "a.xlsx"]


def test_a_link_to_a_workbook_stays_a_link(tmp_path: Path) -> None:
    path, link = orders(tmp_path / "a.xlsx"), tmp_path / "link.xlsx"
    link.symlink_to(path)
    sheets.patch_cells(link, link, "Orders", {(2, 3): "x"})
    assert link.is_symlink()
    assert cell(path, "Orders", "C2").value == "x"
