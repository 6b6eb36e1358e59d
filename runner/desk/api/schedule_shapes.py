"""The shapes of schedules and their due times, as `shapes` has those of runs, items and cases."""

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
