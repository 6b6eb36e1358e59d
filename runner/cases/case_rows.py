"""Writes cases: the one place that changes their rows, because the counts of their problem move with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Min, Q, Subquery

from runner.core.nouns import CaseStatus, ProblemStatus
from runner.store.models import Case, Problem
from runner.store.models.cases import WAITS

SETTLED = (CaseStatus.RESOLVED, CaseStatus.CLOSED)


@dataclass(frozen=True, slots=True)
class Before:
    """Where a case stood before a change."""

    id: str
    problem: str
    status: str
    version: int


def insert_case(**values: Any) -> None:
    """A new case; its problem counts it."""
    Case.objects.create(**values)
    count_move(None, (values["problem_id"], values["status"]))


def change_case(before: Before, **values: Any) -> bool:
    """Set columns of a case that still is as `before` says, as its next version; False when it is not.

    Its problem's counts, and those of the problem it comes from, move in the same transaction (the caller's).
    """
    unmoved = Case.objects.filter(pk=before.id, version=before.version)
    if not unmoved.update(version=F("version") + 1, **values):
        return False
    now = (values.get("problem_id", before.problem), values.get("status", before.status))
    count_move((before.problem, before.status), now, due="due" in values)
    return True


def before_of(case_id: str) -> Before | None:
    """Where a case stands, locked until the caller's transaction ends; None when there is none."""
    rows = Case.objects.select_for_update().filter(pk=case_id)
    found = rows.values_list("pk", "problem_id", "status", "version").first()
    return Before(*found) if found else None


def count_move(before: tuple[str, str] | None, now: tuple[str, str] | None, *, due: bool = False) -> None:
    """One case went from (problem, status) to another; None: it was not there, or is not any more."""
    if before == now and not due:
        return
    steps: dict[str, Counter[str]] = {}
    for sign, place in ((-1, before), (1, now)):
        if place is not None:
            problem, status = place
            step = steps.setdefault(problem, Counter())
            step["total"] += sign
            step["waiting"] += sign * (status in WAITS)
            step["unsettled"] += sign * (status not in SETTLED)
    for problem, step in steps.items():
        _add(problem, step, look=due or bool(step["waiting"]))


def _add(problem: str, step: Counter[str], *, look: bool) -> None:
    values: dict[str, Any] = {name: F(name) + number for name, number in step.items() if number}
    if look:
        dues = Case.objects.filter(problem_id=problem, waits=True, due__isnull=False).order_by("due", "id")
        values["oldest_due"] = Subquery(dues.values("due")[:1])
    if values:
        Problem.objects.filter(pk=problem).update(**values)


def settle_problem(problem_id: str) -> None:
    """A problem that is open, and whose cases are all settled, is resolved."""
    settled = Problem.objects.filter(pk=problem_id, status=ProblemStatus.OPEN, unsettled=0)
    settled.update(status=ProblemStatus.RESOLVED)


def wrong_counts(problem_ids: Iterable[str] | None = None) -> list[str]:
    """The problems whose counts are not those of their cases, a sentence each; empty when all is well."""
    found = []
    stored = ("total", "waiting", "unsettled", "oldest_due")
    problems = Problem.objects.all() if problem_ids is None else Problem.objects.filter(pk__in=problem_ids)
    real = _counted(problem_ids)
    for problem in problems.values("pk", *stored).iterator():
        counted = real.get(problem["pk"], {"total": 0, "waiting": 0, "unsettled": 0, "oldest_due": None})
        wrong = [f"{n} is {problem[n]}, counted {counted[n]}" for n in stored if problem[n] != counted[n]]
        if wrong:
            found.append(f"problem {problem['pk']}: {'; '.join(wrong)}")
    return found


def recount(problem_ids: Iterable[str] | None = None) -> None:
    """Count the cases of these problems (None: of all) anew and store the numbers."""
    real = _counted(problem_ids)
    problems = Problem.objects.all() if problem_ids is None else Problem.objects.filter(pk__in=problem_ids)
    for pk in list(problems.values_list("pk", flat=True)):
        counted = real.get(pk, {"total": 0, "waiting": 0, "unsettled": 0, "oldest_due": None})
        Problem.objects.filter(pk=pk).update(**counted)


def _counted(problem_ids: Iterable[str] | None) -> dict[str, dict[str, Any]]:
    cases = Case.objects.all() if problem_ids is None else Case.objects.filter(problem_id__in=problem_ids)
    rows = cases.order_by().values("problem_id").annotate(
        count=Count("pk"),
        waiting_now=Count("pk", filter=Q(status__in=WAITS)),
        open_now=Count("pk", filter=~Q(status__in=SETTLED)),
        oldest=Min("due", filter=Q(status__in=WAITS)),
    )  # fmt: skip
    return {
        row["problem_id"]: {
            "total": row["count"],
            "waiting": row["waiting_now"],
            "unsettled": row["open_now"],
            "oldest_due": row["oldest"],
        }
        for row in rows
    }
