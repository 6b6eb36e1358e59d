"""Runs, items, cases and problems with their documented fields (docs/json.md), read with a fixed number of queries."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runner.core.clock import iso
from runner.core.nouns import CaseStatus, ItemStatus
from runner.store.case_lists import CaseFilter, filtered_cases
from runner.store.models import Act, Attempt, Case, Item, Problem, Queue, Run

_COUNTED = {ItemStatus.EXCEPTION: "exceptions", ItemStatus.RUNNING: "pending"}


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs; an empty field asks for nothing."""

    status: str = ""
    bot: str = ""
    schedule: str = ""
    since: datetime | None = None


def list_runs(wanted: RunFilter, limit: int) -> list[dict[str, Any]]:
    """Runs, the newest first."""
    exact = {
        "status": wanted.status,
        "bot": wanted.bot,
        "schedule": wanted.schedule,
        "queued__gte": wanted.since,
    }
    found = Run.objects.filter(**{name: value for name, value in exact.items() if value})
    return [_run(one) for one in found.order_by("-queued", "-id")[:limit]]


def run_of(run_id: str) -> dict[str, Any]:
    """One run."""
    return _run(Run.objects.get(pk=run_id))


def list_cases(wanted: CaseFilter, since: datetime | None, limit: int) -> list[dict[str, Any]]:
    """Cases, the oldest first."""
    found = filtered_cases(wanted)
    if since is not None:
        found = found.filter(opened__gte=since)
    return _cases(found.select_related("item__queue", "problem").order_by("opened", "id")[:limit])


def case_of(case_id: str) -> dict[str, Any]:
    """One case."""
    return _cases(Case.objects.filter(pk=case_id).select_related("item__queue", "problem"))[0]


def list_items(queue: str, status: str, words: str, limit: int) -> list[dict[str, Any]]:
    """Items of a queue in the order in which they were put."""
    found = Item.objects.filter(queue=queue)
    if status:
        found = found.filter(status=status)
    for word in words.split():
        found = found.filter(key__icontains=word)
    return _items(found.order_by("id")[:limit])


def item_of(queue: str, key: str) -> dict[str, Any] | None:
    """One item with all its attempts under `tries`; None where there is none."""
    row = Item.objects.filter(queue=queue, key=key).first()
    if row is None:
        return None
    tries = [_attempt(one) for one in Attempt.objects.filter(item=row).order_by("number")]
    return {**_items([row])[0], "original": row.original, "irreversible": row.irreversible, "tries": tries}


def list_queues() -> list[dict[str, Any]]:
    """Queues with the numbers of their items."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for queue, status in Item.objects.values_list("queue_id", "status"):
        counts[queue][_COUNTED.get(ItemStatus(status), status)] += 1
    return [
        {
            "name": one.name,
            "bot": one.bot,
            "key": one.key,
            "fields": list(one.fields.get("properties", {})),
            "items": {
                "total": counts[one.name].total(),
                **{name: counts[one.name][name] for name in ("done", "exceptions", "pending", "rejected")},
            },
        }
        for one in Queue.objects.order_by("name")
    ]


def list_problems(status: str, bot: str, limit: int) -> list[dict[str, Any]]:
    """Problems, those with the most cases that wait first."""
    exact = {"status": status, "bot": bot}
    found = Problem.objects.filter(**{name: value for name, value in exact.items() if value})
    rows = _problems(list(found))
    return sorted(rows, key=lambda p: (-p["waiting"], -p["cases"], p["id"]))[:limit]


def problem_of(problem_id: str) -> dict[str, Any]:
    """One problem."""
    return _problems([Problem.objects.get(pk=problem_id)])[0]


def _run(run: Run) -> dict[str, Any]:
    return {
        "id": run.pk,
        "bot": run.bot,
        "schedule": run.schedule,
        "status": run.status,
        "started": _iso(run.started),
        "finished": _iso(run.finished),
        "queued": iso(run.queued),
        "due": _iso(run.due),
        "items": {"total": run.total, "done": run.done, "exceptions": run.exceptions, "pending": run.pending},
        "parameters": run.parameters,
        "outputs": run.outputs,
        "error": run.error,
        "requested_by": run.requested_by,
        "worker": run.worker,
        "folder": run.folder,
    }


def _cases(cases: Iterable[Case]) -> list[dict[str, Any]]:
    rows = list(cases)
    history: dict[str, list[dict[str, Any]]] = defaultdict(list)
    acts = Act.objects.filter(subject_kind="case", subject__in=[one.pk for one in rows])
    for act in acts.order_by("at", "id"):
        history[act.subject].append(
            {
                "at": iso(act.at),
                "by": act.by,
                "verb": act.verb,
                "note": act.note,
                "machine": act.machine,
                "data": act.data,
            }
        )
    return [_case(one, history[one.pk]) for one in rows]


def _case(case: Case, history: list[dict[str, Any]]) -> dict[str, Any]:
    item = case.item
    return {
        "id": case.pk,
        "kind": case.kind,
        "why": case.why,
        "status": case.status,
        "queue": item.queue_id if item else None,
        "item": item.key if item else None,
        "run": case.run_id,
        "bot": case.bot,
        "process": case.process,
        "problem": case.problem_id,
        "explanation": case.problem.explanation,
        "message": case.message,
        "error_type": (case.error or {}).get("type", ""),
        "error": case.error,
        "step": case.step,
        "opened": iso(case.opened),
        "due": _iso(case.due),
        "resolved": _iso(case.resolved),
        "resolution": case.resolution,
        "assignee": case.assignee,
        "snoozed_until": _iso(case.snoozed_until),
        "data": item.data if item else None,
        "source": item.source if item else None,
        "attempts": item.attempts_made if item else None,
        "evidence": case.evidence,
        "version": case.version,
        "history": history,
    }


def _items(items: Iterable[Item]) -> list[dict[str, Any]]:
    rows = list(items)
    cases = dict(Case.objects.filter(item__in=[one.pk for one in rows]).values_list("item_id", "pk"))
    return [
        {
            "queue": one.queue_id,
            "key": one.key,
            "status": one.status,
            "attempts": one.attempts_made,
            "data": one.data,
            "output": one.output,
            "case": cases.get(one.pk),
            "error": one.error,
            "source": one.source,
            "put": iso(one.put_at),
            "put_run": one.put_run_id,
            "finished": _iso(one.finished),
        }
        for one in rows
    ]


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "run": attempt.run_id,
        "lane": attempt.lane,
        "status": attempt.status,
        "started": iso(attempt.started),
        "finished": _iso(attempt.finished),
        "ms": attempt.ms,
        "kind": attempt.kind,
        "step": attempt.step,
        "error": attempt.error,
        "evidence": attempt.evidence,
    }


def _problems(problems: list[Problem]) -> list[dict[str, Any]]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    cases = Case.objects.filter(problem__in=[one.pk for one in problems])
    for problem, status in cases.values_list("problem_id", "status"):
        counts[problem][status] += 1
    return [
        {
            "id": one.pk,
            "fingerprint": one.fingerprint,
            "title": one.title,
            "explanation": one.explanation,
            "kind": one.kind,
            "bot": one.bot,
            "process": one.process,
            "status": one.status,
            "cases": counts[one.pk].total(),
            "waiting": sum(n for s, n in counts[one.pk].items() if CaseStatus(s).needs_a_person),
            "by_status": dict(sorted(counts[one.pk].items())),
            "first_seen": iso(one.first_seen),
            "last_seen": iso(one.last_seen),
        }
        for one in problems
    ]


def _iso(at: datetime | None) -> str | None:
    return iso(at) if at else None
