"""Which problem a failure belongs to: its fingerprint's own, unless people have said otherwise with a rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.db.models import QuerySet

from runner.cases.case_rows import recount, settle_problem
from runner.cases.fingerprint import explain
from runner.core.ids import short_id
from runner.store.models import Case, GroupingRule, Problem

MERGE: Final = "merge"
SPLIT: Final = "split"
CONTAINS: Final = (
    "message",
    "page_error",
)  # fields in which a rule's value is a part; in others it is the whole
_FARTHEST: Final = 20  # rules one after the other; more would be a circle
_CHUNK: Final = 500

Facts = Mapping[str, str]


def rules_for(fingerprint: str) -> list[GroupingRule]:
    """The rules in force for failures with this fingerprint, in the order in which they were made."""
    return list(GroupingRule.objects.filter(fingerprint=fingerprint, active=True).order_by("at", "id"))


def failure_facts(
    data: Mapping[str, Any],
    error: Mapping[str, Any] | None,
    *,
    message: str,
    step: str,
    bot_version: str,
    page_error: str = "",
) -> dict[str, str]:
    """What a split rule can ask about: ``data.FIELD``, step, type, code, bot_version, message, page_error."""
    known = error or {}
    facts = {f"data.{name}": text_of(value) for name, value in data.items()}
    return facts | {
        "step": step,
        "type": str(known.get("type") or ""),
        "code": str(known.get("code") or ""),
        "bot_version": bot_version,
        "message": message,
        "page_error": page_error,
    }


def text_of(value: Any) -> str:
    """A value of an item as a rule compares it."""
    if value is None:
        return ""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def fits(rule: GroupingRule, facts: Facts) -> bool:
    """Whether a rule takes a failure with these facts."""
    if rule.kind == MERGE:
        return True
    found, wanted = facts.get(rule.field, "").casefold(), rule.value.casefold()
    return wanted in found if rule.field in CONTAINS else found == wanted


def problem_of(fingerprint: str, facts: Facts) -> str:
    """The id of the problem that a failure belongs to by the rules in force.

    Split rules go before merges. The problem that a rule leads to has rules of its own, which are followed in turn.
    """
    here = short_id("problem", fingerprint)
    for _ in range(_FARTHEST):
        fitting = [rule for rule in rules_for(fingerprint) if fits(rule, facts)]
        chosen = next((rule for rule in fitting if rule.kind == SPLIT), None) or next(iter(fitting), None)
        if chosen is None:
            return here
        target = Problem.objects.filter(pk=chosen.target).values_list("fingerprint", flat=True).first()
        if target is None:  # a rebuild without the journals that told of it
            return here
        here, fingerprint = chosen.target, target
    return here


def regroup(problem_ids: list[str]) -> int:
    """Put every case of these problems where the rules in force say, and count them anew; gives how many moved.

    A case's version stays: nobody's decision on it becomes stale.
    """
    moved, touched = 0, set(problem_ids)
    for home, cases in _homes(Case.objects.filter(problem_id__in=problem_ids)).items():
        for start in range(0, len(cases), _CHUNK):
            ids = cases[start : start + _CHUNK]
            moved += Case.objects.filter(pk__in=ids).exclude(problem_id=home).update(problem_id=home)
        touched.add(home)
    recount(list(touched))
    for problem in touched:
        settle_problem(problem)
    return moved


def explain_again(problem_id: str) -> None:
    """Say in the problem's explanation what people's rules add to it or take from it."""
    problem = Problem.objects.get(pk=problem_id)
    parts = {name: value for name, value in problem.parts.items() if name not in {"where", "merged"}}
    split = GroupingRule.objects.filter(target=problem_id, kind=SPLIT).first()
    if split is not None:
        parts["where"] = condition_text(split.field, split.value)
    into = GroupingRule.objects.filter(target=problem_id, kind=MERGE, active=True).order_by("at", "id")
    sources = dict(
        Problem.objects.filter(fingerprint__in=into.values("fingerprint")).values_list("fingerprint", "title")
    )
    titles = [sources[rule.fingerprint] for rule in into if rule.fingerprint in sources]
    if titles:
        parts["merged"] = "; ".join(titles)
    taken = GroupingRule.objects.filter(fingerprint=problem.fingerprint, kind=SPLIT, active=True)
    parts.pop("without", None)
    without = [condition_text(rule.field, rule.value) for rule in taken.order_by("at", "id")]
    if without:
        parts["without"] = "; ".join(without)
    Problem.objects.filter(pk=problem_id).update(parts=parts, explanation=explain(parts))


def condition_text(field: str, value: str) -> str:
    """A condition as people read it: ``customer = Ho``, ``message contains "time-out"``."""
    name = field.removeprefix("data.").replace("_", " ") if not field.startswith("data.") else field[5:]
    return f'{name} contains "{value}"' if field in CONTAINS else f"{name} = {value}"


def case_facts(case: Case) -> dict[str, str]:
    """The facts of a case as it is now."""
    shown = next((e["page_error"] for e in case.evidence if e.get("page_error")), "")
    data = case.item.data if case.item else {}
    return failure_facts(
        data,
        case.error,
        message=case.message,
        step=case.step,
        bot_version=case.bot_version,
        page_error=str(shown),
    )


def _homes(cases: QuerySet[Case]) -> dict[str, list[str]]:
    """The cases by the problem they belong to."""
    homes: dict[str, list[str]] = {}
    plain: dict[str, str] = {}  # fingerprints without a rule: no facts are needed
    for case in _with_items(cases):
        if case.fingerprint not in plain:
            plain[case.fingerprint] = (
                "" if rules_for(case.fingerprint) else short_id("problem", case.fingerprint)
            )
        home = plain[case.fingerprint] or problem_of(case.fingerprint, case_facts(case))
        homes.setdefault(home, []).append(case.pk)
    return homes


def _with_items(cases: QuerySet[Case]) -> Iterator[Case]:
    return cases.select_related("item").order_by("id").iterator(_CHUNK)
