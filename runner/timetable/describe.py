"""Triggers in plain words, in English and Simplified Chinese: "every day at 08:30", "每天 08:30"."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from runner.timetable.cron import Cron
from runner.timetable.cron_text import CronText
from runner.timetable.due_times import Planned
from runner.timetable.events import OnEvent, describe_event
from runner.timetable.triggers import At, Every
from runner.timetable.walk import Trigger
from runner.timetable.words import Words, words_of
from runner.timetable.workday import Workday

_MOST_TIMES: Final = 6


def describe(trigger: Trigger, zone: ZoneInfo, language: str = "en") -> str:
    """Say when a trigger is due, in ``en`` or ``zh`` (any other language is English).

    `zone` is the reader's: a trigger in another zone names its own.
    """
    if isinstance(trigger, OnEvent):
        return describe_event(trigger.schedule, language)
    words = words_of(language)
    if isinstance(trigger, Every):
        return words.each(trigger.period, 0)
    if isinstance(trigger, Cron):
        text = words.due(_cron_days(trigger.text, words), _cron_times(trigger.text, words))
    elif isinstance(trigger, At):
        text = _at(trigger, words)
    elif isinstance(trigger, Workday):
        times = words.clock([f"{at:%H:%M}" for at in trigger.times])
        text = words.due(words.nth_working_day(trigger.nth, trigger.of), times)
    else:
        raise TypeError(f"{type(trigger).__name__} has no words yet")
    return words.in_zone(text, trigger.zone, zone)


def describe_planned(planned: Planned, zone: ZoneInfo, language: str = "en") -> str:
    """Say when a schedule is due with its calendars: ``every working day at 08:30``, ``周一至周五 08:30,遇假日顺延``."""
    text = describe(planned.trigger, zone, language)
    if not planned.days.calendars or isinstance(planned.trigger, (Workday, OnEvent)):
        return text
    words = words_of(language)
    if text.startswith(words.every_day):
        return words.every_working_day + text.removeprefix(words.every_day)
    return words.on_holidays(text, planned.schedule.shift)


def _at(trigger: At, words: Words) -> str:
    daily = sorted(at for at in trigger.times if isinstance(at, time))
    dates = [at for at in trigger.times if isinstance(at, datetime)]
    parts = [words.due(words.every_day, words.clock([f"{at:%H:%M}" for at in daily]))] if daily else []
    parts.extend(words.once(f"{at:%Y-%m-%d}", f"{at:%H:%M}") for at in dates)
    return words.comma.join(parts)


def _cron_times(cron: CronText, words: Words) -> str:
    """Say the times of day of an expression."""
    minute, hour = cron.fields[0], cron.fields[1]
    minutes, hours = sorted(cron.minutes), sorted(cron.hours)
    step = _step_of(minute, 60)
    if len(minutes) * len(hours) <= _MOST_TIMES:
        return words.clock([f"{h:02}:{m:02}" for h in hours for m in minutes])
    if len(minutes) == 1:
        gap = _even_gap(hours)
        if len(hours) == 24:
            return words.each(timedelta(hours=1), minutes[0])
        if gap:
            first, last = f"{hours[0]:02}:{minutes[0]:02}", f"{hours[-1]:02}:{minutes[0]:02}"
            return words.each_from(timedelta(hours=gap), first, last)
    if step and _even_gap(hours) == 1:
        if hour == "*" or len(hours) == 24:
            return words.each(timedelta(minutes=step), minutes[0])
        return words.each_from(
            timedelta(minutes=step), f"{hours[0]:02}:{minutes[0]:02}", f"{hours[-1]:02}:{minutes[-1]:02}"
        )
    return words.minutes_of_hours([f"{m:02}" for m in minutes], [f"{h:02}" for h in hours])


def _step_of(field: str, size: int) -> int:
    """Return the period in minutes where a field is due at even distances all through the hour, else 0."""
    if field == "*":
        return 1
    found = re.fullmatch(r"\*/(\d+)", field)
    return int(found[1]) if found and size % int(found[1]) == 0 else 0


def _even_gap(numbers: Sequence[int]) -> int:
    gaps = {right - left for left, right in itertools.pairwise(numbers)}
    return gaps.pop() if len(gaps) == 1 else 0


def _cron_days(cron: CronText, words: Words) -> str:
    """Say the days of an expression."""
    parts: list[str] = []
    if cron.fields[2] != "*":
        parts.append(words.days_of_month(sorted(cron.days), cron.special_days))
    if cron.fields[4] != "*":
        parts.append(
            words.days_of_week(sorted(cron.weekdays, key=lambda day: day or 7), cron.special_weekdays)
        )
    months = sorted(cron.months) if len(cron.months) < 12 else []
    if not parts:
        return words.in_months(words.every_day, months)
    return words.in_months((words.either if cron.either_day else words.and_also).join(parts), months)
