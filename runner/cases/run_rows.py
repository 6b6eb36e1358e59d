"""What a schedule asks for, as the row of a queued run: parameters of that due time, limits, and the policy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from runner.core.clock import iso
from runner.core.schedules_model import Schedule
from runner.core.schedules_pilot import DEFAULT_SAMPLE, Stage
from runner.timetable.dates import render
from runner.timetable.deadlines import deadline_of, jitter_of
from runner.timetable.due_times import Planned


def run_row(
    planned: Planned,
    due: datetime,
    at: datetime,
    *,
    outputs: Mapping[str, Any] | None = None,
    is_production: bool = False,
) -> dict[str, Any]:
    """The row (JSON values, as `queue_run` takes it) of the run of one due time.

    `is_production`: somebody has promoted the schedule, whatever its stage says. Raises ConfigurationError
    (SCHED_TEMPLATE) for parameters that can't be made.
    """
    schedule = planned.schedule
    limit, tries = schedule.time_limit, schedule.item_retry
    jitter = jitter_of(schedule, due)
    return {
        "bot": schedule.bot or schedule.recording,
        "parameters": render(schedule.parameters, due, planned.zone, planned.days, outputs),
        "priority": schedule.priority,
        "time_limit": limit.total_seconds() if limit else None,
        "item_retry": {
            "times": tries.times,
            "wait": tries.wait.total_seconds(),
            "longest_wait": tries.longest_wait.total_seconds(),
        }
        if tries
        else None,
        "policy": _policy(schedule, due, is_production=is_production),
        "not_before": iso(due + jitter) if jitter else None,
        "requested_by": f"schedule {schedule.id}",
        "queued": iso(at),
    }


def _policy(schedule: Schedule, due: datetime, *, is_production: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if schedule.concurrency:
        found["resources"] = list(schedule.concurrency)
    if schedule.retry.times:
        found["retry"] = {
            "times": schedule.retry.times,
            "wait": schedule.retry.wait.total_seconds(),
            "longest_wait": schedule.retry.longest_wait.total_seconds(),
        }
    deadline = deadline_of(schedule, due)
    if deadline is not None:
        found["deadline"] = iso(deadline)
    if schedule.stage is Stage.PILOT and not is_production:
        found["sample"] = schedule.sample or DEFAULT_SAMPLE
    return found
