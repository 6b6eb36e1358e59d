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
from runner.timetable.policies import CLOCK_STEP_LIMIT, ClockStep


def newest_record() -> datetime | None:
    """The latest time that anything in the store was written at, by the clock of then."""
    from django.db.models import Max

    from runner.store.models import Act, Occurrence, Run, Watermark

    times = [
        Watermark.objects.aggregate(at=Max("since"))["at"],
        Occurrence.objects.aggregate(at=Max("recorded"))["at"],
        Run.objects.aggregate(at=Max("finished"))["at"],
        Act.objects.aggregate(at=Max("at"))["at"],
    ]
    return max((at for at in times if at is not None), default=None)


def hold_if_behind(at: datetime, journal: Journal) -> str | None:
    """At a start: hold where the clock is more than 3 h behind what the store has recorded; the case's id, or None.

    A clock that went on is time without a scheduler, and no reason. The case's id follows from the newest record: what
    somebody has confirmed once is not asked again.
    """
    from django.db import transaction

    from runner.store.models import Case

    newest = newest_record()
    if newest is None or newest - at <= CLOCK_STEP_LIMIT:
        return None
    case = short_id(CLOCK_STEP, "store", iso(newest))
    if Case.objects.filter(pk=case).exists():
        return None  # it was asked: open, it holds; settled, it was confirmed
    behind = ClockStep(at - newest)
    message = (
        f"{behind.alarm} while no scheduler ran: the clock of {platform.node()} says {iso(at)}, the newest record is of"
        f" {iso(newest)}; no due time is handled until somebody confirms it with `runner schedules accept-clock`"
    )
    data = {
        "case": case,
        "seconds": behind.size.total_seconds(),
        "host": platform.node(),
        "recorded": iso(at),
    }
    with transaction.atomic():
        seq = journal.event("clock.step", message, level="ERROR", sync=True, data=data)
        take_in([Line(seq, at, "", 0, "", "clock.step", "error", message, data=data)])
    return case


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
