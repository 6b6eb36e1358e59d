"""The clock of the schedulers: whether they hold because it has jumped, and a person's word that it is right."""

from __future__ import annotations

from datetime import datetime

from runner.cases import decisions
from runner.cases.case_rows import SETTLED
from runner.cases.intake_schedules import CLOCK_STEP
from runner.core.errors import ConflictError
from runner.store.models import Case


def holding_cases() -> list[str]:
    """The cases of clock steps that nobody has confirmed: while there is one, schedulers hold."""
    # They are of no queue, which leads along an index: where nearly all cases have one `why`, SQLite reads the table for another.
    clocks = Case.objects.filter(queue="", why=CLOCK_STEP)
    return list(clocks.exclude(status__in=SETTLED).values_list("pk", flat=True))


def accept_clock(*, by: str, at: datetime, note: str) -> list[str]:
    """Confirm the time: schedulers that hold go on, by the policies of what was missed. Gives the cases that it answers.

    Raises ConflictError (STATE) where none holds, UsageError without a note.
    """
    cases = holding_cases()
    if not cases:
        raise ConflictError(
            "no scheduler holds", expected="a jump of the clock of more than 3 h", code="STATE"
        )
    for case in cases:
        decisions.done(case, by=by, at=at, note=note)
    return cases
