"""Cases for programs: look at them as the desk does, see their history, decide and take back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Query
from pydantic import BaseModel, Field

from runner.cases.decisions import decide
from runner.cases.undoing import undo
from runner.core.clock import now
from runner.core.errors import ConflictError
from runner.core.nouns import FailureKind, Priority
from runner.desk.api import shapes
from runner.desk.api.answers import Paged, answered, listed, version_wanted
from runner.desk.api.decisions import NEEDS, Decide, decision_of, keep_as_draft
from runner.desk.api.once import once
from runner.desk.api.operations import operation
from runner.desk.api.runs import Reason
from runner.desk.api.wrong_input import Moment, Text
from runner.desk.asking import DeskRequest
from runner.store.case_lists import (
    SORTS,
    WAITING_FOR_PEOPLE,
    CaseFilter,
    case_json,
    cases_json,
    filtered_cases,
)
from runner.store.models import Act, Case

Status = Literal["open", "claimed", "waiting", "retrying", "resolved", "closed", "all"]
Level = Literal["low", "normal", "high", "urgent"]


class CaseFields(BaseModel):
    """What cases are filtered by; without a status those that wait for people."""

    status: Annotated[list[Status], Field(description="States, or: all. Default: those that wait.")] = Field(default_factory=list)  # fmt: skip
    kind: FailureKind | None = None
    queue: Text = ""
    bot: Text = ""
    process: Text = ""
    problem: Text = ""
    run: Text = ""
    assignee: Text = ""
    unassigned: bool = False
    priority: Annotated[Level | None, Field(description="This priority or a higher one.")] = None
    overdue: Annotated[bool, Field(description="Only those that wait past their due time.")] = False
    since: Annotated[Moment | None, Field(description="Opened at this time or later.")] = None
    text: Annotated[
        Text, Field(max_length=500, description="Words anywhere in message, key, problem or id.")
    ] = ""


class CaseQuery(CaseFields, Paged):
    """Which cases."""


def filter_of(wanted: CaseFields) -> CaseFilter:
    """The filter that these fields ask for."""
    states = tuple(str(one) for one in wanted.status)
    return CaseFilter(
        queue=wanted.queue,
        kind=wanted.kind or "",
        status=() if "all" in states else states or WAITING_FOR_PEOPLE,
        problem=wanted.problem,
        bot=wanted.bot,
        assignee=wanted.assignee,
        run=wanted.run,
        text=wanted.text,
        since=wanted.since,
        process=wanted.process,
        overdue_at=now() if wanted.overdue else None,
        unassigned=wanted.unassigned,
        at_least=Priority[wanted.priority.upper()] if wanted.priority else None,
    )


@operation("GET", "cases", "cases.see", summary=_("List cases"), gives=shapes.Rows[shapes.Case])
def list_cases(request: DeskRequest, wanted: Query[CaseQuery]) -> HttpResponse:
    """The oldest first. Sort: opened, due, changed, status, kind, bot, queue, item, assignee, priority, problem."""
    rows: QuerySet[Case] = request.access.limit(filtered_cases(filter_of(wanted)), "cases.see")
    found = rows.prefetch_related("item", "problem")
    states = {str(one) for one in wanted.status} or set(WAITING_FOR_PEOPLE)
    some = {state in WAITING_FOR_PEOPLE for state in states} if "all" not in states else {True, False}
    # Each order has an index of those that wait and one of the others.
    return listed(request, found, wanted, SORTS, "opened", _told, each=[Q(waits=one) for one in sorted(some)])


@operation("GET", "cases/{case_id}", "cases.see", summary=_("Show one case"), gives=shapes.Case)
def get_case(request: DeskRequest, case_id: Text) -> HttpResponse:
    """Its ETag names its version: send it as If-Match with a decision."""
    case = case_for(request, case_id, "cases.see")
    told = case_json(case.pk)
    return answered(request, told, version=told["version"])


@operation(
    "GET",
    "cases/{case_id}/history",
    "cases.see",
    summary=_("Show the history of a case"),
    gives=shapes.All[shapes.Json],
)
def get_history(request: DeskRequest, case_id: Text) -> HttpResponse:
    """Everything that anybody did, the oldest first."""
    case = case_for(request, case_id, "cases.see")
    return answered(request, {"rows": case_json(case.pk)["history"]})


@operation(
    "POST", "cases/{case_id}/decisions", "cases.decide", "cases.assign", "cases.comment", "cases.attest",
    summary=_("Decide a case"), gives=shapes.Decided, refuses=(409,),
)  # fmt: skip
def decide_case(request: DeskRequest, case_id: Text, wanted: Decide) -> HttpResponse:
    """One of: claim, assign, unassign, retry, done, reject, attest, snooze, priority, comment.

    `version`, or If-Match with the ETag of the case, says on which state it was decided. Where somebody else was faster the
    answer is 409 API_CONFLICT with who and when, and the decision is kept with the case as a comment.
    A retry is `retrying` until the new attempt has succeeded. `data` is the whole corrected data, `set` only what changes.
    Claim, assign and unassign take the permission cases.assign, comment cases.comment, attest cases.attest (supervisors).
    """
    case = case_for(request, case_id, NEEDS[wanted.decision])
    version = version_wanted(request, wanted.version)
    made = decision_of(wanted, case, by=request.person.username)

    def act(at: datetime) -> dict[str, Any]:
        done = decide(case.pk, made, by=request.person.username, at=at, version=version)
        return {name: getattr(done, name) for name in done.__slots__}

    try:
        return once(request, act)
    except ConflictError as error:
        if error.stable_code == "CONFLICT" and request.access.may("cases.comment", case.process):
            keep_as_draft(case.pk, made, version, by=request.person.username)
            error.hint = f"{error.hint}; what you said is kept with the case as a comment"
        raise


@operation(
    "POST", "cases/{case_id}/decisions/{act_id}/undo", "cases.assign", summary=_("Take a decision back"),
    gives=shapes.Undone, refuses=(409,),
)  # fmt: skip
def undo_decision(request: DeskRequest, case_id: Text, act_id: Text, wanted: Reason) -> HttpResponse:
    """Within ten minutes, while nothing has followed from it."""
    case = case_for(request, case_id, "cases.assign")
    if not Act.objects.filter(pk=act_id, subject_kind="case", subject=case.pk).exists():
        raise Http404

    def act(at: datetime) -> dict[str, Any]:
        done = undo(act_id, by=request.person.username, at=at, note=wanted.note)
        status, version = Case.objects.values_list("status", "version").get(pk=case.pk)
        return {"case": case.pk, "undone": done.data["verb"], "status": status, "version": version}

    return once(request, act)


def case_for(request: DeskRequest, case_id: str, permission: str) -> Case:
    """The case. Raises Http404 where it is not theirs to see either, NotAllowed where they may see it and no more."""
    found = Case.objects.select_related("item__queue").filter(pk=case_id).first()
    access = request.access
    if found is None or not (access.may("cases.see", found.process) or access.may(permission, found.process)):
        raise Http404
    access.require(permission, found.process)
    return found


def _told(rows: Sequence[Case]) -> list[dict[str, Any]]:
    return cases_json(rows)
