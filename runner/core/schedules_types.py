"""The kinds of values that schedules.yaml holds: durations, times, zones, names, and the frozen records made of them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic_core import PydanticCustomError

from runner.core.clock import duration, duration_text
from runner.core.errors import did_you_mean
from runner.core.yaml_text import Sexagesimal

LONGEST: Final = timedelta(days=3660)


def problem(code: str, what: str, expected: str, hint: str = "") -> PydanticCustomError:
    """Make an error that pydantic carries through: `what` follows the key's name in the message."""
    template = "{what}"
    return PydanticCustomError(code, template, {"what": what, "expected": expected, "hint": hint})


def _positive_duration(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float, str)) or isinstance(value, Sexagesimal):
        raise problem("SCHED_VALUE", f"is {shown(value)}", 'a duration in quotes, as in "30m" or "1h30m"')
    if not isinstance(value, str) or value.lstrip().startswith("-"):
        negative = str(value).lstrip().startswith("-") or value == 0
        wanted = "must be > 0, with a unit" if negative else "a number with a unit (s, m, h, d, w)"
        raise problem("SCHED_VALUE", f"is {value}", wanted, 'write it as in "30m" or "1h30m"')
    try:
        length = duration(value)
    except OverflowError:
        length = timedelta.max
    except ValueError as error:
        raise problem("SCHED_VALUE", f"is '{value}'", 'a duration, as in "30s", "30m" or "1h30m"') from error
    if not timedelta() < length <= LONGEST:
        raise problem(
            "SCHED_VALUE", f"is '{value}'", "must be > 0 and at most ten years", "correct the number"
        )
    return length


def _times(value: object) -> object:
    """Accept one text or a list of them; refuse numbers, which are times that somebody forgot to quote."""
    entries = value if isinstance(value, list) else [value]
    for entry in entries:
        if isinstance(entry, Sexagesimal):
            raise problem(
                "SCHED_TIME_TYPE",
                f"is {entry} without quotes, which YAML reads as the number {entry.number}",
                "a time as text",
                f'write it in quotes: "{entry}"',
            )
        if not isinstance(entry, str) or not entry.strip():
            raise problem(
                "SCHED_TIME_TYPE", f"is {shown(entry)}", 'a time as text, as in "08:30" or "2027-03-31 18:00"',
                "write it in quotes",
            )  # fmt: skip
    return tuple(str(entry) for entry in entries)


def _zone(name: str) -> str:
    example = "write an IANA name, e.g. 'Europe/Berlin'"
    if not name.strip():
        raise problem("SCHED_TZ", "timezone is empty", "an IANA time zone", example)
    if re.fullmatch(r"(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?", name):
        what = f"timezone '{name}': a fixed offset does not follow daylight saving"
        raise problem("SCHED_TZ", what, "an IANA time zone", "use an IANA name, e.g. 'Europe/Berlin'")
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        hint = did_you_mean(name, available_timezones()) or example
        raise problem(
            "SCHED_TZ", f"timezone '{name}' is not an IANA time zone", "an IANA name", hint
        ) from error
    return name


def _names(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def shown(value: object) -> str:
    """Return a value as a message shows it."""
    if value is None:
        return "empty"
    return f"'{value}'" if isinstance(value, str) else ("a list" if isinstance(value, list) else str(value))


Text = Annotated[str, Field(max_length=2000)]
Identifier = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^\w[\w.-]*$")]
PositiveDuration = Annotated[
    timedelta,
    BeforeValidator(_positive_duration),
    PlainSerializer(duration_text, return_type=str, when_used="json"),
]
Zone = Annotated[str, AfterValidator(_zone)]
Times = Annotated[tuple[str, ...], BeforeValidator(_times)]
Names = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_names)]


class Record(BaseModel):
    """A frozen entry of the file; keys that it doesn't know are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, coerce_numbers_to_str=True)
