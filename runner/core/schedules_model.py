"""The entries of schedules.yaml as frozen records: what a schedule, a process and the defaults may say."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from runner.core.clock import duration_text
from runner.core.schedules_events import AfterRun, FileArrives, QueueWaits
from runner.core.schedules_pilot import DeadlineText, SampleText, Stage
from runner.core.schedules_types import (
    Identifier,
    Names,
    PositiveDuration,
    Record,
    Text,
    Times,
    Zone,
    problem,
    shown,
)

TIME_KEYS: Final = ("cron", "every", "at", "workday")
EVENT_KEYS: Final = ("file", "queue", "after", "manual")
TRIGGER_KEYS: Final = TIME_KEYS + EVENT_KEYS


class Missed(StrEnum):
    """What happens with due times that nobody could start in time. `RUN_ONCE`: the latest runs, it stands for all."""

    RUN_ONCE = "run_once"
    RUN_ALL = "run_all"
    SKIP = "skip"


class Overlap(StrEnum):
    """What happens with a due time while the schedule's last run is still going on."""

    SKIP = "skip"
    QUEUE = "queue"
    REPLACE = "replace"


class Shift(StrEnum):
    """Where a due time goes that falls on a day that is not a working day of the schedule's calendars."""

    SKIP = "skip"
    NEXT = "next"
    PREVIOUS = "previous"


class Period(StrEnum):
    """The stretch in which working days are counted."""

    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


def _grace(value: timedelta) -> timedelta:
    if value < timedelta(minutes=1):
        raise problem(
            "SCHED_VALUE",
            f"is '{duration_text(value)}'",
            "at least 1m, so that a busy second loses no run",
            'write "1m"',
        )
    return value


def _nth(value: object) -> object:
    """Accept 1, 2, … from the beginning and -1, -2, … from the end, and the words ``first`` and ``last``."""
    number = {"first": 1, "last": -1}.get(value, value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int) or number == 0 or abs(number) > 260:
        raise problem(
            "SCHED_VALUE",
            f"is {shown(value)}",
            "first, last, 1, 2, … or -1, -2, … from the end",
            "as in nth: last",
        )
    return number


def _by_hand(value: object) -> object:
    """Accept only yes: a schedule that nobody starts by hand says when it is due instead."""
    if value not in (True, "yes", "on", "true"):
        raise problem("SCHED_VALUE", f"is {shown(value)}", "yes", "write manual: yes, or a time in its place")
    return True


class RunRetry(Record):
    """Running a failed run once more: how often, after which wait, which doubles up to `longest_wait`."""

    times: Annotated[int, Field(ge=0, le=20)] = 0
    wait: PositiveDuration = timedelta(minutes=1)
    longest_wait: PositiveDuration = timedelta(minutes=30)


class ItemTries(Record):
    """Trying an item again after a failure that can pass, whatever its queue says: how often, and after which waits."""

    times: Annotated[int, Field(ge=0, le=100)] = 3
    wait: PositiveDuration = timedelta(seconds=2)
    longest_wait: PositiveDuration = timedelta(minutes=1)

    @model_validator(mode="after")
    def _check_waits(self) -> ItemTries:
        if self.wait > self.longest_wait:
            raise problem(
                "SCHED_VALUE",
                f"has wait {duration_text(self.wait)} and longest_wait {duration_text(self.longest_wait)}",
                "a longest_wait of at least wait",
                "raise longest_wait",
            )
        return self


class Policies(Record):
    """What `defaults:` can set for every schedule and each schedule can set for itself."""

    timezone: Zone = "UTC"
    missed: Missed = Missed.RUN_ONCE
    grace: Annotated[PositiveDuration, AfterValidator(_grace)] = timedelta(minutes=1)
    max_catchup: Annotated[int, Field(ge=1, le=1000)] = 24
    overlap: Overlap = Overlap.SKIP
    retry: RunRetry = RunRetry()
    item_retry: ItemTries | None = None
    time_limit: PositiveDuration | None = None
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    calendars: Names = ()
    shift: Shift = Shift.SKIP
    jitter: PositiveDuration | None = None
    deadline: DeadlineText | None = None
    concurrency: Names = ()
    stage: Stage = Stage.PRODUCTION
    sample: SampleText | None = None


class WorkdayOf(Record):
    """The nth working day of each week, month, quarter or year, at one or more times of day."""

    nth: Annotated[int, BeforeValidator(_nth)]
    of: Period = Period.MONTH
    at: Times


class CalendarEntry(Record):
    """Which days are working days: a country's holidays, days of one's own, a file with more of them, blackouts.

    The texts are read by `runner.timetable.calendar_days`: days are ``2026-12-24`` or ``2026-12-24..2027-01-01``, half
    days map a day to the time at which its work ends.
    """

    country: Annotated[str, Field(min_length=2, max_length=3)] | None = None
    subdivision: Annotated[str, Field(min_length=1, max_length=20)] | None = None
    weekend: Names | None = None
    file: Text | None = None
    closed: Names = ()
    open: Names = ()
    half_days: dict[str, str] = Field(default_factory=dict)
    blackouts: Names = ()


class Schedule(Policies):
    """Which bot runs, when, and with which parameters. Exactly one of the trigger keys is set.

    The texts of the triggers are checked by `runner.timetable`, which knows what they mean.
    """

    id: Identifier
    description: Text = ""
    bot: Identifier | None = None
    recording: Text | None = None
    cron: str | None = None
    every: PositiveDuration | None = None
    anchor: str | None = None
    at: Times | None = None
    workday: WorkdayOf | None = None
    file: FileArrives | None = None
    queue: QueueWaits | None = None
    after: AfterRun | None = None
    manual: Annotated[Literal[True], BeforeValidator(_by_hand)] | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    enabled: bool = True

    @property
    def trigger_key(self) -> str:
        """The key of the one trigger: ``cron``, ``every``, ``at``, ``workday``, ``file``, ``queue``, ``after`` or ``manual``."""
        return next(key for key in TRIGGER_KEYS if getattr(self, key) is not None)

    @property
    def is_timed(self) -> bool:
        """Whether a clock says when it is due; the others wait for a file, for items, for another schedule, or for a person."""
        return self.trigger_key in TIME_KEYS

    @model_validator(mode="after")
    def _check_choices(self) -> Schedule:
        given = [key for key in TRIGGER_KEYS if getattr(self, key) is not None]
        wanted = f"exactly one of {', '.join(TRIGGER_KEYS)}"
        if len(given) != 1:
            found = f"has {' and '.join(given)}" if given else "says no time"
            raise problem(
                "SCHED_TRIGGER", found, wanted, "keep one" if given else "add one, as in cron: '30 8 * * 1-5'"
            )
        if (self.bot is None) == (self.recording is None):
            found = "has bot and recording" if self.bot else "names no bot"
            raise problem(
                "SCHED_BOT",
                found,
                "exactly one of bot, recording",
                "keep one" if self.bot else "add bot: NAME",
            )
        self._check_event()
        if self.anchor is not None and self.every is None:
            raise problem("SCHED_VALUE", "has an anchor", "anchor only together with every", "remove it")
        return self

    def _check_event(self) -> None:
        """Refuse what only a due time of the clock can have, and an `after` of its own."""
        if self.after is not None and self.after.schedule == self.id:
            raise problem("SCHED_CYCLE", "waits for itself", "another schedule", "name the one before it")
        if self.trigger_key in EVENT_KEYS and self.jitter is not None:
            raise problem("SCHED_VALUE", "has a jitter", "jitter only with a time", "remove it")


class Targets(Record):
    """What a process is measured against: percentages from 0 to 100, and the time until somebody decides a case."""

    straight_through: Annotated[float, Field(ge=0, le=100)] | None = None
    on_time: Annotated[float, Field(ge=0, le=100)] | None = None
    time_to_decision: PositiveDuration | None = None


class Process(Record):
    """What bots work for: who answers for it (RACI), until when a case must be decided, and what it is measured by."""

    title: Text = ""
    responsible: Names = ()
    accountable: Text = ""
    consulted: Names = ()
    informed: Names = ()
    sla: PositiveDuration | None = None
    targets: Targets = Targets()
    manual_minutes: Annotated[float, Field(gt=0)] | None = None
    sop: Text = ""
    working_hours: Text = ""
    calendars: Names = ()
    timezone: Zone | None = None
