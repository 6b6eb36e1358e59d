"""What keeps the machine busy: what the runs of schedules cost, the runs that go on now, and those that wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q

from runner.cases.durations import durations_by_schedule
from runner.core.nouns import RunStatus
from runner.store.models import Bot, Run
from runner.timetable.due_times import Planned
from runner.timetable.simulation import Going, Load, Predicted, Waiting, simulate

Durations = Mapping[str, tuple[timedelta, timedelta]]
"""P50 and P90 of the runs of a schedule, by its id."""

_UNKNOWN: Final = timedelta(minutes=1)
_SOON: Final = timedelta(seconds=1)  # when a run ends that has taken longer than usual already


def predict(
    planned: Sequence[Planned],
    slots: int,
    window: tuple[datetime, datetime],
    durations: Durations | None = None,
) -> list[Predicted]:
    """`simulate` from the store: with how long runs took, and what goes on and waits at the beginning of `window`."""
    usual = durations_by_schedule() if durations is None else durations
    bots = dict(Bot.objects.values_list("name", "description"))
    loads = {
        one.schedule.id: _load(
            usual, one.schedule.id, one.schedule.bot or "", bots, tuple(one.schedule.concurrency)
        )
        for one in planned
    }
    begin = window[0]
    return simulate(planned, loads, slots, window, _already(usual, bots, begin))


def _already(durations: Durations, bots: Mapping[str, Any], now: datetime) -> list[Going | Waiting]:
    """The runs that go on, and the queued ones that may start now; one that waits for a later time is left out."""
    runs = Run.objects.filter(
        Q(status=RunStatus.RUNNING)
        | Q(status=RunStatus.QUEUED) & (Q(not_before=None) | Q(not_before__lte=now))
    )
    found: list[Going | Waiting] = []
    for run in runs.only("status", "schedule", "bot", "queued", "started", "policy", "priority"):
        load = _load(durations, run.schedule or "", run.bot, bots, tuple(run.policy.get("resources") or ()))
        if run.status == RunStatus.QUEUED:
            found.append(Waiting(run.schedule or "", run.queued, load, run.priority))
        else:
            ends = max((run.started or now) + load.p50, now + _SOON)
            found.append(Going(run.schedule or "", ends, load.groups, run.bot))
    return found


def _load(
    durations: Durations, schedule: str, bot: str, bots: Mapping[str, Any], resources: tuple[str, ...]
) -> Load:
    """What a run costs, with what its bot asks for whoever starts it."""
    told = bots.get(bot) or {}
    groups = tuple(dict.fromkeys((*resources, *(told.get("resources") or ()))))
    return Load(*durations.get(schedule, (_UNKNOWN, _UNKNOWN)), groups, bot, told.get("at_once"))
