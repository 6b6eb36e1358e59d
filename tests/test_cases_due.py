"""Due times: by the SLA of the process, in its working hours, on its working days."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner.cases.due import due_of, keep_processes
from runner.store.models import Case, Process
from runner.timetable.loading import load
from tests.cases_history import failed_run, now, same_after_rebuild

pytestmark = pytest.mark.usefixtures("store")
FILE = """
defaults: {timezone: Europe/Berlin}
calendars:
  works:
    country: DE
    closed: ["2026-11-26"]
    half_days: {"2026-11-27": "12:00"}
processes:
  hours: {sla: 4h, working_hours: "Mon-Fri 09:00-17:00"}
  days: {sla: 1d, calendars: [works]}
  office: {working_hours: "Mon-Fri 09:00-12:00, 13:00-18:00", calendars: [works]}
  shanghai: {sla: 2h, working_hours: "Mon-Fri 09:00-18:00", timezone: Asia/Shanghai}
  plain: {sla: 2h}
  nothing: {}
schedules: []
"""


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """A schedules.yaml whose processes are known to the store."""
    path = tmp_path / "schedules.yaml"
    path.write_text(FILE, "utf-8")
    assert len(keep_processes(load(path, None, now()), now())) == 6
    return path


@pytest.mark.parametrize(
    ("process", "opened", "due"),
    [
        ("hours", "2026-11-24 10:00", "2026-11-24 14:00"),  # Berlin: 11:00 to 15:00
        ("hours", "2026-11-24 15:00", "2026-11-25 11:00"),  # one hour left that day
        ("hours", "2026-11-27 15:30", "2026-11-30 11:30"),  # over a weekend
        ("hours", "2026-11-28 10:00", "2026-11-30 12:00"),  # on a Saturday
        ("office", "2026-11-24 08:00", "2026-11-24 17:00"),  # one working day of eight hours
        ("office", "2026-11-25 12:00", "2026-11-27 11:00"),  # 5 h, then closed, then half a day
        ("days", "2026-11-25 10:00", "2026-11-27 10:00"),  # 13 h, then closed, then 11 h
        ("days", "2026-11-26 10:00", "2026-11-30 11:00"),  # 12 h of the half day, 12 h of Monday
        ("shanghai", "2026-11-24 09:30", "2026-11-25 02:30"),  # 17:30 there: half an hour left
        ("plain", "2026-11-27 23:00", "2026-11-30 01:00"),  # no hours: weekdays in UTC
        ("nothing", "2026-11-27 23:00", "2026-11-30 23:00"),
        ("unheard of", "2026-11-24 10:00", "2026-11-25 10:00"),
        ("", "2026-11-24 10:00", "2026-11-25 10:00"),
    ],
)
def test_a_case_is_due_by_the_working_time_of_its_process(
    told: Path, process: str, opened: str, due: str
) -> None:
    assert due_of(process, utc(opened)) == utc(due)


def utc(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


def test_what_changed_in_the_file_is_known_and_what_left_it_is_forgotten(told: Path) -> None:
    assert keep_processes(load(told, None, now()), now()) == []
    told.write_text(FILE.replace("sla: 4h", "sla: 6h").replace("  nothing: {}\n", ""), "utf-8")
    assert keep_processes(load(told, None, now()), now()) == ["hours", "nothing"]
    assert not Process.objects.filter(pk="nothing").exists()
    assert due_of("hours", utc("2026-11-24 08:00")) == utc("2026-11-24 14:00")


def test_a_failed_item_is_due_by_the_process_of_its_bot_and_stays_so_in_a_rebuild(
    told: Path, tmp_path: Path
) -> None:
    text = FILE.replace("  hours:", "  sales:")
    told.write_text(text, "utf-8")
    keep_processes(load(told, None, now()), now())
    failed_run(tmp_path / "runs", "1")
    case = Case.objects.get()
    assert case.process == "sales"
    assert case.due == due_of("sales", case.opened) != due_of("", case.opened)
    assert case.problem.oldest_due == case.due
    same_after_rebuild(tmp_path / "runs")
