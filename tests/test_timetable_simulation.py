"""The next days as they will probably go: places, shared resources, priorities, overlaps, and their picture."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.core.schedules_model import Overlap, Schedule
from runner.timetable.calendar_days import MONDAY_TO_FRIDAY, WorkCalendar, WorkDays
from runner.timetable.drawing import svg, table
from runner.timetable.due_times import Planned
from runner.timetable.loading import trigger_of
from runner.timetable.simulation import Going, Load, Predicted, Waiting, durations_of, simulate

START = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
END = START + timedelta(days=1)
UTC_ZONE = ZoneInfo("UTC")
MINUTE = timedelta(minutes=1)


def planned(name: str, days: WorkDays = MONDAY_TO_FRIDAY, **keys: object) -> Planned:
    schedule = Schedule.model_validate({"id": name, "bot": "b", **keys})
    return Planned(schedule, trigger_of(schedule), days)


def times(predicted: list[Predicted]) -> list[tuple[str, str, str]]:
    return [
        (one.schedule, f"{one.start:%H:%M}" if one.start else one.skip, f"{one.end:%H:%M}" if one.end else "")
        for one in predicted
    ]


def test_a_run_waits_for_a_free_place_and_the_higher_priority_goes_first() -> None:
    plan = [planned("a", at="08:00"), planned("b", at="08:10"), planned("c", at="08:20", priority=5)]
    loads = dict.fromkeys("abc", Load(30 * MINUTE, 45 * MINUTE))
    found = simulate(plan, loads, 1, (START, END))
    assert times(found) == [("a", "08:00", "08:30"), ("b", "09:00", "09:30"), ("c", "08:30", "09:00")]
    assert (found[1].waits_for, found[1].lateness) == (("a free slot",), 50 * MINUTE)
    assert found[1].late_end == START + timedelta(hours=10, minutes=15)


def test_a_shared_account_is_used_by_one_run_at_a_time() -> None:
    plan = [planned("a", at="08:00"), planned("b", at="08:00"), planned("c", at="08:00")]
    loads = {
        "a": Load(30 * MINUTE, 30 * MINUTE, ("portal",)),
        "b": Load(10 * MINUTE, 10 * MINUTE, ("portal",)),
    }
    found = simulate(plan, loads, 4, (START, END))
    assert times(found) == [("a", "08:00", "08:30"), ("b", "08:30", "08:40"), ("c", "08:00", "08:01")]
    assert found[1].waits_for == ("group portal",)


def test_runs_that_wait_already_take_their_places_first() -> None:
    plan = [planned("a", at="00:10")]
    load = Load(30 * MINUTE, 30 * MINUTE)
    already: list[Going | Waiting] = [
        Going("", START + 20 * MINUTE),
        Waiting("", START - MINUTE, load),
        Waiting("late", START - 2 * MINUTE, load, priority=-1),
    ]
    (found,) = simulate(plan, {"a": load}, 1, (START, END), already)
    assert times([found]) == [("a", "00:50", "01:20")], "after the run that goes on and the first that waits"


def test_a_bot_that_runs_twice_at_a_time_keeps_the_third_waiting_whoever_started_the_others() -> None:
    load = Load(30 * MINUTE, 30 * MINUTE, bot="post", at_once=2)
    plan = [planned("a", at="00:10"), planned("b", at="00:10")]
    already = [Going("", START + 60 * MINUTE, bot="post")]
    found = simulate(plan, {"a": load, "b": load}, 9, (START, END), already)
    assert times(found) == [("a", "00:10", "00:40"), ("b", "00:40", "01:10")]
    assert found[1].waits_for == ("a free place of bot post",)


def test_a_run_that_takes_too_long_meets_the_next_by_its_policy() -> None:
    def of(overlap: Overlap) -> list[tuple[str, str, str]]:
        plan = [planned("a", cron="0,20 8 * * *", overlap=overlap.value)]
        return times(simulate(plan, {"a": Load(30 * MINUTE, 30 * MINUTE)}, 2, (START, END)))

    assert of(Overlap.SKIP) == [
        ("a", "08:00", "08:30"),
        ("a", "overlap: the run before it has not ended", ""),
    ]
    assert of(Overlap.QUEUE) == [("a", "08:00", "08:30"), ("a", "08:30", "09:00")]
    assert of(Overlap.REPLACE) == [("a", "08:00", "08:20"), ("a", "08:20", "08:50")]


def test_a_holiday_and_a_switched_off_schedule_do_not_run() -> None:
    closed = WorkDays((WorkCalendar("x", closed={START.date(): "stocktaking"}),))
    plan = [planned("a", closed, at="08:00"), planned("b", at="08:00", enabled=False)]
    (found,) = simulate(plan, {}, 1, (START, END))
    assert found.skip == "calendar: stocktaking (x)"


def test_past_durations_give_the_usual_and_the_feared_one() -> None:
    assert durations_of([*range(1, 11)]) == (timedelta(seconds=5), timedelta(seconds=9))
    assert durations_of([]) == (MINUTE, MINUTE)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 59), st.integers(1, 90), st.booleans(), st.integers(-2, 2)),
        min_size=1,
        max_size=5,
    ),
    st.integers(1, 3),
)
def test_never_more_runs_than_places_and_never_two_in_a_group(
    bots: list[tuple[int, int, bool, int]], slots: int
) -> None:
    plan = [
        planned(f"s{n}", cron=f"{minute} 8-12 * * *", overlap="queue", priority=priority)
        for n, (minute, _, _, priority) in enumerate(bots)
    ]
    loads = {
        f"s{n}": Load(length * MINUTE, length * MINUTE, ("g",) if grouped else ())
        for n, (_, length, grouped, _) in enumerate(bots)
    }
    found = simulate(plan, loads, slots, (START, END))
    assert len(found) == 5 * len(bots)
    spans = [(one.start, one.end, one.schedule) for one in found if one.start and one.end]
    assert len(spans) == len(found)
    for begin, _, name in spans:
        at_once = [other for left, right, other in spans if left <= begin < right]
        assert len(at_once) <= slots
        assert at_once.count(name) == 1
        assert sum(bool(loads[other].groups) for other in at_once) <= 1
    assert all(one.lateness >= timedelta() for one in found)


def test_the_picture_is_well_formed_without_a_style_of_its_own_and_escapes_names() -> None:
    plan = [planned("a", at="08:00"), planned("b", at="08:00")]
    found = simulate(
        plan, dict.fromkeys("ab", Load(30 * MINUTE, 30 * MINUTE)), 1, (START, START + timedelta(days=3))
    )
    picture = svg(
        found, {"a": "每天 <08:00> & mehr", "b": ""}, UTC_ZONE, (START, START + timedelta(days=3)), "zh-hans"
    )
    root = ET.fromstring(picture)
    kinds = [element.get("class") for element in root.iter("rect")]
    assert (kinds.count("tt-run"), kinds.count("tt-late")) == (3, 3)
    assert "周一 23" in picture
    assert "style=" not in picture
    assert "fill=" not in picture


def test_the_table_says_what_a_late_run_waits_for() -> None:
    plan = [planned("a", at="08:00"), planned("b", at="08:00")]
    rows = table(
        simulate(plan, dict.fromkeys("ab", Load(30 * MINUTE, 40 * MINUTE)), 1, (START, END)), UTC_ZONE
    )
    assert rows[1] == (
        "b",
        "Mon 23 Nov 08:00",
        "Mon 23 Nov 08:30",
        "Mon 23 Nov 09:00",
        "Mon 23 Nov 09:20",
        "waits for a free slot",
    )
