"""The journals of a run as people read them: merged by time, narrowed, in pages, up to the first damage."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.cases.run_log import LogFilter, log_stamp, read_log
from runner.journal.write import Journal
from runner.store.models import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with a worker's journal and two lanes, 2 + 6 + 3 lines."""
    found = Run(id="r", bot="post", folder="r")
    folder = tmp_path / "r"
    with (
        Journal(folder / "journal.jsonl", run="r", lane=0, bot="post") as worker,
        Journal(folder / "lane-1" / "journal.jsonl", run="r", lane=1, bot="post") as one,
        Journal(folder / "lane-2" / "journal.jsonl", run="r", lane=2, bot="post") as two,
    ):
        worker.event("run.started", "it begins")
        for number in range(3):
            one.event("log", f"one {number}", item=f"A-{number}", queue="orders")
            two.event("log", f"two {number}", level="WARNING" if number == 1 else "INFO")
            one.event(
                "log",
                f'said "quoted" and 发票 {number}',
                level="ERROR" if number == 2 else "INFO",
                data={"page": f"Größe/{number}"},
            )
        worker.event("run.finished", "it ends")
    return found


def said(
    runs: Path, run: Run, wanted: LogFilter | None = None, first: int | None = None, size: int = 100
) -> list[str]:
    return [line.message for line in read_log(runs, run, wanted or LogFilter(), first, size).lines]


def test_lanes_are_merged_by_time(tmp_path: Path, run: Run) -> None:
    lines = said(tmp_path, run)
    assert lines[0] == "it begins"
    assert lines[-1] == "it ends"
    assert lines[1:4] == ["one 0", "two 0", 'said "quoted" and 发票 0']


def test_a_page_is_the_end_unless_another_is_asked_for(tmp_path: Path, run: Run) -> None:
    last = read_log(tmp_path, run, LogFilter(), None, 4)
    assert (last.first, last.total, last.later, last.earlier) == (7, 11, None, 3)
    first = read_log(tmp_path, run, LogFilter(), 0, 4)
    assert (first.first, first.later, first.earlier) == (0, 4, None)
    everything = [
        *said(tmp_path, run, first=0, size=4),
        *said(tmp_path, run, first=4, size=4),
        *said(tmp_path, run, first=8, size=4),
    ]
    assert everything == said(tmp_path, run)
    assert said(tmp_path, run, first=999) == []


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (LogFilter(level="warning"), ["two 1", 'said "quoted" and 发票 2']),
        (LogFilter(level="error"), ['said "quoted" and 发票 2']),
        (LogFilter(text="ONE"), ["one 0", "one 1", "one 2"]),
        (LogFilter(text="发票 1"), ['said "quoted" and 发票 1']),
        (LogFilter(text='"quoted" 2'), ['said "quoted" and 发票 2']),
        (LogFilter(text="grösse/1"), ['said "quoted" and 发票 1']),
        (LogFilter(text="größe/1"), ['said "quoted" and 发票 1']),
        (LogFilter(item="A-1"), ["one 1"]),
        (LogFilter(lane=2), ["two 0", "two 1", "two 2"]),
        (LogFilter(lane=2, level="error"), []),
        (LogFilter(text="crc"), []),
        (LogFilter(text="begins"), ["it begins"]),
    ],
)
def test_lines_are_narrowed(tmp_path: Path, run: Run, wanted: LogFilter, expected: list[str]) -> None:
    assert said(tmp_path, run, wanted) == expected


def test_reading_ends_at_damage_and_says_in_which_lane(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "r" / "lane-1" / "journal.jsonl"
    content = bytearray(path.read_bytes())
    content[content.index(b"one 1") + 4] ^= 1
    path.write_bytes(content)
    shown = read_log(tmp_path, run, LogFilter())
    assert [lane for lane, _ in shown.faults] == [1]
    assert [line.message for line in shown.lines if line.lane == 1] == ["one 0", 'said "quoted" and 发票 0']


def test_a_line_that_is_being_written_is_no_fault(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "r" / "lane-2" / "journal.jsonl"
    before = log_stamp(tmp_path, run)
    path.write_bytes(path.read_bytes() + b'{"v":1,"seq"')
    assert log_stamp(tmp_path, run) != before
    shown = read_log(tmp_path, run, LogFilter())
    assert (shown.faults, shown.total) == ((), 11)


def test_a_run_without_a_journal_has_no_lines(tmp_path: Path) -> None:
    shown = read_log(tmp_path, Run(id="x", bot="post", folder="x"), LogFilter())
    assert (shown.lines, shown.total, shown.faults) == ((), 0, ())
