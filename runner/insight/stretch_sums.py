"""Sums over the cases and tries of a process in stretches of time, made by the database: index entries alone are read.

Each gives ``{number of the stretch: (part, whole)}`` for the stretches that have something.
"""

# ruff: noqa: S608 (every text that is put into SQL is one of this file; values are parameters)
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db import connection

from runner.core.nouns import AttemptStatus
from runner.insight.series import Stretches

Sums = Mapping[int, tuple[float, float]]
_UNENDED: Final = ", ".join(f"'{status}'" for status in (AttemptStatus.RUNNING, AttemptStatus.LATER))


def first_tries(process: str, stretches: Stretches) -> Sums:
    """Of the items that were tried for the first time by a run, those that this try finished; by the end of the run."""
    return _sums(
        "store_run AS one CROSS JOIN store_attempt AS tried",
        "finished",
        ("SUM(CASE WHEN tried.status = 'done' THEN 1 ELSE 0 END)", "COUNT(*)"),
        process,
        stretches,
        f"AND tried.run_id = one.id AND tried.number = 1 AND tried.status NOT IN ({_UNENDED})",
    )


def due_cases(process: str, stretches: Stretches) -> Sums:
    """Of the cases that were due, those that were settled by then."""
    met = "SUM(CASE WHEN one.resolved <= one.due THEN 1 ELSE 0 END)"
    return _sums("store_case AS one", "due", (met, "COUNT(*)"), process, stretches)


def times_to_resolution(process: str, stretches: Stretches) -> Sums:
    """The seconds from opening cases to their end, and how many they were; by their end."""
    spent = f"SUM({_seconds('one.opened', 'one.resolved')})"
    return _sums("store_case AS one", "resolved", (spent, "COUNT(*)"), process, stretches)


def times_to_decision(process: str, stretches: Stretches) -> Sums:
    """The seconds from opening cases to a person's first decision about them, and how many were decided; by their opening."""
    spent = f"SUM({_seconds('one.opened', 'one.decided')})"
    return _sums("store_case AS one", "opened", (spent, "COUNT(one.decided)"), process, stretches)


def _sums(  # noqa: PLR0917 (what a query is made of)
    tables: str, column: str, sums: tuple[str, str], process: str, stretches: Stretches, more: str = ""
) -> Sums:
    """Two sums over the rows of a process whose `column` lies in each stretch.

    A part of the query for each stretch: so each reads its piece of an index of (process, column), and nothing is
    sorted into groups.
    """
    edges = [connection.ops.adapt_datetimefield_value(at) for at in stretches.edges]
    parts, values = list[str](), list[Any]()
    for number in range(len(stretches)):
        parts.append(
            f"SELECT {number}, {', '.join(sums)} FROM {tables}"
            f" WHERE one.process = %s AND one.{column} >= %s AND one.{column} < %s {more}"
        )
        values += [process, edges[number], edges[number + 1]]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), values)
        return {
            number: (float(part), float(whole))
            for number, part, whole in cursor.fetchall()
            if part is not None
        }


def _seconds(since: str, until: str) -> str:
    if connection.vendor == "sqlite":
        return f"(julianday({until}) - julianday({since})) * 86400"
    return f"EXTRACT(EPOCH FROM {until} - {since})"
