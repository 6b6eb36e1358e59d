"""Runs as lists and as JSON values (fields: docs/json.md)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.db.models import Count, QuerySet

from runner.core.clock import iso
from runner.core.nouns import ItemStatus, RunStatus
from runner.store.case_lists import iso_or_none
from runner.store.models import Case, Lane, Run, Step
from runner.store.paging import Page, page_of

SORTS: Final = {
    "queued": "queued",
    "started": "started",
    "finished": "finished",
    "bot": "bot",
    "status": "status",
    "schedule": "schedule",
}


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs; an empty field asks for nothing. `since` is the earliest time at which they were asked for."""

    id: str = ""
    bot: str = ""
    status: tuple[str, ...] = ()
    schedule: str = ""
    process: str = ""
    since: datetime | None = None


def filtered_runs(wanted: RunFilter) -> QuerySet[Run]:
    """The runs of a filter, in no order yet."""
    exact = {"pk": wanted.id, "bot": wanted.bot, "schedule": wanted.schedule, "process": wanted.process}
    rows = Run.objects.filter(**{name: value for name, value in exact.items() if value})
    if wanted.status:
        rows = rows.filter(status__in=wanted.status)
    if wanted.since:
        rows = rows.filter(queued__gte=wanted.since)
    return rows


def list_runs(wanted: RunFilter, page: Page | None = None) -> list[dict[str, Any]]:
    """The runs of a filter as JSON values, the newest first. Three queries."""
    return runs_json(list(page_of(filtered_runs(wanted), page or Page(), SORTS, "-queued")))


def runs_json(found: Sequence[Run]) -> list[dict[str, Any]]:
    """These runs as JSON values. Two queries.

    The item counts of a finished run are those of its end; those of a running one are of this moment.
    """
    counts = counts_now([run.pk for run in found if run.status == RunStatus.RUNNING])
    cases = dict(
        Case.objects.filter(run_id__in=[run.pk for run in found])
        .values_list("run_id")
        .annotate(count=Count("*"))
    )
    return [_run_json(run, counts.get(run.pk), cases.get(run.pk, 0)) for run in found]


def run_json(run_id: str) -> dict[str, Any]:
    """One run as a JSON value, with its lanes and steps. Raises Run.DoesNotExist for an id that is none."""
    found = list_runs(RunFilter(id=run_id))
    if not found:
        raise Run.DoesNotExist(run_id)
    return {**found[0], "lanes": _lanes(run_id), "steps": _steps(run_id)}


def _run_json(run: Run, now: dict[str, int] | None, cases: int) -> dict[str, Any]:
    at_end = {"total": run.total, "done": run.done, "exceptions": run.exceptions, "pending": run.pending}
    return {
        "id": run.pk,
        "bot": run.bot,
        "bot_version": run.bot_version,
        "process": run.process,
        "schedule": run.schedule,
        "due": iso_or_none(run.due),
        "status": run.status,
        "parameters": run.parameters,
        "requested_by": run.requested_by,
        "queued": iso(run.queued),
        "started": iso_or_none(run.started),
        "finished": iso_or_none(run.finished),
        "items": now or at_end,
        "cases": cases,
        "outputs": run.outputs,
        "error": run.error,
        "evidence": run.evidence,
        "worker": run.worker,
        "folder": run.folder,
    }


def _lanes(run_id: str) -> list[dict[str, Any]]:
    return [
        {
            "lane": lane.number,
            "status": lane.status,
            "pid": lane.pid,
            "host": lane.host,
            "started": iso_or_none(lane.started),
            "finished": iso_or_none(lane.finished),
            "exit_code": lane.exit_code,
            "reason": lane.reason,
        }
        for lane in Lane.objects.filter(run_id=run_id).order_by("number")
    ]


def _steps(run_id: str) -> list[dict[str, Any]]:
    return [
        {
            "lane": step.lane,
            "seq": step.seq,
            "parent": step.parent,
            "name": step.name,
            "queue": step.queue,
            "item": step.item,
            "attempt": step.attempt,
            "status": step.status,
            "started": iso(step.started),
            "ms": step.ms,
            "error": step.error,
        }
        for step in Step.objects.filter(run_id=run_id).order_by("lane", "seq")
    ]


def counts_now(run_ids: list[str]) -> dict[str, dict[str, int]]:
    """What has become so far of the items that each run put or tried; one query however many runs there are."""
    if not run_ids:
        return {}
    marks = ", ".join(["%s"] * len(run_ids))
    sql = f"""
        SELECT run, status, COUNT(*) FROM (
            SELECT put_run_id AS run, id, status FROM store_item WHERE put_run_id IN ({marks})
            UNION
            SELECT store_attempt.run_id, store_item.id, store_item.status
            FROM store_attempt JOIN store_item ON store_item.id = store_attempt.item_id
            WHERE store_attempt.run_id IN ({marks})
        ) AS touched GROUP BY run, status"""  # noqa: S608 (only marks for parameters are put in)
    by_status: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    with connection.cursor() as cursor:
        cursor.execute(sql, [*run_ids, *run_ids])
        for run, status, count in cursor.fetchall():
            by_status[run][status] = count
    return {
        run: {
            "total": sum(by_status[run].values()),
            "done": by_status[run][ItemStatus.DONE],
            "exceptions": by_status[run][ItemStatus.EXCEPTION],
            "pending": by_status[run][ItemStatus.PENDING] + by_status[run][ItemStatus.RUNNING],
        }
        for run in run_ids
    }
