"""From when to when an edit of a calendar matters: the stretch of time whose due times its preview compares."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from runner.core.clock import now
from runner.desk import times

_WEEK: Final = timedelta(days=7)
_FARTHEST: Final = timedelta(days=120)  # so much of a long stretch is compared
_NEAR: Final = (date(1970, 1, 2), date(9000, 1, 1))  # what can be counted with in every time zone


def around(first: datetime, last: datetime, at: datetime) -> tuple[datetime, datetime]:
    """The stretch to look at for what changes from `first` to `last`: some weeks around them, nothing before `at`."""
    return max(first - _WEEK, at), max(min(last, first + _FARTHEST) + 2 * _WEEK, at)


def stretch(first: date, last: date) -> tuple[datetime, datetime]:
    """The instants at which two days begin on the reader's clock; those that are too far away to count with are brought nearer."""
    begin, end = (times.midnight(min(max(day, _NEAR[0]), _NEAR[1])) for day in (first, last))
    return begin, end


def span_of(window: str) -> tuple[datetime, datetime]:
    """From when to when a window in which nothing starts matters: its dates, or from now on."""
    first, _dots, last = window.partition("..")
    found = [local_of(text.strip()) for text in (first, last)]
    if found[0] is None or found[1] is None:
        return now(), now()
    return stretch(found[0].date(), found[1].date())


def local_of(text: object) -> datetime | None:
    """A date with a time, as a form or schedules.yaml has it; None for what is none."""
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None
