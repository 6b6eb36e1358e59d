"""A value as the content of a cell in a worksheet's XML, refused where a cell can't hold it."""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, TypeAlias

from runner.core.errors import WorkbookError


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula to be written into a cell, as ``Formula("=B2*C2")``; its result is calculated by the program that opens the file."""

    text: str


Value: TypeAlias = (
    str | bool | int | float | Decimal | dt.date | dt.datetime | dt.time | dt.timedelta | Formula | None
)


@dataclass(frozen=True, slots=True)
class Styled:
    """A value together with the number of the style that its cell gets."""

    value: Value
    style: int


LONGEST_TEXT = 32_767
MOST_DIGITS = 15
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_PLAIN = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9.,:;/()#+*!?'-]| (?! ))*(?<! )"
)  # most results: nothing in it is special
_ESCAPE_LIKE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_EPOCH_1900, _EPOCH_1904 = dt.date(1899, 12, 30), dt.date(1904, 1, 1)
_FIRST_CERTAIN = dt.date(1900, 3, 1)  # Excel counts a 29 February 1900 that never was


class Content(NamedTuple):
    """What goes into a cell: the value of its attribute `t` (empty: leave it out), its XML, and the kind of date it is."""

    kind: bytes
    inner: bytes
    moment: str = ""


def content(value: Value, where: str, *, date1904: bool = False, prefix: bytes = b"") -> Content:
    """`value` as cell content; texts are written inline, so that no other part of the package changes.

    Raises WorkbookError (WB_VALUE) for what a cell can't hold without loss, naming the cell `where` and the reason.
    """
    if value is None:
        return Content(b"", b"")
    if isinstance(value, str):
        return Content(b"inlineStr", _text(value, where, prefix))
    if isinstance(value, bool):
        return Content(b"b", _v(prefix, b"1" if value else b"0"))
    if isinstance(value, int | float | Decimal):
        return Content(b"", _v(prefix, _number(value, where).encode()))
    if isinstance(value, Formula):
        plain = value.text.removeprefix("=").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return Content(b"", b"<" + prefix + b"f>" + plain.encode() + b"</" + prefix + b"f>")
    if isinstance(value, dt.date | dt.time | dt.timedelta):
        serial, moment = _serial(value, where, date1904)
        return Content(b"", _v(prefix, serial.encode()), moment)
    raise refused(
        where,
        repr(value)[:60],
        f"{type(value).__name__} is not a kind of cell value",
        "give text or a number",
    )


def is_plain(value: str) -> bool:
    """Whether a text can stand in a cell's XML as it is."""
    return len(value) <= LONGEST_TEXT and _PLAIN.fullmatch(value) is not None


def refused(where: str, shown: str, reason: str, hint: str) -> WorkbookError:
    """The error for a value that no cell can hold."""
    return WorkbookError(
        f"{shown} cannot be stored in {where.rpartition('!')[2]}, reason: {reason}",
        expected="a value that a cell keeps without loss",
        hint=f"{hint}; nothing was written",
        where=where,
        code="WB_VALUE",
    )


def _v(prefix: bytes, text: bytes) -> bytes:
    return b"<" + prefix + b"v>" + text + b"</" + prefix + b"v>"


def _text(value: str, where: str, prefix: bytes) -> bytes:
    if not prefix and is_plain(value):
        return b"<is><t>%b</t></is>" % value.encode()
    illegal = _ILLEGAL.search(value)
    if illegal:
        raise refused(
            where,
            f"the text {value[:40]!r}",
            f"it has the control character {illegal[0]!r}",
            "take the character out",
        )
    length = len(value) + sum(sign > "\uffff" for sign in value)
    if length > LONGEST_TEXT:
        raise refused(
            where,
            f"a text of {length:,} characters",
            f"a cell holds at most {LONGEST_TEXT:,}",
            "shorten it or write it to a file",
        )
    plain = _ESCAPE_LIKE.sub("_x005F_", value)
    plain = plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    space = b' xml:space="preserve"' if value != value.strip() or "\n" in value or "  " in value else b""
    inside = b"<" + prefix + b"t" + space + b">" + plain.encode() + b"</" + prefix + b"t>"
    return b"<" + prefix + b"is>" + inside + b"</" + prefix + b"is>"


def _number(value: float | Decimal, where: str) -> str:
    if not math.isfinite(value):
        raise refused(
            where, str(value), "it is not a number that Excel knows", "write text or leave the cell empty"
        )
    if isinstance(value, float):
        return repr(value)
    digits = Decimal(value).normalize().as_tuple().digits
    if len(digits) > MOST_DIGITS:
        raise refused(
            where, f"the number {value}", f"a cell keeps {MOST_DIGITS} digits of a number", "give it as text"
        )
    return str(value)


def _serial(value: dt.date | dt.time | dt.timedelta, where: str, date1904: bool) -> tuple[str, str]:
    if isinstance(value, dt.timedelta):
        return _shortest(value / dt.timedelta(days=1)), "duration"
    if isinstance(value, dt.datetime | dt.time) and value.tzinfo is not None:
        raise refused(
            where,
            str(value),
            "a cell has no time zone",
            "convert it to local time and drop the zone, or give text",
        )
    if isinstance(value, dt.time):
        return _shortest(_day_part(value)), "time"
    day = value.date() if isinstance(value, dt.datetime) else value
    if day < (_EPOCH_1904 if date1904 else _FIRST_CERTAIN):
        raise refused(where, str(value), "the workbook's calendar begins later", "give it as text")
    days = (day - (_EPOCH_1904 if date1904 else _EPOCH_1900)).days
    if isinstance(value, dt.datetime):
        return _shortest(days + _day_part(value.time())), "datetime"
    return str(days), "date"


def _day_part(time: dt.time) -> float:
    return (time.hour * 3600 + time.minute * 60 + time.second + time.microsecond / 1e6) / 86_400


def _shortest(number: float) -> str:
    return format(number, ".15g")
