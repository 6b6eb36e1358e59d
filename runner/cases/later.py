"""Items that say `TryLater`: a run comes when their time does, and one that says it for ever becomes a case."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Max

from runner.cases.batch import Batch
from runner.cases.queued import queue_run, row_of
from runner.cases.schedule_acts import Standing, standings
from runner.core.clock import duration_text, iso
from runner.core.ids import uuid7
from runner.core.nouns import AttemptStatus, FailureKind, ItemStatus
from runner.journal import Line
from runner.store.models import Attempt, Case, Item, Run

PUT_OFF: Final = "put_off"  # why a case is open whose item said TryLater too often
MOST_TIMES: Final = 20
LONGEST: Final = timedelta(days=7)


def put_off_too_often(batch: Batch, line: Line, item: Item) -> dict[str, Any] | None:
    """The error of an item that has been put off 20 times, or for seven days; None while it may wait on.

    Counted since a person last decided about it. The attempt that `line` ends is among them.
    """
    batch.attempts.write()
    decided = Case.objects.filter(item_id=item.pk).values_list("changed", flat=True).first()
    later = Attempt.objects.filter(item_id=item.pk, status=AttemptStatus.LATER)
    if decided is not None:
        later = later.filter(started__gte=decided)
    starts = list(later.order_by("number").values_list("started", flat=True))
    if not starts or (len(starts) < MOST_TIMES and line.time - starts[0] < LONGEST):
        return None
    span = duration_text(timedelta(minutes=(line.time - starts[0]) // timedelta(minutes=1)))
    reason = str(line.data.get("reason") or "it can't be done yet")
    message = f"put off {len(starts)} times in {span}: {reason}"
    return {
        "kind": FailureKind.APPLICATION,
        "type": "TryLater",
        "code": "ITEM_PUT_OFF",
        "message": message,
        "where": "",
        "hint": "decide whether it is still to be done",
    }


def queue_runs_for_later(at: datetime) -> list[str]:
    """Queue a run for each queue with items whose time has come, where no run of its bot was asked for since; their ids.

    With the parameters of the run that put them off. Called again and again: each time that comes asks for one run at
    most. Nothing is queued for a schedule that is paused. The run's id follows from queue and time, so two schedulers make one.
    """
    ripe = Item.objects.filter(status=ItemStatus.PENDING, not_before__isnull=False, not_before__lte=at)
    latest = ripe.order_by().values_list("queue_id", "queue__bot").annotate(due=Max("not_before"))
    made = []
    for queue, bot, due in latest:
        with transaction.atomic():
            if due is None or Run.objects.filter(bot=bot, queued__gte=due).exists():
                continue
            if Run.objects.filter(bot=bot, status="queued").exists():
                continue
            last = Run.objects.filter(bot=bot).order_by("-queued").first()
            if last is None or _is_paused(last.schedule, at):
                continue
            run = uuid7(at, seed=f"{queue}@{iso(due)}")
            row = {**row_of(last, "runner"), "time_limit": last.time_limit, "priority": last.priority}
            queue_run(run, row, at)
            made.append(run)
    return made


def _is_paused(schedule: str | None, at: datetime) -> bool:
    return (
        schedule is not None and standings([schedule]).get(schedule, Standing()).pause_at(at, at) is not None
    )
