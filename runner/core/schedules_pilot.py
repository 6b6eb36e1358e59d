"""Deadlines and pilots as schedules.yaml writes them: ``"17:00"`` or ``2h``; ``10 items`` or ``5 %``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time, timedelta
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BeforeValidator

from runner.core.clock import duration
from runner.core.schedules_types import problem, shown

_TIME: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
_SAMPLE: Final = re.compile(
    r"(\d{1,6}(?:\.\d+)?)\s*(items?|%|percent)(?:\s+(first|random|evenly))?", re.ASCII
)
DEFAULT_SAMPLE: Final = "10 items"


class Stage(StrEnum):
    """`PILOT`: each run works on a sample of the pending items only, until somebody promotes the schedule."""

    PILOT = "pilot"
    PRODUCTION = "production"


class Draw(StrEnum):
    """Which of the pending items: the first ones, random ones (drawn by the run's id), or evenly from first to last."""

    FIRST = "first"
    RANDOM = "random"
    EVENLY = "evenly"


@dataclass(frozen=True, slots=True)
class Sample:
    """How much of the pending items a pilot works on: a number of `items`, or `percent` of them, at least one; and which."""

    items: int | None = None
    percent: float | None = None
    draw: Draw = Draw.FIRST

    def size(self, pending: int) -> int:
        """Return how many of `pending` items that is."""
        if self.items is not None:
            return min(self.items, pending)
        part = -(-pending * (self.percent or 0) // 100)
        return min(max(int(part), 1), pending)


def read_sample(text: str) -> Sample:
    """Return what ``10 items``, ``5 %`` or ``5 % evenly`` means: a share is random unless it says else. Raises ValueError."""
    found = _SAMPLE.fullmatch(text.strip())
    number = float(found[1]) if found else 0.0
    counts_items = bool(found and found[2].startswith("item"))
    if found is None or number <= 0 or (counts_items and not number.is_integer()):
        raise ValueError(text)
    if counts_items:
        return Sample(items=int(number), draw=Draw(found[3] or Draw.FIRST))
    if number > 100:
        raise ValueError(text)
    return Sample(percent=number, draw=Draw(found[3] or Draw.RANDOM))


def read_deadline(text: str) -> timedelta | time:
    """Return a length after the due time, or a local time of day. Raises ValueError."""
    found = _TIME.fullmatch(text.strip())
    return time(int(found[1]), int(found[2])) if found else duration(text)


def _sample(value: object) -> object:
    try:
        read_sample(str(value))
    except ValueError as error:
        raise problem(
            "SCHED_VALUE",
            f"is {shown(value)}",
            "a number of items or a percentage",
            'as in "10 items", "5 %" or "5 % evenly"',
        ) from error
    return str(value)


def _deadline(value: object) -> object:
    if isinstance(value, str) and _is_deadline(value):
        return value
    raise problem(
        "SCHED_VALUE",
        f"is {shown(value)}",
        "a time of day or a length after the due time, at most 31 days",
        'in quotes, as in "17:00" or "2h"',
    )


def _is_deadline(text: str) -> bool:
    try:
        read = read_deadline(text)
    except (ValueError, OverflowError):
        return False
    return isinstance(read, time) or timedelta() < read <= timedelta(days=31)


SampleText = Annotated[str, BeforeValidator(_sample)]
DeadlineText = Annotated[str, BeforeValidator(_deadline)]
