"""Which cases belong together: merging and splitting problems by rules that are kept, looked at before, and can be taken back."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from runner.cases import problems
from runner.cases.grouping import CONTAINS
from runner.cases.problems import SPLIT_FIELDS, Who
from runner.cases.regrouping import merge_choices, preview_merge, preview_split, split_choices
from runner.core.errors import RunnerError
from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.errors.titles import title_of
from runner.desk.problems.asked import Said, acting, process_of_problem, typed_in
from runner.desk.problems.facts import problem_of
from runner.desk.problems.history import condition_words
from runner.desk.problems.refusal_words import refusal
from runner.desk.queue.asked import Refused, new_token
from runner.store.models import GroupingRule, Problem


@page("problems.merge", process_of=process_of_problem, see="problems.see")
def merge_page(request: DeskRequest, problem_id: str) -> HttpResponse:
    """Choose the problem that this one belongs to, and see which cases would go there."""
    problem = problem_of(problem_id)
    words = request.GET.get("q", "").strip()[:200]
    choices = [
        one for one in merge_choices(problem, words) if request.access.may("problems.merge", one.process)
    ]
    context = _around(problem) | {"choices": choices, "q": words}
    into = request.GET.get("into", "")
    if into and into != problem_id:
        target = Problem.objects.filter(pk=into, merged_into=None).first()
        if target is None or not request.access.may("problems.merge", target.process):
            raise Http404(into)
        context |= {
            "target": target,
            "target_title": title_of(target.title, target.parts),
            "moving": preview_merge(problem_id),
        }
    return render(request, "problems/merge.html", context)


@page("problems.merge", process_of=process_of_problem, see="problems.see")
def split_page(request: DeskRequest, problem_id: str) -> HttpResponse:
    """Choose what tells some of the cases from the others, and see which would go."""
    return _split_page(request, problem_id, request.GET.get("field", ""), request.GET.get("value", ""))


def _split_page(
    request: DeskRequest, problem_id: str, field: str, value: str, refused: RunnerError | None = None
) -> HttpResponse:
    problem = problem_of(problem_id)
    field, value = field.strip()[:200], value.strip()[:500]
    choices = split_choices(problem_id)
    names = list(dict.fromkeys([*(one.field for one in choices), *SPLIT_FIELDS]))
    context = _around(problem) | {"choices": choices, "fields": names, "field": field, "value": value}
    if refused is not None:
        context["why"] = refusal(refused, problem)
    elif field and value:
        if field not in names and not field.startswith("data."):
            context["why"] = _("Cases can't be split by “%(field)s”: choose one of the list.") % {
                "field": field
            }
        else:
            context |= {
                "condition": condition_words(field, value),
                "moving": preview_split(problem_id, field, value),
            }
    elif field or value:
        context["why"] = _("Choose a field, and say which value of it.")
    return render(request, "problems/split.html", context, status=422 if refused is not None else 200)


def _around(problem: Problem) -> dict[str, Any]:
    return {
        "problem": problem,
        "title": title_of(problem.title, problem.parts),
        "token": new_token(),
        "contains": CONTAINS,
    }


def _merge(request: DeskRequest, problem_id: str, who: Who) -> Said | Refused:
    """The cases of this problem, and later ones like them, belong to another one from now on."""
    into = request.POST.get("into", "")
    target = Problem.objects.filter(pk=into).first()
    if target is None or not request.access.may("problems.see", target.process):
        return Refused(
            "merge", errors={"into": _("Choose the problem that it belongs to.")}, typed=typed_in(request)
        )
    request.access.require("problems.merge", target.process)
    moving = preview_merge(problem_id, shown=0).count
    rule = problems.merge(problem_id, into, who, note=_note(request))
    said = ngettext(
        "%(n)d case belongs to this problem now, and so do later ones like it.",
        "%(n)d cases belong to this problem now, and so do later ones like them.",
        moving,
    )
    return Said(said % {"n": moving}, f"ungroup/{rule}", elsewhere=f"/problems/{into}/")


def _split(request: DeskRequest, problem_id: str, who: Who) -> Said | Refused:
    """The cases that fit a condition, and later ones, form a problem of their own from now on."""
    field, value = request.POST.get("field", "").strip(), request.POST.get("value", "").strip()
    if not field or not value:
        said = _("Choose a field, and say which value of it.")
        return Refused("split", errors={"field": said}, typed=typed_in(request))
    rule = problems.split(problem_id, field, value, who, note=_note(request))
    part = problems.part_of(rule)
    said = _("This is the new problem: %(condition)s. Later cases like these come here.")
    return Said(
        said % {"condition": condition_words(field, value)}, f"ungroup/{rule}", elsewhere=f"/problems/{part}/"
    )


def _ungroup(request: DeskRequest, problem_id: str, who: Who, rule_id: str) -> Said | Refused:
    """Take a rule back: its cases, and those that came since, go where they belong without it."""
    rule = require_both_ends(request, problem_id, rule_id)
    problems.ungroup(problem_id, rule_id, Who(who.by, who.at, None, who.token), note=_note(request))
    source = Problem.objects.filter(fingerprint=rule.fingerprint).values_list("pk", flat=True).get()
    stays = source if rule.kind == "split" else problem_id
    return Said(
        _("The rule is taken back: every case is where it belongs without it."),
        elsewhere=f"/problems/{stays}/",
    )


def require_both_ends(request: DeskRequest, problem_id: str, rule_id: str) -> GroupingRule:
    """The rule, of which the problem is one end. Raises Http404 where it is none, NotAllowed where the other end is not theirs."""
    rule = GroupingRule.objects.filter(pk=rule_id).first()
    source = Problem.objects.filter(fingerprint=rule.fingerprint).first() if rule else None
    if rule is None or source is None or problem_id not in {rule.target, source.pk}:
        raise Http404(rule_id)
    for end in (source.process, process_of_problem(rule.target) or ""):
        request.access.require("problems.merge", end)
    return rule


def _note(request: DeskRequest) -> str:
    return request.POST.get("note", "").strip()[:4000]


merge = acting("problems.merge", "merge", _merge)
split = acting("problems.merge", "split", _split)
ungroup = acting("problems.merge", "ungroup", _ungroup)
