"""Working days: a country's holidays, days of one's own, make-up workdays, half days, and blackout windows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final

from runner.timetable.blackouts import Blackout

_DAY: Final = timedelta(days=1)
_SATURDAY_SUNDAY: Final = frozenset({5, 6})
# Countries whose official days off are decreed year by year, so that a year without make-up days is not known yet.
_DECREED_YEARLY: Final = frozenset({"CN", "CHN"})


@dataclass(frozen=True, slots=True)
class OfficialDays:
    """What the `holidays` package knows of one country and year: days off with their names, and make-up workdays."""

    off: Mapping[date, str]
    make_up: frozenset[date]
    weekend: frozenset[int]
    is_estimate: bool


@lru_cache(maxsize=512)
def official_days(country: str, subdivision: str | None, year: int) -> OfficialDays:
    """Look up one year of a country, named in English.

    Raises NotImplementedError for a country or subdivision that the package doesn't have.
    """
    import holidays

    known = holidays.country_holidays(country.upper(), subdiv=subdivision, years=year, language="en_US")
    off = {day: str(name) for day, name in known.items() if day.year == year}
    make_up = frozenset(day for day in getattr(known, "weekend_workdays", None) or () if day.year == year)
    guessed = any("estimated" in name.lower() for name in off.values())
    undecreed = country.upper() in _DECREED_YEARLY and not make_up
    return OfficialDays(off, make_up, frozenset(known.weekend), guessed or undecreed)


@lru_cache(maxsize=64)
def official_names(country: str, subdivision: str | None, year: int, language: str) -> Mapping[date, str]:
    """The names of a country's days off in a language of the package (``zh_CN``), or as the country itself calls them."""
    import holidays

    known = holidays.country_holidays(country.upper(), subdiv=subdivision, years=year)
    spoken = language if language in (known.supported_languages or ()) else known.default_language
    known = holidays.country_holidays(country.upper(), subdiv=subdivision, years=year, language=spoken)
    return {day: str(name) for day, name in known.items() if day.year == year}


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """One calendar of the file. A day of one's own goes before the country's: closed, then open, then holiday or weekend."""

    name: str
    country: str | None = None
    subdivision: str | None = None
    weekend: frozenset[int] | None = None
    closed: Mapping[date, str] = field(default_factory=dict)
    open: frozenset[date] = frozenset()
    half_days: Mapping[date, time] = field(default_factory=dict)
    blackouts: tuple[Blackout, ...] = ()

    def why_off(self, day: date) -> str:
        """Return why `day` is no working day, empty where it is one."""
        if day in self.closed:
            return self.closed[day] or "closed"
        if day in self.open or day in self.half_days:
            return ""
        official = official_days(self.country, self.subdivision, day.year) if self.country else None
        if official is not None:
            if day in official.make_up:
                return ""
            if day in official.off:
                return official.off[day]
        weekend = self.weekend
        if weekend is None:
            weekend = official.weekend if official is not None else _SATURDAY_SUNDAY
        return "weekend" if day.weekday() in weekend else ""

    def unknown_years(self, years: Iterable[int]) -> list[int]:
        """Return the years whose official days are guessed or not decreed yet: a warning, not an error."""
        if self.country is None:
            return []
        return [year for year in years if official_days(self.country, self.subdivision, year).is_estimate]

    def named(self, reason: str, years: Iterable[int], language: str) -> str:
        """A reason of `why_off` with the holiday's name in a language of the package; as it is where it is no holiday."""
        for year in years if self.country else ():
            off = official_days(str(self.country), self.subdivision, year).off
            day = next((day for day, name in off.items() if name == reason), None)
            if day is not None:
                return official_names(str(self.country), self.subdivision, year, language).get(day, reason)
        return reason


@dataclass(frozen=True, slots=True)
class WorkDays:
    """Several calendars as one: a day counts as working when it is one in each. Without any: Monday to Friday."""

    calendars: tuple[WorkCalendar, ...] = ()

    def why_off(self, day: date) -> str:
        """Return why `day` is no working day and in which calendar: ``Labor Day (china)``; empty where it is one."""
        if not self.calendars:
            return "weekend" if day.weekday() in _SATURDAY_SUNDAY else ""
        for calendar in self.calendars:
            reason = calendar.why_off(day)
            if reason:
                return f"{reason} ({calendar.name})"
        return ""

    def why_not(self, local: datetime) -> str:
        """Return why nothing is done at a local time: its day is off, or it is a half day that is over."""
        reason = self.why_off(local.date())
        if reason:
            return reason
        end = self.end_of_half_day(local.date())
        return f"half day, work ends at {end:%H:%M}" if end is not None and local.time() >= end else ""

    def end_of_half_day(self, day: date) -> time | None:
        """Return when work ends on a half day, the earliest of all calendars; None on a full day."""
        return min((one.half_days[day] for one in self.calendars if day in one.half_days), default=None)

    def working_days(self, first: date, last: date) -> Iterator[date]:
        """Yield the working days from `first` to `last`, both included."""
        for number in range((last - first).days + 1):
            day = first + number * _DAY
            if not self.why_off(day):
                yield day

    def blackout_at(self, local: datetime) -> str:
        """Return the text of a blackout window that holds at a local time, empty where there is none."""
        for calendar in self.calendars:
            for window in calendar.blackouts:
                if window.covers(local):
                    return f"{window.text} ({calendar.name})"
        return ""


MONDAY_TO_FRIDAY: Final = WorkDays()
