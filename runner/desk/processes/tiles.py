"""The numbers of a process as tiles: value, target, trend, the time before, and a sentence that says how it is counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from runner.core.schedules_model import Process as Entry
from runner.desk import times
from runner.desk.templatetags.desk import number, percent
from runner.insight.process_numbers import ProcessNumbers
from runner.insight.series import Series, Stretches

PERIODS: Final = (7, 30, 90)  # days
_USUAL: Final = 30


@dataclass(frozen=True, slots=True)
class Tile:
    """One number. `target` in words (empty: none is set), `met`: whether it is reached (None: can't be said)."""

    title: str
    value: str
    target: str
    met: bool | None
    before: str
    trend: Sequence[float]
    trend_words: str
    how: str


def stretches_of(days: int, now: datetime) -> Stretches:
    """The last `days` days on the reader's clock, today included, and as many before; in weeks where they are ninety."""
    step = 7 if days > 60 else 1
    count = max(1, round(days / step))
    tomorrow = (timezone.localtime(now) + timedelta(days=1)).date()
    dates = [tomorrow - timedelta(days=step * back) for back in range(2 * count, -1, -1)]
    zone = timezone.get_current_timezone()
    return Stretches(tuple(datetime(d.year, d.month, d.day, tzinfo=zone).astimezone(UTC) for d in dates))


def period_of(text: str) -> int:
    """The period that an address asks for; 30 days where it asks for none that is offered."""
    return int(text) if text.isdecimal() and int(text) in PERIODS else _USUAL


def tiles_of(numbers: ProcessNumbers, entry: Entry) -> list[Tile]:
    """All tiles, in the order in which a supervisor reads them."""
    return [
        _done(numbers),
        _exceptions(numbers, entry),
        _first_pass(numbers),
        _on_time(numbers, entry),
        _sla(numbers, entry),
        _decision(numbers, entry),
        _resolution(numbers),
        _hours(numbers, entry),
    ]


def _done(numbers: ProcessNumbers) -> Tile:
    how = _("Items that runs of this process finished, by the day on which their run ended.")
    return _tile(_("Items done"), numbers.done, _whole, how)


def _exceptions(numbers: ProcessNumbers, entry: Entry) -> Tile:
    share = numbers.exceptions.value
    wanted = entry.targets.straight_through
    target, met = "", None
    if wanted is not None:
        target = _("at most %(share)s") % {"share": _percent(1 - wanted / 100)}
        met = share is not None and share <= 1 - wanted / 100 + 1e-9 if share is not None else None
    how = _("Of all items that runs ended with, the share that became an exception and needs a person.")
    return _tile(_("Exceptions rate"), numbers.exceptions, _percent, how, target, met=met)


def _first_pass(numbers: ProcessNumbers) -> Tile:
    how = _("Of the items that were tried for the first time, the share that this first try finished.")
    return _tile(_("First-pass yield"), numbers.first_pass, _percent, how)


def _on_time(numbers: ProcessNumbers, entry: Entry) -> Tile:
    how = _(
        "Of the due times, the share with a run that went through by its deadline, or, without a deadline, began within"
        " its grace (15 minutes at least). A missed due time counts as late, a skipped one not at all."
    )
    target, met = _share_target(entry.targets.on_time, numbers.on_time.value)
    return _tile(_("On time"), numbers.on_time, _percent, how, target, met=met)


def _sla(numbers: ProcessNumbers, entry: Entry) -> Tile:
    how = _("Of the cases that were due in this time, the share that was settled by then.")
    target = (
        _("each within %(time)s of working time") % {"time": times.lasted(entry.sla)} if entry.sla else ""
    )
    share = numbers.sla_met.value
    met = share >= 1 if entry.sla and share is not None else None
    return _tile(_("SLA met"), numbers.sla_met, _percent, how, target, met=met)


def _decision(numbers: ProcessNumbers, entry: Entry) -> Tile:
    how = _("The mean time from opening a case to a person's first decision about it, around the clock.")
    wanted, value = entry.targets.time_to_decision, numbers.to_decision.value
    target = _("at most %(time)s") % {"time": times.lasted(wanted)} if wanted else ""
    met = value <= wanted.total_seconds() if wanted and value is not None else None
    return _tile(_("Time to decision"), numbers.to_decision, _length, how, target, met=met)


def _resolution(numbers: ProcessNumbers) -> Tile:
    how = _("The mean time from opening a case to its end, whatever settled it, around the clock.")
    return _tile(_("Time to resolution"), numbers.to_resolution, _length, how)


def _hours(numbers: ProcessNumbers, entry: Entry) -> Tile:
    if numbers.hours_saved is None or not entry.manual_minutes:
        how = _(
            "Write manual_minutes into the entry of the process in schedules.yaml: how long a person takes for one item."
        )
        return Tile(_("Hours saved"), "–", "", None, "", (), "", how)
    how = _("Items done, times the %(n)s minutes that a person takes for one.") % {
        "n": f"{entry.manual_minutes:g}"
    }  # fmt: skip
    return _tile(_("Hours saved"), numbers.hours_saved, _hours_words, how)


def _share_target(wanted: float | None, share: float | None) -> tuple[str, bool | None]:
    if wanted is None:
        return "", None
    met = share >= wanted / 100 - 1e-9 if share is not None else None
    return _("at least %(share)s") % {"share": _percent(wanted / 100)}, met


def _tile(
    title: str, series: Series, words: Callable[[float], str], how: str, target: str = "", *, met: bool | None = None
) -> Tile:  # fmt: skip
    value, before = series.value, series.before
    trend = series.trend
    if series.is_share and series.counted:
        counted = ngettext("Counted over %(n)d.", "Counted over %(n)d.", round(series.counted))
        how = f"{how} {counted % {'n': round(series.counted)}}"
    return Tile(
        title=title,
        value="–" if value is None else words(value),
        target=target,
        met=met,
        before="" if before is None or (not series.is_share and not before) else words(before),
        trend=[one or 0.0 for one in trend] if value is not None and any(trend) else (),
        trend_words=", ".join("–" if one is None else words(one) for one in trend),
        how=how,
    )


def _whole(value: float) -> str:
    return number(round(value))


def _percent(value: float) -> str:
    return percent(value, 0 if value in {0.0, 1.0} else 1)


def _length(value: float) -> str:
    return times.lasted(timedelta(seconds=value))


def _hours_words(value: float) -> str:
    return _("%(n)s h") % {"n": number(value, 1 if value < 100 else 0)}
