"""From a cell's value to the type that a model's field asks for: numbers without noise, text numbers by locale."""

from __future__ import annotations

import datetime as dt
import enum
import math
import re
import types
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from runner.sheets.bands import CellValue
from runner.sheets.wording import Locale, Trouble, parse_date, parse_number

SAFE_DIGITS = 10**15
BLANK: Final = ""
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?")
_TRUE = frozenset({"true", "yes", "y", "1", "x", "wahr", "ja", "j", "真", "是", "对"})
_FALSE = frozenset({"false", "no", "n", "0", "falsch", "nein", "假", "否", "错"})


Converter = Callable[[CellValue], object]


def converter(annotation: Any, locale: Locale | None) -> Converter:
    """The function that makes a cell's value ready for a field with this annotation.

    It raises Trouble. Blank cells never reach it.
    """
    kind = kind_of(annotation)
    simple: dict[object, Converter] = {
        str: to_text,
        bool: to_boolean,
        dt.time: to_time,
        dt.timedelta: to_duration,
    }
    if kind in simple:
        return simple[kind]
    if kind is int:
        return partial(to_integer, locale=locale)
    if kind is Decimal:
        return partial(to_decimal, locale=locale)
    numeric: dict[object, Callable[[CellValue, Locale | None], object]] = {
        float: to_float,
        dt.date: to_date,
        dt.datetime: to_datetime,
    }
    if kind not in numeric:
        return _as_it_is
    convert = numeric[kind]
    return lambda value: convert(value, locale)


def plain_type(annotation: Any) -> type | None:
    """The type of cell values that go to the model as they are; None where each one is looked at."""
    kind = kind_of(annotation)
    return (
        kind if isinstance(kind, type) and kind in {str, bool, float, dt.date, dt.datetime, dt.time} else None
    )


def kind_of(annotation: Any) -> object:
    """The plain type behind ``Annotated``, ``Optional``, ``Literal`` and enums; None where there is no single one."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return kind_of(get_args(annotation)[0])
    if origin in {Union, types.UnionType}:
        kinds = {kind_of(one) for one in get_args(annotation) if one is not type(None)}
        return kinds.pop() if len(kinds) == 1 else None
    if origin is Literal:
        kinds = {type(one) for one in get_args(annotation)}
        return kinds.pop() if len(kinds) == 1 else None
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        kinds = {type(one.value) for one in annotation}
        return kinds.pop() if len(kinds) == 1 else None
    if isinstance(annotation, type):
        return next((t for t in (bool, str, int, float, Decimal, dt.datetime, dt.date, dt.time, dt.timedelta) if issubclass(annotation, t)), None)  # fmt: skip
    return None


def to_text(value: CellValue) -> object:
    """Text as it is; a number as Excel shows it in a cell without format; dates in ISO form."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return number_text(value)
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)


def masked_text(value: CellValue, mask: str) -> object:
    """A number as text under a format made of zeros: 3695 under ``00000`` is ``03695``."""
    if not isinstance(value, int | float) or isinstance(value, bool) or value < 0 or value != int(value):
        return to_text(value)
    digits = number_text(value)
    slots = mask.count("0")
    left = list(digits.rjust(slots, "0"))
    head = "".join(left[: len(left) - slots])
    tail = iter(left[len(left) - slots :])
    literal = re.sub(r'\\(.)|"([^"]*)"', lambda found: found[1] or found[2] or "", mask)
    out = "".join(next(tail) if sign == "0" else sign for sign in literal)
    first = out.find(digits[0]) if head else 0
    return out[:first] + head + out[first:] if head else out


def number_text(value: float) -> str:
    """A number with at most 15 digits, the way Excel stores what people typed; Trouble beyond that."""
    if not math.isfinite(value):
        raise Trouble(f"the number {value}", "a number", "correct the cell")
    if value == int(value) and abs(value) >= SAFE_DIGITS:
        raise Trouble(
            f"the number {value:.0f} with more than 15 digits, whose last digits are lost",
            "an identifier stored as text",
            "format the column as text and enter it again",
        )
    return str(int(value)) if value == int(value) else format(value, ".15g")


def to_decimal(value: CellValue, locale: Locale | None) -> object:
    """A number as Decimal with the digits Excel shows; text by the declared locale, else only in plain form."""
    if isinstance(value, float):
        return Decimal(format(value, ".15g"))
    if isinstance(value, str):
        return parse_number(value, locale)
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    raise Trouble(f"{describe(value)}", "expected a number", "correct the cell or its format")


def to_integer(value: CellValue, locale: Locale | None) -> object:
    """A whole number; a fraction is refused."""
    if type(value) is float and value.is_integer() and -SAFE_DIGITS < value < SAFE_DIGITS:
        return int(value)
    number = to_decimal(value, locale)
    if not isinstance(number, Decimal) or not number.is_finite() or number != number.to_integral_value():
        raise Trouble(describe(value), "expected a whole number", "correct the cell")
    if isinstance(value, float) and abs(value) >= SAFE_DIGITS:
        number_text(value)
    return int(number)


def to_float(value: CellValue, locale: Locale | None) -> object:
    """A number as it is stored."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    number = to_decimal(value, locale)
    return float(number) if isinstance(number, Decimal) else number


def to_boolean(value: CellValue) -> object:
    """TRUE and FALSE, 1 and 0, yes and no in English, German and Chinese."""
    if isinstance(value, bool):
        return value
    word = number_text(value) if isinstance(value, int | float) else str(value).strip().casefold()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise Trouble(describe(value), "expected yes or no", "write TRUE or FALSE")


def to_date(value: CellValue, locale: Locale | None) -> object:
    """A date; a date with a time of day is left to the model, which refuses it."""
    if isinstance(value, dt.date):
        return value
    if isinstance(value, str):
        return parse_date(value.strip(), locale) or _no_date(value, locale)
    return _no_date(value, locale)


def to_datetime(value: CellValue, locale: Locale | None) -> object:
    """A date with a time; a date alone is its midnight."""
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, str):
        day, _, clock = value.strip().replace("T", " ").partition(" ")
        date = parse_date(day, locale) or _no_date(value, locale)
        time = to_time(clock.removesuffix("Z")) if clock else dt.time()
        return dt.datetime.combine(date, time)
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time())
    return _no_date(value, locale)


def to_time(value: CellValue) -> dt.time:
    """A time of day."""
    if isinstance(value, dt.datetime):
        value = value.time()
    if isinstance(value, dt.time):
        return value
    found = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    try:
        if found:
            return dt.time(
                int(found[1]), int(found[2]), int(found[3] or 0), int((found[4] or "").ljust(6, "0"))
            )
    except ValueError:
        pass
    raise Trouble(describe(value), "expected a time such as 14:30", "correct the cell or its format")


def to_duration(value: CellValue) -> object:
    """A length of time; a time of day is the time since midnight."""
    if isinstance(value, dt.timedelta):
        return value
    time = to_time(value)
    return dt.timedelta(
        hours=time.hour, minutes=time.minute, seconds=time.second, microseconds=time.microsecond
    )


def describe(value: CellValue) -> str:
    """A value as an error shows it, cut to 80 characters."""
    if isinstance(value, str):
        return f"the text {value[:80]!r}"
    if isinstance(value, bool):
        return "the logical value " + ("TRUE" if value else "FALSE")
    if isinstance(value, int | float):
        return f"the number {value:.15g}"
    return f"the {'time' if isinstance(value, dt.time | dt.timedelta) else 'date'} {value}"


def _no_date(value: CellValue, locale: Locale | None) -> dt.date:
    hint = "give the cell a date format" if isinstance(value, int | float) else "write it as 2026-01-31"
    raise Trouble(
        describe(value),
        "expected a date",
        hint if locale else f"{hint}, or declare the locale of the workbook",
    )


def _as_it_is(value: CellValue) -> object:
    return (
        int(value) if isinstance(value, float) and value.is_integer() and abs(value) < SAFE_DIGITS else value
    )
