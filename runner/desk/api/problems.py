"""Problems for programs: the causes behind cases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from django.http import Http404, HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Query
from pydantic import Field

from runner.cases.contrast_sample import contrast_of
from runner.cases.regrouping import rules_of
from runner.cases.verification import verification
from runner.core.clock import iso, now
from runner.core.nouns import FailureKind, ProblemStatus
from runner.desk.api import problem_shapes, shapes
from runner.desk.api.answers import Paged, answered, listed
from runner.desk.api.operations import operation
from runner.desk.api.wrong_input import Text
from runner.desk.asking import DeskRequest
from runner.store.models import Act, Problem
from runner.store.problem_lists import (
    SORTS,
    ActionFilter,
    ProblemFilter,
    filtered_problems,
    list_actions,
    problems_json,
)


class ProblemQuery(Paged):
    """Which problems."""

    status: Annotated[list[ProblemStatus], Field(description="One or several states.")] = Field(
        default_factory=list
    )
    live: Annotated[
        bool, Field(description="Only those with a case that waits, or that somebody works on.")
    ] = False
    kind: FailureKind | None = None
    bot: Text = ""
    process: Text = ""
    owner: Text = ""
    text: Annotated[Text, Field(max_length=500, description="Words in title, owner or id.")] = ""
    trend: Annotated[bool, Field(description="With the cases opened on each of the last 14 days.")] = False


@operation(
    "GET", "problems", "problems.see", summary=_("List problems"), gives=shapes.Rows[problem_shapes.Problem]
)
def list_problems(request: DeskRequest, wanted: Query[ProblemQuery]) -> HttpResponse:
    """Those that keep most cases waiting first. Sort: waiting, cases, first_seen, last_seen, oldest_due, kind, bot, owner, status."""
    found = ProblemFilter(
        status=tuple(str(one) for one in wanted.status), kind=wanted.kind or "", bot=wanted.bot,
        process=wanted.process, owner=wanted.owner, text=wanted.text, live=wanted.live,
    )  # fmt: skip
    rows = request.access.limit(filtered_problems(found), "problems.see")

    def told(part: Sequence[Problem]) -> list[dict[str, Any]]:
        return problems_json(part, trend_until=now() if wanted.trend else None)

    return listed(request, rows, wanted, SORTS, "-waiting", told)


@operation(
    "GET",
    "problems/{problem_id}",
    "problems.see",
    summary=_("Show one problem"),
    gives=problem_shapes.OneProblem,
)
def get_problem(request: DeskRequest, problem_id: Text) -> HttpResponse:
    """With its trend, actions, proof and rules. Its cases: `cases?problem=ID`. Its ETag names its version."""
    problem = problem_for(request, problem_id, "problems.see")
    told = problems_json([problem], trend_until=now())[0]
    told["actions"] = list_actions(ActionFilter(problem=problem.pk), now=now())
    told["proof"] = _proof(problem)
    told["rules"] = [
        {
            "id": one["rule"].pk, "kind": one["rule"].kind, "field": one["rule"].field, "value": one["rule"].value,
            "leads": one["leads"], "other": one["other"].pk if one["other"] else None, "by": one["rule"].by,
            "at": iso(one["rule"].at), "note": one["rule"].note,
        }
        for one in rules_of(problem)
    ]  # fmt: skip
    return answered(request, told, version=told["version"])


@operation(
    "GET", "problems/{problem_id}/history", "problems.see", summary=_("Show the history of a problem"),
    gives=shapes.All[shapes.Json],
)  # fmt: skip
def get_problem_history(request: DeskRequest, problem_id: Text) -> HttpResponse:
    """Everything that anybody said, the oldest first; the last 500."""
    problem = problem_for(request, problem_id, "problems.see")
    acts = Act.objects.filter(subject_kind="problem", subject=problem.pk).order_by("-at", "-id")[:500]
    rows = [
        {"id": one.pk, "at": iso(one.at), "by": one.by, "verb": one.verb, "note": one.note, "data": one.data}
        for one in reversed(acts)
    ]
    return answered(request, {"rows": rows})


@operation(
    "GET", "problems/{problem_id}/contrast", "problems.see", summary=_("Compare failed with clean"),
    gives=problem_shapes.Contrast,
)  # fmt: skip
def get_contrast(request: DeskRequest, problem_id: Text) -> HttpResponse:
    """Which values, versions, hosts, hours (UTC) the failed ones have more often than clean ones of the same time."""
    problem = problem_for(request, problem_id, "problems.see")
    found = contrast_of(problem.pk)
    findings = [
        {
            "dimension": one.dimension, "value": one.value, "failed_with": one.failed_with,
            "clean_with": one.clean_with, "ratio": one.ratio, "chance": one.chance, "notable": one.is_notable,
        }
        for one in found.findings
    ]  # fmt: skip
    told = {"of": found.of, "failed": found.failed, "clean": found.clean, "findings": findings}
    return answered(request, told)


def problem_for(request: DeskRequest, problem_id: str, permission: str) -> Problem:
    """The problem. Raises Http404 where it is not theirs to see either, NotAllowed where they may see it and no more."""
    found = Problem.objects.filter(pk=problem_id).first()
    access = request.access
    if found is None or not (
        access.may("problems.see", found.process) or access.may(permission, found.process)
    ):
        raise Http404
    access.require(permission, found.process)
    return found


def _proof(problem: Problem) -> dict[str, Any]:
    found = verification(problem)
    return {
        "since": iso(found.since) if found.since else None, "runs": found.runs, "items": found.items,
        "needed": found.needed.as_json(), "proven": found.is_proven,
    }  # fmt: skip
