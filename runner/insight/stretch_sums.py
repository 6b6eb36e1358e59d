"""Sums over the cases and tries of a process in stretches of time, made by the database: index entries alone are read.

Each gives ``{number of the stretch: (part, whole)}`` for the stretches that have something.
"""

# ruff: noqa: S608 (every text that is put into SQL is one of this file; values are parameters)
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from django.db import connection

from runner.core.nouns import AttemptStatus
from runner.insight.series import Stretches

Sums = Mapping[int, tuple[float, float]]
_Wanted = tuple[str, str, tuple[str, str], str]  # tables, column of the time, two sums, more conditions
_UNENDED: Final = ", ".join(f"'{status}'" for status in (AttemptStatus.RUNNING, AttemptStatus.LATER))


class Ended(NamedTuple):
    """What the runs that ended in a stretch did: items done, exceptions; items tried for the first time, and finished by that."""

    done: float = 0
    exceptions: float = 0
    first_passes: float = 0
    first_tries: float = 0


def ended_runs(process: str, stretches: Stretches) -> Mapping[int, Ended]:
    """The runs by their end. One query, whose parts for the runs alone come first."""
    tried = (
        "store_run AS one CROSS JOIN store_attempt AS tried", "finished",
        ("SUM(CASE WHEN tried.status = 'done' THEN 1 ELSE 0 END)", "COUNT(*)"),
        f"AND tried.run_id = one.id AND tried.number = 1 AND tried.status NOT IN ({_UNENDED})",
    )  # fmt: skip
    runs = ("store_run AS one", "finished", ("SUM(one.done)", "SUM(one.exceptions)"), "")
    counted, first = _read(process, stretches, [runs, tried])
    return {
        place: Ended(*counted.get(place, (0, 0)), *first.get(place, (0, 0))) for place in {*counted, *first}
    }


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


def _sums(table: str, column: str, sums: tuple[str, str], process: str, stretches: Stretches) -> Sums:
    return _read(process, stretches, [(table, column, sums, "")])[0]


def _read(process: str, stretches: Stretches, wanted: Sequence[_Wanted]) -> list[Sums]:
    """Two sums for each of `wanted` over the rows of a process whose column lies in each stretch. One query.

    A part of the query for each stretch: so each reads its piece of an index of (process, column), and nothing is
    sorted into groups.
    """
    edges = [connection.ops.adapt_datetimefield_value(at) for at in stretches.edges]
    parts, values = list[str](), list[Any]()
    for place, (tables, column, sums, more) in enumerate(wanted):
        for number in range(len(stretches)):
            parts.append(
                f"SELECT {place}, {number}, {', '.join(sums)} FROM {tables}"
                f" WHERE one.process = %s AND one.{column} >= %s AND one.{column} < %s {more}"
            )
            values += [process, edges[number], edges[number + 1]]
    found: list[dict[int, tuple[float, float]]] = [{} for _ in wanted]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), values)
        for place, number, part, whole in cursor.fetchall():
            if part is not None:
                found[place][number] = float(part), float(whole)
    return list(found)


def _seconds(since: str, until: str) -> str:
    if connection.vendor == "sqlite":
        return f"(julianday({until}) - julianday({since})) * 86400"
    return f"EXTRACT(EPOCH FROM {until} - {since})"
