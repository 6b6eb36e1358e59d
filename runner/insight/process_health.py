"""How processes are doing at this moment: what needs somebody, the worst first; a few queries however many processes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from django.db import connection
from django.db.models import Count, Q, Value

from runner.core.nouns import OccurrenceState, ProblemStatus, RunStatus
from runner.store.bot_health import BotHealth, bot_health
from runner.store.models import Bot, Case, CorrectiveAction, Occurrence, Problem, Run

LOOKED_BACK: Final = timedelta(days=7)  # so far back missed due times count
LATE_AFTER: Final = timedelta(minutes=15)  # a run that has not begun this long after its due time is late
FAILING_BELOW: Final = 0.8  # of its last runs that went through
_AT_REST: Final = tuple(status for status in ProblemStatus if status.is_at_rest)
_BROKEN: Final = (RunStatus.FAILED, RunStatus.LOST)


class Sign(StrEnum):
    """What can be wrong with a process, the worst first."""

    OVERDUE = "overdue"  # cases past their due time
    MISSED = "missed"  # due times without a run
    LATE = "late"  # runs that should have begun
    FAILING = "failing"  # bots whose last run, or many of them, failed
    REGRESSED = "regressed"  # problems that came back although they were fixed
    ACTIONS = "actions"  # corrective actions past their due date
    UNLOADED = "unloaded"  # bots whose file can't be loaded
    WAITING = "waiting"  # cases that wait, in time


_BAD: Final = frozenset({Sign.OVERDUE, Sign.MISSED, Sign.LATE, Sign.FAILING, Sign.REGRESSED})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that needs somebody: how many of it, and their names where that helps (bots, schedules, problems)."""

    sign: Sign
    count: int
    names: tuple[str, ...] = ()

    @property
    def tone(self) -> str:
        """``bad``, ``warn`` or ``info``."""
        return "bad" if self.sign in _BAD else "info" if self.sign is Sign.WAITING else "warn"


@dataclass(frozen=True, slots=True)
class Health:
    """What was found about one process, the worst first; its cases, open problems, bots and when it ran last."""

    process: str
    findings: tuple[Finding, ...]
    waiting: int
    overdue: int
    problems: int
    bots: tuple[str, ...]
    last_run: datetime | None
    of_bots: Mapping[str, BotHealth]

    @property
    def tone(self) -> str:
        """``good``, ``info`` (only cases that wait, in time), ``warn`` or ``bad``: that of the worst finding."""
        tones = {one.tone for one in self.findings}
        return next((tone for tone in ("bad", "warn", "info") if tone in tones), "good")

    def count(self, sign: str) -> int:
        """How many of one sign there are."""
        return next((one.count for one in self.findings if one.sign == sign), 0)


@dataclass(frozen=True, slots=True)
class Workers:
    """The bots that work for a process, by name; `known` are those of them that the catalogue has."""

    names: tuple[str, ...]
    known: Mapping[str, Bot]


def process_names() -> list[str]:
    """Every process that a run, a bot, or a problem names. Three queries, none reads all runs."""
    found = set(Bot.objects.exclude(process="").order_by().values_list("process", flat=True).distinct())
    found |= set(Problem.objects.exclude(process="").order_by().values_list("process", flat=True).distinct())
    with connection.cursor() as cursor:
        cursor.execute(_NAMED_BY_RUNS)
        return sorted(found | {name for (name,) in cursor.fetchall()})


# From each name to the next one along the index of runs by process.
_NAMED_BY_RUNS: Final = """
    WITH RECURSIVE found(name) AS (
        SELECT MIN(process) FROM store_run WHERE process > ''
        UNION ALL SELECT (SELECT MIN(process) FROM store_run WHERE process > found.name) FROM found WHERE found.name IS NOT NULL)
    SELECT name FROM found WHERE name IS NOT NULL"""


def workers_of(processes: Iterable[str]) -> dict[str, Workers]:
    """The bots of each of these processes: those of the catalogue, those with problems, otherwise those that ran lately. Two queries, and one for each without any."""
    wanted = list(processes)
    rows = list(Bot.objects.filter(process__in=wanted, present=True).order_by("name"))
    live = Problem.objects.filter(process__in=wanted).exclude(bot="").order_by("bot")
    pairs = [*((row.process, row.pk) for row in rows), *live.values_list("process", "bot").distinct()]
    left = set(wanted) - {process for process, _bot in pairs}
    for process in sorted(left):
        ran = Run.objects.filter(process=process).order_by("-queued").values_list("bot", flat=True)[:50]
        pairs += [(process, bot) for bot in sorted(set(ran))]
    names: dict[str, dict[str, None]] = {process: {} for process in wanted}
    for process, bot in pairs:
        names[process][bot] = None
    known = {row.pk: row for row in rows}
    return {
        process: Workers(tuple(some), {bot: known[bot] for bot in some if bot in known})
        for process, some in names.items()
    }


def health_of(
    workers: Mapping[str, Workers], schedules: Mapping[str, Sequence[str]], now: datetime
) -> dict[str, Health]:
    """The health of the processes with these bots; `schedules` names those of each. Six queries, however many processes."""
    names = list(workers)
    of_bots = bot_health(list(dict.fromkeys(bot for some in workers.values() for bot in some.names)))
    cases, (problems, actions) = _cases(names, now), _problems_and_actions(names, now)
    missed, late = _missed(schedules, now), _late(names, now)
    found = {}
    for name, some in workers.items():
        waiting, overdue = cases.get(name, (0, 0))
        live, back = problems.get(name, (0, 0))
        failing = tuple(bot for bot in some.names if is_failing(of_bots[bot]))
        unloaded = tuple(bot for bot, row in some.known.items() if row.error)
        gone = tuple(one for one in schedules.get(name, ()) if missed.get(one))
        signs = (
            Finding(Sign.OVERDUE, overdue),
            Finding(Sign.MISSED, sum(missed[one] for one in gone), gone),
            Finding(Sign.LATE, len(late.get(name, ())), tuple(late.get(name, ()))),
            Finding(Sign.FAILING, len(failing), failing),
            Finding(Sign.REGRESSED, back),
            Finding(Sign.ACTIONS, actions.get(name, 0)),
            Finding(Sign.UNLOADED, len(unloaded), unloaded),
            Finding(Sign.WAITING, waiting - overdue),
        )
        found[name] = Health(
            process=name,
            findings=tuple(one for one in signs if one.count > 0),
            waiting=waiting,
            overdue=overdue,
            problems=live,
            bots=some.names,
            last_run=max(
                (run.started for bot in some.names for run in of_bots[bot].runs if run.started), default=None
            ),
            of_bots={bot: of_bots[bot] for bot in some.names},
        )
    return found


def is_failing(health: BotHealth) -> bool:
    """Whether the last run of a bot broke, or too few of the last twenty went through."""
    ended = [run.status for run in health.runs if run.finished is not None]
    if not ended:
        return False
    return ended[-1] in _BROKEN or (health.success is not None and health.success < FAILING_BELOW)


def _cases(names: Sequence[str], now: datetime) -> dict[str, tuple[int, int]]:
    rows = Case.objects.filter(process__in=names, waits=True).order_by().values_list("process")
    counted = rows.annotate(n=Count("*"), over=Count("pk", filter=Q(due__lt=now)))
    return {process: (n, over) for process, n, over in counted}


def _problems_and_actions(
    names: Sequence[str], now: datetime
) -> tuple[dict[str, tuple[int, int]], dict[str, int]]:
    """By process: its open problems with those that came back, and its late corrective actions. One query."""
    live = Problem.objects.filter(process__in=names, merged_into=None)
    live = live.filter(Q(waiting__gt=0) | ~Q(status__in=_AT_REST))
    back = Q(regressions__gt=0) & ~Q(status__in=[*_AT_REST, ProblemStatus.VERIFYING])
    late = CorrectiveAction.objects.filter(
        done=None, dropped=False, due__lt=now, problem__process__in=names
    ).order_by()
    actions: Any = late.values_list("problem__process", Value("actions"))
    counted = live.order_by().values_list("process", Value("problems"))
    rows = counted.annotate(n=Count("*"), back=Count("pk", filter=back)).union(
        actions.annotate(n=Count("*"), back=Value(0)), all=True
    )
    found: dict[str, dict[str, tuple[int, int]]] = {"problems": {}, "actions": {}}
    for process, what, n, again in rows:
        found[what][process] = (n, again)
    return found["problems"], {process: n for process, (n, _none) in found["actions"].items()}


def _missed(schedules: Mapping[str, Sequence[str]], now: datetime) -> dict[str, int]:
    """How many due times each schedule has missed lately, without those that somebody answered with a run."""
    wanted = [one for some in schedules.values() for one in some]
    rows = Occurrence.objects.filter(
        schedule__in=wanted, due__gte=now - LOOKED_BACK, state=OccurrenceState.MISSED, run=None
    )
    return dict(rows.order_by().values_list("schedule").annotate(n=Count("*")))


def _late(names: Sequence[str], now: datetime) -> dict[str, list[str]]:
    """The schedules of runs that should have begun and wait."""
    rows = Run.objects.filter(status=RunStatus.QUEUED, process__in=names, due__lt=now - LATE_AFTER)
    found: defaultdict[str, list[str]] = defaultdict(list)
    for process, schedule in rows.order_by("due").values_list("process", "schedule")[:200]:
        found[process].append(schedule or "")
    return found
