"""The spreadsheet round trip for programs: cases taken out as a workbook, brought back, looked at, then carried out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import translation
from django.utils.translation import gettext_noop as _
from ninja import File, Query, UploadedFile
from pydantic import Field

from runner.cases.bulk import LARGEST, RowResult
from runner.cases.carrying_out import apply_corrections_part
from runner.cases.corrections import Corrections
from runner.cases.corrections_json import corrections_json
from runner.core.clock import now
from runner.core.errors import ErrorReport, RunnerError, UsageError
from runner.desk.api import shapes
from runner.desk.api.answers import answered
from runner.desk.api.cases import CaseFields, filter_of
from runner.desk.api.operations import InQuery, operation
from runner.desk.api.wrong_input import Name, Text
from runner.desk.asking import DeskRequest
from runner.desk.lists import workbook
from runner.desk.queue.asked import own_selection
from runner.desk.queue.workbooks import keep_workbook, read_kept, workbook_of
from runner.desk.refusals import told
from runner.desk.uploads import XLSX
from runner.store.case_lists import filtered_cases
from runner.store.models import Case

AT_ONCE: Final = timedelta(seconds=5)  # that long one call carries out
# Little more than a call comes to: each row is looked at, and by the model of its queue, and the next call does so anew.
ROWS_AT_ONCE: Final = 300


class TakeOut(CaseFields, InQuery):
    """Which cases; without a status those that wait."""

    case: Annotated[
        list[Name], Field(max_length=200, description="Only these of them: ids, one or several.")
    ] = Field(default_factory=list)
    selection: Annotated[Text, Field(description="Only these of them: a selection of your own.")] = ""
    language: Annotated[Literal["en", "zh"] | None, Field(description="Of its headings and choices.")] = None


class GoOn(InQuery):
    """From where a workbook is carried out."""

    start: Annotated[int, Field(ge=0, le=2_000_000_000, description="The `next` of the answer before.")] = 0


@operation(
    "GET", "corrections", "cases.import", summary=_("Take cases out as a workbook"), gives=bytes, media=XLSX,
    refuses=(404,),
)  # fmt: skip
def take_out(request: DeskRequest, wanted: Query[TakeOut]) -> HttpResponse:
    """An .xlsx file to be filled in: a sheet for each queue, one for runs, one that says how. At most 10,000 cases.

    Its yellow columns are the decision, a reason, a comment and the data of the item; everything else is locked. 422
    EXPORT_EMPTY where no case fits. The key needs cases.see, too. That it was taken out stands in the audit trail.
    """
    rows = request.access.limit(filtered_cases(filter_of(wanted)), "cases.see")
    ids = _chosen(request, wanted, rows)
    spoken = {"en": "en", "zh": "zh-hans", None: translation.get_language() or "en"}[wanted.language]
    with translation.override(spoken):
        return workbook(*workbook_of(request, ids))


@operation(
    "POST", "corrections", "cases.import", summary=_("Bring a workbook back"), gives=shapes.Corrections
)  # fmt: skip
def bring_back(request: DeskRequest, file: File[UploadedFile]) -> HttpResponse:
    """A form (multipart/form-data) with the workbook, at most 20 MB: what each row would do now. Decides nothing.

    The same bytes have the same `id`. What is no workbook, or none that was taken out here, is refused: UPLOAD_TYPE, WB_FORM.
    A row is an error where a cell does not fit, where the case is not yours to decide (the key needs cases.see and
    cases.decide), and where an outcome would be attested, which takes `cases/CASE/decisions`.
    """
    try:
        kept = keep_workbook(request.access, file)
    except ErrorReport:
        raise
    except RunnerError as error:
        raise UsageError(
            error.what, expected=error.expected, hint=error.hint, where="file", code=error.stable_code
        ) from error
    return answered(request, _told(kept, read_kept(request.access, kept)))


@operation(
    "GET", "corrections/{corrections_id}", "cases.import", summary=_("Show a workbook that came back"),
    gives=shapes.Corrections,
)  # fmt: skip
def show_corrections(request: DeskRequest, corrections_id: Text) -> HttpResponse:
    """What each row would do as the cases are now."""
    return answered(request, _told(corrections_id, read_kept(request.access, corrections_id)))


@operation(
    "POST", "corrections/{corrections_id}/apply", "cases.import", summary=_("Carry a workbook out"),
    gives=shapes.CorrectionsApplied,
)  # fmt: skip
def apply_workbook(request: DeskRequest, corrections_id: Text, wanted: Query[GoOn]) -> HttpResponse:
    """Each row of the state `apply`, each case by itself; one that moved meanwhile is skipped, with who and when.

    For about five seconds: while `next` is not null, send it again with `start=NEXT`. `rows` and `counts` are those of
    this call, `total` says how many rows the workbook has. Sent again it does nothing twice, whether with this workbook or
    with another copy of it: the rows are `done`.
    """
    found = read_kept(request.access, corrections_id, slice(wanted.start, wanted.start + ROWS_AT_ONCE))
    part = apply_corrections_part(found, by=request.person.username, at=now, limit=AT_ONCE)
    seen = replace(found, rows=found.rows[: part.looked_at])
    end = wanted.start + part.looked_at
    told = _told(corrections_id, seen, part.results)
    return answered(request, {**told, "total": found.total, "next": end if end < found.total else None})


def _chosen(request: DeskRequest, wanted: TakeOut, rows: QuerySet[Case]) -> list[str]:
    """The ids of the cases among `rows` that are asked for, one more than fit into a workbook where there are too many."""
    if not wanted.case and not wanted.selection:
        return list(rows.order_by("due", "pk").values_list("pk", flat=True)[: LARGEST + 1])
    named = set(wanted.case)
    if wanted.selection:
        frozen = {one.id for one in own_selection(request, wanted.selection).cases}
        named = named & frozen if named else frozen
    ids, found = sorted(named), list[str]()
    for start in range(0, len(ids), 500):
        found += rows.filter(pk__in=ids[start : start + 500]).values_list("pk", flat=True)
    return found


def _told(kept: str, found: Corrections, results: Sequence[RowResult] | None = None) -> dict[str, Any]:
    rows = corrections_json(found, results or ())
    for row, planned in zip(rows, found.rows, strict=True):
        row["changes"] = {
            name: {"before": before, "after": after} for name, (before, after) in planned.changes.items()
        }
        row["errors"] = [told(one) for one in planned.errors]
    return {
        "id": kept,
        "export": found.export,
        "applied": results is not None,
        "counts": dict(Counter(row["state"] for row in rows)),
        "rows": rows,
    }
