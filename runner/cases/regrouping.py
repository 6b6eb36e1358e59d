"""What a merge or a split would do, before somebody decides: which cases would go, and what there is to split by."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Q

from runner.cases.grouping import CONTAINS, SPLIT, case_facts, fits
from runner.cases.problems import SPLIT_FIELDS
from runner.core.nouns import ProblemStatus
from runner.store.models import Case, GroupingRule, Problem

LOOKED_AT: Final = 2000  # cases of a problem, the newest, whose facts a preview reads
_SAMPLED: Final = 300
_VALUES: Final = 6  # of one field, the most frequent
_LONGEST: Final = 60  # characters of a value that is offered; longer ones are texts, not values
_AT_REST: Final = tuple(status for status in ProblemStatus if status.is_at_rest)


@dataclass(frozen=True, slots=True)
class Moving:
    """How many cases would go, of how many that were looked at (the newest), and the first of them."""

    count: int
    of: int
    first: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Splittable:
    """A field by which a problem could be split: its values, the most frequent first, with how many cases have each."""

    field: str
    values: tuple[tuple[str, int], ...]


def preview_split(problem_id: str, field: str, value: str, *, shown: int = 10) -> Moving:
    """The cases that `problems.split` would move. One query; of more than 2,000 cases the newest are looked at."""
    rule = GroupingRule(kind=SPLIT, field=field, value=value)
    cases = _newest(problem_id, LOOKED_AT)
    going = [case for case in cases if fits(rule, case_facts(case))]
    return Moving(len(going), len(cases), tuple(going[:shown]))


def preview_merge(problem_id: str, *, shown: int = 10) -> Moving:
    """The cases that `problems.merge` would move: all of them. Two queries."""
    count = Case.objects.filter(problem_id=problem_id).count()
    return Moving(count, count, tuple(_newest(problem_id, shown)))


def split_choices(problem_id: str) -> list[Splittable]:
    """What tells some of the last 300 cases of a problem from the others: fields with two values or more. One query."""
    facts = [case_facts(case) for case in _newest(problem_id, _SAMPLED)]
    names = dict.fromkeys(name for one in facts for name in one)
    found = []
    for name in [*(one for one in names if one.startswith("data.")), *SPLIT_FIELDS]:
        counted = Counter(one.get(name, "") for one in facts)
        values = [(value, n) for value, n in counted.most_common() if value and len(value) <= _LONGEST]
        if len(counted) < 2 or not values or name in CONTAINS or values[0][1] < 2 <= len(facts) - 2:
            continue
        found.append(Splittable(name, tuple(values[:_VALUES])))
    return found


def merge_choices(problem: Problem, words: str = "", *, most: int = 20) -> list[Problem]:
    """Problems that it could be merged with: those of its bot, then of its process, live ones first. One query.

    With `words` those whose title or id has all of them, whatever bot they are of.
    """
    others = Problem.objects.filter(merged_into=None).exclude(pk=problem.pk)
    if words.split():
        for word in words.split():
            others = others.filter(Q(title__icontains=word) | Q(id__istartswith=word))
    else:
        near = Q(bot=problem.bot) if not problem.process else Q(bot=problem.bot) | Q(process=problem.process)
        others = others.filter(near)
    found = list(others.order_by("-waiting", "id")[: most * 3])
    found.sort(key=lambda one: (one.status in _AT_REST and not one.waiting, one.bot != problem.bot))
    return found[:most]


def rules_of(problem: Problem) -> list[dict[str, Any]]:
    """The rules in force that lead to this problem or out of it, as they were made. Two queries.

    Each is ``{rule, other, leads}``: the problem at its other end, and ``here`` or ``away``.
    """
    touching = Q(fingerprint=problem.fingerprint) | Q(target=problem.pk)
    rules = list(GroupingRule.objects.filter(touching, active=True).order_by("at", "id")[:100])
    ends = Q(pk__in=[one.target for one in rules]) | Q(fingerprint__in=[one.fingerprint for one in rules])
    known = list(Problem.objects.filter(ends)) if rules else []
    by_id, by_fingerprint = {one.pk: one for one in known}, {one.fingerprint: one for one in known}
    return [
        {
            "rule": rule,
            "leads": "here" if rule.target == problem.pk else "away",
            "other": by_fingerprint.get(rule.fingerprint)
            if rule.target == problem.pk
            else by_id.get(rule.target),
        }
        for rule in rules
    ]


def _newest(problem_id: str, most: int) -> list[Case]:
    rows = Case.objects.filter(problem_id=problem_id).select_related("item")
    return list(rows.order_by("-opened")[:most])
