"""Journals that have lost their tail, or themselves, behind what the store has taken in: the run still comes to its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.core.nouns import AttemptStatus, RunStatus
from runner.journal import read_journal, seal
from runner.journal.write import Journal
from runner.store.models import Attempt, Case, Lane, Run
from tests.engine_project import kill_a_worker, nothing_left, project, statuses, until, worker

BOT = """
@bot
def count() -> None:
    numbers.put(Number(n=n) for n in range(3))
    numbers.each(one)

def one(item: Item[Number]) -> None:
    if item.data.n == 1:
        item.irreversible("submit", lambda: (log.info("submitting"), time.sleep(600)))
"""


@pytest.mark.parametrize("lost", ["the last lines", "half a line", "everything", "the folder"])
@pytest.mark.usefixtures("store")
def test_a_run_whose_journals_lost_what_was_taken_in_ends_and_its_open_intent_is_asked_about(
    tmp_path: Path, lost: str
) -> None:
    settings = project(tmp_path, BOT)
    kill_a_worker(settings, lambda: _taken_in_with_its_intent(settings.runs))
    for path in settings.runs.rglob("journal.jsonl"):
        _lose(path, lost)
    worker(settings).take_over()
    run = Run.objects.get()
    assert run.status == RunStatus.LOST
    assert statuses() == {"0": "done", "1": "exception", "2": "pending"}
    assert set(Case.objects.values_list("kind", "why")) == {("unknown", "item"), ("application", "crash")}
    assert not Attempt.objects.filter(status=AttemptStatus.RUNNING).exists()
    until(nothing_left)
    worker(settings).run_now("count", {}, requested_by="test")
    assert statuses() == {"0": "done", "1": "exception", "2": "done"}


def _taken_in_with_its_intent(runs: Path) -> bool:
    path = next(runs.rglob("lane-1/journal.jsonl"), None)
    reading = path and read_journal(path)
    if not reading or "irreversible.intent" not in {line.event for line in reading.lines}:
        return False
    return Lane.objects.filter(offset=reading.end).exists()


def _lose(path: Path, lost: str) -> None:
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    match lost:
        case "the last lines":
            path.write_bytes(b"".join(lines[: len(lines) // 2]))
        case "half a line":
            path.write_bytes(whole[: -len(lines[-1]) // 2])
        case "everything":
            path.write_bytes(b"")
        case _:
            path.unlink()


def test_at_no_moment_of_sealing_is_there_no_journal_under_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path, run="r", lane=1, bot="b") as journal:
        for n in range(3):
            journal.event("log", f"line {n}")
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"half')
    real = Path.replace

    def dies_before_it_replaces(self: Path, target: Path) -> Path:
        if target == path:
            raise KeyboardInterrupt  # the process is killed here
        return real(self, target)

    with monkeypatch.context() as context:
        context.setattr(Path, "replace", dies_before_it_replaces)
        with pytest.raises(KeyboardInterrupt):
            seal.seal(path)
    assert path.read_bytes() == whole + b'{"half'
    with path.open("ab") as held:  # a writer that lost its lease
        seal.seal(path)
        held.write(b"too late")
    assert path.read_bytes() == whole
    assert len(read_journal(path).lines) == 3
