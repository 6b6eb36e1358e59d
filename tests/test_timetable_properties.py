"""Cron against a scan of every minute that knows nothing of its code, on random expressions around clock changes.

2,000 cases by default; ``CRON_CASES=10000`` runs as many as docs/scheduling.md reports.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from cronsim import CronSim
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from runner.core.errors import ConfigurationError
from runner.timetable.cron import Cron
from runner.timetable.zones import next_shift

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
NEVER = frozenset({"SCHED_NEVER"})
HOURS = 30
EXPRESSIONS = 20
EXAMPLES = int(os.environ.get("CRON_CASES", "2000")) // EXPRESSIONS

CHANGES = [
    ("Europe/Berlin", "2027-03-28T01:00"), ("Europe/Berlin", "2027-10-31T01:00"),
    ("America/New_York", "2027-03-14T07:00"), ("America/New_York", "2027-11-07T06:00"),
    ("Africa/Cairo", "2027-04-29T22:00"), ("Africa/Cairo", "2027-10-28T21:00"),
    ("Australia/Lord_Howe", "2027-10-02T15:30"), ("Australia/Lord_Howe", "2027-04-03T15:00"),
    ("Antarctica/Troll", "2027-03-28T01:00"), ("Antarctica/Troll", "2027-10-31T01:00"),
    ("America/Santiago", "2027-09-05T04:00"), ("Asia/Beirut", "2027-03-27T22:00"),
    ("Africa/Casablanca", "2027-02-07T02:00"), ("America/Scoresbysund", "2027-03-28T01:00"),
    ("Pacific/Apia", "2011-12-30T10:00"), ("Asia/Shanghai", "2028-02-28T16:00"), ("UTC", "2028-02-29T00:00"),
    ("Asia/Kathmandu", "2026-12-31T18:00"), ("America/St_Johns", "2027-10-31T12:00"),
]  # fmt: skip


@dataclass(frozen=True)
class Minute:
    """One real minute and what clocks show at it."""

    at: datetime
    local: datetime
    second_pass: bool
    gap: tuple[datetime, ...]  # the local minutes that were left out just before


@cache
def minutes_of(change: tuple[str, str], shifted: int) -> tuple[Minute, ...]:
    zone = ZoneInfo(change[0])
    start = datetime.fromisoformat(change[1]).replace(tzinfo=UTC) - timedelta(hours=HOURS // 2 + shifted)
    found: list[Minute] = []
    before = (start - MINUTE).astimezone(zone).replace(tzinfo=None)
    for number in range(HOURS * 60):
        at = start + number * MINUTE
        aware = at.astimezone(zone)
        local = aware.replace(tzinfo=None, fold=0)
        jump = local - before
        gap: tuple[datetime, ...] = ()
        if MINUTE < jump < timedelta(hours=3):
            gap = tuple(before + n * MINUTE for n in range(1, jump // MINUTE))
        found.append(Minute(at, local, aware.fold == 1, gap))
        before = local
    return tuple(found)


@dataclass(frozen=True)
class Expression:
    """An expression whose meaning is known because it was made from its meaning."""

    fields: tuple[str, ...]
    values: tuple[frozenset[int], ...]

    def __repr__(self) -> str:
        return repr(self.text)

    @property
    def text(self) -> str:
        return " ".join(self.fields)

    def on(self, day: date) -> bool:
        in_month = day.day in self.values[2]
        in_week = day.isoweekday() % 7 in self.values[4]
        stars = "*" in self.fields[2] or "*" in self.fields[4]
        return day.month in self.values[3] and (in_month and in_week if stars else in_month or in_week)

    def names(self, local: datetime) -> bool:
        return local.minute in self.values[0] and local.hour in self.values[1] and self.on(local.date())


@st.composite
def a_field(draw: st.DrawFn, low: int, high: int) -> tuple[str, frozenset[int]]:
    kind = draw(st.integers(0, 5))
    top = 6 if (low, high) == (0, 7) else high
    if kind <= 1:
        return "*", frozenset(range(low, top + 1))
    if kind == 2:
        step = draw(st.integers(1, high))
        return f"*/{step}", frozenset(range(low, top + 1, step))
    numbers = draw(st.lists(st.integers(low, high), min_size=1, max_size=2))
    if kind == 3 and len(numbers) == 2:
        first, last = min(numbers), max(numbers)
        step = draw(st.integers(1, 3))
        return f"{first}-{last}/{step}", frozenset(range(first, last + 1, step))
    return ",".join(str(number) for number in numbers), frozenset(numbers)


@st.composite
def an_expression(draw: st.DrawFn) -> Expression:
    ranges = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
    # most months and days are stars, or nearly nothing would ever be due in a window of 30 hours
    parts = [draw(a_field(low, high)) for low, high in ranges[:2]]
    for low, high in ranges[2:]:
        free = ("*", frozenset(range(low, high + 1)))
        parts.append(draw(a_field(low, high)) if draw(st.integers(0, 2)) == 0 else free)
    weekdays = frozenset(day % 7 for day in parts[4][1])
    return Expression(tuple(text for text, _ in parts), (*(values for _, values in parts[:4]), weekdays))


def due_times(
    cron: Cron, start: datetime, end: datetime, refused: AbstractSet[str] = NEVER
) -> list[datetime]:
    """The due times of an expression; one that is refused for one of these reasons has none."""
    try:
        return list(cron.between(start, end))
    except ConfigurationError as error:
        if error.stable_code not in refused:
            raise
        return []


def scanned(expression: Expression, minutes: tuple[Minute, ...]) -> Iterator[datetime]:
    """Find the due times by looking at every minute."""
    fixed = "*" not in expression.fields[0] + expression.fields[1]
    for minute in minutes:
        shown = expression.names(minute.local) and not (fixed and minute.second_pass)
        if shown or (fixed and any(expression.names(left_out) for left_out in minute.gap)):
            yield minute.at


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(CHANGES),
    st.integers(0, 3),
    st.lists(an_expression(), min_size=EXPRESSIONS, max_size=EXPRESSIONS),
)
def test_cron_is_due_exactly_where_a_scan_of_every_minute_finds_it(
    change: tuple[str, str], shifted: int, expressions: list[Expression]
) -> None:
    minutes = minutes_of(change, shifted)
    for expression in expressions:
        cron = Cron(expression.text, ZoneInfo(change[0]))
        found = due_times(cron, minutes[0].at, minutes[-1].at + MINUTE)
        assert found == list(scanned(expression, minutes)), expression.text


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(an_expression(), st.dates(date(2024, 1, 1), date(2030, 1, 1)))
def test_cron_is_due_on_the_days_that_a_scan_of_four_years_finds(expression: Expression, start: date) -> None:
    text = " ".join(("0", "9", *expression.fields[2:]))
    days = [start + n * DAY for n in range(1461)]
    expected = [day for day in days if expression.on(day)]
    first = datetime.combine(start, datetime.min.time(), UTC)
    found = due_times(Cron(text, ZoneInfo("UTC")), first, first + 1461 * DAY)
    assert [due.date() for due in found] == expected


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    an_expression(),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Shanghai", "UTC"]),
    st.integers(0, 8000),
)
def test_cron_agrees_with_cronsim_where_their_conventions_agree(
    expression: Expression, key: str, hours: int
) -> None:
    zone = ZoneInfo(key)
    start = datetime(2027, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
    # cronsim looks only at the first sign of a field, takes wildcard hours through a change in another way, and reads
    # 2-2/3 as 2-59/3
    assume(not re.search(r"\b(\d+)-\1/", expression.text))
    assume(not any("*" in field[1:] for field in expression.fields))
    assume(next_shift(zone, start, start + 2 * DAY) is None)
    try:
        ours = Cron(expression.text, zone).next_after(start)
    except ConfigurationError:
        return
    if ours is not None and ours < start + 2 * DAY:
        assert ours == next(CronSim(expression.text, start.astimezone(zone))).astimezone(UTC)


def test_a_leap_day_is_found_across_a_century_without_one() -> None:
    cron = Cron("0 0 29 2 *", ZoneInfo("Europe/Berlin"))
    due = cron.next_after(datetime(2096, 3, 1, tzinfo=UTC))
    assert due is not None
    assert due.astimezone(cron.zone).date() == date(2104, 2, 29)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="*/,-0123456789LW#?@abcdefgMONJAFEB ０٣\t\n", max_size=30))
def test_any_text_is_an_expression_or_a_typed_error(text: str) -> None:
    found = due_times(Cron(text, ZoneInfo("UTC")), NEW_YEAR, NEW_YEAR + MINUTE, {"SCHED_CRON", "SCHED_NEVER"})
    assert found in ([], [NEW_YEAR])
