"""The facts behind a contrast: a problem's items (or runs) and clean ones of the same queue or bot and the same time."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, NamedTuple

from django.db import connection
from django.db.models import F, FilteredRelation, Q, QuerySet

from runner.cases.contrast import Finding, contrast
from runner.cases.grouping import text_of
from runner.core.errors import UsageError
from runner.core.nouns import ItemStatus, RunStatus
from runner.store.models import Case, Item, Lane, Problem, Run
from runner.store.moments import moment

MOST_FAILED: Final = 1000
MOST_CLEAN: Final = 3000
_PROBES: Final = 30  # places at which clean items are taken, evenly over the time of the failed ones
_MOST_QUEUES: Final = 3
_LONGEST: Final = 200  # characters of a value
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_HOURS: Final = tuple(f"{hour:02}:00" for hour in range(24))


@dataclass(frozen=True, slots=True)
class Contrast:
    """How many were compared, and what is over-represented among the failed ones. `of` is ``items`` or ``runs``.

    `all_failed` is how many failed ones the problem has: where it is more than `failed`, these are the last of them.
    """

    of: str
    failed: int
    clean: int
    findings: tuple[Finding, ...]
    all_failed: int = 0


def contrast_of(problem_id: str, *, zone: tzinfo = UTC, most: int = 20) -> Contrast:
    """Compare the last 1,000 failed items of a problem with up to 3,000 clean ones that were put in the same time.

    A clean item is done and never had a case. A problem about runs is compared with runs of its bot that went through.
    Hours and weekdays are those of `zone`. At most six queries, each on an index, however large the store is.
    """
    problem = Problem.objects.filter(pk=problem_id).first()
    if problem is None:
        raise UsageError(
            f"problem '{problem_id}' not found", hint="see: runner problems list", code="NOT_FOUND"
        )
    cases = Case.objects.filter(problem=problem).order_by("-opened")
    items = list(cases.filter(item__isnull=False).values_list("item_id", flat=True)[:MOST_FAILED])
    if items:
        tried = _read([_with_last_try(Item.objects.filter(pk__in=items))])
        untroubled = _read(_clean_items(items, sorted({one.queue for one in tried})[:_MOST_QUEUES]))[
            :MOST_CLEAN
        ]
        hosts = _hosts({one.run for one in (*tried, *untroubled) if one.run})
        failed, clean = _item_facts(tried, hosts, zone), _item_facts(untroubled, hosts, zone)
        return _compared("items", failed, clean, problem.total, most)
    runs = list(cases.exclude(run=None).values_list("run_id", flat=True)[:MOST_FAILED])
    through = Run.objects.filter(bot=problem.bot, status=RunStatus.DONE)
    through = through.filter(queued__gte=problem.first_seen - (problem.last_seen - problem.first_seen))
    clean_runs = list(through.order_by("-queued").values_list("pk", flat=True)[:MOST_CLEAN])
    failed, clean = _run_facts(runs, zone), _run_facts(clean_runs, zone)
    return _compared("runs", failed, clean, problem.total, most)


def _compared(
    of: str, failed: list[dict[str, str]], clean: list[dict[str, str]], total: int, most: int
) -> Contrast:
    findings = tuple(contrast(failed, clean, most=most))
    return Contrast(of, len(failed), len(clean), findings, max(total, len(failed)))


class _Tried(NamedTuple):
    """What is compared of an item: its data, and its last attempt where there was one. JSON is text still."""

    queue: str
    data: str
    run: str | None
    lane: int | None
    started: object
    bot_version: str | None
    locators: str | None


def _with_last_try(items: QuerySet[Item]) -> QuerySet[Any]:
    last = FilteredRelation("attempts", condition=Q(attempts__number=F("attempts_made")))
    return items.annotate(last=last).values_list(
        "queue_id", "data", "last__run_id", "last__lane", "last__started", "last__run__bot_version", "last__locators"
    )  # fmt: skip


def _clean_items(failed: list[int], queues: Sequence[str]) -> list[QuerySet[Any]]:
    """Clean items of the same queues whose ids (the order in which items were put) lie around those of the failed ones."""
    first, last = min(failed), max(failed)
    room = max(500, (last - first) // 10)
    start, width = first - room, max(1, (last - first + 2 * room) // _PROBES)
    each = max(1, MOST_CLEAN // _PROBES // max(1, len(queues)))
    probes = []
    for probe in range(_PROBES + 1):
        low = start + probe * width
        for queue in queues:
            clean = Item.objects.filter(
                queue_id=queue, status=ItemStatus.DONE, pk__gte=low, pk__lt=low + width
            )
            probes.append(_with_last_try(clean.filter(case=None)).order_by("pk")[:each])
    return probes


def _read(probes: Sequence[QuerySet[Any]]) -> list[_Tried]:
    """The rows of all these queries, asked as one, without Django's converters: for thousands of rows they are slow."""
    parts, values = [], list[Any]()
    for number, probe in enumerate(probes):
        sql, parameters = probe.query.sql_with_params()
        parts.append(f"SELECT * FROM ({sql}) AS probe{number}")  # noqa: S608 (Django's own SQL)
        values += parameters
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), values)
        return [_Tried(*row) for row in cursor.fetchall()]


def _item_facts(
    rows: Iterable[_Tried], hosts: Mapping[tuple[str, int], str], zone: tzinfo
) -> list[dict[str, str]]:
    return [{**_data_facts("data", _value(one.data)), **_try_facts(one, hosts, zone)} for one in rows]


def _hosts(runs: set[str]) -> defaultdict[tuple[str, int], str]:
    rows = Lane.objects.filter(run_id__in=list(runs)[:5000]).values_list("run_id", "number", "host")
    return defaultdict(str, {(run, number): host for run, number, host in rows})


def _try_facts(tried: _Tried, hosts: Mapping[tuple[str, int], str], zone: tzinfo) -> dict[str, str]:
    started = moment(tried.started)
    if started is None:
        return {}
    facts = {"bot_version": tried.bot_version or "", "host": "", **_time_facts(started, zone)}
    if tried.run and tried.lane is not None:
        facts["host"] = hosts[tried.run, tried.lane]
    for name, rank in (_value(tried.locators) or {}).items():
        facts[f"locator {name}"] = f"rank {rank}"
    return {name: value for name, value in facts.items() if value}


def _value(said: Any) -> Any:
    """JSON as a database gives it to a query without a model: text, or a value already."""
    return json.loads(said) if isinstance(said, str) and said != "{}" else ({} if said == "{}" else said)


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
    return {"hour": _HOURS[local.hour], "weekday": _DAYS[local.weekday()]}


def _data_facts(prefix: str, data: Mapping[str, Any]) -> dict[str, str]:
    """The plain values of a row; lists count by how many entries they have."""
    facts = {}
    for name, value in data.items():
        if isinstance(value, list):
            facts[f"{prefix}.{name} (entries)"] = str(len(value))
        elif not isinstance(value, dict):
            facts[f"{prefix}.{name}"] = text_of(value)[:_LONGEST]
    return facts
