"""A calendar's year as its page draws it: each day's kind, why it is so, and where that is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runner.core.schedules_model import CalendarEntry
from runner.desk.schedules.policy_words import weekdays
from runner.desk.schedules.seen import holiday_name
from runner.desk.words import Word
from runner.timetable.blackouts import Blackout
from runner.timetable.calendar_days import WorkCalendar, official_days
from runner.timetable.calendar_reading import read_stretch

_DAY: Final = timedelta(days=1)
KINDS: Final[Mapping[str, Word]] = {
    "closed": gettext_lazy("day off"),
    "open": gettext_lazy("worked"),
    "half": gettext_lazy("half day"),
}


@dataclass(frozen=True, slots=True)
class YearDay:
    """One day: `kind` is work, weekend, holiday, closed, open, half or blackout; `why` and `source` say so in words."""

    date: date
    kind: str
    why: str = ""
    source: str = ""
    written: str = ""  # as the file has it, where it is a day of one's own


@dataclass(frozen=True, slots=True)
class Month:
    """A month: its first day, and its weeks from Monday; None where a day belongs to another month."""

    first: date
    weeks: Sequence[Sequence[YearDay | None]]


def year_of(calendar: WorkCalendar, entry: CalendarEntry, year: int) -> list[Month]:
    """The twelve months of a year."""
    own = written_days(entry)
    months = []
    for number in range(1, 13):
        first = date(year, number, 1)
        days = [
            day_of(calendar, entry, own, first + n * _DAY)
            for n in range(31)
            if (first + n * _DAY).month == number
        ]
        cells: list[YearDay | None] = [*[None] * first.weekday(), *days]
        cells += [None] * (-len(cells) % 7)
        months.append(Month(first, [cells[n : n + 7] for n in range(0, len(cells), 7)]))
    return months  # fmt: skip


def written_days(entry: CalendarEntry) -> dict[date, tuple[str, str]]:
    """The days that stand in schedules.yaml itself: (kind, as it is written), closed before open before half."""
    found: dict[date, tuple[str, str]] = {}
    for kind, texts in (("half", tuple(entry.half_days)), ("open", entry.open), ("closed", entry.closed)):
        for text in texts:
            found.update(dict.fromkeys(read_stretch(text), (kind, text)))
    return found


def day_of(
    calendar: WorkCalendar, entry: CalendarEntry, own: Mapping[date, tuple[str, str]], day: date
) -> YearDay:
    """What a day is, by the order in which a calendar is read: closed, open, half, make-up, holiday, weekend."""
    kind, written = own.get(day, ("", ""))
    here = _("schedules.yaml") if written else entry.file or ""
    if day in calendar.closed:
        said = calendar.closed[day]
        why = said if said not in {"", "closed"} else str(KINDS["closed"])
        return YearDay(day, "closed", why, here, written if kind == "closed" else "")
    if day in calendar.half_days:
        why = _("half day, until %(time)s") % {"time": f"{calendar.half_days[day]:%H:%M}"}
        return YearDay(day, "half", why, here, written if kind == "half" else "")
    if day in calendar.open:
        return YearDay(day, "open", str(KINDS["open"]), here, written if kind == "open" else "")
    official = official_days(calendar.country, calendar.subdivision, day.year) if calendar.country else None
    if official is not None and day in official.make_up:
        return YearDay(day, "open", _("make-up workday"), country_of(calendar))
    if official is not None and day in official.off:
        return YearDay(day, "holiday", holiday_name(calendar, day, official.off[day]), country_of(calendar))
    return YearDay(day, "weekend" if calendar.why_off(day) else "work")


def country_of(calendar: WorkCalendar) -> str:
    """``DE-BY``, ``CN``; empty for a calendar of one's own."""
    parts = [part for part in (calendar.country, calendar.subdivision) if part]
    return "-".join(parts).upper()


def special_days(months: Sequence[Month]) -> list[YearDay]:
    """The days of a year that are not plain workdays or weekends, in their order."""
    plain = {"work", "weekend"}
    return [day for month in months for week in month.weeks for day in week if day and day.kind not in plain]


def stretches(days: Sequence[YearDay]) -> list[tuple[YearDay, YearDay]]:
    """Days in a row that are the same, as (first, last): a holiday of a week is one line."""
    found: list[tuple[YearDay, YearDay]] = []
    for day in days:
        if found:
            first, last = found[-1]
            same = (day.kind, day.why, day.source, day.written) == (
                last.kind,
                last.why,
                last.source,
                last.written,
            )
            if same and day.date == last.date + _DAY:
                found[-1] = (first, day)
                continue
        found.append((day, day))
    return found  # fmt: skip


def window_words(window: Blackout) -> str:
    """A blackout window as it is written, read out: the days and times."""
    if window.start is not None and window.end is not None:
        return f"{window.start:%Y-%m-%d %H:%M} – {window.end:%Y-%m-%d %H:%M}"
    first, last = window.hours
    names = weekdays()
    days = _("every day") if len(window.days) == 7 else ", ".join(names[day] for day in sorted(window.days))
    return f"{days} {_clock(first)} – {_clock(last)}"


def _clock(at: time) -> str:
    return f"{at:%H:%M}"
