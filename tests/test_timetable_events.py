"""Schedules that wait for a file, for items or for another schedule; deadlines, jitter, samples and outputs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from runner.core.errors import ConfigurationError, ErrorReport
from runner.core.nouns import RunStatus
from runner.core.schedules_events import Ending
from runner.core.schedules_model import Schedule
from runner.core.schedules_pilot import read_sample
from runner.timetable.dates import render
from runner.timetable.deadlines import deadline_of, foresee, jitter_of
from runner.timetable.describe import describe_planned
from runner.timetable.events import follows
from runner.timetable.loading import Timetable, load

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")


def loaded(folder: Path, *entries: str) -> Timetable:
    path = folder / "schedules.yaml"
    lines = "".join(f"  - {{bot: count, {entry}}}\n" for entry in entries)
    path.write_text(f"schedules:\n{lines}", encoding="utf-8")
    return load(path, None, NOON)


def schedule(**values: object) -> Schedule:
    return Schedule.model_validate({"id": "orders", "bot": "count", "every": "1h", **values})


@pytest.mark.parametrize(
    ("entry", "english", "chinese"),
    [
        ('file: "inbox/*.xlsx"', "when a file inbox/*.xlsx arrives", "文件 inbox/*.xlsx 到达时"),
        (
            "queue: {name: orders, pending: 20, oldest: 30m}",
            "when in queue orders 20 items wait or the oldest one waits 30m",
            "队列 orders 有 20 条待处理或最早一条已等待 30m时",
        ),
        (
            "after: {schedule: first, when: [succeeded, exceptions]}",
            "after first succeeded or ended with exceptions",
            "first 成功或有异常结束后",
        ),
    ],
)
def test_what_a_schedule_waits_for_is_said_in_both_languages(
    entry: str, english: str, chinese: str, tmp_path: Path
) -> None:
    one = loaded(tmp_path, "id: first, every: 1h", f"id: second, {entry}").planned[1]
    assert describe_planned(one, one.zone) == english
    assert describe_planned(one, one.zone, "zh") == chinese
    assert one.next_run(NOON) is None
    assert list(one.due_times(NOON, NOON + timedelta(days=9))) == []


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (["id: a, after: b", "id: b, after: a"], ["SCHED_CYCLE", "waits for itself: a after b after a"]),
        (["id: a, after: a"], ["SCHED_CYCLE", "waits for itself"]),
        (["id: first, every: 1h", "id: b, after: frist"], ["SCHED_AFTER", "did you mean 'first'?"]),
        (["id: a, queue: {name: orders}"], ["neither pending nor oldest", "pending: 20"]),
        (["id: a, file: {glob: 'in/**/*.xlsx'}"], ["SCHED_FILE_GLOB", "in/**/*.xlsx", "inbox/*.xlsx"]),
        (["id: a, file: {globb: 'in/*'}"], ["unknown key 'globb'", "did you mean 'glob'?"]),
        (["id: a, every: 1h, file: 'in/*'"], ["SCHED_TRIGGER", "has every and file"]),
        (["id: a, file: 'in/*', jitter: 5m"], ["jitter only with a time"]),
        (["id: a, every: 1h, sample: many"], ["'sample' is 'many'", '"10 items", "5 %" or']),
        (["id: a, every: 1h, deadline: late"], ["'deadline' is 'late'", '"17:00" or "2h"']),
        (["id: a, every: 1h, stage: plot"], ["'stage'", "did you mean 'pilot'?"]),
        (["id: a, every: 1h, parameters: {x: '{{ outputs.report }}'}"], ["outputs only with after"]),
    ],
)
def test_a_mistake_is_named_with_its_line(entries: list[str], words: list[str], tmp_path: Path) -> None:
    with pytest.raises(ErrorReport) as caught:
        loaded(tmp_path, *entries)
    for word in words:
        assert word in str(caught.value)


def test_a_deadline_is_a_time_of_the_day_or_a_length() -> None:
    assert deadline_of(schedule(deadline="2h"), NOON) == NOON + timedelta(hours=2)
    assert deadline_of(schedule(deadline="17:00"), NOON) == NOON + timedelta(hours=5)
    assert deadline_of(schedule(deadline="11:00"), NOON) == NOON + timedelta(hours=23)
    berlin = schedule(deadline="17:00", timezone="Europe/Berlin")
    assert deadline_of(berlin, NOON) == NOON + timedelta(hours=4)
    assert deadline_of(schedule(), NOON) is None


def test_a_run_that_its_history_makes_late_is_foreseen() -> None:
    minutes = [timedelta(minutes=n) for n in range(200)]
    one = schedule(deadline="1h")
    assert foresee(one, NOON, NOON, minutes[30], minutes[60]) is None
    may = foresee(one, NOON, NOON, minutes[30], minutes[61])
    assert may is not None
    assert not may.surely
    assert "may be late: must be finished by 2026-11-24 13:00Z" in may.text
    will = foresee(one, NOON, NOON + minutes[31], minutes[30], minutes[61])
    assert will is not None
    assert will.surely


def test_jitter_is_the_same_for_one_due_time_and_spreads_many() -> None:
    one = schedule(jitter="10m")
    found = {jitter_of(one, NOON + timedelta(hours=n)) for n in range(100)}
    assert jitter_of(one, NOON) == jitter_of(one, NOON)
    assert len(found) == 100
    assert min(found) < timedelta(minutes=2)
    assert timedelta(minutes=8) < max(found) < timedelta(minutes=10)
    assert jitter_of(schedule(), NOON) == timedelta()


@pytest.mark.parametrize(
    ("text", "pending", "size"),
    [
        ("10 items", 40, 10),
        ("10 items", 4, 4),
        ("5 %", 40, 2),
        ("5 %", 3, 1),
        ("2.5%", 200, 5),
        ("1 item", 0, 0),
    ],
)
def test_a_sample_is_a_number_or_a_part_of_what_is_pending(text: str, pending: int, size: int) -> None:
    assert read_sample(text).size(pending) == size


@pytest.mark.parametrize("text", ["", "0 items", "101 %", "1.5 items", "-5 %", "ten items"])
def test_what_is_no_sample_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text) + "$"):
        read_sample(text)


def test_outputs_of_the_run_before_become_parameters_of_the_same_kind() -> None:
    outputs = {"report": "out/prices.xlsx", "rows": 12}
    wanted = {
        "file": "{{ outputs.report }}",
        "rows": "{{outputs.rows}}",
        "text": "{{ outputs.rows }} of {{ due | date }}",
    }
    made = render(wanted, NOON, UTC_ZONE, outputs=outputs)
    assert made == {"file": "out/prices.xlsx", "rows": 12, "text": "12 of 2026-11-24"}
    with pytest.raises(ConfigurationError, match=r"no output 'reprot' - its outputs are: report, rows"):
        render("{{ outputs.reprot }}", NOON, UTC_ZONE, outputs=outputs)


@pytest.mark.parametrize(
    ("status", "wanted", "starts"),
    [
        (RunStatus.DONE, Ending.SUCCEEDED, True),
        (RunStatus.EXCEPTIONS, Ending.SUCCEEDED, False),
        (RunStatus.EXCEPTIONS, Ending.EXCEPTIONS, True),
        (RunStatus.LOST, Ending.FAILED, True),
        (RunStatus.CANCELLED, Ending.FAILED, False),
        (RunStatus.CANCELLED, Ending.ENDED, True),
        (RunStatus.RUNNING, Ending.ENDED, False),
    ],
)
def test_which_end_of_a_run_starts_the_next_one(status: RunStatus, wanted: Ending, starts: bool) -> None:
    assert follows(status, [wanted]) is starts
