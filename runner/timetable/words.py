"""The phrases of the two languages in which triggers are described."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from runner.core.schedules_model import Period, Shift

_UNITS: Final = (("w", 604_800), ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))


class Words(Protocol):
    """What a language must be able to say. Lists are in order; times are ``HH:MM``; weekdays 0-6 with Sunday 0."""

    every_day: str
    every_working_day: str
    either: str
    and_also: str
    comma: str

    def due(self, days: str, times: str) -> str:
        """Put days and times of day together."""

    def clock(self, times: Sequence[str]) -> str:
        """Name times of day."""

    def each(self, period: timedelta, minute: int) -> str:
        """Say that something comes all day long, at `minute` past the hour."""

    def each_from(self, period: timedelta, first: str, last: str) -> str:
        """Say that something comes evenly from a first to a last time of day."""

    def minutes_of_hours(self, minutes: Sequence[str], hours: Sequence[str]) -> str:
        """Name minutes and hours that follow no simple rule."""

    def days_of_month(self, days: Sequence[int], special: Sequence[str]) -> str:
        """Name days of the month; `special` has ``L`` and ``LW``."""

    def days_of_week(self, days: Sequence[int], special: Sequence[str]) -> str:
        """Name days of the week, Monday first; `special` has ``5L`` and ``1#2``."""

    def in_months(self, days: str, months: Sequence[int]) -> str:
        """Restrict days to months; no months means all."""

    def nth_working_day(self, nth: int, period: Period) -> str:
        """Name the nth working day of a period, negative from its end."""

    def on_holidays(self, text: str, shift: Shift) -> str:
        """Add what happens on holidays."""

    def once(self, date: str, at: str) -> str:
        """Name one date and time."""

    def in_zone(self, text: str, zone: ZoneInfo, reader: ZoneInfo) -> str:
        """Add the zone where it is not the reader's."""


class English:
    """English, as an ops person would say it on the telephone."""

    every_day = "every day"
    every_working_day = "every working day"
    either = " or "
    and_also = " that is also "
    comma = ", "
    _days = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
    _months = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
               "November", "December")  # fmt: skip
    _units: Final = {"w": "week", "d": "day", "h": "hour", "m": "minute", "s": "second"}

    def due(self, days: str, times: str) -> str:
        """``Monday to Friday at 08:30``; ``every 2 hours from 07:00 to 19:00``."""
        if not times.startswith("every"):
            return f"{days} {times}"
        return times if days == self.every_day else f"{times}, {days}"

    def clock(self, times: Sequence[str]) -> str:
        """``at 08:30 and 17:30``."""
        return f"at {_joined(times, ', ', ' and ')}"

    def each(self, period: timedelta, minute: int) -> str:
        """``every 15 minutes``, ``every hour at :05``."""
        return f"every {self._length(period)}" + (f" at :{minute:02}" if minute else "")

    def each_from(self, period: timedelta, first: str, last: str) -> str:
        """``every 2 hours from 07:00 to 19:00``."""
        return f"every {self._length(period)} from {first} to {last}"

    def minutes_of_hours(self, minutes: Sequence[str], hours: Sequence[str]) -> str:
        """``at the minutes 05 and 10 of the hours 03 and 04``."""
        each = "every hour" if len(hours) == 24 else f"the hours {_joined(hours, ', ', ' and ')}"
        return f"at the minutes {_joined(minutes, ', ', ' and ')} of {each}"

    def days_of_month(self, days: Sequence[int], special: Sequence[str]) -> str:
        """``on day 1 and 15 of the month``, ``on the last day of the month``."""
        named = {"L": "the last day", "LW": "the last Monday-to-Friday day"}
        parts = [f"day {_joined([str(day) for day in days], ', ', ' and ')}"] if days else []
        parts.extend(named[one] for one in special)
        return f"on {_joined(parts, ', ', ' and ')} of the month"

    def days_of_week(self, days: Sequence[int], special: Sequence[str]) -> str:
        """``Monday to Friday``, ``every Monday and Thursday``, ``on the 2nd Monday of the month``."""
        if _is_run(days) and not special:
            return f"{self._days[days[0]]} to {self._days[days[-1]]}"
        parts = [f"every {_joined([self._days[day] for day in days], ', ', ' and ')}"] if days else []
        for one in special:
            nth = "last" if one.endswith("L") else ("1st", "2nd", "3rd", "4th", "5th")[int(one[-1]) - 1]
            parts.append(f"on the {nth} {self._days[int(one[0]) % 7]} of the month")
        return _joined(parts, ", ", " and ")

    def in_months(self, days: str, months: Sequence[int]) -> str:
        """``on day 1 of January and July``."""
        if not months:
            return days
        named = _joined([self._months[month - 1] for month in months], ", ", " and ")
        return days.replace("of the month", f"of {named}") if "of the month" in days else f"{days} in {named}"

    def nth_working_day(self, nth: int, period: Period) -> str:
        """``on the last working day of the month``, ``on the 2nd last working day of the quarter``."""
        number = "" if nth == -1 else _ordinal(abs(nth)) + " "
        return f"on the {number}{'last ' if nth < 0 else ''}working day of the {period}"

    def on_holidays(self, text: str, shift: Shift) -> str:
        """``…, on holidays the next working day``."""
        where = {Shift.SKIP: "not on holidays", Shift.NEXT: "on holidays the next working day",
                 Shift.PREVIOUS: "on holidays the working day before"}  # fmt: skip
        return f"{text}, {where[shift]}"

    def once(self, date: str, at: str) -> str:
        """``on 2027-03-31 at 18:00``."""
        return f"on {date} at {at}"

    def in_zone(self, text: str, zone: ZoneInfo, reader: ZoneInfo) -> str:
        """``every day at 08:30 (Asia/Shanghai)``."""
        return text if zone.key == reader.key else f"{text} ({zone.key})"

    def _length(self, period: timedelta) -> str:
        parts = [(count, self._units[unit]) for unit, count in _parts(period)]
        if len(parts) == 1 and parts[0][0] == 1:
            return parts[0][1]
        return " ".join(f"{count} {unit}{'s' if count != 1 else ''}" for count, unit in parts)


class Chinese:
    """Simplified Chinese, with numbers set off by spaces as on screens."""

    every_day = "每天"
    every_working_day = "每个工作日"
    either = "或"
    and_also = "且"
    comma = "、"
    _days = "日一二三四五六"
    _units: Final = {"w": "周", "d": "天", "h": "小时", "m": "分钟", "s": "秒"}

    def due(self, days: str, times: str) -> str:
        """``周一至周五 08:30``; ``每 15 分钟``."""
        return times if days == self.every_day and times.startswith("每") else f"{days} {times}"

    def clock(self, times: Sequence[str]) -> str:
        """``08:30、17:30``."""
        return "、".join(times)

    def each(self, period: timedelta, minute: int) -> str:
        """``每 15 分钟``, ``每小时第 5 分``."""
        return f"每{self._length(period)}" + (f"第 {minute} 分" if minute else "")

    def each_from(self, period: timedelta, first: str, last: str) -> str:
        """``07:00 至 19:00 每 2 小时``."""
        return f"{first} 至 {last} 每{self._length(period)}"

    def minutes_of_hours(self, minutes: Sequence[str], hours: Sequence[str]) -> str:
        """``03、04 时的第 05、10 分``."""
        each = "每小时" if len(hours) == 24 else f"{'、'.join(hours)} 时"
        return f"{each}的第 {'、'.join(minutes)} 分"

    def days_of_month(self, days: Sequence[int], special: Sequence[str]) -> str:
        """``每月 1 日、15 日``, ``每月最后一天``."""
        named = {"L": "最后一天", "LW": "最后一个周一至周五的日子"}
        shown = "、".join([*(f" {day} 日" for day in days), *(named[one] for one in special)])
        return f"每月{shown}".replace("、 ", "、")

    def days_of_week(self, days: Sequence[int], special: Sequence[str]) -> str:
        """``周一至周五``, ``每周一、周四``, ``每月第 2 个周一``."""
        if _is_run(days) and not special:
            return f"周{self._days[days[0]]}至周{self._days[days[-1]]}"
        parts = [f"每{'、'.join(f'周{self._days[day]}' for day in days)}"] if days else []
        for one in special:
            nth = "最后一个" if one.endswith("L") else f"第 {one[-1]} 个"
            parts.append(f"每月{nth}周{self._days[int(one[0]) % 7]}")
        return "、".join(parts)

    def in_months(self, days: str, months: Sequence[int]) -> str:
        """``1 月、7 月的 1 日``."""
        if not months:
            return days
        named = "、".join(f"{month} 月" for month in months)
        return f"{named}{days.removeprefix('每月')}" if days.startswith("每月") else f"{named}{days}"

    def nth_working_day(self, nth: int, period: Period) -> str:
        """``每月最后一个工作日``, ``每季度倒数第 2 个工作日``."""
        number = "最后一个" if nth == -1 else f"{'倒数' if nth < 0 else ''}第 {abs(nth)} 个"
        named = {Period.WEEK: "每周", Period.MONTH: "每月", Period.QUARTER: "每季度", Period.YEAR: "每年"}
        return f"{named[period]}{number}工作日"

    def on_holidays(self, text: str, shift: Shift) -> str:
        """``…,遇假日顺延``."""
        where = {Shift.SKIP: "跳过", Shift.NEXT: "顺延", Shift.PREVIOUS: "提前"}
        return f"{text},遇假日{where[shift]}"

    def once(self, date: str, at: str) -> str:
        """``2027-03-31 18:00``."""
        return f"{date} {at}"

    def in_zone(self, text: str, zone: ZoneInfo, reader: ZoneInfo) -> str:
        """``每天 08:30(Asia/Shanghai)``."""
        return text if zone.key == reader.key else f"{text}({zone.key})"

    def _length(self, period: timedelta) -> str:
        parts = _parts(period)
        if len(parts) == 1 and parts[0][1] == 1:
            return self._units[parts[0][0]]
        return " " + " ".join(f"{count} {self._units[unit]}" for unit, count in parts)


def words_of(language: str) -> Words:
    """Return the phrases of a language: ``zh`` and its variants are Chinese, all others English."""
    return Chinese() if re.match(r"zh\b", language.lower().replace("_", "-")) else English()


def _parts(period: timedelta) -> list[tuple[str, int]]:
    """Split a period into whole units, the largest first; a whole number of one unit stays one part."""
    left = round(period.total_seconds())
    for unit, size in _UNITS:
        if left and left % size == 0:
            return [(unit, left // size)]
    return []


def _ordinal(number: int) -> str:
    if number % 100 in {11, 12, 13}:
        return f"{number}th"
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _is_run(days: Sequence[int]) -> bool:
    """Whether days follow one another, Monday to Sunday, three or more."""
    from_monday = [(day - 1) % 7 for day in days]
    return len(days) >= 3 and from_monday == list(range(from_monday[0], from_monday[0] + len(days)))


def _joined(parts: Sequence[str], comma: str, last: str) -> str:
    return last.join([comma.join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)
