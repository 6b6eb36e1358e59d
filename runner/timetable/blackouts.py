"""Windows of local time: blackouts in which nothing may start, and the working hours of a day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from runner.core.errors import ConfigurationError, UsageError, did_you_mean
from runner.timetable.local_time import read_time

_DAY: Final = timedelta(days=1)
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CHINESE: Final = {f"周{sign}": number for number, sign in enumerate("一二三四五六日")}
_DAYS: Final = re.compile(r"([^\W\d]+)(?:\s*-\s*([^\W\d]+))?")
_HOURS: Final = re.compile(r"(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Blackout:
    """A window in which nothing may start: dated (`start` to `end`), or every week or day (`days` and `hours`)."""

    text: str
    start: datetime | None = None
    end: datetime | None = None
    days: frozenset[int] = frozenset(range(7))
    hours: tuple[time, time] = (time(), time())

    def covers(self, local: datetime) -> bool:
        """Whether a naive local time lies in the window; the end is not part of it."""
        if self.start is not None and self.end is not None:
            return self.start <= local < self.end
        first, last = self.hours
        if first < last:
            return local.weekday() in self.days and first <= local.time() < last
        if local.time() >= first:  # over midnight: the day that counts is the one on which the window begins
            return local.weekday() in self.days
        return local.time() < last and (local - timedelta(days=1)).weekday() in self.days

    def touches(self, day: date) -> bool:
        """Whether some of a local day lies in the window."""
        begin = datetime.combine(day, time())
        if self.start is not None and self.end is not None:
            return self.start < begin + _DAY and self.end > begin
        first, last = self.hours
        yesterday = (day.weekday() - 1) % 7
        return day.weekday() in self.days or (first > last > time() and yesterday in self.days)


def read_blackout(text: str) -> Blackout:
    """Read ``2026-12-31 18:00..2027-01-01 06:00``, ``Sun 02:00-04:00``, ``Mon-Fri 12:00-13:00`` or ``22:00-06:00``.

    Raises ConfigurationError SCHED_CALENDAR.
    """
    if ".." in text:
        left, _, right = text.partition("..")
        start, end = _date_time(left), _date_time(right)
        if start >= end:
            raise wrong(
                f"blackout '{text}' ends before it begins", "the earlier time first", "swap the two times"
            )
        return Blackout(text, start, end)
    days, _, hours = text.strip().rpartition(" ")
    if not _HOURS.fullmatch(hours):
        raise wrong(
            f"blackout '{text}' is not a window",
            "'2026-12-31 18:00..2027-01-01 06:00', 'Sun 02:00-04:00' or '22:00-06:00'",
            "write it in one of these forms",
        )
    return Blackout(text, days=read_days(days) if days else frozenset(range(7)), hours=read_hours(hours))


def read_days(text: str) -> frozenset[int]:
    """Read ``Mon-Fri``, ``Sat`` or ``Mon, Wed`` (also ``周一至周五``) as weekday numbers, Monday 0."""
    found: set[int] = set()
    for part in re.split(r"[,、]\s*", text.replace("至", "-").strip()):
        named = _DAYS.fullmatch(part.strip())
        if named is None:
            raise wrong(f"'{part}' names no day", ", ".join(WEEKDAYS), "write it as in 'Mon-Fri'")
        first = _weekday(named[1])
        last = _weekday(named[2]) if named[2] else first
        found.update((first + ahead) % 7 for ahead in range((last - first) % 7 + 1))
    return frozenset(found)


def read_hours(text: str) -> tuple[time, time]:
    """Read ``09:00-17:30`` as its two times."""
    parts = _HOURS.fullmatch(text.strip())
    if parts is None:
        raise wrong(
            f"'{text}' is not a stretch of a day", "two times, as in 09:00-17:30", "write it with a '-'"
        )
    first, last = (_clock(part) for part in parts.groups())
    if first == last:
        raise wrong(f"'{text}' has no length", "two different times", "correct one of them")
    return first, last


def wrong(what: str, expected: str, hint: str) -> ConfigurationError:
    """Make the error of a calendar's or window's text."""
    return ConfigurationError(what, expected=expected, hint=hint, code="SCHED_CALENDAR")


def _weekday(name: str) -> int:
    if name in _CHINESE:
        return _CHINESE[name]
    short = name.lower()[:3]
    if short in WEEKDAYS:
        return WEEKDAYS.index(short)
    raise wrong(
        f"'{name}' is not a day", ", ".join(WEEKDAYS), did_you_mean(short, WEEKDAYS) or "write it as in 'Mon'"
    )


def _clock(text: str) -> time:
    at = read_written(text)
    assert isinstance(at, time)
    return at


def _date_time(text: str) -> datetime:
    at = read_written(text)
    if isinstance(at, time) or at.tzinfo is not None:
        raise wrong(
            f"'{text.strip()}' is not a date",
            "as in 2026-12-31 18:00, without an offset",
            "write it that way",
        )
    return at


def read_written(text: str) -> time | datetime:
    """Read a time or date of the file; errors are the file's (SCHED_CALENDAR)."""
    try:
        return read_time(text)
    except UsageError as error:
        raise wrong(error.what, error.expected, error.hint) from error
