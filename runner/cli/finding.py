"""What a check of `runner doctor` found, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from runner.cli.project import Project
from runner.core.errors import ErrorReport, RunnerError
from runner.engine.bots import Discovery


class State(StrEnum):
    """How a check ended."""

    OK = "OK"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `remedy` is what to do about it."""

    check: str
    state: State
    text: str
    remedy: str = ""
    is_configuration: bool = False


Check = Callable[[Project, Discovery], Iterator[Finding]]


def from_error(check: str, error: RunnerError) -> Iterator[Finding]:
    """The findings of a check that ended with `error`: one for each part of it."""
    for one in error.errors if isinstance(error, ErrorReport) else (error,):
        where = f"{one.where}: " if one.where else ""
        remedy = " - ".join(part for part in (one.expected, one.hint) if part)
        yield Finding(
            check,
            State.ERROR,
            f"{where}{one.stable_code}: {one.what}",
            remedy,
            is_configuration=one.exit_code == 3,
        )
