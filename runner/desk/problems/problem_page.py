"""The page of one problem; and the same page again after an act that was refused, with everything that was typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from runner.cases.mentions import see_mentions
from runner.cases.regrouping import rules_of
from runner.cases.verification import Verification, verification
from runner.core.clock import now
from runner.core.nouns import PROBLEM_MOVES, Branch, ProblemStatus
from runner.desk import lists
from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.problems import fishbone
from runner.desk.problems.acts import causes_typed, rows_typed
from runner.desk.problems.asked import process_of_problem
from runner.desk.problems.facts import ProblemFacts, facts_of, problem_of, rows_of
from runner.desk.problems.history import condition_words
from runner.desk.problems.refusal_words import refusal
from runner.desk.problems.trial import trial_context
from runner.desk.queue import rows
from runner.desk.queue.asked import Refused, new_token
from runner.desk.queue.deciding import people
from runner.desk.queue.lists import CASES
from runner.desk.words import word
from runner.store.models import Case, Mention, Problem

_PER_PAGE: Final = 20
_WAY: Final = ("open", "analysing", "acting", "verifying", "closed")
_OF_PROBLEM: Final = lists.ListOf("problem-cases", CASES.columns, (), "due", _PER_PAGE)
# Along the openings or states of all cases of a problem those that wait would be looked for among very many.
_FOUND_FIRST: Final = ("opened", "status")


@dataclass(frozen=True, slots=True)
class Proof:
    """What the closing waits for: runs and items of those needed as bars (value, css, words), and whether it is enough."""

    found: Verification
    runs: Sequence[tuple[float, str, str]]
    items: Sequence[tuple[float, str, str]]
    broken: Sequence[str]


@page("problems.see", process_of=process_of_problem)
def problem(request: DeskRequest, problem_id: str) -> HttpResponse:
    """One problem: what it is, where it comes from, what is done about it, and whether that was enough."""
    who = request.person.username
    found = problem_of(problem_id)
    if lists.wants_export(request):
        return lists.export(request, _OF_PROBLEM, _cases(request, found))
    if Mention.objects.filter(who=who.casefold(), seen=None, subject=problem_id).exists():
        see_mentions(who, now(), subject=problem_id)
    return render(request, "problems/problem.html", context_of(request, found))


def show_refused(request: DeskRequest, problem_id: str, refused: Refused) -> HttpResponse:
    """The page as the problem is now, with what was typed and why it was not carried out."""
    found = problem_of(problem_id)
    why = refusal(refused.error, found) if refused.error else ""
    context = context_of(request, found) | {"refused": refused, "why": why, "shown": None}
    if refused.verb == "whys":
        typed = [{"why": one.why, "evidence": one.evidence} for one in rows_typed(request)]
        context["why_rows"] = rows_of([one for one in typed if one["why"] or one["evidence"]])
    elif refused.verb == "causes" and not refused.errors:
        context["branches"] = _branches(causes_typed(request))
    if not context["why"] and not (context["may_work"] or context["may_comment"]):
        context["why"] = next(iter(refused.errors.values()), "")
    return render(request, "problems/problem.html", context, status=refused.status)


def context_of(request: DeskRequest, found: Problem) -> dict[str, Any]:
    """What the page needs. At most twenty queries, the frame's included."""
    at, process = now(), found.process
    may = request.access.may
    here = found.merged_into_id is None
    facts = facts_of(
        found,
        request.access.limit(Case.objects.filter(problem=found), "cases.see"),
        at,
        request.person.username,
    )
    works = may("problems.work", process) and here
    return trial_context(request, found) | {
        "facts": facts,
        "shown": lists.show(
            request,
            _OF_PROBLEM,
            _cases(request, found),
            total=found.waiting or found.total,
            found_first=_FOUND_FIRST if found.waiting else (),
        ),
        "settled": found.total - found.waiting,
        "may_work": works,
        "may_merge": may("problems.merge", process) and here,
        "may_ungroup": may("problems.merge", process),
        "may_comment": may("cases.comment", process) and here,
        "may_decide": may("cases.bulk", process),
        "way": _WAY,
        "moves": PROBLEM_MOVES[ProblemStatus(found.status)],
        "proof": _proof(found),
        "why_rows": rows_of(found.whys or []),
        "branches": _branches(found.causes or {}),
        "bones": _bones(facts),
        "rules": [_for_them(one, request) for one in rules_of(found)],
        "people": people() if works or may("cases.comment", process) else [],
        "today": at,
        "token": new_token(),
    }


def _for_them(rule: dict[str, Any], request: DeskRequest) -> dict[str, Any]:
    """A rule without the problem at its other end, where that is of a process that is not theirs to see."""
    other = rule["other"]
    hidden = other is not None and not request.access.may("problems.see", other.process)
    kept = rule["rule"]
    words = condition_words(kept.field, kept.value) if kept.field else ""
    return rule | {"other": None if hidden else other, "condition": words}


def _cases(request: DeskRequest, found: Problem) -> Any:
    """Its cases that wait; where none does, those that are settled or being tried again."""
    mine = request.access.limit(Case.objects.filter(problem=found), "cases.see")
    waiting = rows.waiting_cases(request.access).filter(problem=found)
    return (waiting if found.waiting else mine).select_related("problem").defer("evidence")


def _proof(found: Problem) -> Proof | None:
    if found.status != ProblemStatus.VERIFYING:
        return None
    seen = verification(found)
    return Proof(
        seen,
        [(min(seen.runs, seen.needed.runs), "good", _of(seen.runs, seen.needed.runs))],
        [(min(seen.items, seen.needed.items), "good", _of(seen.items, seen.needed.items))],
        (found.fix or {}).get("broken") or (),
    )


def _of(number: int, needed: int) -> str:
    return _("%(a)s of %(n)s") % {"a": number, "n": needed}


def _branches(causes: Mapping[str, Sequence[str]]) -> list[tuple[str, str, str]]:
    """Each branch with its words, and its causes one a line, as the editor has them."""
    return [(str(one), word("branch", one), "\n".join(causes.get(one, ()))) for one in Branch]


def _bones(facts: ProblemFacts) -> dict[str, fishbone.Fishbone] | None:
    causes: Mapping[str, Sequence[str]] = facts.problem.causes or {}
    if not any(causes.values()):
        return None
    names = {str(branch): word("branch", branch) for branch in Branch}
    effect = facts.title if len(facts.title) <= 120 else f"{facts.title[:119]}…"
    return {"wide": fishbone.wide(effect, causes, names), "narrow": fishbone.narrow(effect, causes, names)}
