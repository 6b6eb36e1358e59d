"""Files that arrive: four writers in bursts, half of them slow, a restart in between; each file exactly once and whole."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runner.core.schedules_events import FileArrives
from runner.core.schedules_model import Schedule
from runner.core.settings import Settings
from runner.engine.arrivals import FileWatch, tidy
from runner.engine.scheduler import Scheduler
from runner.store.models import Occurrence, Run
from tests.engine_project import project, until

FILES = int(os.environ.get("ARRIVING_FILES", "120"))
WHOLE = 64 * 1024
WRITER = """
import random, sys, time
from pathlib import Path
folder, number, count, size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
chance = random.Random(number)
for n in range(count):
    path = folder / f"w{number}-{n}.xlsx"
    with path.open("wb", buffering=0) as file:
        for _ in range(8):
            file.write(b"x" * (size // 8))
            if n % 2:
                time.sleep(chance.uniform(0, 0.03))
    if n % 20 == 19:
        time.sleep(0.3)
"""


def wanted(**values: object) -> FileArrives:
    entry = {"id": "a", "bot": "b", "file": {"glob": "inbox/*.xlsx", "stable": "300ms", **values}}
    file = Schedule.model_validate(entry).file
    assert file is not None
    return file


def test_each_of_many_files_is_seen_once_and_whole(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(inbox), str(n), str(FILES // 4), str(WHOLE)])
        for n in range(4)
    ]
    keys: dict[str, str] = {}
    halves: list[str] = []
    watch = FileWatch(tmp_path, wanted())
    restarted = threading.Event()

    def look() -> bool:
        nonlocal watch
        for one in watch.look():
            if one.key not in keys:  # what the store's ledger says to a scheduler
                keys[one.key] = one.path.name
                if one.path.stat().st_size != WHOLE:
                    halves.append(one.path.name)
        if len(keys) > FILES // 3 and not restarted.is_set():
            restarted.set()
            watch = FileWatch(tmp_path, wanted())  # a restart forgets all that was seen
        return len(keys) >= FILES and all(writer.poll() is not None for writer in writers)

    try:
        until(look, 120)
    finally:
        for writer in writers:
            writer.kill()
            writer.wait(60)
    assert halves == []
    assert len(keys) == len(set(keys.values())) == FILES
    assert restarted.is_set()


def test_a_file_that_somebody_has_open_waits(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    book = tmp_path / "inbox" / "orders.xlsx"
    book.write_text("x")
    ticks = iter(range(0, 1000, 10))
    watch = FileWatch(tmp_path, wanted(), lambda: float(next(ticks)))
    mark = tmp_path / "inbox" / "~$orders.xlsx"
    mark.write_text("")
    assert list(watch.look()) == []
    assert list(watch.look()) == []
    mark.unlink()
    assert [one.path for one in watch.look()] == [book]
    assert list(watch.look(busy=[str(book)])) == []


def test_a_folder_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    assert list(FileWatch(tmp_path, wanted()).look()) == []


def test_tidying_keeps_a_file_of_the_same_name_and_one_that_came_later(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    later = datetime.fromtimestamp(time.time() + 60, UTC)
    book = tmp_path / "orders.xlsx"
    for text in ("first", "second"):
        book.write_text(text)
        assert tidy(book, "archive", now, ended=later) is not None
    assert sorted(path.read_text() for path in (tmp_path / "archive").iterdir()) == ["first", "second"]
    book.write_text("third")
    assert tidy(book, "archive", now, ended=now - timedelta(minutes=1)) is None
    assert tidy(book, "", now, ended=later) is None
    assert book.exists()
    assert tidy(tmp_path / "gone.xlsx", "archive", now, ended=later) is None


@pytest.mark.usefixtures("store")
def test_each_of_many_files_starts_exactly_one_run_over_a_restart_of_the_scheduler(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    file = "{glob: 'inbox/*.xlsx', parameter: book, stable: 300ms}"
    text = f"schedules:\n  - {{id: arriving, bot: take, file: {file}, overlap: queue}}\n"
    settings = project(tmp_path, "@bot\ndef take(book: str) -> None:\n    pass\n", text)
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(inbox), str(n), str(FILES // 4), str(WHOLE)])
        for n in range(4)
    ]
    try:
        with scheduling(settings):
            until(lambda: Run.objects.count() > FILES // 3, 120)
        with scheduling(settings):
            until(lambda: Run.objects.count() >= FILES and all(w.poll() is not None for w in writers), 240)
    finally:
        for writer in writers:
            writer.kill()
            writer.wait(60)
    books = [run.parameters["book"] for run in Run.objects.all()]
    assert len(books) == len(set(books)) == FILES
    assert all(Path(book).stat().st_size == WHOLE for book in books)
    ends = Occurrence.objects.values_list("state", "run")
    assert {state for state, _ in ends} == {"ran"}
    assert {run for _, run in ends} == set(Run.objects.values_list("pk", flat=True))


@contextmanager
def scheduling(settings: Settings) -> Iterator[None]:
    """A scheduler that serves in a thread while the block runs."""
    scheduler = Scheduler(settings, {})
    thread = threading.Thread(target=scheduler.serve)
    thread.start()
    try:
        yield
    finally:
        scheduler.stop()
        thread.join(60)
