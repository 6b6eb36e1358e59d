"""The triggers that wait for something to happen: a file arrives, items wait in a queue, another schedule's run ends."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from runner.core.schedules_types import Identifier, PositiveDuration, Record, Text, problem


def _short_form(key: str) -> BeforeValidator:
    """Accept a plain text where the one key that must be there is all that is said."""
    return BeforeValidator(lambda value: {key: value} if isinstance(value, str) else value)


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class _FileArrives(Record):
    """A file that matches `glob` lies in its folder and its size has not changed for `stable`.

    The run gets its path as `parameter`. At the end of the run it is moved to `archive` when the run is done, else to
    `rejected`: folders beside the file; an empty text leaves it where it is.
    """

    glob: Annotated[Text, Field(min_length=1)]
    parameter: Identifier = "workbook"
    stable: PositiveDuration = timedelta(seconds=5)
    archive: Text = "archive"
    rejected: Text = "rejected"

    @model_validator(mode="after")
    def _check_glob(self) -> _FileArrives:
        if "**" in self.glob or self.glob.endswith(("/", "\\")):
            raise problem(
                "SCHED_FILE_GLOB",
                f"has the pattern '{self.glob}'",
                "a folder and a pattern of file names",
                "write it as in inbox/*.xlsx",
            )
        return self


class _QueueWaits(Record):
    """So many items of the queue are pending, or the oldest one waits that long; not again within `again`."""

    name: Identifier
    pending: Annotated[int, Field(ge=1)] | None = None
    oldest: PositiveDuration | None = None
    again: PositiveDuration = timedelta(minutes=5)

    @model_validator(mode="after")
    def _check_condition(self) -> _QueueWaits:
        if self.pending is None and self.oldest is None:
            raise problem(
                "SCHED_VALUE", "says neither pending nor oldest", "at least one of them", "as in pending: 20"
            )
        return self


class Ending(StrEnum):
    """How a run must have ended for an `after`; `ENDED` is each of them."""

    SUCCEEDED = "succeeded"
    EXCEPTIONS = "exceptions"
    FAILED = "failed"
    ENDED = "ended"


class _AfterRun(Record):
    """A run of another schedule has ended so; `{{ outputs.NAME }}` in parameters is what that run handed out."""

    schedule: Identifier
    when: Annotated[tuple[Ending, ...], BeforeValidator(_listed), Field(min_length=1)] = (Ending.SUCCEEDED,)


FileArrives = Annotated[_FileArrives, _short_form("glob")]
QueueWaits = Annotated[_QueueWaits, _short_form("name")]
AfterRun = Annotated[_AfterRun, _short_form("schedule")]
