"""Working days: holidays, make-up Saturdays, days of one's own, half days, blackouts, and what they do to due times."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from time import process_time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.errors import ConfigurationError, ErrorReport
from runner.core.schedules_model import CalendarEntry, Period, Schedule, Shift
from runner.timetable.blackouts import read_blackout
from runner.timetable.calendar_days import (
    MONDAY_TO_FRIDAY,
    WorkCalendar,
    WorkDays,
    official_days,
    official_names,
)
from runner.timetable.calendar_reading import read_calendar
from runner.timetable.describe import describe_planned
from runner.timetable.due_times import Planned
from runner.timetable.loading import load, trigger_of
from runner.timetable.workday import Workday, next_period, period_start
from runner.timetable.working_hours import WorkingHours, read_working_hours

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
CHINA = WorkCalendar("china", "CN")
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def at(text: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def planned(*calendars: WorkCalendar, zone: ZoneInfo = SHANGHAI, **keys: object) -> Planned:
    schedule = Schedule.model_validate({"id": "a", "bot": "b", "timezone": zone.key, **keys})
    return Planned(schedule, trigger_of(schedule), WorkDays(calendars))


def runs(one: Planned, first: str, last: str) -> list[str]:
    found = one.due_times(at(first, one.zone), at(last, one.zone))
    return [due.due.astimezone(one.zone).strftime("%m-%d %H:%M") for due in found if due.skip is None]


def test_a_make_up_saturday_is_a_working_day_and_its_holiday_is_none() -> None:
    assert CHINA.why_off(date(2026, 2, 14)) == ""
    assert CHINA.why_off(date(2026, 2, 20)).startswith("Day off (substituted from")
    assert CHINA.why_off(date(2026, 2, 21)) == "weekend"


def test_official_days_that_are_not_decreed_yet_are_known_to_be_guesses() -> None:
    assert CHINA.unknown_years((2026, 2027)) == [2027]
    assert WorkCalendar("germany", "DE").unknown_years((2026, 2027)) == []


def test_days_of_ones_own_go_before_the_country() -> None:
    own = WorkCalendar(
        "x", "CN", closed={date(2026, 2, 14): "stocktaking"}, open=frozenset({date(2026, 5, 1)})
    )
    assert own.why_off(date(2026, 2, 14)) == "stocktaking"
    assert own.why_off(date(2026, 5, 1)) == ""


def test_a_day_counts_as_working_when_it_is_one_in_each_calendar() -> None:
    both = WorkDays((CHINA, WorkCalendar("germany", "DE", "BY")))
    assert both.why_off(date(2026, 10, 1)) == "National Day (china)"
    assert both.why_off(date(2026, 1, 6)) == "Epiphany (germany)"
    assert both.why_off(date(2026, 2, 14)) == "weekend (germany)"
    assert both.why_off(date(2026, 11, 24)) == ""


def test_a_due_time_on_a_holiday_is_skipped_with_its_reason() -> None:
    one = planned(CHINA, cron="30 8 * * *")
    found = list(one.due_times(at("2026-02-13 12:00", SHANGHAI), at("2026-02-17 12:00", SHANGHAI)))
    assert [(due.skip, due.reason) for due in found] == [
        (None, ""),
        ("calendar", "weekend (china)"),
        ("calendar", "Chinese New Year's Eve (china)"),
        ("calendar", "Chinese New Year (Spring Festival) (china)"),
    ]
    following = one.next_run(at("2026-02-14 12:00", SHANGHAI))
    assert following is not None
    assert following.due == at("2026-02-24 08:30", SHANGHAI)


def test_a_due_time_moves_to_the_next_working_day_and_meets_the_regular_one_there_once() -> None:
    one = planned(CHINA, cron="30 8 * * 1-5", shift="next")
    assert runs(one, "2026-02-13 09:00", "2026-02-25 09:00") == ["02-24 08:30", "02-25 08:30"]
    mondays = planned(CHINA, cron="30 8 * * 1", shift="next")
    assert runs(mondays, "2026-02-10 00:00", "2026-03-01 00:00") == ["02-24 08:30"]
    found = list(mondays.due_times(at("2026-02-23 12:00", SHANGHAI), at("2026-02-24 12:00", SHANGHAI)))
    assert found[0].planned < found[0].due


def test_whoever_keeps_the_ledger_is_woken_on_the_day_to_which_a_due_time_moved() -> None:
    mondays = planned(CHINA, cron="30 8 * * 1", shift="next")
    assert mondays.next_after(at("2026-02-10 00:00", SHANGHAI)) == at("2026-02-24 08:30", SHANGHAI)
    skipping = planned(CHINA, cron="30 8 * * 1")
    assert skipping.next_after(at("2026-02-10 00:00", SHANGHAI)) == at("2026-02-16 08:30", SHANGHAI)
    first, last = at("2026-02-16 08:30", SHANGHAI), at("2026-03-02 08:30", SHANGHAI)
    assert [due.day for due in skipping.between(first, last)] == [16, 23]


def test_a_schedule_of_seconds_finds_the_end_of_a_long_holiday_at_once() -> None:
    one = planned(CHINA, every="1s")
    began = process_time()
    found = one.next_run(at("2026-02-14 23:59:59", SHANGHAI))
    assert found is not None
    assert found.due == at("2026-02-24 00:00:00", SHANGHAI)
    assert process_time() - began < 1


@given(st.integers(0, 330 * 24 * 60), st.sampled_from(list(Shift)))
def test_the_next_run_is_the_first_due_time_that_is_not_skipped(minutes: int, shift: Shift) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    one = planned(CHINA, cron="0 */7 * * *", shift=shift.value)
    due = (at for at in one.due_times(start, start + timedelta(days=20)) if at.skip is None)
    assert one.next_run(start) == next(due)


def test_a_due_time_moves_to_the_working_day_before() -> None:
    mondays = planned(CHINA, cron="30 8 * * 1", shift="previous")
    assert runs(mondays, "2026-02-10 00:00", "2026-03-03 00:00") == ["02-14 08:30", "03-02 08:30"]


@pytest.mark.parametrize("shift", list(Shift))
def test_due_times_do_not_depend_on_how_often_somebody_looks(shift: Shift) -> None:
    one = planned(CHINA, cron="30 8,18 * * *", shift=shift.value)
    first, last = at("2026-02-01 00:00", SHANGHAI), at("2026-03-10 00:00", SHANGHAI)
    looks = [first + timedelta(hours=7) * n for n in range(200) if first + timedelta(hours=7) * n < last] + [
        last
    ]
    seen = [due for left, right in itertools.pairwise(looks) for due in one.due_times(left, right)]
    assert seen == list(one.due_times(first, last))


def test_after_the_end_of_a_half_day_nothing_runs() -> None:
    half = WorkCalendar("x", half_days={date(2026, 12, 24): time(12)})
    assert runs(planned(half, at=["09:00", "15:00"], zone=BERLIN), "2026-12-24 00:00", "2026-12-25 23:00") == [
        "12-24 09:00", "12-25 09:00", "12-25 15:00",
    ]  # fmt: skip
    moved = planned(half, cron="0 15 24 12 *", shift="previous", zone=BERLIN)
    assert runs(moved, "2026-12-20 00:00", "2026-12-31 00:00") == ["12-23 15:00"]


def test_in_a_blackout_nothing_starts() -> None:
    window = WorkCalendar(
        "x", weekend=frozenset(), blackouts=(read_blackout("Sun 02:00-04:00"), read_blackout("22:00-06:00"))
    )
    one = planned(window, cron="0 */3 * * *", zone=BERLIN)
    found = list(one.due_times(at("2026-11-21 23:00", BERLIN), at("2026-11-22 22:30", BERLIN)))
    skipped = [(due.due.astimezone(BERLIN).hour, due.reason) for due in found if due.skip]
    assert skipped == [(0, "22:00-06:00 (x)"), (3, "Sun 02:00-04:00 (x)")]


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (
            "2026-12-31 18:00..2027-01-01 06:00",
            ["2026-12-31 18:00", "2027-01-01 05:59"],
            ["2027-01-01 06:00"],
        ),
        ("Mon-Fri 12:00-13:00", ["2026-11-27 12:30"], ["2026-11-28 12:30", "2026-11-27 13:00"]),
        ("Sat-Mon 22:00-02:00", ["2026-11-24 01:00", "2026-11-21 23:00"], ["2026-11-21 01:00"]),
        ("周一至周五 12:00-13:00", ["2026-11-27 12:30"], ["2026-11-29 12:30"]),
    ],
)
def test_a_blackout_covers_its_window(text: str, inside: list[str], outside: list[str]) -> None:
    window = read_blackout(text)
    assert [window.covers(datetime.fromisoformat(one)) for one in [*inside, *outside]] == (
        [True] * len(inside) + [False] * len(outside)
    )


@pytest.mark.parametrize(
    ("nth", "of", "expected"),
    [
        (-1, Period.MONTH, ["2026-11-30", "2026-12-31"]),
        (1, Period.MONTH, ["2026-12-01", "2027-01-04"]),
        (-2, Period.QUARTER, ["2026-12-30", "2027-03-30"]),
        (1, Period.WEEK, ["2026-11-30", "2026-12-07"]),
        (3, Period.YEAR, ["2027-01-06", "2028-01-05"]),
    ],
)
def test_the_nth_working_day_of_a_period(nth: int, of: Period, expected: list[str]) -> None:
    germany = WorkDays((WorkCalendar("germany", "DE"),))
    trigger = Workday(nth, of, (time(18),), BERLIN, germany)
    first = trigger.next_after(NOW)
    assert first is not None
    second = trigger.next_after(first)
    assert second is not None
    assert [due.astimezone(BERLIN).date().isoformat() for due in (first, second)] == expected


def test_a_period_with_fewer_working_days_has_no_due_time() -> None:
    fifth = Workday(5, Period.WEEK, (time(9),), SHANGHAI, WorkDays((CHINA,)))
    found = [
        due.astimezone(SHANGHAI).date()
        for due in fifth.between(at("2026-02-08 00:00", SHANGHAI), at("2026-03-08 00:00", SHANGHAI))
    ]
    assert found == [date(2026, 2, 13), date(2026, 2, 28), date(2026, 3, 6)]


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.sampled_from(list(Period)))
def test_a_period_holds_its_day_and_ends_where_the_next_begins(day: date, of: Period) -> None:
    first = period_start(day, of)
    assert first <= day < next_period(first, of)
    assert period_start(next_period(first, of) - timedelta(days=1), of) == first


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.timedeltas(timedelta(minutes=1), timedelta(hours=60)),
)
def test_the_clock_of_a_deadline_counts_exactly_the_working_time(start: datetime, length: timedelta) -> None:
    hours = WorkingHours(
        read_working_hours("Mon-Fri 09:00-12:00, 13:00-17:30"), BERLIN, WorkDays((WorkCalendar("x", "DE"),))
    )
    due = hours.due_after(start, length)
    assert hours.worked(start, due) == length
    assert hours.worked(start, due - timedelta(seconds=1)) == length - timedelta(seconds=1)


def test_a_deadline_of_four_hours_on_friday_afternoon_is_on_monday() -> None:
    hours = WorkingHours(read_working_hours("Mon-Fri 09:00-17:30"), BERLIN)
    assert hours.due_after(at("2026-11-27 16:00", BERLIN), timedelta(hours=4)) == at(
        "2026-11-30 11:30", BERLIN
    )
    assert not hours.is_working(at("2026-11-28 10:00", BERLIN))
    everyday = WorkingHours({}, BERLIN)
    assert everyday.due_after(NOW, timedelta(hours=4)) == NOW + timedelta(hours=4)


def test_a_make_up_saturday_is_worked_like_a_monday() -> None:
    hours = WorkingHours(read_working_hours("周一至周五 09:00-17:00"), SHANGHAI, WorkDays((CHINA,)))
    assert hours.worked(at("2026-02-14 00:00", SHANGHAI), at("2026-02-15 00:00", SHANGHAI)) == timedelta(
        hours=8
    )


def test_without_calendars_monday_to_friday_are_working_days() -> None:
    assert [day.day for day in MONDAY_TO_FRIDAY.working_days(date(2026, 11, 26), date(2026, 11, 30))] == [
        26,
        27,
        30,
    ]


FILES = {
    "days.csv": "date,kind,name,until\n2026-12-24,half,,12:30\n2026-12-28,closed,Stocktaking,\n2026-12-26,open,,\n",
    "天.csv": "日期,类型,名称,下班\n2026-12-24,半天,,12:30\n2026-12-28,休,Stocktaking,\n2026-12-26,班,,\n",
    "days.yaml": '2026-12-24: {kind: half, until: "12:30"}\n2026-12-28: {name: Stocktaking}\n2026-12-26: open\n',
    "days.ics": (
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261228\r\nSUMMARY:Stock\r\n taking\r\nEND:VEVENT\r\n"
        "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261226\r\nDTEND;VALUE=DATE:20261227\r\nSUMMARY:上班\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_days_is_read_in_each_format(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(FILES[name], encoding="utf-8")
    read = read_calendar("x", CalendarEntry(file=name, country="DE"), tmp_path)
    assert (read.why_off(date(2026, 12, 28)), read.why_off(date(2026, 12, 26))) == ("Stocktaking", "")
    if not name.endswith(".ics"):
        assert read.half_days == {date(2026, 12, 24): time(12, 30)}


def test_a_sheet_of_days_is_read_through_the_readers_rows(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["Date", "Type", "Name"],
        [datetime.fromisoformat("2026-12-28"), "closed", "Stocktaking"],
        [None, None, None],
    ]
    read = read_calendar("x", CalendarEntry(file="days.xlsx"), tmp_path, lambda _: rows)
    assert read.why_off(date(2026, 12, 28)) == "Stocktaking"


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"country": "XX"}, ["country 'XX'", "ISO 3166"]),
        ({"country": "DE", "subdivision": "QQ"}, ["subdivision 'QQ' of DE"]),
        ({"closed": ["2026-02-30"]}, ["February 2026 has 28 days"]),
        ({"closed": ["2026-12-31..2026-12-01"]}, ["days long"]),
        ({"half_days": {"2026-12-24": "25:00"}}, ["00:00 to 23:59"]),
        ({"blackouts": ["always"]}, ["is not a window"]),
        ({"blackouts": ["Sum 02:00-04:00"]}, ["'Sum' is not a day", "did you mean"]),
        ({"blackouts": ["2027-01-01..2026-12-31"]}, ["ends before it begins"]),
        ({"file": "../days.csv"}, ["must be inside the project"]),
        ({"file": "days.csv"}, ["can't be read"]),
        ({"file": "days.docx"}, ["is no calendar file"]),
        ({"weekend": ["Fri", "Caturday"]}, ["'Caturday' is not a day"]),
    ],
)
def test_a_wrong_calendar_is_refused_in_words(
    entry: dict[str, object], words: list[str], tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_calendar("x", CalendarEntry.model_validate(entry), tmp_path)
    for word in words:
        assert word in str(caught.value)


def test_calendars_are_read_with_the_file_and_their_errors_have_a_place(tmp_path: Path) -> None:
    path = tmp_path / "schedules.yaml"
    text = (
        "calendars:\n  china: {country: CN}\nschedules:\n"
        "  - {id: a, bot: b, at: '08:30', timezone: Asia/Shanghai, calendar: china, shift: next}\n"
        "  - {id: c, bot: b, workday: {nth: last, at: '18:00'}, timezone: Asia/Shanghai, calendars: [china]}\n"
        "  - {id: d, bot: b, cron: '30 8 * * 1-5', timezone: Asia/Shanghai, calendar: china, shift: next}\n"
    )
    path.write_text(text, encoding="utf-8")
    table = load(path, None, NOW)
    assert [describe_planned(one, SHANGHAI, "zh") for one in table.planned] == [
        "每个工作日 08:30", "每月最后一个工作日 18:00", "周一至周五 08:30,遇假日顺延",
    ]  # fmt: skip
    assert describe_planned(table.planned[1], SHANGHAI) == "on the last working day of the month at 18:00"
    assert describe_planned(table.planned[2], SHANGHAI).endswith(", on holidays the next working day")
    assert len(table.warnings(NOW)) == 1
    assert "'china': the official days of 2027" in table.warnings(NOW)[0]
    path.write_text(text.replace("CN", "XX").replace("calendar: china", "calendar: chian"), encoding="utf-8")
    with pytest.raises(ErrorReport) as caught:
        load(path, None, NOW)
    assert "SCHED_CALENDAR: schedule 'a', line 4: unknown calendar 'chian'" in str(caught.value)
    assert "calendar 'china', line 2: no holidays are known for country 'XX'" in str(caught.value)


@pytest.mark.parametrize(
    ("country", "day", "english", "chinese"),
    [
        ("CN", date(2026, 1, 1), "New Year's Day", "元旦"),
        ("HK", date(2026, 2, 17), "Chinese New Year", "农历年初一"),
        ("TW", date(2026, 2, 28), "Peace Memorial Day", "和平纪念日"),
        ("JP", date(2026, 1, 12), "Coming of Age Day", "成人の日"),
        ("DE", date(2026, 4, 3), "Good Friday", "Karfreitag"),
        ("US", date(2026, 7, 4), "Independence Day", "Independence Day"),
        ("GB", date(2026, 4, 3), "Good Friday", "Good Friday"),
    ],
)
def test_a_holiday_is_named_in_the_reader_s_language_or_as_its_country_names_it(
    country: str, day: date, english: str, chinese: str
) -> None:
    calendar = WorkCalendar("x", country)
    assert official_days(country, None, day.year).off[day] == english
    assert official_names(country, None, day.year, "zh_CN")[day] == chinese
    assert calendar.named(english, [day.year], "zh_CN") == chinese
    assert calendar.named("stocktaking", [day.year], "zh_CN") == "stocktaking"
