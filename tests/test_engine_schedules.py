"""What the engine makes of schedules: pauses, clock steps, retried runs, resources, pilots, and events."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

import pytest

from runner.cases import decisions
from runner.cases.clock import accept_clock
from runner.cases.rebuild import rebuild
from runner.cases.schedule_acts import cancel_due, pause, promote, resume, standings
from runner.cases.schedule_requests import run_schedule
from runner.core.clock import now
from runner.core.errors import ConflictError
from runner.core.nouns import OccurrenceState, RunStatus
from runner.core.schedules_pilot import read_sample
from runner.core.settings import Settings
from runner.engine.clockwatch import Clocks, seconds_really_passed
from runner.engine.sampling import draw
from runner.engine.scheduler import Scheduler
from runner.store import claims
from runner.store.models import Case, Item, Occurrence, Queue, Run, Watermark
from runner.timetable.describe import describe_planned
from runner.timetable.loading import load
from tests.engine_project import project, until, worker
from tests.store_snapshot import differences, snapshot

BOT = """
@bot
def count(top: int = 1, workbook: str = "", report: str = "") -> None:
    run.output("report", f"out/{top}.xlsx")

@bot
def fail() -> None:
    raise ApplicationError("no luck")

@bot
def work() -> None:
    numbers.put([Number(n=n) for n in range(6)])
    numbers.each(one)

def one(item: Item[Number]) -> None:
    pass
"""
MINUTE = timedelta(minutes=1)


class Serving:
    """A scheduler that serves in a thread while the block runs."""

    def __init__(self, settings: Settings, clocks: Clocks | None = None) -> None:
        self.said: list[str] = []
        self.scheduler = Scheduler(settings, {}, self.said.append, clocks)
        self._thread = threading.Thread(target=self.scheduler.serve)

    def __enter__(self) -> Self:
        self._thread.start()
        until(lambda: self.has_said("schedules are on"))
        return self

    def __exit__(self, *_: object) -> None:
        self.scheduler.stop()
        self._thread.join()

    def has_said(self, text: str) -> bool:
        return any(text in one for one in self.said)


def schedules(*entries: str) -> str:
    return "schedules:\n" + "".join(f"  - {{{entry}}}\n" for entry in entries)


def assert_that_a_rebuild_makes_the_same_rows(settings: Settings) -> None:
    before = snapshot()
    report = rebuild(settings.runs, now=now())
    assert (report.damaged, report.not_applied) == ([], [])
    assert differences(before, snapshot()) == []


def states() -> list[str]:
    return list(Occurrence.objects.order_by("due").values_list("state", flat=True))


@pytest.mark.usefixtures("store")
def test_due_times_of_a_pause_are_skipped_with_who_and_why(tmp_path: Path) -> None:
    settings = project(tmp_path, BOT, schedules("id: often, bot: count, every: 1m"))
    with Serving(settings):
        pass
    Watermark.objects.update(since=now() - 5 * MINUTE)
    pause("often", by="kim", at=now(), reason="audit this week")
    with Serving(settings):
        pass
    assert set(states()) == {"skipped"}
    found = Occurrence.objects.first()
    assert found is not None
    assert (found.decided_by, found.reason) == ("kim", "paused: by kim: audit this week")
    resume("often", by="lee", at=now())
    assert standings()["often"].pause_at(now(), now()) is None
    with pytest.raises(ConflictError, match="it is not paused"):
        resume("often", by="lee", at=now())


@pytest.mark.usefixtures("store")
def test_a_schedule_that_is_switched_off_leaves_its_due_times_in_the_ledger(tmp_path: Path) -> None:
    settings = project(tmp_path, BOT, schedules("id: often, bot: count, every: 1m, enabled: no"))
    with Serving(settings):
        pass
    Watermark.objects.update(since=now() - 3 * MINUTE)
    with Serving(settings):
        pass
    reasons = {one.reason for one in Occurrence.objects.all()}
    assert reasons == {"paused: enabled: no in schedules.yaml"}
    assert not Run.objects.exists()


@pytest.mark.usefixtures("store")
def test_a_due_time_that_a_person_cancelled_does_not_run(tmp_path: Path) -> None:
    at = (now() + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
    settings = project(tmp_path, BOT, schedules("id: hourly, bot: count, every: 1h"))
    with Serving(settings):
        cancel_due("hourly", at, by="kim", at=now(), reason="stocktaking")
    Watermark.objects.update(since=at - MINUTE)
    ahead = Clocks(wall=lambda: at + MINUTE)
    with Serving(settings, ahead):
        pass
    assert states() == ["cancelled"]
    assert not Run.objects.exists()
    with pytest.raises(ConflictError, match="ended already: cancelled"):
        cancel_due("hourly", at, by="lee", at=now(), reason="too late")


@pytest.mark.usefixtures("store")
def test_missed_due_times_open_one_case_that_a_person_can_close(tmp_path: Path) -> None:
    settings = project(tmp_path, BOT, schedules("id: often, bot: count, every: 1m, missed: skip"))
    with Serving(settings):
        pass
    Watermark.objects.update(since=now() - 10 * MINUTE)
    with Serving(settings):
        pass
    case = Case.objects.get()
    assert (case.why, case.run, case.item, case.bot) == ("missed", None, None, "count")
    assert "schedule 'often'" in case.message
    assert "due times from" in case.message
    with pytest.raises(ConflictError, match="backfill"):
        decisions.retry(case.pk, by="kim", at=now())
    assert decisions.done(case.pk, by="kim", at=now(), note="not needed").status == "resolved"
    assert_that_a_rebuild_makes_the_same_rows(settings)


class Jump:
    """A wall clock that a test moves; the other clock goes on as it is."""

    def __init__(self) -> None:
        self.by = timedelta()
        self.clocks = Clocks(wall=lambda: now() + self.by, really=seconds_really_passed)


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("hours", [4, -4])
def test_a_jump_of_the_clock_holds_the_scheduler_until_a_person_confirms_it(
    hours: int, tmp_path: Path
) -> None:
    settings = project(tmp_path, BOT, schedules("id: often, bot: count, every: 1h"))
    clock = Jump()
    with Serving(settings, clock.clocks) as serving:
        clock.by = timedelta(hours=hours)
        until(Case.objects.exists)
        case = Case.objects.get()
        assert case.why == "clock_step"
        assert "accept-clock" in case.message
        assert not Occurrence.objects.exists()
        decisions.done(case.pk, by="kim", at=now(), note="the clock was wrong before")
        until(lambda: serving.has_said("the clock was confirmed"))
    assert states() == (["coalesced"] * 3 + ["ran"] if hours > 0 else [])
    assert_that_a_rebuild_makes_the_same_rows(settings)


@pytest.mark.usefixtures("store")
def test_a_hold_outlives_the_scheduler_and_a_small_step_holds_nothing(tmp_path: Path) -> None:
    settings = project(tmp_path, BOT, schedules("id: often, bot: count, every: 1m"))
    clock = Jump()
    with Serving(settings, clock.clocks) as serving:
        clock.by = timedelta(hours=2)
        until(lambda: serving.has_said("going on"))
        clock.by = timedelta(hours=7)
        until(Case.objects.exists)
    with Serving(settings, clock.clocks) as serving:
        assert serving.has_said("accept-clock")


def run_all(settings: Settings, wanted: Callable[[], object]) -> None:
    """Let a worker execute what is queued until `wanted` holds."""
    one = worker(settings)
    thread = threading.Thread(target=one.serve)
    thread.start()
    try:
        until(wanted)
    finally:
        one.stop()
        thread.join()


@pytest.mark.usefixtures("store")
def test_a_failed_run_is_started_again_and_only_the_last_failure_opens_a_case(tmp_path: Path) -> None:
    retry = "{times: 2, wait: 1ms, longest_wait: 2ms}"
    at = now() - timedelta(seconds=1)
    entry = f'id: once, bot: fail, at: "{at:%Y-%m-%d %H:%M:%S}", retry: {retry}'
    settings = project(tmp_path, BOT, schedules(entry))
    with Serving(settings):
        pass
    Watermark.objects.update(since=at - MINUTE)
    with Serving(settings):
        pass
    run_all(settings, Case.objects.exists)
    runs = list(Run.objects.order_by("queued"))
    assert [run.status for run in runs] == [RunStatus.FAILED] * 3
    assert [run.policy.get("tried", 0) for run in runs] == [0, 1, 2]
    assert {run.policy.get("retry_of") for run in runs[1:]} == {runs[0].pk}
    assert Occurrence.objects.get().run == runs[2].pk
    assert Case.objects.get().run_id == runs[2].pk
    assert_that_a_rebuild_makes_the_same_rows(settings)


@pytest.mark.usefixtures("store")
def test_runs_wait_for_their_time_and_for_a_resource_that_another_one_holds() -> None:
    at = now()
    account = {"resources": ["portal"]}
    for name, policy, wait in (
        ("a", account, None),
        ("b", account, None),
        ("c", {}, None),
        ("d", {}, at + MINUTE),
    ):
        Run.objects.create(id=name, bot=name, queued=at, policy=policy, not_before=wait)

    def claim(when: datetime = at) -> str | None:
        run = claims.claim_run("worker", at + MINUTE, at=when)
        return run.pk if run else None

    assert [claim(), claim(), claim()] == ["a", "c", None]
    Run.objects.filter(pk="a").update(status=RunStatus.DONE)
    assert [claim(), claim()] == ["b", None]
    assert claim(at + MINUTE) == "d"


@pytest.mark.usefixtures("store")
def test_a_pilot_works_on_its_sample_until_it_is_promoted(tmp_path: Path) -> None:
    at = now() - timedelta(seconds=1)
    entry = f'id: pilot, bot: work, at: "{at:%Y-%m-%d %H:%M:%S}", stage: pilot, sample: 2 items'
    settings = project(tmp_path, BOT, schedules(entry))
    with Serving(settings):
        pass
    Watermark.objects.update(since=at - MINUTE)
    with Serving(settings):
        pass
    run_all(settings, lambda: Run.objects.filter(status=RunStatus.DONE).exists())
    assert sorted(Item.objects.filter(status="done").values_list("key", flat=True)) == ["0", "1"]
    assert Item.objects.filter(status="pending").count() == 4
    assert "pilot: 2 items of numbers" in (
        settings.runs / Run.objects.get().folder / "journal.jsonl"
    ).read_text("utf-8")
    promote("pilot", by="kim", at=now(), note="looks good")
    with pytest.raises(ConflictError, match="kim promoted it already"):
        promote("pilot", by="lee", at=now())
    Occurrence.objects.all().delete()
    Watermark.objects.update(since=at - MINUTE)
    Run.objects.all().delete()
    with Serving(settings):
        pass
    assert "sample" not in Run.objects.get().policy


@pytest.mark.usefixtures("store")
def test_each_file_starts_one_run_and_is_archived_at_its_end(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    entry = 'id: arriving, bot: count, file: {glob: "inbox/*.xlsx", stable: 1ms}'
    settings = project(tmp_path, BOT, schedules(entry))
    for name in ("a.xlsx", "b.xlsx", "~$a2.xlsx", "c.xlsx.part", "d.result.xlsx", "e.csv"):
        (inbox / name).write_text(name)
    with Serving(settings):
        until(lambda: Run.objects.count() == 2)
    with Serving(settings):  # a restart in between
        run_all(settings, lambda: not Run.objects.filter(status__in=["queued", "running"]).exists())
        until((inbox / "archive" / "b.xlsx").exists)
        until((inbox / "archive" / "a.xlsx").exists)
    assert {run.parameters["workbook"] for run in Run.objects.all()} == {
        str(inbox / "a.xlsx"),
        str(inbox / "b.xlsx"),
    }
    assert states() == ["ran", "ran"]
    assert_that_a_rebuild_makes_the_same_rows(settings)
    shutil.move(inbox / "archive" / "a.xlsx", inbox / "a.xlsx")  # put back: it arrives once more
    with Serving(settings):
        until(lambda: Run.objects.count() == 3)


@pytest.mark.usefixtures("store")
def test_a_queue_with_enough_items_starts_one_run(tmp_path: Path) -> None:
    entry = "id: waiting, bot: work, queue: {name: numbers, pending: 3}"
    settings = project(tmp_path, BOT, schedules(entry))
    Queue.objects.create(name="numbers")
    for key in ("1", "2"):
        Item.objects.create(queue_id="numbers", key=key, put_at=now())
    with Serving(settings):
        assert not Run.objects.exists()
        Item.objects.create(queue_id="numbers", key="3", put_at=now())
        until(Run.objects.exists)
    assert "3 items are pending in numbers" in Occurrence.objects.get().reason


@pytest.mark.usefixtures("store")
def test_a_schedule_follows_another_one_with_its_outputs(tmp_path: Path) -> None:
    at = now() - timedelta(seconds=1)
    first = f'id: first, bot: count, at: "{at:%Y-%m-%d %H:%M:%S}", parameters: {{top: 7}}'
    second = 'id: second, bot: count, after: first, parameters: {report: "{{ outputs.report }}"}'
    third = "id: third, bot: count, after: {schedule: first, when: failed}"
    fourth = 'id: fourth, bot: count, after: first, parameters: {report: "{{ outputs.reprot }}"}'
    settings = project(tmp_path, BOT, schedules(first, second, third, fourth))
    with Serving(settings):
        pass
    Watermark.objects.filter(pk="first").update(since=at - MINUTE)
    with Serving(settings):
        run_all(settings, lambda: Occurrence.objects.filter(schedule="fourth").exists())
    assert Run.objects.get(schedule="second").parameters["report"] == "out/7.xlsx"
    assert not Run.objects.filter(schedule__in=["third", "fourth"]).exists()
    wrong = Occurrence.objects.get(schedule="fourth")
    assert wrong.state == OccurrenceState.MISSED
    assert "no output 'reprot'" in wrong.reason
    assert Case.objects.get().why == "missed"


@pytest.mark.usefixtures("store")
def test_a_broken_and_a_mended_file_are_both_in_the_journal(tmp_path: Path) -> None:
    settings = project(tmp_path, BOT, schedules("id: often, bot: count, every: 1h"))
    with Serving(settings) as serving:
        settings.schedules.write_text(schedules("id: often, bot: count, corn: 1h"))
        until(lambda: serving.has_said("kept the previous version"))
        settings.schedules.write_text(schedules("id: often, bot: count, every: 2h"))
        until(lambda: serving.has_said("every hour → every 2 hours"))
    (journal,) = (settings.home / "scheduler").glob("*.jsonl")
    text = journal.read_text("utf-8")
    assert "SCHED_RELOAD_REFUSED" in text
    assert "every hour → every 2 hours" in text


@pytest.mark.usefixtures("store")
def test_a_start_far_before_the_newest_record_holds_until_somebody_confirms_it_and_asks_once(
    tmp_path: Path,
) -> None:
    settings = project(tmp_path, BOT, schedules("id: often, bot: count, every: 1h"))
    clock = Jump()
    clock.by = timedelta(hours=30)  # yesterday's scheduler ran with a clock that was ahead
    with Serving(settings, clock.clocks):
        pass
    Watermark.objects.update(since=now() + timedelta(hours=29), begun=now() + timedelta(hours=20))
    Occurrence.objects.create(
        schedule="often", due=now() + timedelta(hours=3), state="missed", recorded=now()
    )
    with Serving(settings) as serving:
        assert serving.has_said("the clock has jumped")
        case = Case.objects.get()
        assert "while no scheduler ran" in case.message
        accept_clock(by="kim", at=now(), note="it was ahead")
        until(lambda: serving.has_said("the clock was confirmed"))
        until(lambda: serving.has_said("count from now on again"))
    mark = Watermark.objects.get()
    assert mark.since <= now()
    assert mark.begun <= now()
    assert not Occurrence.objects.exists()
    with Serving(settings) as serving:
        assert not serving.has_said("the clock has jumped")
    assert Case.objects.count() == 1


@pytest.mark.usefixtures("store")
def test_down_time_is_no_jump_of_the_clock(tmp_path: Path) -> None:
    settings = project(tmp_path, BOT, schedules("id: often, bot: count, every: 1h"))
    with Serving(settings):
        pass
    Watermark.objects.update(since=now() - timedelta(days=2), begun=now() - timedelta(days=3))
    with Serving(settings) as serving:
        until(Run.objects.exists)
        assert not serving.has_said("the clock has jumped")


@pytest.mark.usefixtures("store")
def test_a_calendars_own_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    (tmp_path / "days.csv").write_text("date,kind\n2030-01-01,closed\n", "utf-8")
    text = "calendars: {own: {file: days.csv}}\n" + schedules(
        'id: daily, bot: count, at: "10:00", calendars: [own]'
    )
    with Serving(project(tmp_path, BOT, text)) as serving:
        week = [f"{(now() + timedelta(days=n)).date()},closed" for n in range(8)]
        (tmp_path / "days.csv").write_text("date,kind\n" + "\n".join(week) + "\n", "utf-8")
        until(lambda: serving.has_said("due times of the next 7 days disappear"))


@pytest.mark.usefixtures("store")
def test_a_schedule_that_is_only_started_by_hand_waits_for_it(tmp_path: Path) -> None:
    settings = project(tmp_path, BOT, schedules("id: by-hand, bot: count, manual: yes"))
    with Serving(settings):
        assert not Occurrence.objects.exists()
    timetable = load(settings.schedules, None, now())
    run_schedule(timetable.planned[0], by="kim", at=now())
    assert Run.objects.get().schedule == "by-hand"
    assert (
        describe_planned(timetable.planned[0], timetable.planned[0].zone)
        == "only by hand or by its trigger URL"
    )


@pytest.mark.parametrize("text", ["4 items random", "10 %", "4 items evenly", "4 items", "10 % first"])
def test_a_pilots_draw_is_the_same_for_a_run_and_of_its_size(text: str) -> None:
    keys = [f"A-{n}" for n in range(40)]
    drawn = draw(read_sample(text), keys, "run-1")
    assert len(drawn) == 4
    assert drawn == sorted(drawn, key=keys.index) == draw(read_sample(text), keys, "run-1")
    others = {tuple(draw(read_sample(text), keys, f"run-{n}")) for n in range(20)}
    assert (len(others) > 10) == ("random" in text or text == "10 %")
    if "evenly" in text:
        assert drawn == ["A-0", "A-10", "A-20", "A-30"]


@pytest.mark.usefixtures("store")
def test_a_random_pilot_works_on_what_it_has_drawn(tmp_path: Path) -> None:
    settings = project(tmp_path, BOT, schedules())
    Run.objects.create(id="0190-drawn", bot="work", queued=now(), policy={"sample": "3 items random"})
    run_all(settings, lambda: Run.objects.filter(status=RunStatus.DONE).exists())
    done = list(Item.objects.filter(status="done").order_by("id").values_list("key", flat=True))
    assert done == draw(read_sample("3 items random"), [str(n) for n in range(6)], "0190-drawn")
    assert done != ["0", "1", "2"]
