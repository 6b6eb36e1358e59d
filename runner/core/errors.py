"""Every error that Runner raises on purpose, as one tree, with the exit code each one ends a command with.

RunnerError                     where: CODE: what - expected - what to do
├── UsageError            2     the command line is wrong
├── ConfigurationError    3     a file of the project is wrong (schedules.yaml, pyproject.toml, a bot)
├── EnvironmentProblem    4     the machine is wrong (no browser, no disk, no database)
├── ConflictError         5     somebody else was faster, or the thing moved meanwhile
├── RunFailed             1     a run failed or can't go on
│   └── WorkbookError     1     a workbook can't be read or written
├── BusinessError         1     data or a rule is wrong: a person decides, never retried
├── ApplicationError      1     the other system is at fault: retried by the rule, then a case
├── TryLater              1     it can't be done yet: the item goes back into the queue, no failure
├── OutcomeUnknown        1     an irreversible step began and no outcome is known: a person attests
└── ErrorReport           max   several of the above, found in one go
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import ClassVar


class RunnerError(Exception):
    """One sentence of three parts: what is wrong (with the value seen), what was expected, what to do.

    `where` is file:line:column, sheet!cell, step, flag or JSON pointer. `str()` gives the line people read:
    ``where: CODE: what - expected - hint``. Never put a secret into any part.
    """

    code: ClassVar[str] = "RUNNER"
    exit_code: ClassVar[int] = 1

    def __init__(
        self, what: str, *, expected: str = "", hint: str = "", where: str = "", code: str | None = None
    ) -> None:
        super().__init__(what)
        self.what = what
        self.expected = expected
        self.hint = hint
        self.where = where
        self.stable_code = code or self.code

    def __str__(self) -> str:
        head = f"{self.where}: " if self.where else ""
        return f"{head}{self.stable_code}: " + " - ".join(
            p for p in (self.what, self.expected, self.hint) if p
        )


class UsageError(RunnerError):
    """Raised when a command line asks for something that can't be: unknown bot, bad parameter, bad date."""

    code = "CLI_USAGE"
    exit_code = 2


class ConfigurationError(RunnerError):
    """Raised when a file of the project is wrong: schedules.yaml, pyproject.toml, a bot script, a recording."""

    code = "CONFIG"
    exit_code = 3


class EnvironmentProblem(RunnerError):
    """Raised when the machine lacks something: a browser, disk space, the database, a permission."""

    code = "ENVIRONMENT"
    exit_code = 4


class ConflictError(RunnerError):
    """Raised when the thing to change moved meanwhile, or somebody else holds it."""

    code = "CONFLICT"
    exit_code = 5


class RunFailed(RunnerError):
    """Raised when a run can't go on or ended badly."""

    code = "RUN_FAILED"


class WorkbookError(RunFailed):
    """Raised when a workbook can't be read or written; `where` is sheet!cell or the file's name."""

    code = "WB_DAMAGED"


class WorkbookLoss(WorkbookError):
    """Raised before anything is written when writing would remove or break content that can't be kept."""

    code = "WB_LOSS"


class BusinessError(RunnerError):
    """Raised by a bot when data or a rule is wrong. The item goes to the exception queue at once, without retry.

    `code` groups: give one where the same cause has different words, as in ``BusinessError("…", code="UNKNOWN_PRODUCT")``.
    """

    code = "BUSINESS"


class ApplicationError(RunnerError):
    """Raised by a bot when the other system is at fault (an error page, a missing download): retried by the rule."""

    code = "APPLICATION"


class TryLater(RunnerError):
    """Raised by a bot when an item can't be done yet: ``TryLater(after="30m", reason="the order is not released")``.

    The item goes back into its queue and is not handed out before the time has passed; no case, no failure.
    Raises ValueError for a text that is no duration.
    """

    code = "TRY_LATER"

    def __init__(
        self, after: str | timedelta, reason: str = "it can't be done yet", *, code: str | None = None
    ) -> None:
        from runner.core.clock import (
            duration,  # not at the top: it brings pydantic, which `runner --help` does without
        )

        super().__init__(reason, code=code)
        self.after = max(duration(after), timedelta(0))


class OutcomeUnknown(RunnerError):
    """Raised when an irreversible step began and nobody knows how it ended: a person must attest, no retry."""

    code = "OUTCOME_UNKNOWN"


class ErrorReport(RunnerError):
    """Several errors found in one go, in the order found; its text is one line each."""

    code = "REPORT"

    def __init__(self, errors: Sequence[RunnerError]) -> None:
        super().__init__(f"{len(errors)} errors")
        self.errors = tuple(errors)

    @property
    def worst_exit_code(self) -> int:
        """The highest exit code among the errors."""
        return max((e.exit_code for e in self.errors), default=self.exit_code)

    def __str__(self) -> str:
        return "\n".join(str(e) for e in self.errors)


def exit_code_of(error: RunnerError) -> int:
    """The exit code that a command ends with because of `error`."""
    return error.worst_exit_code if isinstance(error, ErrorReport) else error.exit_code


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``did you mean 'cron'?`` for the nearest known word, or an empty text where none is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else ""
