"""A cron expression: read, checked in words, and brought into the one form that the iteration understands.

Five fields (minute hour day-of-month month day-of-week), names, ``@daily`` and its family, ``L`` (last day of the month),
``LW`` (its last Monday-to-Friday day), ``5L`` (last Friday) and ``1#2`` (second Monday). 0 and 7 are Sunday. Where both
day fields are restricted, a day that matches either is meant, as crontab(5) says.
"""

from __future__ import annotations

import calendar
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from runner.core.errors import ConfigurationError, did_you_mean

DAY_NAMES: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
MONTH_NAMES: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
FAMILY: Final = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of an expression: its name, its range, its names, and how often a step that is too large fires."""

    name: str
    low: int
    high: int
    names: tuple[str, ...]
    once: str

    @property
    def last(self) -> int:
        """The last value that is not another name of the first (7 is Sunday once more)."""
        return 6 if self.names == DAY_NAMES else self.high


_FIELDS: Final = (
    _Field("minute", 0, 59, (), "an hour"),
    _Field("hour", 0, 23, (), "a day"),
    _Field("day-of-month", 1, 31, (), "a month"),
    _Field("month", 1, 12, MONTH_NAMES, "a year"),
    _Field("day-of-week", 0, 7, DAY_NAMES, "a week"),
)


@dataclass(frozen=True, slots=True)
class CronText:
    """A checked expression. `normal` has digits for names and stars first in lists; the sets are for describing.

    `weekdays` uses 0-6 with Sunday 0. `special_days` and `special_weekdays` hold ``L``, ``LW``, ``5L``, ``1#2``.
    """

    normal: str
    fields: tuple[str, str, str, str, str]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    special_days: tuple[str, ...]
    special_weekdays: tuple[str, ...]

    @property
    def is_fixed(self) -> bool:
        """Whether it names times of day: neither the minute nor the hour field has a ``*``."""
        return "*" not in self.fields[0] + self.fields[1]

    @property
    def any_day(self) -> bool:
        """Whether both day fields are ``*``."""
        return self.fields[2] == "*" and self.fields[4] == "*"

    @property
    def either_day(self) -> bool:
        """Whether a day that matches one of the two day fields is enough: neither has a ``*``."""
        return "*" not in self.fields[2] and "*" not in self.fields[4]


@lru_cache(maxsize=4096)
def parse_cron(text: str) -> CronText:
    """Read a cron expression.

    Raises ConfigurationError (without `where`): SCHED_CRON for what can't be read, SCHED_NEVER for a date that no
    calendar has.
    """
    _refuse_wide_characters(text)
    fields = _five_fields(text)
    values: list[frozenset[int]] = []
    specials: list[tuple[str, ...]] = []
    normal: list[str] = []
    for field, part in zip(_FIELDS, fields, strict=True):
        numbers, special, plain = _read_field(field, part)
        values.append(numbers)
        specials.append(special)
        normal.append(plain)
    weekdays = frozenset(day % 7 for day in values[4])
    minute, hour, day, month, weekday = normal
    out = CronText(
        " ".join(normal),
        (minute, hour, day, month, weekday),
        values[0], values[1], values[2], values[3], weekdays, specials[2], specials[4],
    )  # fmt: skip
    _refuse_impossible_date(out)
    return out


def _refuse_wide_characters(text: str) -> None:
    for index, sign in enumerate(text):
        if not sign.isascii():
            kind = "non-ASCII digit" if unicodedata.category(sign) == "Nd" else "non-ASCII character"
            raise _refused(
                f"{kind} '{sign}' (U+{ord(sign):04X}) at column {index + 1} of the expression",
                "the digits 0-9 and the signs * , - / L # @",
                "switch the keyboard to half-width letters and type it again",
            )


def _five_fields(text: str) -> list[str]:
    shown = text.strip()
    if shown.startswith("@"):
        if shown.lower() not in FAMILY:
            hint = did_you_mean(shown.lower(), FAMILY) or "write the five fields out"
            raise _refused(f"'{shown}' is not known", "one of " + " ".join(FAMILY), hint)
        return FAMILY[shown.lower()].split()
    fields = shown.upper().split()
    if len(fields) == 5:
        return fields
    names = "minute hour day-of-month month day-of-week"
    hint = "remove the first field: seconds are not supported" if len(fields) == 6 else "as in '30 8 * * 1-5'"
    raise _refused(f"'{shown}' has {len(fields)} fields", f"expected 5: {names}", hint)


def _read_field(field: _Field, part: str) -> tuple[frozenset[int], tuple[str, ...], str]:
    """Return the numbers that a field names, its L/W/# terms, and the field in digits with stars first."""
    numbers: set[int] = set()
    special: list[str] = []
    plain: list[str] = []
    for term in part.split(","):
        named = _special(field, term)
        if named:
            special.append(named)
            plain.append(named)
        else:
            start, end, step, digits = _range(field, term)
            numbers.update(range(start, end + 1, step))
            plain.append(digits)
    plain.sort(key=lambda digits: not digits.startswith("*"))
    return frozenset(numbers), tuple(special), ",".join(plain)


def _special(field: _Field, term: str) -> str:
    if field.name == "day-of-month" and term in {"L", "LW"}:
        return term
    if field.name == "day-of-week":
        last = re.fullmatch(r"(\w+)L", term)
        if last:
            return f"{_number(field, last[1], term)}L"
        nth = re.fullmatch(r"(\w+)#(\d+)", term)
        if nth:
            if not 1 <= int(nth[2]) <= 5:
                raise _refused(
                    f"day-of-week '{term}' asks for number {nth[2]} of a month",
                    "#1 to #5",
                    "or '5L' for the last Friday",
                )
            return f"{_number(field, nth[1], term)}#{int(nth[2])}"
    if "?" in term or term.endswith("W"):
        raise _refused(
            f"{field.name} '{term}' is not cron",
            f"{field.low}-{field.high}, * , - / L #",
            "write * for any day",
        )
    return ""


def _range(field: _Field, term: str) -> tuple[int, int, int, str]:
    """Return first, last and step of a term such as ``9-17/2``, and the term in digits."""
    body, slash, step_text = term.partition("/")
    if body == "*":
        start, end, digits = field.low, field.last, "*"
    elif "-" in body[1:]:
        left, _, right = body.partition("-")
        start, end = _number(field, left, term), _number(field, right, term)
        if field.names == DAY_NAMES and right == "SUN":
            end = 7
        if start > end:
            raise _refused(
                f"{field.name} range {start}-{end}: its start is after end",
                "the smaller number first",
                f"to go over the turn write '{start}-{field.last},{field.low}-{end}'",
            )
        digits = f"{start}-{end}" if start < end else f"{start}"
    else:
        start = end = _number(field, body, term)
        digits = str(start)
        if slash:
            raise _refused(
                f"{field.name} '{term}' has a step and no range",
                "a range before the '/'",
                f"write '{start}-{field.high}/{step_text}' or '*/{step_text}'",
            )
    if not slash:
        return start, end, 1, digits
    step = _step(field, term, step_text)
    return start, end, step, f"{digits}/{step}" if start < end else digits


def _step(field: _Field, term: str, text: str) -> int:
    if not re.fullmatch(r"\d{1,6}", text) or int(text) == 0:
        raise _refused(
            f"{field.name} '{term}' has the step '{text}'", "a whole number of 1 or more", "as in '*/15'"
        )
    step = int(text)
    if step > field.high:
        raise _refused(
            f"{field.name} step {step} is larger than {field.high}",
            f"a step up to {field.high}",
            f"'{term}' runs once {field.once}, which is probably not meant",
        )
    return step


def _number(field: _Field, text: str, term: str) -> int:
    if text in field.names:
        return field.names.index(text) + field.low
    if text.isdigit() and len(text) <= 6:
        number = int(text)
        if field.low <= number <= field.high:
            return number
        raise _refused(
            f"{field.name} {number} does not exist", f"{field.low}-{field.high}", f"correct '{term}'"
        )
    meant = did_you_mean(text, field.names) or f"correct '{term}'"
    names = f" or {field.names[0]}-{field.names[-1]}" if field.names else ""
    raise _refused(f"{field.name} '{text}' is not a number", f"{field.low}-{field.high}{names}", meant)


def _refuse_impossible_date(cron: CronText) -> None:
    if cron.special_days or not cron.days or cron.either_day:
        return
    longest = {
        month: max(calendar.monthrange(2000, month)[1], calendar.monthrange(2001, month)[1])
        for month in cron.months
    }
    if min(cron.days) > max(longest.values()):
        date = f"{min(cron.days)} {calendar.month_name[min(cron.months)]}"
        raise never(f"there is no {date}")


def never(why: str) -> ConfigurationError:
    """Make the error SCHED_NEVER, with its reason."""
    return ConfigurationError(
        f"no run in the next 10 years: {why}",
        expected="a date that comes",
        hint="for the last day of a month write L as the day-of-month",
        code="SCHED_NEVER",
    )


def _refused(what: str, expected: str, hint: str) -> ConfigurationError:
    return ConfigurationError(what, expected=expected, hint=hint, code="SCHED_CRON")
