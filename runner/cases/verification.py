"""Whether a corrective action is proven: the clean runs and items since it has been in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, Exists, Q, Sum

from runner.core.nouns import RunStatus
from runner.store.models import Case, Problem, Run

_ENDED: Final = (RunStatus.DONE, RunStatus.EXCEPTIONS)


@dataclass(frozen=True, slots=True)
class Needed:
    """How much has to go well before a problem may be closed; 0 asks for nothing."""

    runs: int = 3
    items: int = 0

    @property
    def text(self) -> str:
        """``3 clean runs and 50 items done``."""
        parts = [f"{self.runs} clean runs"] if self.runs else []
        parts += [f"{self.items} items done"] if self.items else []
        return " and ".join(parts) or "nothing"

    def as_json(self) -> dict[str, int]:
        """As the problem keeps it."""
        return {"runs": self.runs, "items": self.items}


@dataclass(frozen=True, slots=True)
class Verification:
    """What has gone well since `since`. `runs` are those in which the problem did not come back, `items` what they did."""

    since: datetime | None
    runs: int
    items: int
    needed: Needed

    @property
    def is_proven(self) -> bool:
        """Whether it is enough."""
        return self.since is not None and self.runs >= self.needed.runs and self.items >= self.needed.items

    @property
    def text(self) -> str:
        """``1 of 3 clean runs since 2026-11-24 10:00 UTC``."""
        if self.since is None:
            return "no action is in force yet"
        parts = [f"{self.runs} of {self.needed.runs} clean runs"] if self.needed.runs else []
        parts += [f"{self.items} of {self.needed.items} items done"] if self.needed.items else []
        return f"{' and '.join(parts) or 'nothing is asked for'} since {self.since:%Y-%m-%d %H:%M} UTC"


def verification(problem: Problem) -> Verification:
    """Count the runs of the problem's bot that started since its action and ended, without a case of the problem.

    A run that did no item proves nothing about items, unless the problem is about whole runs. Runs of a version that is
    known to be broken do not count. One query.
    """
    needed = Needed(**(problem.needed or {}))
    if problem.fixed_at is None:
        return Verification(None, 0, 0, needed)
    failed = Case.objects.filter(problem=problem, run__started__gte=problem.fixed_at).values("run_id")
    clean = Run.objects.filter(bot=problem.bot, status__in=_ENDED, started__gte=problem.fixed_at)
    clean = clean.exclude(pk__in=failed)
    broken: list[Any] = (problem.fix or {}).get("broken") or []
    if broken:
        clean = clean.exclude(bot_version__in=broken)
    of_items = Case.objects.filter(problem=problem, item__isnull=False)
    clean = clean.filter(Q(done__gt=0) | ~Exists(of_items))
    counted = clean.aggregate(runs=Count("pk"), items=Sum("done"))
    return Verification(problem.fixed_at, counted["runs"], int(counted["items"] or 0), needed)
