"""Times as they are typed into the search: today, yesterday, -7d, 2026-11-24; in English and in Chinese."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from runner.desk.runs.views import read_moment

_DAYS: Final = {
    "today": 0, "yesterday": -1, "tomorrow": 1, "今天": 0, "昨天": -1, "明天": 1,
}  # fmt: skip
_AWAY: Final = re.compile(r"(?P<sign>[-+−]?)(?P<n>\d{1,4})(?P<unit>h|d|w|小时|天|周)")
_UNITS: Final = {
    "h": timedelta(hours=1), "小时": timedelta(hours=1), "d": timedelta(days=1), "天": timedelta(days=1),
    "w": timedelta(weeks=1), "周": timedelta(weeks=1),
}  # fmt: skip


def span_of(text: str, now: datetime) -> tuple[datetime, datetime]:
    """From when until when (not included) a typed time lasts, on the reader's clock: a day for a date, else an instant.

    Raises ValueError for what is no time.
    """
    wanted = text.casefold()
    if wanted in {"now", "现在"}:
        return now, now
    if wanted in _DAYS:
        begin = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
        day = begin + timedelta(days=_DAYS[wanted])
        return day, day + timedelta(days=1)
    away = _AWAY.fullmatch(wanted)
    if away:
        distance = int(away["n"]) * _UNITS[away["unit"]]
        at = now - distance if away["sign"] in {"-", "−"} else now + distance
        return at, at
    at = read_moment(text)
    return at, at + timedelta(days=1) if len(text) == 10 else at
