"""Due times: what becomes of them, recorded once each, and the scheduler that sees to it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runner.core.clock import now
from runner.core.errors import ConflictError
from runner.core.nouns import OccurrenceState, RunStatus
from runner.core.schedules_model import Schedule
from runner.core.settings import Settings
from runner.engine.occurrences import record
from runner.engine.scheduler import Scheduler
from runner.engine.single import only_one
from runner.journal.write import Journal
from runner.store.models import Occurrence, Run, Watermark
from runner.timetable.due_times import DueTime, Planned
from runner.timetable.loading import trigger_of
from runner.timetable.policies import Cause, Decision
from tests.engine_project import project, until

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
BOT = "@bot\ndef count(top: int = 1) -> None:\n    pass\n"


def planned(**values: object) -> Planned:
    schedule = Schedule.model_validate({"id": "orders", "bot": "count", "every": "1h", **values})
    return Planned(schedule, trigger_of(schedule))


def on_time(due: datetime) -> Decision:
    return Decision(DueTime(due, due), OccurrenceState.RAN, "on time", Cause.ON_TIME)


@pytest.mark.usefixtures("store")
def test_occurrence_and_run_are_recorded_once_however_often_they_are_handled(tmp_path: Path) -> None:
    for name in ("first", "second"):  # two schedulers on one store
        with Journal(tmp_path / f"{name}.jsonl", run="", lane=0, bot="") as journal:
            record(on_time(NOON), planned(overlap="queue"), NOON, journal)
    occurrence = Occurrence.objects.get()
    run = Run.objects.get()
    assert (occurrence.run, run.schedule, run.due, run.status) == (run.pk, "orders", NOON, RunStatus.QUEUED)


@pytest.mark.usefixtures("store")
def test_a_due_time_is_skipped_while_the_last_run_goes_on(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.jsonl", run="", lane=0, bot="") as journal:
        for due in (NOON - HOUR, NOON):
            record(on_time(due), planned(overlap="skip"), due, journal)
    assert list(Occurrence.objects.values_list("state", flat=True)) == ["ran", "skipped"]
    assert Run.objects.count() == 1


@pytest.mark.usefixtures("store")
def test_overlap_replace_asks_the_running_one_to_stop(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.jsonl", run="", lane=0, bot="") as journal:
        record(on_time(NOON - HOUR), planned(overlap="replace"), NOON, journal)
        Run.objects.update(status=RunStatus.RUNNING)
        record(on_time(NOON), planned(overlap="replace"), NOON, journal)
    assert Run.objects.count() == 2
    assert "replace" in Run.objects.get(status=RunStatus.RUNNING).stop_asked_by


class Serving:
    """A scheduler that serves in a thread while the block runs."""

    def __init__(self, settings: Settings) -> None:
        self.said: list[str] = []
        self._scheduler = Scheduler(settings, {}, self.said.append)
        self._thread = threading.Thread(target=self._scheduler.serve)

    def __enter__(self) -> list[str]:
        self._thread.start()
        return self.said

    def __exit__(self, *_: object) -> None:
        self._scheduler.stop()
        self._thread.join()


@pytest.mark.usefixtures("store")
def test_the_scheduler_queues_a_run_at_the_due_time_with_its_parameters(tmp_path: Path) -> None:
    at = datetime.now(UTC) + timedelta(seconds=3)
    text = f'schedules:\n  - id: soon\n    bot: count\n    at: "{at:%Y-%m-%d %H:%M:%S}"\n    parameters: {{top: 3}}\n'
    with Serving(project(tmp_path, BOT, text)):
        until(Run.objects.exists)
    run = Run.objects.get()
    assert (run.schedule, run.parameters) == ("soon", {"top": 3})
    assert run.due == at.replace(microsecond=0)


@pytest.mark.usefixtures("store")
def test_what_came_while_nobody_looked_is_handled_at_the_next_start(tmp_path: Path) -> None:
    text = "schedules:\n  - id: often\n    bot: count\n    every: 1m\n"
    settings = project(tmp_path, BOT, text)
    with Serving(settings) as said:
        until(lambda: any("schedules are on" in s for s in said))
    Watermark.objects.update(since=now() - timedelta(minutes=10))
    with Serving(settings):
        until(Run.objects.exists)
    found = list(Occurrence.objects.values_list("state", flat=True))
    assert len(found) in {10, 11}
    assert found.count("ran") == 1
    assert set(found) == {"ran", "coalesced"}


@pytest.mark.usefixtures("store")
def test_a_broken_file_keeps_the_last_good_version_and_says_where(tmp_path: Path) -> None:
    settings = project(tmp_path, BOT, "schedules:\n  - id: often\n    bot: count\n    every: 1h\n")
    with Serving(settings) as said:
        until(lambda: any("schedules are on" in s for s in said))
        settings.schedules.write_text("schedules:\n  - id: often\n    bot: count\n    corn: '1'\n")
        until(lambda: any("SCHED_RELOAD_REFUSED" in s for s in said))
        refused = next(s for s in said if "SCHED_RELOAD_REFUSED" in s)
        assert "kept the previous version" in refused
        assert "schedules.yaml:4" in refused


def test_a_second_one_of_a_kind_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    lock = tmp_path / "scheduler.lock"
    refused = pytest.raises(ConflictError, match=r"already running: pid \d+ on host .* since")
    with only_one(lock, "scheduler"), refused, only_one(lock, "scheduler"):
        pass
    with only_one(lock, "scheduler"):
        pass


@pytest.mark.usefixtures("store")
def test_dates_in_parameters_follow_the_due_time(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.jsonl", run="", lane=0, bot="") as journal:
        month = planned(parameters={"month": "{{ due | month_start | date }}"}, timezone="Asia/Shanghai")
        record(on_time(datetime(2026, 11, 30, 20, tzinfo=UTC)), month, NOON, journal)
    assert Run.objects.get().parameters == {"month": "2026-12-01"}


@pytest.mark.usefixtures("store")
def test_a_holiday_is_recorded_as_skipped_with_its_reason(tmp_path: Path) -> None:
    text = (
        "calendars:\n  off: {closed: ["
        + ", ".join(f'"{(now() + timedelta(days=d)).date()}"' for d in (-1, 0, 1))
        + "]}\nschedules:\n  - id: often\n    bot: count\n    every: 1m\n    calendars: [off]\n"
    )
    settings = project(tmp_path, BOT, text)
    with Serving(settings) as said:
        until(lambda: any("schedules are on" in s for s in said))
    Watermark.objects.update(since=now() - timedelta(minutes=3))
    with Serving(settings):
        until(Occurrence.objects.exists)
    assert {o.state for o in Occurrence.objects.all()} == {"skipped"}
    assert "calendar" in Occurrence.objects.all()[0].reason
    assert not Run.objects.exists()
