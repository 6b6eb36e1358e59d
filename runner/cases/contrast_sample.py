"""The facts behind a contrast: a problem's items (or runs) and clean ones of the same queue or bot and the same time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from runner.cases.contrast import Finding, contrast
from runner.cases.grouping import text_of
from runner.core.errors import UsageError
from runner.core.nouns import ItemStatus, RunStatus
from runner.store.models import Attempt, Case, Item, Lane, Problem, Run

MOST_FAILED: Final = 1000
MOST_CLEAN: Final = 3000
_PROBES: Final = 30  # places at which clean items are taken, evenly over the time of the failed ones
_LONGEST: Final = 200  # characters of a value
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Contrast:
    """How many were compared, and what is over-represented among the failed ones. `of` is ``items`` or ``runs``."""

    of: str
    failed: int
    clean: int
    findings: tuple[Finding, ...]


def contrast_of(problem_id: str, *, zone: tzinfo = UTC, most: int = 20) -> Contrast:
    """Compare the last 1,000 failed items of a problem with up to 3,000 clean ones that were put in the same time.

    A clean item is done and never had a case. A problem about runs is compared with runs of its bot that went through.
    Hours and weekdays are those of `zone`. At most some 40 queries, each on an index, however large the store is.
    """
    problem = Problem.objects.filter(pk=problem_id).first()
    if problem is None:
        raise UsageError(
            f"problem '{problem_id}' not found", hint="see: runner problems list", code="NOT_FOUND"
        )
    cases = Case.objects.filter(problem=problem).order_by("-opened")
    items = list(cases.filter(item__isnull=False).values_list("item_id", flat=True)[:MOST_FAILED])
    if items:
        failed = _item_facts(Item.objects.filter(pk__in=items), zone)
        clean = _item_facts(_clean_items(items), zone)
        return Contrast("items", len(failed), len(clean), tuple(contrast(failed, clean, most=most)))
    runs = list(cases.exclude(run=None).values_list("run_id", flat=True)[:MOST_FAILED])
    through = Run.objects.filter(bot=problem.bot, status=RunStatus.DONE)
    through = through.filter(queued__gte=problem.first_seen - (problem.last_seen - problem.first_seen))
    clean_runs = list(through.order_by("-queued").values_list("pk", flat=True)[:MOST_CLEAN])
    failed, clean = _run_facts(runs, zone), _run_facts(clean_runs, zone)
    return Contrast("runs", len(failed), len(clean), tuple(contrast(failed, clean, most=most)))


def _clean_items(failed: list[int]) -> list[Item]:
    """Clean items of the same queues whose ids (the order in which items were put) lie around those of the failed ones."""
    found: list[Item] = []
    for queue in _queues(failed):
        first, last = min(failed), max(failed)
        room = max(500, (last - first) // 10)
        start, width = first - room, max(1, (last - first + 2 * room) // _PROBES)
        each = max(1, MOST_CLEAN // _PROBES)
        for probe in range(_PROBES + 1):
            low = start + probe * width
            clean = Item.objects.filter(
                queue_id=queue, status=ItemStatus.DONE, pk__gte=low, pk__lt=low + width
            )
            found += clean.filter(case=None).order_by("pk")[:each]
    return found[:MOST_CLEAN]


def _queues(items: list[int]) -> list[str]:
    return sorted(set(Item.objects.filter(pk__in=items).order_by().values_list("queue_id", flat=True)))[:3]


def _item_facts(items: Iterable[Item], zone: tzinfo) -> list[dict[str, str]]:
    rows = list(items)
    tries = _last_attempts([item.pk for item in rows])
    hosts = _hosts({one["run_id"] for one in tries.values() if one["run_id"]})
    return [
        {**_data_facts("data", item.data), **_try_facts(tries.get(item.pk), hosts, zone)} for item in rows
    ]


def _last_attempts(items: list[int]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    wanted = ("item_id", "number", "run_id", "lane", "started", "run__bot_version", "locators")
    for start in range(0, len(items), 500):
        rows = Attempt.objects.filter(item_id__in=items[start : start + 500]).order_by("item_id", "number")
        found.update({row["item_id"]: row for row in rows.values(*wanted)})
    return found


def _hosts(runs: set[str]) -> defaultdict[tuple[str, int], str]:
    rows = Lane.objects.filter(run_id__in=list(runs)[:5000]).values_list("run_id", "number", "host")
    return defaultdict(str, {(run, number): host for run, number, host in rows})


def _try_facts(
    tried: dict[str, Any] | None, hosts: Mapping[tuple[str, int], str], zone: tzinfo
) -> dict[str, str]:
    if tried is None:
        return {}
    facts = {
        "bot_version": tried["run__bot_version"] or "",
        "host": hosts[tried["run_id"], tried["lane"]],
        **_time_facts(tried["started"], zone),
    }
    facts |= {f"locator {name}": f"rank {rank}" for name, rank in (tried["locators"] or {}).items()}
    return {name: value for name, value in facts.items() if value}


def _run_facts(runs: list[str], zone: tzinfo) -> list[dict[str, str]]:
    return [
        {
            **_data_facts("parameter", run.parameters),
            "bot_version": run.bot_version,
            "host": run.worker,
            "schedule": run.schedule or "by hand",
            **_time_facts(run.started or run.queued, zone),
        }
        for run in Run.objects.filter(pk__in=runs)
    ]


def _time_facts(at: datetime, zone: tzinfo) -> dict[str, str]:
    local = at.astimezone(zone)
    return {"hour": f"{local:%H}:00", "weekday": _DAYS[local.weekday()]}


def _data_facts(prefix: str, data: Mapping[str, Any]) -> dict[str, str]:
    """The plain values of a row; lists count by how many entries they have."""
    facts = {}
    for name, value in data.items():
        if isinstance(value, list):
            facts[f"{prefix}.{name} (entries)"] = str(len(value))
        elif not isinstance(value, dict):
            facts[f"{prefix}.{name}"] = text_of(value)[:_LONGEST]
    return facts
