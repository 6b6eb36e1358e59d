"""The clock has jumped: the scheduler holds, a case asks a person, and their decision lets it go on."""

from __future__ import annotations

import platform
from datetime import datetime

from runner.cases.intake import take_in
from runner.cases.intake_schedules import CLOCK_STEP
from runner.core.clock import iso
from runner.core.ids import short_id
from runner.journal import Line
from runner.journal.write import Journal
from runner.timetable.policies import ClockStep


def hold(step: ClockStep, at: datetime, really: float, journal: Journal) -> str:
    """Write the jump down and open its case; gives the case's id.

    The id follows from the machine and from how far its clocks are apart now: two schedulers on one machine open one.
    """
    from django.db import transaction

    host = platform.node()
    apart = round((at.timestamp() - really) / 60)
    case = short_id(CLOCK_STEP, host, str(apart))
    message = (
        f"{step.alarm} on {host}: the clock says {iso(at)}; no due time is handled until somebody confirms it with"
        " `runner schedules accept-clock`"
    )
    data = {"case": case, "seconds": step.size.total_seconds(), "host": host, "recorded": iso(at)}
    with transaction.atomic():
        seq = journal.event("clock.step", message, level="ERROR", sync=True, data=data)
        take_in([Line(seq, at, "", 0, "", "clock.step", "error", message, data=data)])
    return case
