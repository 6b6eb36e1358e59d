"""How bots are doing: what became of their last runs, and how many of their cases wait; one query however many bots."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection

from runner.core.nouns import RunStatus
from runner.store.moments import moment

LAST: Final = 20  # runs that are looked at
MOST: Final = 1000  # cases that are counted
_WENT_THROUGH: Final = frozenset({RunStatus.DONE, RunStatus.EXCEPTIONS})
_JUDGED: Final = frozenset({*_WENT_THROUGH, RunStatus.FAILED, RunStatus.LOST})


@dataclass(frozen=True, slots=True)
class PastRun:
    """One of the last runs of a bot; times are None until they are known."""

    id: str
    status: str
    started: datetime | None
    finished: datetime | None
    exceptions: int


@dataclass(frozen=True, slots=True)
class BotHealth:
    """The last runs of a bot, the oldest first, and its cases that wait (counted up to 1000)."""

    runs: tuple[PastRun, ...] = ()
    waiting: int = 0

    @property
    def success(self) -> float | None:
        """The share of its ended runs that went through (with exceptions or without), 0 to 1; None before one ended."""
        judged = [run.status in _WENT_THROUGH for run in self.runs if run.status in _JUDGED]
        return sum(judged) / len(judged) if judged else None

    @property
    def usual_seconds(self) -> float | None:
        """How long its runs that went through took, the middle of them; None before one did."""
        took = sorted(
            (run.finished - run.started).total_seconds()
            for run in self.runs
            if run.status in _WENT_THROUGH and run.started and run.finished
        )
        return took[len(took) // 2] if took else None


def bot_health(names: Sequence[str]) -> dict[str, BotHealth]:
    """The health of each of these bots. Two queries, each reading a few rows per bot along an index."""
    if not names:
        return {}
    marks = ", ".join(["(%s)"] * len(names))
    bots = f"WITH bot(name) AS (VALUES {marks}) "
    runs = f"""{bots} SELECT one.bot, one.id, one.status, one.started, one.finished, one.exceptions
        FROM bot JOIN store_run AS one ON one.id IN (
            SELECT last.id FROM store_run AS last WHERE last.bot = bot.name ORDER BY last.queued DESC LIMIT {LAST})
        ORDER BY one.queued"""  # noqa: S608 (only marks for parameters and numbers of ours are put in)
    cases = f"""{bots} SELECT bot.name, (SELECT COUNT(*) FROM (
        SELECT 1 FROM store_case WHERE store_case.bot = bot.name AND store_case.waits = 1 LIMIT {MOST}) AS some) FROM bot"""  # noqa: S608
    last: defaultdict[str, list[PastRun]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(runs, list(names))
        for bot, run, status, started, finished, exceptions in cursor.fetchall():
            last[bot].append(PastRun(run, status, moment(started), moment(finished), exceptions))
        cursor.execute(cases, list(names))
        waiting = dict(cursor.fetchall())
    return {name: BotHealth(tuple(last[name]), waiting.get(name, 0)) for name in names}
