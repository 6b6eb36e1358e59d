"""A full disk: the last lines of a journal fit in what was kept free for them, and after that nothing is believed."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner.core.errors import EnvironmentProblem
from runner.core.reserve import SIZE, make_reserve
from runner.core.settings import prepare_home
from runner.journal import read_journal
from runner.journal.write import Journal
from runner.store.models import Run
from tests.engine_project import project, until, worker


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 3 MB where this user may mount one, else on the disk of the test."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = _mount(folder)
    yield folder
    if mounted:
        subprocess.run(["umount", str(folder)], check=True)


def _mount(folder: Path) -> bool:
    try:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], check=False, capture_output=True
        )
    except FileNotFoundError:
        return False
    return done.returncode == 0


def fill(folder: Path, monkeypatch: pytest.MonkeyPatch, reserve: Path) -> None:
    """Leave no room: by a file that takes all of a small disk, or by a system call that says so while the reserve is there."""
    if os.path.ismount(folder):
        with (folder / "filler").open("ab", buffering=0) as file:
            size = 65_536
            while size:
                try:
                    file.write(b"x" * size)
                except OSError:
                    size //= 2
        return
    write: Callable[[int, bytes], int] = os.write

    def full(file: int, data: bytes) -> int:
        if reserve.exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(file, data)

    monkeypatch.setattr(os, "write", full)


def test_the_last_lines_fit_in_the_reserve(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reserve = small_disk / "reserve"
    assert make_reserve(reserve) == ""
    assert make_reserve(reserve) == ""  # it is there already
    with Journal(small_disk / "j", run="r", lane=1, bot="b", reserve=reserve) as log:
        log.event("log", "before")
        fill(small_disk, monkeypatch, reserve)
        for n in range(50):  # one page is half empty, so the first ones may fit without it
            log.event("log", f"after {n} " + "x" * 2000, sync=True)
    reading = read_journal(small_disk / "j")

    assert not reserve.exists()
    assert reading.fault is None
    assert [line.seq for line in reading.lines] == list(range(1, 52))


def test_without_a_reserve_a_full_disk_is_an_error_and_leaves_whole_lines(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve = small_disk / "reserve"
    make_reserve(reserve)
    with Journal(small_disk / "j", run="r", lane=1, bot="b") as log:
        log.event("log", "before")
        fill(small_disk, monkeypatch, reserve)
        with pytest.raises(OSError, match="No space left"):
            log.event("log", "after " + "x" * 10_000)
    reading = read_journal(small_disk / "j")

    assert reserve.exists()
    assert (reading.fault, [line.message for line in reading.lines]) == (None, ["before"])


def test_what_is_no_full_disk_leaves_the_reserve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reserve = tmp_path / "reserve"
    make_reserve(reserve)

    def broken(file: int, data: bytes) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with Journal(tmp_path / "j", run="r", lane=1, bot="b", reserve=reserve) as log:
        monkeypatch.setattr(os, "write", broken)
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            log.event("log", "x")
    assert reserve.stat().st_size == SIZE


@pytest.mark.usefixtures("store")
def test_no_run_starts_until_the_reserve_can_be_made_again(tmp_path: Path) -> None:
    from runner.cases.queued import queue_run
    from runner.core.clock import now
    from runner.core.ids import uuid7

    settings = project(tmp_path, "@bot\ndef count() -> None:\n    pass\n")
    settings.reserve.unlink()
    settings.reserve.mkdir()  # in its place: it can't be made
    prepare_home(settings)  # looking at what is there must still be possible
    with pytest.raises(EnvironmentProblem, match=r"CLI_DISK.*reserve.*no new run will start"):
        worker(settings).run_now("count", {}, requested_by="test")

    run = queue_run(uuid7(now()), {"bot": "count"}, now())
    said: list[str] = []
    hand = worker(settings, said)
    thread = threading.Thread(target=hand.serve)
    thread.start()
    until(lambda: any("no new run will start" in text for text in said))
    assert Run.objects.get(pk=run.pk).status == "queued"
    settings.reserve.rmdir()
    until(lambda: Run.objects.get(pk=run.pk).status == "done")
    hand.stop()
    thread.join()
    assert settings.reserve.stat().st_size == SIZE
