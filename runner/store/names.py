"""Finds the case, problem or run that somebody means by the beginning of its id."""

from __future__ import annotations

from typing import Final

from django.db.models import Q, QuerySet

from runner.core.errors import UsageError, did_you_mean
from runner.store.models import Case, Problem, Run

SHORTEST: Final = 3
_READ_AS: Final = str.maketrans(
    {"O": "0", "I": "1", "L": "1"}
)  # how people write the letters that ids do not use


def resolve_case_id(text: str) -> str:
    """The id of the one case whose id begins with `text` (three characters or more, in either case).

    Raises UsageError: NOT_FOUND with the nearest id, AMBIGUOUS with the first few that fit.
    """
    return _short_id("case", text, Case.objects.order_by("id").values_list("pk", flat=True))


def resolve_problem_id(text: str) -> str:
    """The id of the one problem whose id begins with `text`; errors as of `resolve_case_id`."""
    return _short_id("problem", text, Problem.objects.order_by("id").values_list("pk", flat=True))


def resolve_run_id(text: str) -> str:
    """The id of the one run whose id begins, or ends, with `text`; errors as of `resolve_case_id`."""
    wanted = _long_enough("run", text.strip().lower())
    runs = Run.objects.order_by("-queued").values_list("pk", flat=True)
    return _only("run", text, runs.filter(Q(pk__startswith=wanted) | Q(pk__endswith=wanted)), runs)


def _short_id(noun: str, text: str, ids: QuerySet[Case, str] | QuerySet[Problem, str]) -> str:
    wanted = _long_enough(noun, text.strip().upper().translate(_READ_AS))
    return _only(noun, text, ids.filter(pk__startswith=wanted), ids)


def _long_enough(noun: str, wanted: str) -> str:
    if len(wanted) < SHORTEST:
        raise UsageError(
            f"'{wanted}' is too short for the id of a {noun}",
            expected=f"at least its first {SHORTEST} characters",
            hint=f"see: runner {noun}s list",
            code="ID_SHORT",
        )
    return wanted


def _only(
    noun: str,
    text: str,
    found: QuerySet[Case, str] | QuerySet[Problem, str] | QuerySet[Run, str],
    known: QuerySet[Case, str] | QuerySet[Problem, str] | QuerySet[Run, str],
) -> str:
    first = list(found[:6])
    if len(first) == 1:
        return first[0]
    if not first:
        near = did_you_mean(text.strip().upper() if noun != "run" else text.strip(), list(known[:2000]))
        raise UsageError(
            f"{noun} '{text}' not found", expected=near, hint=f"see: runner {noun}s list", code="NOT_FOUND"
        )
    more = ", …" if len(first) > 5 else ""
    raise UsageError(
        f"'{text}' fits more than one {noun}: {', '.join(first[:5])}{more}",
        expected="the beginning of one id",
        hint="write more of it",
        code="AMBIGUOUS",
    )
