"""Many cases at once for programs: chosen and frozen, looked at, then decided one by one with a result for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

from django.http import Http404, HttpResponse
from django.utils.translation import gettext_noop as _
from pydantic import Field

from runner.cases import bulk
from runner.cases.bulk import Chosen, RowResult, Selection
from runner.cases.tokens import acts_sent_as
from runner.core.clock import iso, now
from runner.core.errors import ErrorReport, UsageError
from runner.desk.api import shapes
from runner.desk.api.answers import answered
from runner.desk.api.cases import CaseFields, filter_of
from runner.desk.api.decisions import NEEDS, Choice, decision_of
from runner.desk.api.once import once
from runner.desk.api.operations import operation
from runner.desk.api.wrong_input import Name, Said, Text
from runner.desk.asking import DeskRequest
from runner.desk.queue.asked import own_selection
from runner.store.case_lists import filtered_cases
from runner.store.models import Case

AT_ONCE: Final = timedelta(seconds=5)  # that long one call decides; called again, it goes on


class Seen(Said):
    """A case in the version in which it was looked at."""

    id: Name
    version: Annotated[int, Field(ge=0, le=2_000_000_000)] | None = None


class Fitting(CaseFields, Said):
    """The filter of the list of cases."""


class Choose(Said):
    """Cases by name, or all that fit a filter now; one of the two."""

    cases: Annotated[list[Seen], Field(min_length=1, max_length=bulk.LARGEST)] | None = None
    filter: Fitting | None = None


class BulkChoice(Choice):
    """What is to be done with all of them. An attest is made case by case, and so is a correction."""

    decision: Literal[
        "claim", "assign", "unassign", "retry", "done", "reject", "snooze", "priority", "comment"
    ]


@operation(
    "POST",
    "selections",
    "cases.bulk",
    summary=_("Choose cases"),
    gives=shapes.Selected,
    status=201,
    refuses=(404, 409),
)
def choose_cases(request: DeskRequest, wanted: Choose) -> HttpResponse:
    """Freeze which cases are meant, each in its version; what moves afterwards is skipped. At most 10,000.

    Cases that are not there, or not yours to decide, are not found.
    """
    if (wanted.cases is None) == (wanted.filter is None):
        raise ErrorReport([UsageError(
            "neither or both of 'cases' and 'filter' are given", expected="one of the two", hint="leave one out",
            where="cases", code="API_SCHEMA",
        )])  # fmt: skip
    chosen = (
        _named(request, wanted.cases)
        if wanted.cases is not None
        else _fitting(request, wanted.filter or Fitting())
    )

    def act(at: datetime) -> dict[str, Any]:
        return _selected(bulk.freeze(chosen, by=request.person.username, at=at))

    return once(request, act, 201)


@operation(
    "GET", "selections/{selection_id}", "cases.bulk", summary=_("Show a selection"), gives=shapes.Selected
)
def get_selection(request: DeskRequest, selection_id: Text) -> HttpResponse:
    """Your own: its cases, what was decided, and which of them are done."""
    return answered(request, _selected(own_selection(request, selection_id)))


@operation(
    "POST", "selections/{selection_id}/preview", "cases.bulk", summary=_("Preview a bulk decision"),
    gives=shapes.BulkResults,
)  # fmt: skip
def preview_selection(request: DeskRequest, selection_id: Text, wanted: BulkChoice) -> HttpResponse:
    """What the decision would do with each case at this moment. Changes nothing."""
    frozen = own_selection(request, selection_id)
    _check_theirs(request, frozen, NEEDS[wanted.decision])
    made = decision_of(wanted, None, by=request.person.username)
    rows = bulk.preview(frozen, made)
    counts = dict(Counter(str(one.outcome) for one in rows))
    return answered(
        request, {"selection": frozen.id, "counts": counts, "finished": False, "rows": rows_told(rows)}
    )


@operation(
    "POST", "selections/{selection_id}/apply", "cases.bulk", summary=_("Decide all cases of a selection"),
    gives=shapes.BulkResults, refuses=(409,),
)  # fmt: skip
def apply_selection(request: DeskRequest, selection_id: Text, wanted: BulkChoice) -> HttpResponse:
    """Decide each case, for about five seconds; while `finished` is false, send the same again: it goes on.

    `rows` are the results of this call, `counts` those of all calls. No case is decided twice, not even after a crash.
    """
    frozen = own_selection(request, selection_id)
    _check_theirs(request, frozen, NEEDS[wanted.decision])
    made = frozen.decision if _is_same(frozen, wanted) else None
    made = made or decision_of(wanted, None, by=request.person.username)
    part = bulk.apply_part(frozen, made, by=request.person.username, at=now, limit=AT_ONCE)
    told = {
        "selection": frozen.id,
        "counts": part.counts,
        "finished": part.finished,
        "rows": rows_told(part.rows),
    }
    return answered(request, told)


@operation(
    "POST", "selections/{selection_id}/undo", "cases.bulk", summary=_("Take a bulk decision back"),
    gives=shapes.BulkResults, refuses=(409,),
)  # fmt: skip
def undo_selection(request: DeskRequest, selection_id: Text) -> HttpResponse:
    """Case by case, where nothing has followed from it."""
    frozen = own_selection(request, selection_id)
    _check_theirs(request, frozen, "cases.assign")
    rows = bulk.undo_all(frozen, by=request.person.username, at=now)
    counts = dict(Counter(str(one.outcome) for one in rows))
    return answered(
        request, {"selection": frozen.id, "counts": counts, "finished": True, "rows": rows_told(rows)}
    )


def _named(request: DeskRequest, wanted: Sequence[Seen]) -> list[Chosen]:
    versions: dict[str, int] = {}
    rows = request.access.limit(Case.objects.all(), "cases.bulk")
    ids = [one.id for one in wanted]
    for start in range(0, len(ids), 500):
        versions.update(rows.filter(pk__in=ids[start : start + 500]).values_list("pk", "version"))
    if any(one not in versions for one in ids):
        raise Http404
    return [Chosen(one.id, versions[one.id] if one.version is None else one.version) for one in wanted]


def _fitting(request: DeskRequest, wanted: Fitting) -> list[Chosen]:
    rows = request.access.limit(filtered_cases(filter_of(wanted)), "cases.bulk").order_by("opened", "id")
    return [Chosen(*row) for row in rows.values_list("pk", "version")[: bulk.LARGEST + 1]]


def _check_theirs(request: DeskRequest, frozen: Selection, permission: str) -> None:
    """All of its cases are still theirs to decide. Raises Http404 where a role was taken from them meanwhile."""
    request.access.require(permission)
    rows = request.access.limit(Case.objects.all(), permission)
    ids = [one.id for one in frozen.cases]
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        if rows.filter(pk__in=part).count() != Case.objects.filter(pk__in=part).count():
            raise Http404


def _is_same(frozen: Selection, wanted: BulkChoice) -> bool:
    """Whether the decision that was begun is said again: its time to put aside may have passed meanwhile."""
    begun = frozen.decision
    return begun is not None and (str(begun.verb), begun.note, begun.until) == (
        wanted.decision,
        wanted.note,
        wanted.until,
    )


def _selected(found: Selection) -> dict[str, Any]:
    tokens = bulk.tokens_of(found)
    done: set[str] = set()
    for start in range(0, len(tokens), 500):
        done.update(acts_sent_as(tokens[start : start + 500]).values_list("subject", flat=True))
    return {
        "id": found.id,
        "by": found.by,
        "at": iso(found.at),
        "size": len(found.cases),
        "cases": [{"id": one.id, "version": one.version, "done": one.id in done} for one in found.cases],
        "decision": str(found.decision.verb) if found.decision else None,
        "counts": found.counts,
        "finished": iso(found.finished) if found.finished else None,
    }


def rows_told(results: Sequence[RowResult]) -> list[dict[str, Any]]:
    """What became of each case, as programs read it."""
    return [{"case": one.id, "outcome": str(one.outcome), "why": one.why} for one in results]
