"""Whether the ledger is whole: every due time since a schedule's rule began has exactly one end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from runner.core.nouns import OccurrenceState
from runner.engine.due_work import rule_text
from runner.timetable.due_times import Planned

_SPAN: Final = timedelta(days=31)
_MOST: Final = 50_000


@dataclass(frozen=True, slots=True)
class Gap:
    """What is wrong with one schedule: due times without an end, and rows that say no end."""

    schedule: str
    missing: tuple[datetime, ...]
    unended: int


def gaps(planned: Iterable[Planned]) -> Iterator[Gap]:
    """Yield the schedules whose ledger is not whole, as far as it is 31 days (and 50,000 due times) back.

    That no due time has two ends is what the store's own constraint sees to. A schedule whose rule the scheduler has not
    read yet is left out.
    """
    from runner.store.models import Occurrence, Watermark

    for one in planned:
        mark = Watermark.objects.filter(pk=one.schedule.id, rule=rule_text(one.schedule)).first()
        if mark is None or not one.schedule.is_timed:
            continue
        start = max(mark.begun, mark.since - _SPAN)
        rows = Occurrence.objects.filter(schedule=one.schedule.id, due__gt=start, due__lte=mark.since)
        known = set(rows.values_list("due", flat=True))
        unended = rows.filter(state=OccurrenceState.DUE).count()
        dues = islice(one.due_times(start, mark.since), _MOST)
        missing = tuple(at.due for at in dues if at.due not in known)
        if missing or unended:
            yield Gap(one.schedule.id, missing, unended)
