"""The geometry of drawings and times in words, in both languages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from runner.desk import charts, times
from runner.desk.templatetags import drawings
from runner.desk.templatetags.desk import initials, money, number

NOW = datetime(2026, 11, 24, 13, 2, tzinfo=UTC)


@given(st.lists(st.integers(0, 10_000), max_size=40))
def test_bars_stand_inside_their_drawing_and_the_highest_fills_it(values: list[int]) -> None:
    bars = charts.spark(values)
    assert len(bars) == len(values)
    for bar in bars:
        assert 0 <= bar.y <= charts.SPARK_HEIGHT
        assert bar.y + bar.height == pytest.approx(charts.SPARK_HEIGHT, abs=0.2)
    if any(values):
        assert max(bar.height for bar in bars) == pytest.approx(charts.SPARK_HEIGHT - 2)


def test_only_the_last_bars_that_are_something_stand_out() -> None:
    assert [bar.css for bar in charts.spark([3, 0, 2, 0, 5])] == ["", "", "", "", "hot"]


def test_bars_are_drawn_as_one_path_those_that_stand_out_as_another() -> None:
    drawn = drawings.spark([3, 0, 1.5], hot=1)
    assert drawn["width"] == "18"
    assert drawn["bars"] == (
        "M0 3a1 1 0 0 1 1-1h2.4a1 1 0 0 1 1 1v19h-4.4zM6 21.5a1 1 0 0 1 1-1h2.4a1 1 0 0 1 1 1v0.5h-4.4z"
    )
    assert drawn["hot"] == "M12 13a1 1 0 0 1 1-1h2.4a1 1 0 0 1 1 1v9h-4.4z"
    assert "3, 0, 1.5" in drawn["label"]
    assert (drawings.spark([0])["hot"], drawings.spark([])["bars"]) == ("", "")


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e5)), max_size=20))
def test_steps_of_a_waterfall_stay_on_its_axis(pieces: list[tuple[float, float]]) -> None:
    for box in charts.waterfall([charts.Piece("s", start, seconds) for start, seconds in pieces]):
        assert box.x >= -0.01
        assert box.x + box.width <= 100.01
        assert box.width >= 0.59


def test_bars_of_a_gantt_chart_that_overlap_are_stacked_and_cut_at_the_border() -> None:
    hour = timedelta(hours=1)
    bars = [
        charts.Bar("a", NOW - 3 * hour, NOW + hour),
        charts.Bar("a", NOW, NOW + 2 * hour, "bad"),
        charts.Bar("b", NOW + 9 * hour, NOW + 10 * hour),
    ]

    drawn = charts.gantt(bars, NOW - 2 * hour, NOW + 4 * hour, NOW, rows=("b",))

    assert [row.name for row in drawn.rows] == ["b", "a"]
    first, second = drawn.rows[1].bars
    assert first.css == "cut"
    assert second.css == "bad"
    assert first.x == drawn.left
    assert second.y > first.y
    assert drawn.now == pytest.approx(drawn.left + (drawn.width - drawn.left) / 3, abs=0.1)
    assert drawn.height > drawn.rows[1].y + 28


def test_lines_of_the_axis_stand_at_round_times() -> None:
    drawn = charts.gantt([], NOW, NOW + timedelta(hours=6), NOW)
    assert [mark.text for mark in drawn.ticks][:3] == ["13:30", "14:00", "14:30"]
    assert len(drawn.ticks) == 12
    days = charts.gantt([], NOW, NOW + timedelta(days=3), NOW)
    assert "25.11." in [mark.text for mark in days.ticks]


def test_an_hour_that_the_clock_skips_takes_no_room() -> None:
    import zoneinfo

    start = datetime(2026, 3, 29, 0, 0, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))
    hours = {mark.text: mark.x for mark in charts.ticks(start, start + timedelta(hours=6), 0, 1 / 3600)}
    assert (hours["01:00"], hours["03:00"], hours["04:00"]) == (1.0, 2.0, 3.0)


def test_a_ring_begins_at_the_top_and_leaves_out_nothing() -> None:
    arcs = charts.donut([(1, "good", "done"), (0, "warn", ""), (3, "bad", "failed")])
    assert [(arc.length, arc.offset) for arc in arcs] == [(25.0, 25.0), (75.0, 0.0)]
    assert charts.donut([(0, "x", "")]) == []


def test_a_bar_of_progress_never_grows_beyond_its_whole() -> None:
    boxes = charts.progress([(60, "good", ""), (70, "bad", "")], 100)
    assert sum(box.width for box in boxes) == 100


def test_a_line_is_broken_where_a_value_is_missing() -> None:
    assert charts.polyline([1, None, 2, 4], 30, 10) == ["0.0,7.5", "20.0,5.0 30.0,0.0"]


@pytest.mark.parametrize(
    ("minutes", "en", "zh"),
    [
        (-130, "2 h late", "逾期 2 小时"),
        (25, "in 25 min", "25 分钟后"),
        (120, "today 15:02", "今天 15:02"),
        (24 * 60, "tomorrow 13:02", "明天 13:02"),
        (3 * 24 * 60, "Fri 13:02", "周五 13:02"),
        (-3 * 24 * 60, "3 days late", "逾期 3 天"),
    ],
)
def test_due_times_in_words(minutes: int, en: str, zh: str) -> None:
    at = NOW + timedelta(minutes=minutes)
    with timezone.override(UTC):
        with translation.override("en"):
            assert times.due(at, NOW)[0] == en
        with translation.override("zh-hans"):
            assert times.due(at, NOW)[0] == zh


def test_times_are_on_the_readers_clock() -> None:
    import zoneinfo

    at = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    with timezone.override(zoneinfo.ZoneInfo("Asia/Shanghai")), translation.override("zh-hans"):
        assert times.moment(at) == "2026年3月29日 08:30"
    with timezone.override(zoneinfo.ZoneInfo("America/New_York")), translation.override("en"):
        assert times.moment(at) == "28 Mar 2026, 20:30"
        assert times.moment_exact(at).endswith("-04:00")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.304, "0.30 s"),
        (4.24, "4.2 s"),
        (59.6, "1 min"),
        (192, "3 min 12 s"),
        (7500, "2 h 5 min"),
        (7200, "2 h"),
    ],
)
def test_lengths_are_as_precise_as_their_size_asks_for(seconds: float, words: str) -> None:
    with translation.override("en"):
        assert times.lasted(timedelta(seconds=seconds)) == words


def test_numbers_and_amounts_as_the_language_writes_them() -> None:
    with translation.override("en"):
        assert number(12480) == "12,480"
        assert money("1204.5", "EUR") == "1,204.50 EUR"
        assert money("n/a") == "n/a"


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("AP supervisor", "AS"),
        ("mei", "ME"),
        ("王芳", "王芳"),
        ("a.b", "AB"),
        ("", "?"),
        ("欧阳小明", "小明"),
    ],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters
