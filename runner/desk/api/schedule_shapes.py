"""The shapes of schedules, their due times and edits of their file, as `shapes` has those of runs, items and cases."""

from __future__ import annotations

from pydantic import BaseModel

from runner.desk.api.shapes import Json, Shape


class Schedule(BaseModel):
    """A schedule with what people have set and what is next."""

    id: str
    bot: str | None
    recording: str | None
    description: str
    when: str
    timezone: str
    enabled: bool
    next: str | None
    late: str
    stage: str
    promoted_by: str
    paused: Json | None
    last: Json | None
    parameters: Json


class Due(BaseModel):
    """A due time that comes."""

    schedule: str
    bot: str | None
    due: str
    runs: bool
    skip: str | None
    reason: str
    late: str


class Occurrence(Shape):
    """How a due time ended."""

    schedule: str
    due: str
    state: str
    reason: str
    run: str | None
    decided_by: str


class ScheduleRun(Shape):
    """A run of a schedule that was asked for."""

    schedule: str
    run: str


class ScheduleSet(Shape):
    """How a schedule stands after somebody paused or resumed it."""

    schedule: str
    paused: bool
    until: str | None


class ScheduleStage(Shape):
    """The stage of a schedule after somebody promoted it."""

    schedule: str
    stage: str


class DueAnswer(Shape):
    """A due time of the past: how it ended (`was`), the run that was queued for it, or `why` there is none."""

    due: str
    was: str
    run: str | None
    why: str


class DueAnswers(Shape):
    """What became of due times."""

    schedule: str
    rows: list[DueAnswer]


class DueOf(Shape):
    """A due time that goes or comes with an edit."""

    schedule: str
    due: str


class Edited(Shape):
    """An edit of schedules.yaml: `changes` say in words what it does, `base` names the content of the file after this answer.

    `applied`: it was written, and `act` is the act of it; an edit that changes nothing is not written. `next`: the next due
    times of each schedule that changes; `lost` and `gained`: due times that go and come, of the next seven days or around the
    days that an edit of a calendar is about.
    """

    subject: str
    applied: bool
    act: str | None
    base: str
    changes: list[str]
    changes_zh: list[str]
    next: dict[str, list[str]]
    lost: list[DueOf]
    gained: list[DueOf]


class ScheduleEntry(Shape):
    """The keys of a schedule as the file has them, by today's names."""

    schedule: str
    base: str
    entry: Json


class CalendarDay(Shape):
    """Days of a calendar's own: `days` as they are written, `until` of half days."""

    days: str
    kind: str
    until: str | None


class Calendar(Shape):
    """A calendar of the file: what is written there, beside the holidays of its country, and the schedules that it is for."""

    name: str
    country: str | None
    days: list[CalendarDay]
    blackouts: list[str]
    schedules: list[str]


class Calendars(Shape):
    """All calendars of the file."""

    base: str
    rows: list[Calendar]
