"""The time machine: the days ahead as they will probably go, with what waits, what is late, and how full the places are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runner.cases.outlook import Forecast
from runner.core.clock import now
from runner.desk import lists, times
from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.charts import Bar, Box
from runner.desk.outside import place
from runner.desk.planned import outlook_with, plan
from runner.desk.schedules.coming import full_hour
from runner.desk.schedules.reasons import told, waits_for
from runner.desk.schedules.seen import allowed
from runner.desk.words import Word

DAYS: Final = (1, 3, 7, 14, 31)
_MOST_SLOTS: Final = 64
_MOST_ROWS: Final = 30
_MOST_BARS: Final = 500
_BUCKETS: Final = 120  # of the drawing of the places
_GROUP: Final = "group "
_NONE: Final = timedelta()
_ONLY: Final[dict[str, Word]] = {
    "late": gettext_lazy("late, or may be late"),
    "waits": gettext_lazy("waits for something"),
    "skipped": gettext_lazy("skipped"),
    "runs": gettext_lazy("runs"),
}


def note_of(one: Forecast) -> str:
    """What is worth knowing about a run to come, in words."""
    if one.skip:
        return _("skipped: %(why)s") % {"why": told(one.skip)}
    parts = []
    if one.late > _NONE:
        parts.append(_("late by %(by)s") % {"by": times.lasted(one.late)})
    elif one.late_at_worst > _NONE:
        parts.append(_("late by up to %(by)s") % {"by": times.lasted(one.late_at_worst)})
    if one.collides:
        words = {"by": times.lasted(one.waits), "what": waits_for(one.collides)}
        parts.append(_("waits %(by)s for %(what)s") % words)
    return "; ".join(parts)


_FITS: Final[Mapping[str, Callable[[Forecast], bool]]] = {
    "late": lambda one: one.late_at_worst > _NONE,
    "waits": lambda one: bool(one.collides),
    "skipped": lambda one: bool(one.skip),
    "runs": lambda one: not one.skip,
}


def _only(rows: Any, value: str) -> Any:
    if value not in _FITS:
        raise ValueError(value)
    return [one for one in rows if _FITS[value](one)]


AHEAD: Final = lists.ListOf(
    "ahead",
    (
        lists.Col("schedule", gettext_lazy("Schedule"), "", "what", lambda one: one.schedule),
        lists.Col("due", gettext_lazy("Due"), "due", "", lambda one: one.due),
        lists.Col("start", gettext_lazy("Starts"), "", "opt", lambda one: one.start),
        lists.Col("end", gettext_lazy("Ends about"), "", "opt", lambda one: one.end),
        lists.Col("worst", gettext_lazy("At the latest"), "", "opt", lambda one: one.worst_end),
        lists.Col("deadline", gettext_lazy("Must be finished by"), "", "opt", lambda one: one.deadline),
        lists.Col("note", gettext_lazy("Note"), "", "", note_of),
    ),
    (
        lists.Filter("only", gettext_lazy("Only"), _only, _ONLY.items),
        lists.Filter("schedule", gettext_lazy("Schedule"), lambda rows, value: cast("Any", [one for one in rows if one.schedule == value])),
        lists.Filter("bot", gettext_lazy("Bot"), lambda rows, value: cast("Any", [one for one in rows if one.bot == value])),
    ),
    usual="due",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Held:
    """A resource that one run holds at a time: how many runs want it, how many wait for it, and the longest wait."""

    name: str
    schedules: Sequence[str]
    runs: int
    waiting: int
    longest: timedelta


@page("schedules.see")
def ahead(request: DeskRequest) -> HttpResponse:
    """The next days (``?days=7``), with as many places as there are or as somebody asks for (``?slots=4``)."""
    at = now()
    days = _number(request.GET.get("days", ""), 7, DAYS[-1])
    days = days if days in DAYS else 7
    usual = place().settings.slots
    slots = _number(request.GET.get("slots", ""), usual, _MOST_SLOTS)
    context: dict[str, Any] = {
        "tab": "ahead",
        "days": days,
        "choices": DAYS,
        "slots": slots,
        "usual": usual,
        "errors": plan().errors,
    }
    outlook = outlook_with(slots)
    if outlook is None:
        return render(request, "schedules/ahead.html", context)
    names = {one.schedule.id for one in allowed(request.access, "schedules.see")}
    every = outlook.forecast(at, full_hour(at + timedelta(days=days)))
    mine = [one for one in every if one.schedule in names]
    kept, chips = lists.narrowed(request, AHEAD, cast("Any", mine))
    rows: list[Forecast] = list(cast("Any", kept))
    if lists.order_of(request, AHEAD).descending:
        rows.reverse()
    if lists.wants_export(request):
        return lists.export_known(AHEAD, rows)
    shown = lists.show_known(request, AHEAD, rows, chips)
    shown.rows[:] = [{"one": one, "note": note_of(one)} for one in shown.rows]
    most, when = busiest(every)
    context |= {
        "shown": shown, "load": load_of(every, slots, at, days), "most": most, "when": when, "held": _held(mine, outlook.timetable.planned),
        "runs": sum(not one.skip for one in mine), "skipped": sum(bool(one.skip) for one in mine),
        "late": sum(one.late > _NONE for one in mine), "may_be_late": sum(one.late_at_worst > _NONE >= one.late for one in mine),
        "waits": sum(bool(one.collides) for one in mine), **_drawn(rows, at, days),
    }  # fmt: skip
    return render(request, "schedules/ahead.html", context)


def _steps(found: Sequence[Forecast]) -> list[tuple[datetime, int]]:
    """When a run starts (1) and ends (-1), in order; an end before a start of the same moment."""
    both = [(one.start, one.end) for one in found if one.start is not None and one.end is not None]
    return sorted([*((start, 1) for start, _end in both), *((end, -1) for _start, end in both)])


def busiest(found: Sequence[Forecast]) -> tuple[int, datetime | None]:
    """How many runs go on at once at most, and when that is first so."""
    most, when, going = 0, None, 0
    for at, change in _steps(found):
        going += change
        if going > most:
            most, when = going, at
    return most, when


def load_of(found: Sequence[Forecast], slots: int, at: datetime, days: int) -> dict[str, Any]:
    """The places in use along the time, as bars (100 wide, 40 high): the most of each stretch; ``warn`` where all are taken.

    `full` is the part of the time in which they are, 0 to 1.
    """
    whole = timedelta(days=days)
    step, counts = whole / _BUCKETS, [0] * _BUCKETS
    going, last, full = 0, at, timedelta()
    for moment, change in _steps(found):
        now_at = min(max(moment, at), at + whole)
        if going:
            first, final = (min(int((one - at) / step), _BUCKETS - 1) for one in (last, now_at))
            for n in range(first, final + 1):
                counts[n] = max(counts[n], going)
            full += now_at - last if going >= slots else timedelta()
        going, last = going + change, now_at
    wide = 100 / _BUCKETS
    boxes = []
    for n, count in enumerate(counts):
        high = round(38 * min(count, slots) / slots, 2)
        looks = "warn" if count >= slots else "info"
        title = f"{times.short(at + n * step, at)}: {count}"
        if count:
            boxes.append(
                Box(round(n * wide, 3), round(40 - high, 2), round(wide * 0.9, 3), high, looks, title)
            )
    return {"boxes": boxes, "full": full / whole}


def _held(found: Sequence[Forecast], planned: Sequence[Any]) -> list[Held]:
    holders: dict[str, list[str]] = {}
    for one in planned:
        for name in one.schedule.concurrency:
            holders.setdefault(name, []).append(one.schedule.id)
    rows = []
    for name, its in sorted(holders.items()):
        runs = [one for one in found if one.schedule in its and not one.skip]
        waiting = [one for one in runs if f"{_GROUP}{name}" in one.collides]
        longest = max((one.waits for one in waiting), default=_NONE)
        rows.append(Held(name, its, len(runs), len(waiting), longest))
    return rows


def _drawn(rows: Sequence[Forecast], at: datetime, days: int) -> dict[str, Any]:
    ordered = sorted(rows, key=lambda one: one.due)[:_MOST_BARS]
    names = list(dict.fromkeys(one.schedule for one in ordered))
    kept = set(names[:_MOST_ROWS])
    bars = [_bar(one, at) for one in ordered if one.schedule in kept]
    start = times.local(at)
    end = times.local(at + timedelta(days=days))
    label = _("What will probably run from %(start)s to %(end)s") % {"start": times.moment(start), "end": times.moment(end)}  # fmt: skip
    more = len(names) > len(kept) or len(rows) > len(ordered)
    return {"bars": bars, "rows": [name for name in names if name in kept], "start": start, "end": end, "now": at, "label": label, "more": more}  # fmt: skip


def _bar(one: Forecast, at: datetime) -> Bar:
    begin, end = one.start or one.due, one.end or one.due
    looks = (
        "plain"
        if one.skip
        else "bad"
        if one.late > _NONE
        else "warn"
        if one.late_at_worst > _NONE or one.collides
        else "info"
    )
    said = " · ".join(
        part
        for part in (
            one.schedule,
            times.short(begin, at),
            times.lasted(end - begin) if one.end else "",
            note_of(one),
        )
        if part
    )
    return Bar(one.schedule, begin, end, looks, said, reverse("schedules:one", args=[one.schedule]))  # fmt: skip


def _number(text: str, usual: int, most: int) -> int:
    return int(text) if text.isdecimal() and 1 <= int(text) <= most else usual
