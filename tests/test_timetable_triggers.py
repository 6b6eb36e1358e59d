"""Periods without drift, written times on the days when clocks change, and local times on the command line."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from runner.core.errors import UsageError
from runner.core.schedules_model import Schedule
from runner.timetable.cron import Cron
from runner.timetable.loading import trigger_of
from runner.timetable.local_time import moment, read_time
from runner.timetable.triggers import At, Every, default_anchor
from runner.timetable.walk import due_between

BERLIN = ZoneInfo("Europe/Berlin")
SHANGHAI = ZoneInfo("Asia/Shanghai")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_period_does_not_drift_in_a_hundred_thousand_steps() -> None:
    every = Every(timedelta(minutes=7), utc("2026-01-01 00:00"))
    due = every.next_after(utc("2026-01-01 00:00") + 100_000 * timedelta(minutes=7))
    assert due == utc("2026-01-01 00:00") + 100_001 * timedelta(minutes=7)


def test_a_period_begins_with_its_anchor() -> None:
    every = Every(timedelta(hours=2), utc("2026-01-01 07:00"))
    assert every.next_after(utc("2020-01-01 00:00")) == utc("2026-01-01 07:00")
    assert every.next_after(utc("2026-01-01 07:00")) == utc("2026-01-01 09:00")


def test_a_period_without_an_anchor_follows_the_clock_of_its_zone() -> None:
    quarter = Every(timedelta(minutes=15), default_anchor(ZoneInfo("Asia/Kolkata")))
    assert quarter.next_after(utc("2026-11-24 09:01")) == utc("2026-11-24 09:15")
    weekly = Every(timedelta(days=7), default_anchor(SHANGHAI))
    due = weekly.next_after(utc("2026-11-24 09:01"))
    assert due is not None
    assert due.astimezone(SHANGHAI).strftime("%a %H:%M") == "Mon 00:00"


def test_a_period_goes_on_in_real_time_when_clocks_change() -> None:
    every = Every(timedelta(hours=1), utc("2027-03-27 23:30"))
    found = list(every.between(utc("2027-03-28 00:00"), utc("2027-03-28 03:00")))
    assert found == [utc("2027-03-28 00:30"), utc("2027-03-28 01:30"), utc("2027-03-28 02:30")]


def test_a_time_of_day_is_due_every_day() -> None:
    at = At((time(12, 30), time(8)), SHANGHAI)
    found = list(at.between(utc("2026-11-24 00:00"), utc("2026-11-25 02:00")))
    assert found == [utc("2026-11-24 00:00"), utc("2026-11-24 04:30"), utc("2026-11-25 00:00")]


def test_a_time_of_day_in_the_gap_is_due_at_its_end_and_a_repeated_one_once() -> None:
    at = At((time(2, 30),), BERLIN)
    assert list(at.between(utc("2027-03-28 00:00"), utc("2027-03-29 00:00"))) == [utc("2027-03-28 01:00")]
    assert list(at.between(utc("2027-10-31 00:00"), utc("2027-11-01 00:00"))) == [utc("2027-10-31 00:30")]


def test_a_date_is_due_once_and_then_never() -> None:
    at = At((datetime.fromisoformat("2027-03-31 18:00"), datetime(2027, 10, 31, 2, 30, tzinfo=UTC)), BERLIN)
    assert at.next_after(utc("2027-01-01 00:00")) == utc("2027-03-31 16:00")
    assert at.next_after(utc("2027-04-01 00:00")) == utc("2027-10-31 02:30")
    assert at.next_after(utc("2027-10-31 02:30")) is None


def test_a_day_that_a_calendar_left_out_has_no_due_time() -> None:
    at = At((time(9),), ZoneInfo("Pacific/Apia"))
    found = list(at.between(utc("2011-12-29 00:00"), utc("2011-12-31 23:00")))
    assert found == [utc("2011-12-29 19:00"), utc("2011-12-30 19:00"), utc("2011-12-31 19:00")]


def test_what_is_due_between_two_looks_is_due_in_exactly_one_of_them() -> None:
    every = Every(timedelta(minutes=1), utc("2026-01-01 00:00"))
    looks = [utc("2026-01-01 00:00") + timedelta(seconds=17 * n) for n in range(60)]
    seen = [due for left, right in itertools.pairwise(looks) for due in due_between(every, left, right)]
    assert seen == list(due_between(every, looks[0], looks[-1]))


def test_the_texts_of_a_schedule_become_its_trigger() -> None:
    def of(**keys: object) -> object:
        return trigger_of(
            Schedule.model_validate({"id": "a", "bot": "b", "timezone": "Europe/Berlin", **keys})
        )

    assert of(cron="30 8 * * *") == Cron("30 8 * * *", BERLIN)
    assert of(every="2h", anchor="2026-01-05 07:00") == Every(timedelta(hours=2), utc("2026-01-05 06:00"))
    assert of(at=["08:30", "2027-03-31 18:00"]) == At(
        (time(8, 30), datetime.fromisoformat("2027-03-31 18:00")), BERLIN
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-24", "2026-11-23 23:00"),
        ("2026-11-24 08:30", "2026-11-24 07:30"),
        ("2026-11-24T08:30:15", "2026-11-24 07:30:15"),
        ("2027-10-31 02:30+02:00", "2027-10-31 00:30"),
        ("2027-10-31 02:30+01:00", "2027-10-31 01:30"),
        ("2026-11-24 08:30Z", "2026-11-24 08:30"),
    ],
)
def test_a_local_time_on_the_command_line_becomes_an_instant(text: str, expected: str) -> None:
    assert moment(text, BERLIN, "--from") == utc(expected)


def test_a_day_whose_midnight_does_not_exist_begins_when_its_clocks_begin() -> None:
    assert moment("2027-04-30", ZoneInfo("Africa/Cairo"), "--from") == utc("2027-04-29 22:00")


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("2027-02-30", "CLI_DATE", ["--from", "2027-02-30", "February 2027 has 28 days"]),
        ("2027-13-01", "CLI_DATE", ["month 13", "1 to 12"]),
        ("2027-01-01 24:00", "CLI_DATE", ["00:00 to 23:59"]),
        ("08:30", "CLI_DATE", ["has no date"]),
        ("tomorrow", "CLI_DATE", ["'tomorrow' is not a time"]),
        ("２０２７-01-01", "CLI_DATE", ["is not a time"]),
        ("2027-01-01 08:30+99:00", "CLI_DATE", ["offset +99:00"]),
        (
            "2027-03-28 02:30",
            "CLI_LOCAL_TIME",
            ["does not exist on 2027-03-28 in Europe/Berlin", "02:00", "03:00"],
        ),
        ("2027-10-31 02:30", "CLI_LOCAL_TIME", ["comes twice on 2027-10-31", "+02:00 or +01:00"]),
    ],
)
def test_a_wrong_local_time_is_answered_in_words(text: str, code: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        moment(text, BERLIN, "--from")
    assert (caught.value.stable_code, caught.value.exit_code) == (code, 2)
    for word in words:
        assert word in str(caught.value)


def test_a_time_is_read_with_or_without_its_date() -> None:
    assert read_time("8:05") == time(8, 5)
    assert read_time("2027-03-31") == datetime.fromisoformat("2027-03-31")
