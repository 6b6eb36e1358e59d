"""A problem is seen again: whether that proves that the corrective action did not work, judged by version and time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F

from runner.cases.announcing import News, announce
from runner.cases.case_news import problem_told
from runner.core.clock import iso
from runner.core.nouns import Event, ProblemStatus
from runner.store.models import Problem


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A new failure: when, when its run started, and with which version of the bot."""

    at: datetime
    run_started: datetime
    bot_version: str = ""


def is_regression(found: Recurrence, fixed_at: datetime | None, fix: Mapping[str, Any]) -> bool:
    """Whether the failure happened although the action was in force.

    Where the fix is a new version of the bot, the version alone decides: one that is known to be `broken` proves
    nothing, whenever it ran. Otherwise the start of the run decides: one that had started before proves nothing.
    """
    if fixed_at is None:
        return True
    if fix.get("by_version"):
        return found.bot_version not in (fix.get("broken") or ())
    return found.run_started >= fixed_at


def seen_again(problem: Problem, found: Recurrence) -> None:
    """Note that the problem is still there, and move it where that says something new; the caller holds the transaction.

    resolved → open. verifying → acting and closed → open: a regression, unless an old version or a run from before
    the fix failed; then it stays, and only its cases wait.
    """
    values: dict[str, Any] = {"last_seen": found.at}
    status = ProblemStatus(problem.status)
    if status is ProblemStatus.RESOLVED:
        values["status"] = ProblemStatus.OPEN
    elif status in {ProblemStatus.VERIFYING, ProblemStatus.CLOSED} and is_regression(
        found, problem.fixed_at, problem.fix
    ):
        back = ProblemStatus.ACTING if status is ProblemStatus.VERIFYING else ProblemStatus.OPEN
        values |= {
            "status": back,
            "regressions": F("regressions") + 1,
            "regressed_at": found.at,
            "closed_how": "",
        }
    if "status" in values:
        values |= {"changed": found.at, "version": F("version") + 1}
    Problem.objects.filter(pk=problem.pk).update(**values)
    if "regressed_at" in values:
        key = f"{problem.pk} {iso(found.at)}"
        announce(
            News(Event.PROBLEM_REGRESSED, key, found.at, problem.process, lambda: problem_told(problem.pk))
        )
