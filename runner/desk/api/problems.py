"""Problems for programs: the causes behind cases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from django.http import Http404, HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Query
from pydantic import Field

from runner.core.clock import now
from runner.core.nouns import FailureKind, ProblemStatus
from runner.desk.api import shapes
from runner.desk.api.answers import Paged, answered, listed
from runner.desk.api.operations import operation
from runner.desk.api.wrong_input import Text
from runner.desk.asking import DeskRequest
from runner.store.models import Problem
from runner.store.problem_lists import SORTS, ProblemFilter, filtered_problems, problems_json


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


@operation("GET", "problems", "problems.see", summary=_("List problems"), gives=shapes.Rows[shapes.Problem])
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
    "GET", "problems/{problem_id}", "problems.see", summary=_("Show one problem"), gives=shapes.Problem
)
def get_problem(request: DeskRequest, problem_id: Text) -> HttpResponse:
    """With its trend. Its cases: `cases?problem=ID`."""
    rows = request.access.limit(filtered_problems(ProblemFilter(id=problem_id)), "problems.see")
    found = list(rows) if problem_id else []
    if not found:
        raise Http404
    told = problems_json(found, trend_until=now())[0]
    return answered(request, told, version=told["version"])
