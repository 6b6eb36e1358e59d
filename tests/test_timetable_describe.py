"""Triggers in the words that people use, in both languages of the desk."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from runner.timetable.cron import Cron
from runner.timetable.describe import describe
from runner.timetable.triggers import At, Every, default_anchor

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("expression", "english", "chinese"),
    [
        ("30 8 * * 1-5", "Monday to Friday at 08:30", "周一至周五 08:30"),
        ("30 8 * * *", "every day at 08:30", "每天 08:30"),
        ("0 9,17 * * *", "every day at 09:00 and 17:00", "每天 09:00、17:00"),
        ("0 7-19/2 * * *", "every 2 hours from 07:00 to 19:00", "每天 07:00 至 19:00 每 2 小时"),
        (
            "*/15 9-17 * * mon-fri",
            "every 15 minutes from 09:00 to 17:45, Monday to Friday",
            "周一至周五 09:00 至 17:45 每 15 分钟",
        ),
        ("* * * * *", "every minute", "每分钟"),
        ("*/5 * * * *", "every 5 minutes", "每 5 分钟"),
        ("@hourly", "every hour", "每小时"),
        ("5 * * * *", "every hour at :05", "每小时第 5 分"),
        ("0 6 1,15 * *", "on day 1 and 15 of the month at 06:00", "每月 1 日、15 日 06:00"),
        ("0 18 L * *", "on the last day of the month at 18:00", "每月最后一天 18:00"),
        ("0 18 * * 5L", "on the last Friday of the month at 18:00", "每月最后一个周五 18:00"),
        ("0 18 * * 1#2", "on the 2nd Monday of the month at 18:00", "每月第 2 个周一 18:00"),
        ("0 9 * * 1,4", "every Monday and Thursday at 09:00", "每周一、周四 09:00"),
        ("0 9 13 * 5", "on day 13 of the month or every Friday at 09:00", "每月 13 日或每周五 09:00"),
        ("0 9 1 1,7 *", "on day 1 of January and July at 09:00", "1 月、7 月 1 日 09:00"),
        (
            "7,23 1-4 * * *",
            "every day at the minutes 07 and 23 of the hours 01, 02, 03 and 04",
            "每天 01、02、03、04 时的第 07、23 分",
        ),
    ],
)
def test_a_cron_expression_reads_as_a_sentence(expression: str, english: str, chinese: str) -> None:
    cron = Cron(expression, BERLIN)
    assert describe(cron, BERLIN) == english
    assert describe(cron, BERLIN, "zh-hans") == chinese


@pytest.mark.parametrize(
    ("period", "english", "chinese"),
    [
        (timedelta(minutes=15), "every 15 minutes", "每 15 分钟"),
        (timedelta(hours=1), "every hour", "每小时"),
        (timedelta(minutes=90), "every 90 minutes", "每 90 分钟"),
        (timedelta(days=14), "every 2 weeks", "每 2 周"),
    ],
)
def test_a_period_reads_as_a_sentence(period: timedelta, english: str, chinese: str) -> None:
    every = Every(period, default_anchor(BERLIN))
    assert (describe(every, BERLIN), describe(every, BERLIN, "zh")) == (english, chinese)


def test_written_times_read_as_a_sentence() -> None:
    at = At((time(13), time(8, 30), datetime.fromisoformat("2027-03-31 18:00")), BERLIN)
    assert describe(at, BERLIN) == "every day at 08:30 and 13:00, on 2027-03-31 at 18:00"
    assert describe(at, BERLIN, "zh_CN") == "每天 08:30、13:00、2027-03-31 18:00"


def test_a_trigger_in_another_zone_names_it() -> None:
    cron = Cron("30 8 * * *", ZoneInfo("Asia/Shanghai"))
    assert describe(cron, BERLIN) == "every day at 08:30 (Asia/Shanghai)"
    assert describe(cron, BERLIN, "zh") == "每天 08:30(Asia/Shanghai)"
