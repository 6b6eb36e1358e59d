"""How long the lists of the exception queue take on a large store: `python -m benchmarks.make_big_store FILE` makes one."""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

LIMIT: Final = 150.0  # ms
ROUNDS: Final = 15


def views() -> dict[str, Callable[[], Any]]:
    """What is measured, by name."""
    from benchmarks.make_big_store import NOW
    from runner.cases.case_rows import wrong_counts
    from runner.cases.contrast_sample import contrast_of
    from runner.cases.mentions import mentions_of
    from runner.desk.keyset import Order, part_of
    from runner.store.burning import list_burning
    from runner.store.case_lists import WAITING_FOR_PEOPLE, CaseFilter, case_json, list_cases
    from runner.store.models import Case, Problem
    from runner.store.paging import Page
    from runner.store.problem_lists import ProblemFilter, list_problems
    from runner.store.run_lists import RunFilter, list_runs

    waiting = WAITING_FOR_PEOPLE
    big = Problem.objects.order_by("-total").values_list("pk", flat=True)[0]
    one = Case.objects.filter(waits=True).values_list("pk", flat=True)[0]
    found: dict[str, Callable[[], Any]] = {
        "front page: live problems with trend": lambda: list_problems(
            ProblemFilter(live=True), Page(limit=50), trend_until=NOW
        ),
        "problems of an owner": lambda: list_problems(ProblemFilter(owner="ann"), Page(limit=50)),
        "problems with words": lambda: list_problems(ProblemFilter(text="portal price"), Page(limit=50)),
        "the largest problem": lambda: list_problems(ProblemFilter(id=big), Page(limit=1), trend_until=NOW),
        "one case": lambda: case_json(one),
        "overdue cases": lambda: list_cases(CaseFilter(overdue_at=NOW), Page("due", 50)),
        "my cases": lambda: list_cases(CaseFilter(status=waiting, assignee="ann"), Page("due", 50)),
        "cases of the largest problem": lambda: list_cases(
            CaseFilter(status=waiting, problem=big), Page("due", 50)
        ),
        "all cases of the largest problem": lambda: list_cases(CaseFilter(problem=big), Page("opened", 50)),
        "cases of a queue and kind": lambda: list_cases(
            CaseFilter(status=waiting, queue="q_post_orders", kind="business"), Page("due", 50)
        ),
        "closed cases": lambda: list_cases(CaseFilter(status=("closed",)), Page("due", 50)),
        "bulk: waiting cases counted": lambda: Case.objects.filter(waits=True).count(),
        "runs": lambda: list_runs(RunFilter(), Page(limit=50)),
        "runs of a bot": lambda: list_runs(RunFilter(bot="post_orders"), Page(limit=50)),
        "failed runs": lambda: list_runs(RunFilter(status=("failed",)), Page(limit=50)),
        "burning items": lambda: list_burning(limit=50),
        "mentions": lambda: mentions_of("ann", unseen=True),
    }
    desk = (
        "key",
        "kind",
        "status",
        "priority",
        "due",
        "opened",
        "changed",
        "assignee",
        "queue",
        "bot",
        "problem",
    )
    settled = Case.objects.filter(waits=False, status__in=["resolved", "closed"])
    for what, base in (("wait", Case.objects.filter(waits=True)), ("are settled", settled)):
        for field in desk:
            for down in (False, True):
                name = f"desk: cases that {what} by {'-' if down else ''}{field}"
                found[name] = lambda base=base, field=field, down=down: part_of(  # type: ignore[misc]
                    base.prefetch_related("item", "problem"), Order(field, down), 50
                )
    for text in ("wrong", "N0950001"):
        found[f"cases that wait with the word {text}"] = lambda text=text: list_cases(  # type: ignore[misc]
            CaseFilter(status=waiting, text=text), Page("due", 50)
        )
    for sort in ("opened", "due", "changed", "-opened", "-due", "-changed", "-priority", "item"):
        found[f"cases that wait by {sort}"] = lambda sort=sort: list_cases(  # type: ignore[misc]
            CaseFilter(status=waiting), Page(sort, 50)
        )
    for sort in ("opened", "-opened"):
        found[f"all cases by {sort}"] = lambda sort=sort: list_cases(CaseFilter(), Page(sort, 50))  # type: ignore[misc]
    everything = Case.objects.select_related("item", "problem")
    place = part_of(everything.filter(opened__gte=NOW - timedelta(days=200)), Order("opened"), 50).after
    found["all cases, a page in the middle"] = lambda: part_of(everything, Order("opened"), 50, after=place)
    due = part_of(everything.filter(waits=True, due__gte=NOW - timedelta(days=5)), Order("due"), 50).after
    found["cases that wait, a page in the middle"] = lambda: part_of(
        everything.filter(waits=True), Order("due"), 50, after=due
    )
    found["contrast of the largest problem (not a list)"] = lambda: contrast_of(big)
    found["doctor: counts of all problems (not a list)"] = wrong_counts
    return found


def _front_page(live: Any, at: datetime) -> None:
    """The problems of the first page with their trends."""
    from runner.desk.keyset import Order, part_of
    from runner.store.problem_lists import trends

    trends([one.pk for one in part_of(live, Order("waiting", descending=True), 50).rows], at)


def _p95(times: list[float]) -> float:
    return sorted(times)[max(0, math.ceil(0.95 * len(times)) - 1)]


def main() -> int:
    """Print p50, p95 and queries of each view; 1 where a list is over the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    wanted = parser.parse_args()
    from runner.store.open import open_store

    open_store(wanted.path)
    from django.db import connection

    slow = 0
    print(f"{'view':<50} {'p50 ms':>8} {'p95 ms':>8} {'p95 CPU':>8} {'queries':>8}")
    for name, view in views().items():
        rounds = 2 if "(not a list)" in name else wanted.rounds
        queries: list[str] = []

        def count(execute: Any, sql: Any, *rest: Any, into: list[str] = queries) -> Any:
            into.append(sql)
            return execute(sql, *rest)

        with connection.execute_wrapper(count):
            view()
        times: list[float] = []
        own: list[float] = []  # of this process alone: what a machine with other work to do leaves out
        for _ in range(rounds):
            begun, used = time.perf_counter(), time.process_time()
            view()
            times.append((time.perf_counter() - begun) * 1000)
            own.append((time.process_time() - used) * 1000)
        p95 = (
            sorted(times)[min(len(times) - 1, round(0.95 * len(times)) - 1)] if len(times) > 2 else max(times)
        )
        over = p95 > LIMIT and "(not a list)" not in name
        slow += over
        print(
            f"{name:<50} {statistics.median(times):>8.1f} {p95:>8.1f} {_p95(own):>8.1f} {len(queries):>8}{'  over' if over else ''}",
            flush=True,
        )
    return 1 if slow else 0


if __name__ == "__main__":
    raise SystemExit(main())
