"""Local times that people write, checked against the calendar and the zone: ``2027-03-28 02:30`` in Europe/Berlin."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, time, timedelta, timezone
from typing import Final
from zoneinfo import ZoneInfo

from runner.core.errors import UsageError
from runner.timetable.zones import instants_of, offset_at, shift_around

_TIME: Final = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?"
_TIME_ONLY: Final = re.compile(_TIME, re.ASCII)
_DATE_TIME: Final = re.compile(
    rf"(?P<year>\d{{4}})-(?P<month>\d{{1,2}})-(?P<day>\d{{1,2}})(?:[ T]{_TIME}\s?(?P<offset>Z|[+-]\d{{2}}:?\d{{2}})?)?",
    re.ASCII,
)


def read_time(text: str) -> time | datetime:
    """Read ``08:30`` as a time of day, ``2027-03-31`` or ``2027-03-31 18:00`` as a naive datetime, with ``+02:00`` aware.

    Raises UsageError CLI_DATE with what is wrong with the calendar or the clock.
    """
    shown = text.strip()
    only = _TIME_ONLY.fullmatch(shown)
    if only:
        return _time(only, shown)
    parts = _DATE_TIME.fullmatch(shown)
    if parts is None:
        raise _wrong(
            f"'{shown}' is not a time",
            "08:30, 2027-03-31 or 2027-03-31 18:00",
            "write it in one of these forms",
        )
    year, month, day = (int(parts[name]) for name in ("year", "month", "day"))
    if not 1 <= month <= 12:
        raise _wrong(
            f"'{shown}' names month {month}", "a month from 1 to 12", "write the date as year-month-day"
        )
    length = calendar.monthrange(year, month)[1] if year else 0
    if not 1 <= day <= length:
        raise _wrong(
            f"'{shown}' is not a date: {calendar.month_name[month]} {year} has {length} days",
            f"a day from 1 to {length}",
            "correct the day",
        )
    at = _time(parts, shown) if parts["hour"] else time()
    return datetime.combine(datetime(year, month, day), at, tzinfo=_offset(parts["offset"], shown))  # noqa: DTZ001


def moment(text: str, zone: ZoneInfo, flag: str) -> datetime:
    """Return the instant (UTC) that a command-line flag such as ``--from`` names, in the local time of `zone`.

    A date alone is the beginning of its day. Raises UsageError: CLI_DATE for what is no date, CLI_LOCAL_TIME for a time
    that clocks of `zone` skip, or show twice without an offset that says which.
    """
    try:
        local = read_time(text)
    except UsageError as error:
        error.where = flag
        raise
    if isinstance(local, time):
        raise UsageError(
            f"'{text}' has no date",
            expected="a date, as in 2027-03-31 18:00",
            hint="add it",
            where=flag,
            code="CLI_DATE",
        )
    if local.tzinfo is not None:
        return local.astimezone(UTC)
    found = instants_of(local, zone)
    if len(found) == 1:
        return found[0]
    if not found and len(text.strip()) <= len("2027-03-31"):
        shift = shift_around(local, zone)
        return shift.at if shift else local.replace(tzinfo=zone).astimezone(UTC)
    raise _skipped(local, zone, flag) if not found else _twice(local, zone, found, flag)


def _skipped(local: datetime, zone: ZoneInfo, flag: str) -> UsageError:
    shift = shift_around(local, zone)
    assert shift is not None
    left, right = shift.at + shift.before, shift.at + shift.after
    return UsageError(
        f"{local:%H:%M} does not exist on {local:%Y-%m-%d} in {zone.key}: clocks go from {left:%H:%M} to {right:%H:%M}",
        expected="a time that clocks show on that day",
        hint=f"write {right:%Y-%m-%d %H:%M}",
        where=flag,
        code="CLI_LOCAL_TIME",
    )


def _twice(local: datetime, zone: ZoneInfo, found: tuple[datetime, ...], flag: str) -> UsageError:
    first, second = (_offset_text(offset_at(at, zone)) for at in found)
    return UsageError(
        f"{local:%H:%M} comes twice on {local:%Y-%m-%d} in {zone.key}: with {first} and with {second}",
        expected=f"the offset {first} or {second} behind the time",
        hint=f"write '{local:%Y-%m-%d %H:%M}{first}' or '{local:%Y-%m-%d %H:%M}{second}'",
        where=flag,
        code="CLI_LOCAL_TIME",
    )


def _time(parts: re.Match[str], shown: str) -> time:
    hour, minute, second = int(parts["hour"]), int(parts["minute"]), int(parts["second"] or 0)
    if hour > 23 or minute > 59 or second > 59:
        raise _wrong(f"'{shown}' is not a time of day", "00:00 to 23:59", "correct the hour or the minute")
    return time(hour, minute, second)


def _offset(text: str | None, shown: str) -> timezone | None:
    if text is None:
        return None
    if text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 14 or minutes > 59:
        raise _wrong(f"'{shown}' has the offset {text}", "-12:00 to +14:00", "correct the offset")
    length = timedelta(hours=hours, minutes=minutes)
    return timezone(-length if text[0] == "-" else length)


def _offset_text(offset: timedelta) -> str:
    minutes = round(offset / timedelta(minutes=1))
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _wrong(what: str, expected: str, hint: str) -> UsageError:
    return UsageError(what, expected=expected, hint=hint, code="CLI_DATE")
