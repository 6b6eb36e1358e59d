"""Which number formats show a moment, and the date, time or length of time that a serial number is."""

from __future__ import annotations

import datetime as dt
import re

BUILTIN_MOMENTS = {**dict.fromkeys((*range(14, 23), 45, 47), "date"), 46: "duration"}
FIRST_CERTAIN_DAY, LAST_DAY = 61, 2_958_465  # 1 March 1900 (a 29 February 1900 was counted), 31 December 9999
DAYS_OF_1904 = 1462
_EPOCH = dt.datetime(1899, 12, 30)  # noqa: DTZ001 - cells have no time zone
_DAY_MS = 86_400_000
_LITERAL = re.compile(r'[\\_].|"[^"]*"?')
_BRACKETED = re.compile(r"\[(?!(?:h+|m+|s+)\])[^\]]*\]", re.IGNORECASE)
_MOMENT = re.compile(r"(\[)|[dmhys]|a/p|am/pm", re.IGNORECASE)


def moment_of(format_code: str) -> str:
    """``date`` or ``duration`` where a number format shows a moment, else the empty text.

    Only the first section counts; literals, escapes, colours and languages don't; ``[h]`` in front makes a length of time.
    """
    plain = _BRACKETED.sub("", _LITERAL.sub("", format_code).partition(";")[0])
    found = _MOMENT.search(plain)
    return "" if found is None else ("duration" if found[1] else "date")


def moment(serial: float, kind: str, *, date1904: bool) -> dt.date | dt.time | dt.timedelta | None:
    """What a serial number is, to the millisecond; None where programs differ about it or it is none."""
    if kind == "duration":
        return dt.timedelta(milliseconds=_whole(serial)) if abs(serial) < LAST_DAY else None
    if 0 <= serial < 1:
        return (_EPOCH + dt.timedelta(milliseconds=_whole(serial))).time()
    days = serial + (DAYS_OF_1904 if date1904 else 0)
    if serial < 0 or not FIRST_CERTAIN_DAY <= days <= LAST_DAY:
        return None
    if days == int(days):
        return (_EPOCH + dt.timedelta(days=int(days))).date()
    return _EPOCH + dt.timedelta(milliseconds=_whole(days)) if days < LAST_DAY else None


def _whole(days: float) -> int:
    """Milliseconds, halves away from zero."""
    return int(abs(days) * _DAY_MS + 0.5) * (1 if days >= 0 else -1)
