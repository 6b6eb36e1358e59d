"""Time as values: aware UTC instants and durations written the way people write them ("30m", "1h30m")."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_minutes: dict[int, str] = {}  # the last one that was asked for, in minutes since 1970
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def duration(text: str | timedelta) -> timedelta:
    """``"90s"``, ``"30m"``, ``"1h30m"``, ``"2d"`` as a timedelta; a timedelta goes through.

    Raises ValueError with the forms that are understood.
    """
    if isinstance(text, timedelta):
        return text
    compact = str(text).replace(" ", "")
    parts = _PART.findall(compact)
    if not parts or "".join(n + u for n, u in parts) != compact:
        raise ValueError(
            f'\'{text}\' is not a duration: write a number with ms, s, m, h, d or w, as in "30m" or "1h30m"'
        )
    return timedelta(seconds=sum(float(n) * _SECONDS[u] for n, u in parts))


def duration_text(value: timedelta) -> str:
    """The shortest text that `duration` reads back: ``1h30m``, ``250ms``."""
    left = round(value / timedelta(milliseconds=1))
    out = ""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, size)
        if count:
            out += f"{count}{unit}"
    return out or "0s"


def iso(at: datetime) -> str:
    """An instant as the journal and `--json` write it: UTC, microseconds, ``Z``."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def now_iso() -> str:
    """`iso` of the present instant, for lines that are written at every turn: the text up to the minute is made once a minute."""
    minute, micros = divmod(time.time_ns() // 1000, 60_000_000)
    made = _minutes.get(minute)
    if made is None:
        _minutes.clear()
        made = _minutes[minute] = time.strftime("%Y-%m-%dT%H:%M:", time.gmtime(minute * 60))
    digits = str(micros + 100_000_000)  # a one in front of the zeros, which is quicker than to ask for them
    return f"{made}{digits[1:3]}.{digits[3:]}Z"


def from_iso(text: str) -> datetime:
    """The instant that `iso` wrote."""
    return datetime.fromisoformat(text)


Duration = Annotated[
    timedelta, BeforeValidator(duration), PlainSerializer(duration_text, return_type=str, when_used="json")
]
