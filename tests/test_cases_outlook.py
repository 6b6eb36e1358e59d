"""The pages of the days: calendar, list of schedules, forecast and bars of runs, as records."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from runner.cases import schedule_acts
from runner.cases.day_calendar import calendar_days, day_entries
from runner.cases.durations import durations, durations_by_schedule
from runner.cases.outlook import Outlook
from runner.cases.run_gantt import By, gantt
from runner.cases.schedule_lists import ScheduleFilter, matching, schedule_rows
from runner.core.schedules_model import Schedule
from runner.store.models import Bot, Occurrence, Run
from runner.timetable.day_dues import day_bounds, day_dues, walked
from runner.timetable.due_times import Planned
from runner.timetable.loading import Timetable, load, trigger_of, work_days
from runner.timetable.watched import WatchedTimetable

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)  # a Tuesday, 13:00 in Berlin
BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
TEXT = """\
defaults: {timezone: Europe/Berlin}
calendars:
  company:
    closed: ["2026-11-26"]
    open: ["2026-11-28"]
    half_days: {"2026-11-27": "12:00"}
    blackouts: ["Sun 02:00-04:00", "2026-11-29 18:00..2026-11-30 06:00"]
schedules:
  - {id: morning, bot: post, cron: "0 9 * * *", calendars: [company], deadline: 30m, concurrency: [portal]}
  - {id: hourly, bot: post, every: 1h, concurrency: [portal]}
  - {id: off, bot: other, at: "10:00", enabled: false}
  - {id: files, bot: other, file: "inbox/*.xlsx"}
  - {id: tried, bot: other, at: "23:30", stage: pilot}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "schedules.yaml"
    file.write_text(TEXT, "utf-8")
    return file


@pytest.fixture
def outlook(path: Path, store: Path) -> Outlook:
    return Outlook(load(path, None, NOW), slots=2)


def ran(schedule: str, due: datetime, minutes: float, status: str = "done") -> Run:
    run = Run.objects.create(
        pk=f"{schedule}-{due:%d%H%M}", bot="post", schedule=schedule, due=due, queued=due, started=due, status=status,
        finished=due + minutes * MINUTE if status != "running" else None, worker="host:1:2",
    )  # fmt: skip
    Occurrence.objects.create(
        schedule=schedule, due=due, state="ran", run=run.pk, recorded=due, reason="on time"
    )
    return run


def test_a_week_shows_what_was_what_comes_and_what_is_special(outlook: Outlook) -> None:
    ran("morning", datetime(2026, 11, 23, 8, tzinfo=UTC), 5)
    for hour in (7, 8, 9):
        ran("hourly", datetime(2026, 11, 24, hour, tzinfo=UTC), 5)
    Occurrence.objects.create(
        schedule="hourly", due=NOW - HOUR, state="missed", recorded=NOW, reason="nobody"
    )
    with CaptureQueriesContext(connection) as queries:
        days = calendar_days(outlook, date(2026, 11, 23), date(2026, 11, 29), BERLIN, NOW)
    assert len(queries) == 2
    by_day = {day.date.day: day for day in days}
    monday = {row.schedule: row for row in by_day[23].schedules}
    assert monday["morning"].states == {"ran": 1}
    today = {row.schedule: row for row in by_day[24].schedules}
    assert (today["hourly"].states, today["hourly"].due) == ({"ran": 3, "missed": 1}, 10)
    assert today["hourly"].first == datetime(2026, 11, 24, 7, tzinfo=UTC)
    assert by_day[24].totals == {"ran": 3, "missed": 1, "due": 11}
    closed = {row.schedule: row for row in by_day[26].schedules}["morning"]
    assert (closed.due, closed.skipped, closed.why) == (0, 1, "calendar: closed (company)")
    assert [(n.kind, n.text) for n in by_day[26].notes] == [("closed", "closed")]
    assert [(n.kind, n.text) for n in by_day[27].notes] == [("half", "12:00")]
    assert [n.kind for n in by_day[28].notes] == ["open"]
    assert [n.kind for n in by_day[29].notes] == ["blackout", "blackout"]
    assert "off" not in {row.schedule for day in days for row in day.schedules}
    again = calendar_days(outlook, date(2026, 11, 25), date(2026, 11, 29), BERLIN, NOW, schedules=["morning"])
    assert [day.totals for day in again][:2] == [{"due": 1}, {"skipped": 1}]


def test_what_ran_is_counted_by_how_its_run_ended_and_a_later_try_of_it_counts(outlook: Outlook) -> None:
    for hour, status in (
        (6, "done"),
        (7, "exceptions"),
        (8, "failed"),
        (9, "lost"),
        (10, "failed"),
        (11, "running"),
    ):
        ran("hourly", datetime(2026, 11, 24, hour, tzinfo=UTC), 5, status)
    tried = Run.objects.get(pk="hourly-241000")
    Run.objects.create(
        pk=f"{tried.pk}-again", bot="post", schedule="hourly", due=tried.due, queued=NOW, status="done"
    )
    (day,) = calendar_days(outlook, date(2026, 11, 24), date(2026, 11, 24), BERLIN, NOW, schedules=["hourly"])
    assert day.schedules[0].states == {"ran": 3, "exceptions": 1, "failed": 1, "lost": 1}
    assert (day.totals["ran"], day.totals["failed"]) == (3, 1)


def test_what_a_pause_covers_is_foreseen_as_skipped_and_the_first_after_it_as_due(outlook: Outlook) -> None:
    before = outlook.forecast(NOW, NOW + timedelta(hours=36))
    assert not next(one.skip for one in before if one.schedule == "tried")
    schedule_acts.pause("tried", by="ann", at=NOW, reason="year end", until=NOW + timedelta(hours=24))
    first, second = (
        one for one in outlook.forecast(NOW, NOW + timedelta(hours=36)) if one.schedule == "tried"
    )
    assert (first.skip, second.skip) == ("paused: by ann: year end", "")
    days = calendar_days(outlook, date(2026, 11, 24), date(2026, 11, 25), BERLIN, NOW, schedules=["tried"])
    assert [day.totals for day in days] == [{"skipped": 1}, {"due": 1}]
    assert days[0].schedules[0].why == "paused: by ann: year end"


def test_one_day_lists_each_due_time_with_its_run_or_its_forecast(outlook: Outlook) -> None:
    run = ran("morning", datetime(2026, 11, 24, 8, tzinfo=UTC), 5)
    entries = day_entries(outlook, date(2026, 11, 24), BERLIN, NOW)
    assert (entries[0].run, entries[0].run_status, entries[0].end) == (run.pk, "done", run.finished)
    assert {one.state for one in entries[1:]} == {"due"}
    assert [one.due for one in entries] == sorted(one.due for one in entries)
    assert {one.schedule for one in entries[1:]} == {"hourly", "tried"}
    assert len(day_entries(outlook, date(2026, 11, 24), BERLIN, NOW, limit=3)) == 3
    later = day_entries(outlook, date(2026, 11, 26), BERLIN, NOW, schedules=["morning"])
    assert [(one.state, one.reason) for one in later] == [("skipped", "calendar: closed (company)")]


def test_the_forecast_knows_durations_collisions_deadlines_and_what_runs_now(outlook: Outlook) -> None:
    for day in (20, 21, 22):
        ran("morning", datetime(2026, 11, day, 8, tzinfo=UTC), 50)
    found = outlook.forecast(NOW, NOW + timedelta(hours=24))
    (morning,) = (one for one in found if one.schedule == "morning")
    assert morning.end is not None
    assert morning.start is not None
    assert (morning.end - morning.start, morning.deadline) == (50 * MINUTE, morning.due + 30 * MINUTE)
    assert morning.late >= 20 * MINUTE
    held = [one for one in found if one.collides]
    assert {one.collides for one in held} == {("group portal",)}
    ran("hourly", NOW - 4 * HOUR, 80)
    ran("hourly", NOW - MINUTE, 0, status="running")
    Run.objects.filter(status="running").update(policy={"resources": ["portal"]}, schedule="other")
    busy = Outlook(outlook.timetable, slots=1).forecast(NOW, NOW + HOUR)
    assert [one.collides for one in busy] == [()]  # the run that goes on will have ended by then
    Run.objects.filter(status="running").update(schedule="hourly")
    (late,) = Outlook(outlook.timetable, slots=1).forecast(NOW, NOW + HOUR)
    assert late.skip == "overlap: the run before it has not ended"


def test_the_forecast_knows_what_waits_and_how_many_runs_of_a_bot_go_on_at_a_time(outlook: Outlook) -> None:
    Bot.objects.create(name="post", file="bots/post.py", description={"at_once": 1}, looked=NOW)
    for number in (1, 2):
        Run.objects.create(pk=f"by-hand-{number}", bot="post", queued=NOW, status="queued")
    Run.objects.create(pk="later", bot="post", queued=NOW, status="queued", not_before=NOW + 30 * MINUTE)
    (at_one,) = outlook.forecast(NOW, NOW + HOUR)
    assert at_one.start == NOW + HOUR, "one after the other, a minute each, they are through by then"
    ran("hourly", NOW, 0, status="running")
    Run.objects.filter(pk="hourly-241200").update(schedule="tried", started=NOW + HOUR - MINUTE)
    (at_one,) = Outlook(outlook.timetable, slots=2).forecast(NOW, NOW + HOUR)
    assert at_one.start == NOW + HOUR + 2 * MINUTE
    assert at_one.collides == ("a free place of bot post",)


def test_schedules_are_listed_in_words_with_next_last_and_how_people_set_them(outlook: Outlook) -> None:
    run = ran("morning", datetime(2026, 11, 24, 8, tzinfo=UTC), 5)
    schedule_acts.pause("hourly", by="ann", at=NOW - HOUR, reason="audit")
    names = matching(outlook, ScheduleFilter(), NOW, "next")
    assert names == ["hourly", "tried", "morning", "files", "off"]
    with CaptureQueriesContext(connection) as queries:
        rows = {row.id: row for row in schedule_rows(outlook, names, NOW)}
    assert len(queries) <= 4
    morning = rows["morning"]
    assert (morning.english, morning.chinese) == ("every working day at 09:00", "每个工作日 09:00")
    assert morning.next is not None
    assert morning.next.due == datetime(2026, 11, 25, 8, tzinfo=UTC)
    assert morning.last_run is not None
    assert (morning.last_run.id, morning.p50) == (run.pk, 5 * MINUTE)
    assert morning.last is not None
    assert (morning.last.state, morning.last.run) == ("ran", run.pk)
    assert rows["hourly"].pause is not None
    assert (rows["off"].next, rows["files"].next, rows["files"].last) == (None, None, None)
    assert matching(outlook, ScheduleFilter(state="paused"), NOW) == ["hourly"]
    assert matching(outlook, ScheduleFilter(state="pilot"), NOW) == ["tried"]
    assert matching(outlook, ScheduleFilter(bot="post", text="morn"), NOW) == ["morning"]
    assert matching(outlook, ScheduleFilter(state="nonsense"), NOW) == []


def test_the_bars_of_runs_hold_past_present_and_future(outlook: Outlook) -> None:
    ran("morning", NOW - 3 * HOUR, 10)
    ran("hourly", NOW - HOUR, 20)
    ran("hourly", NOW - 5 * MINUTE, 0, status="running")
    Run.objects.create(pk="waits", bot="post", queued=NOW - MINUTE, status="queued")
    ran("hourly", NOW - 30 * HOUR, 5)
    with CaptureQueriesContext(connection) as queries:
        drawn = gantt(outlook, NOW, 6 * HOUR, 12 * HOUR)
    assert len(queries) <= 6  # one of them asks for pauses
    rows = {row.name: row.bars for row in drawn.rows}
    assert set(rows) == {"post", "other"}
    known = [bar for bar in rows["post"] if not bar.predicted]
    assert [bar.status for bar in known] == ["done", "done", "running", "queued"]
    running = known[2]
    assert running.end is not None
    assert running.end >= NOW
    assert [bar.schedule for bar in rows["other"]] == ["tried"]
    assert len([bar for bar in rows["post"] if bar.predicted]) == 12
    workers = {row.name for row in gantt(outlook, NOW, 6 * HOUR, HOUR, By.WORKER).rows}
    assert workers == {"", "host:1:2"}
    assert {row.name for row in gantt(outlook, NOW, HOUR, HOUR, By.SCHEDULE, bot="other").rows} == set()


@pytest.mark.usefixtures("store")
def test_durations_of_many_are_those_of_each() -> None:
    for number in range(60):
        ran("hourly", NOW - number * HOUR, number)
    ran("morning", NOW, 3)
    found = durations_by_schedule()
    assert found == {name: durations(name) for name in ("hourly", "morning")}
    assert found["hourly"][0] == 24 * MINUTE
    assert durations_by_schedule(["morning"]) == {"morning": (3 * MINUTE, 3 * MINUTE)}


def test_a_watched_timetable_follows_the_file_and_its_calendars_and_keeps_the_last_good_one(
    path: Path,
) -> None:
    days = path.parent / "days.csv"
    days.write_text("date,kind\n2026-11-25,closed\n", "utf-8")
    path.write_text(TEXT.replace('closed: ["2026-11-26"]', "file: days.csv"), "utf-8")
    watched, seen = WatchedTimetable(path), list[Timetable]()
    first = watched.look(NOW, seen.append)
    assert watched.look(NOW) is first
    days.write_text("date,kind\n2026-11-25,closed\n2026-11-30,closed\n", "utf-8")
    second = watched.look(NOW, seen.append)
    assert second is not first
    assert second is not None
    assert date(2026, 11, 30) in second.calendars["company"].closed
    path.write_text("schedules: [", "utf-8")
    assert watched.look(NOW) is second
    assert "SCHED_YAML" in str(watched.errors[0])
    path.write_text(TEXT, "utf-8")
    assert watched.look(NOW) is not second
    assert (watched.errors, len(seen)) == ((), 2)


@given(
    period=st.integers(1, 3000),
    anchor=st.datetimes(datetime(2026, 10, 1), datetime(2026, 11, 1)),  # noqa: DTZ001
    day=st.dates(date(2026, 10, 10), date(2026, 11, 20)),
)
def test_even_due_times_are_counted_as_they_are_walked(period: int, anchor: datetime, day: date) -> None:
    entry = {
        "id": "a",
        "bot": "b",
        "every": f"{period}m",
        "anchor": f"{anchor:%Y-%m-%d %H:%M}",
        "timezone": "Europe/Berlin",
    }
    schedule = Schedule.model_validate(entry)
    one = Planned(schedule, trigger_of(schedule))
    bounds = day_bounds(day, day + timedelta(days=3), BERLIN)
    for number, found in enumerate(day_dues(one, bounds)):
        tick = timedelta(microseconds=1)
        walked = [at.due for at in one.due_times(bounds[number] - tick, bounds[number + 1] - tick)]
        told = (found.runs, found.first, found.last) if found else (0, None, None)
        assert told == ((len(walked), walked[0], walked[-1]) if walked else (0, None, None))


CALENDARS = """\
calendars:
  company: {country: DE, closed: ["2026-11-03"], half_days: {"2026-10-29": "12:00"}, blackouts: ["Sun 23:00-04:00", "2026-11-05 10:00..2026-11-06 12:00"]}
schedules: []
"""


@given(
    cron=st.sampled_from(
        ["30 8 * * 1-5", "*/15 8-17 * * *", "0 0 1 * *", "15,45 2 * * 0", "0 9 1-7 * 1", "5 0,23 * 10,11 *", "0 18 L * *", "at 02:30", "at 08:15 23:45", "30 2 */2 * 1", "0 0 13 * 5"]
    ),
    zones=st.tuples(*[st.sampled_from(["Europe/Berlin", "Asia/Shanghai", "America/New_York", "Asia/Kathmandu"])] * 2),
    day=st.dates(date(2026, 10, 20), date(2026, 11, 10)),
    has_days=st.booleans(),
    shift=st.sampled_from(["skip", "next"]),
)  # fmt: skip
def test_due_times_of_a_grid_are_counted_as_they_are_walked(
    cron: str, zones: tuple[str, str], day: date, has_days: bool, shift: str
) -> None:
    file = load(Path("schedules.yaml"), None, NOW, text=CALENDARS)
    rule: dict[str, object] = {"at": cron.split()[1:]} if cron.startswith("at") else {"cron": cron}
    entry: dict[str, object] = {"id": "a", "bot": "b", **rule, "timezone": zones[0], "shift": shift}
    entry |= {"calendars": ["company"]} if has_days else {}
    schedule = Schedule.model_validate(entry)
    days = work_days(schedule.calendars, file.calendars)
    one = Planned(schedule, trigger_of(schedule, file.calendars), days)
    bounds = day_bounds(day, day + timedelta(days=5), ZoneInfo(zones[1]))
    bounds[0] += timedelta(hours=9, minutes=30)  # a day that has begun
    assert day_dues(one, bounds) == walked(one, bounds)
