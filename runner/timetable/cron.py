"""The cron trigger: wall-clock times in a zone, by the rules of Debian cron on days when clocks change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim

from runner.timetable.cron_text import CronText, parse_cron
from runner.timetable.zones import is_second_pass, next_shift, offset_at

_SECOND: Final = timedelta(seconds=1)
_NEAR: Final = timedelta(days=3)
_LAST_YEAR: Final = 9900


@dataclass(frozen=True, slots=True)
class Cron:
    """Due at the local times that a five-field expression names.

    A time in a gap is due at the first instant after it, several of them once; a repeated time is due in its first pass.
    Where the minute or the hour has a ``*``, every real matching minute is due: none in the gap, both passes of a
    repeated hour. The expression is checked when it is used: `parse_cron` raises ConfigurationError.
    """

    expression: str
    zone: ZoneInfo

    @property
    def text(self) -> CronText:
        """The expression, read and checked."""
        return parse_cron(self.expression)

    def next_after(self, instant: datetime) -> datetime | None:
        """Return the first due time strictly after an aware instant, in UTC; None where there is none in 50 years."""
        cron, at, inclusive = self.text, instant.astimezone(UTC), False
        while True:
            offset = offset_at(at, self.zone)
            local = _next_local(cron, (at + offset).replace(tzinfo=None), inclusive=inclusive)
            if local is None:
                return None
            due = local.replace(tzinfo=UTC) - offset
            if due - at > 2 * _NEAR and next_shift(self.zone, at, at + _NEAR) is None:
                at, inclusive = (
                    due - _NEAR,
                    False,
                )  # shifts far from both ends can't matter: no local time in between
                continue
            shift = next_shift(self.zone, at, due)
            if shift is None:
                if not (cron.is_fixed and is_second_pass(due, self.zone)):
                    return due
                at, inclusive = due, False
            elif cron.is_fixed and shift.is_daylight_saving and due < shift.at + shift.gap:
                return shift.at  # the local time lies in the gap
            else:
                at, inclusive = shift.at, True

    def between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Yield the due times in ``[start, end)``, in order, in UTC."""
        cron = self.text
        due = self.next_after(start - timedelta(microseconds=1))
        while due is not None and due < end:
            yield due
            shift = next_shift(self.zone, due, end)
            limit, offset = shift.at if shift else end, offset_at(due, self.zone)
            for local in CronSim(cron.normal, (due + offset).replace(tzinfo=None)):
                at = local.replace(tzinfo=UTC) - offset
                if at >= limit:
                    break
                if not (cron.is_fixed and is_second_pass(at, self.zone)):
                    due = at
                    yield due
            due = self.next_after(due)


def _next_local(cron: CronText, local: datetime, *, inclusive: bool) -> datetime | None:
    """Return the next naive time that the expression names, on clocks that are never changed."""
    if local.year > _LAST_YEAR:
        return None
    try:
        found: datetime = next(CronSim(cron.normal, local - _SECOND if inclusive else local))
    except StopIteration:
        return None
    return found
