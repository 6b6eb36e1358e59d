"""The calendar: what was due and became of it, what comes, and which days are off, half or closed, by month, week or day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from runner.cases.day_calendar import BAD_ENDS, Day, DayNote, DaySchedule, calendar_days, day_entries
from runner.core.clock import now
from runner.core.nouns import OccurrenceState
from runner.desk import times
from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.charts import Bar
from runner.desk.planned import plan
from runner.desk.runs.timeline import View, bars_of
from runner.desk.schedules.policy_words import weekdays
from runner.desk.schedules.reasons import told
from runner.desk.schedules.seen import allowed, holiday_name, outlook, reader_zone
from runner.desk.schedules.year import window_words
from runner.desk.words import tone, word
from runner.store.models import Occurrence
from runner.timetable.blackouts import read_blackout

_DAY: Final = timedelta(days=1)
_IN_A_CELL: Final = {"month": 5, "week": 60}
_MOST_OF_A_DAY: Final = 300
_MOST_ROWS: Final = 30
_MOST_MARKS: Final = 400
_ORDER: Final = (
    "missed",
    *BAD_ENDS,
    "ran",
    "due",
    "coalesced",
    "skipped",
    "cancelled",
)  # what stands for several, the first first


@dataclass(frozen=True, slots=True)
class Entry:
    """One schedule in the cell of a day: how it looks (`tone`), its first time, how many due times, and all in words."""

    schedule: str
    at: datetime
    count: int
    tone: str
    title: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One day of the calendar; `entries` are the first of it, `more` is how many schedules are left out."""

    date: date
    title: str
    notes: Sequence[tuple[DayNote, str]]
    entries: Sequence[Entry]
    more: int
    totals: Sequence[tuple[str, int, str]]
    is_today: bool
    is_outside: bool


@page("schedules.see")
def calendar(request: DeskRequest) -> HttpResponse:
    """A month or a week, as the address says (``?view=week&at=2026-11-24``); today where it says nothing."""
    view = "week" if request.GET.get("view") == "week" else "month"
    at = now()
    today = times.local(at).date()
    middle = _date(request.GET.get("at", "")) or today
    first, last = _span(view, middle)
    names = [one.schedule.id for one in allowed(request.access, "schedules.see")]
    only = request.GET.get("schedule", "")
    chosen = [only] if only in names else names
    context: dict[str, Any] = {
        "view": view, "tab": "calendar", "names": names, "only": only, "errors": plan().errors, "title": _title(view, middle, first, last),
        "before": _step(view, middle, -1), "after": _step(view, middle, 1), "is_now": first <= today <= last, "weekdays": weekdays(),
    }  # fmt: skip
    if plan().outlook is None:
        return render(request, "schedules/calendar.html", context)
    days = calendar_days(outlook(), first, last, reader_zone(), at, schedules=set(chosen))
    cells = [_cell(day, view, today, middle) for day in days]
    context |= {"weeks": [cells[n : n + 7] for n in range(0, len(cells), 7)], "totals": _totals(days)}
    if view == "week":
        context |= _drawn(request, first, chosen, at)
    return render(request, "schedules/calendar.html", context)


@page("schedules.see")
def day(request: DeskRequest) -> HttpResponse:
    """Every due time of one day (``?on=2026-11-24``) with its run, or with how it will go."""
    at = now()
    wanted = _date(request.GET.get("on", "")) or times.local(at).date()
    names = {one.schedule.id for one in allowed(request.access, "schedules.see")}
    only = request.GET.get("schedule", "")
    chosen = {only} & names if only else names
    ahead = outlook()
    (its,) = calendar_days(ahead, wanted, wanted, reader_zone(), at, schedules=chosen)
    entries = day_entries(ahead, wanted, reader_zone(), at, schedules=chosen, limit=_MOST_OF_A_DAY)
    rows = [{"entry": one, "why": told(one.reason) if one.reason else ""} for one in entries]
    return render(request, "schedules/day.html", {
        "on": wanted, "title": times.day(_noon(wanted)), "weekday": weekdays()[wanted.weekday()], "rows": rows, "only": only,
        "notes": [(note, note_words(note, wanted)) for note in its.notes], "totals": _totals([its]), "before": wanted - _DAY, "after": wanted + _DAY,
        "cut": len(entries) >= _MOST_OF_A_DAY, "most": _MOST_OF_A_DAY, "tab": "calendar",
    })  # fmt: skip


def note_words(note: DayNote, on: date) -> str:
    """What is special about a day, in words."""
    if note.kind == "closed":
        found = plan().timetable
        calendar = found.calendars.get(note.calendar) if found is not None else None
        named = holiday_name(calendar, on, note.text) if calendar is not None else note.text
        return _("closed") if note.text == "closed" else named
    if note.kind == "half":
        return _("half day, until %(time)s") % {"time": note.text}
    if note.kind == "blackout":
        return _("nothing may start: %(window)s") % {"window": window_words(read_blackout(note.text))}
    return _("worked")


def _cell(one: Day, view: str, today: date, middle: date) -> Cell:
    entries = sorted(
        (_entry(row) for row in one.schedules), key=lambda row: (row.tone != "bad", row.at, row.schedule)
    )
    most = _IN_A_CELL[view]
    kept = entries if len(entries) <= most else entries[: most - 1]
    outside = view == "month" and one.date.month != middle.month
    notes = [(note, note_words(note, one.date)) for note in one.notes]
    title = f"{weekdays()[one.date.weekday()]} {times.day(_noon(one.date))}"
    return Cell(one.date, title, notes, kept, len(entries) - len(kept), _totals([one]), one.date == today, outside)  # fmt: skip


def _entry(row: DaySchedule) -> Entry:
    counts = {**row.states, "due": row.due}
    counts["skipped"] = counts.get("skipped", 0) + row.skipped
    counts = {state: counts[state] for state in _ORDER if counts.get(state)}
    said = ", ".join(f"{word(_noun(state), state)} {n}" for state, n in counts.items())
    span = f"{times.local(row.first):%H:%M}"
    if row.last != row.first:
        span += f"–{times.local(row.last):%H:%M}"
    why = told(row.why) if row.why else ""
    state = next(iter(counts), "due")
    return Entry(
        row.schedule, row.first, sum(counts.values()), tone(_noun(state), state),
        " · ".join(part for part in (row.schedule, span, said, why) if part),
    )  # fmt: skip


def _totals(days: Sequence[Day]) -> list[tuple[str, int, str]]:
    """How many due times ended so, or are to come: (the state in words, count, how it looks)."""
    found: dict[str, int] = {}
    for one in days:
        for state, count in one.totals.items():
            found[state] = found.get(state, 0) + count
    states = [(_noun(state), state) for state in _ORDER if found.get(state)]
    return [(word(noun, state), found[state], tone(noun, state)) for noun, state in states]


def _noun(state: str) -> str:
    """Whose state it is: what became of a due time, or how its run ended."""
    return "run" if state in BAD_ENDS else "occurrence"


def _drawn(request: DeskRequest, first: date, names: Sequence[str], at: datetime) -> dict[str, Any]:
    """The drawing of a week: runs and what is foreseen as bars, what was missed or skipped as marks."""
    start = times.midnight(first)
    view = View(start + timedelta(hours=112), 168, "schedule", is_now=False)
    wanted = set(names)
    bars = [bar for bar in bars_of(view, request.access)[0] if bar.row in wanted]
    lost = Occurrence.objects.filter(
        due__gte=start, due__lt=view.end, state__in=[OccurrenceState.MISSED, OccurrenceState.SKIPPED]
    ).order_by("due")[:_MOST_MARKS]
    bars += [_mark(row) for row in lost if row.schedule in wanted]
    rows = sorted({bar.row for bar in bars})
    kept = rows[:_MOST_ROWS]
    label = _("Runs from %(start)s to %(end)s") % {
        "start": times.moment(view.start),
        "end": times.moment(view.end),
    }
    return {
        "bars": [bar for bar in bars if bar.row in kept], "rows": kept, "start": view.start, "end": view.end, "now": at, "label": label,
        "more_rows": len(rows) - len(kept),
    }  # fmt: skip


def _mark(row: Occurrence) -> Bar:
    said = " · ".join((row.schedule, times.moment(row.due), word("occurrence", row.state), told(row.reason)))
    link = reverse("schedules:one", args=[row.schedule])
    return Bar(row.schedule, row.due, row.due, tone("occurrence", row.state), said, link)


def _span(view: str, middle: date) -> tuple[date, date]:
    if view == "week":
        first = middle - middle.weekday() * _DAY
        return first, first + 6 * _DAY
    begin = middle.replace(day=1)
    end = (begin + 31 * _DAY).replace(day=1) - _DAY
    return begin - begin.weekday() * _DAY, end + (6 - end.weekday()) * _DAY


def _step(view: str, middle: date, by: int) -> date:
    if view == "week":
        return middle + 7 * by * _DAY
    begin = middle.replace(day=1)
    return (begin - _DAY).replace(day=1) if by < 0 else (begin + 31 * _DAY).replace(day=1)


def _title(view: str, middle: date, first: date, last: date) -> str:
    if view == "week":
        return f"{times.day(_noon(first))} – {times.day(_noon(last))}"
    return times.month(_noon(middle))


def _noon(on: date) -> datetime:
    return times.midnight(on) + timedelta(hours=12)


def _date(text: str) -> date | None:
    """A day of an address; None for what is none, or too far away to be drawn."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2200 else None
