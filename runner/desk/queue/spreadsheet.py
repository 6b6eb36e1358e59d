"""Cases as a spreadsheet: taken out, filled in elsewhere, and brought back with a look at what each row would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from runner.cases.bulk import LARGEST
from runner.cases.carrying_out import apply_corrections_part
from runner.cases.corrections import Corrections, PlannedRow, RowState
from runner.core.clock import now
from runner.core.errors import RunnerError
from runner.core.nouns import ActVerb
from runner.desk.access import ACT, page
from runner.desk.asking import DeskRequest
from runner.desk.errors.field_words import expectation
from runner.desk.errors.telling import told_error
from runner.desk.lists import narrowed, workbook
from runner.desk.queue import rows
from runner.desk.queue.case_words import changes_of, moved_words
from runner.desk.queue.lists import CASES
from runner.desk.queue.progress import Progress, going_page, gone_to
from runner.desk.queue.workbooks import check_kept, keep_workbook, read_kept, workbook_of
from runner.store.models import Act, Case

_ORDER: Final = (RowState.ERROR, RowState.CONFLICT, RowState.APPLY, RowState.DONE)
# Rows that the look at a workbook shows, those with something wrong first; all of them count.
_SHOWN: Final = 200
_AT_ONCE: Final = timedelta(seconds=4)  # that long one request carries out; the page goes on by itself
# Little more than a request comes to: each row is looked at twice, and by the model of its queue, and the next request does so anew.
_ROWS_AT_ONCE: Final = 300


@dataclass(frozen=True, slots=True)
class Shown:
    """One row as the page shows it: the row, the case, and what stands against it at which cell."""

    row: PlannedRow
    case: Case | None
    errors: Sequence[tuple[str, str]]
    act: Act | None = None  # what was decided about the case last, where the row has been carried out

    @property
    def changes(self) -> Sequence[tuple[str, Any, Any]]:
        """The fields that it would change: name, before, after."""
        if self.act is not None:
            return changes_of(self.act.data)
        return [(name, old, new) for name, (old, new) in self.row.changes.items()]


@page("cases.import")
def corrections(request: DeskRequest) -> HttpResponse:
    """How it works, where to take the workbook from, and the field to bring it back."""
    waiting = rows.waiting_cases(request.access)
    names = waiting.exclude(queue="").order_by("queue").values_list("queue", flat=True).distinct()[:50]
    return render(request, "queue/corrections.html", {"queues": list(names), "any": waiting.exists()})


@page("cases.import", ("GET", "POST"))
def take_out(request: DeskRequest) -> HttpResponse:
    """The workbook with the selected cases, or with all that the filters in the address leave."""
    found = rows.waiting_cases(request.access)
    if request.method == "POST":
        picked = [one.partition(":")[0] for one in request.POST.getlist("pick")]
        by = "problem_id" if request.POST.get("of") == "problem" else "pk"
        found = found.filter(**{f"{by}__in": picked})
    else:
        found, _chips = narrowed(request, CASES, found, whole=True)
    ids = list(found.order_by("due", "pk").values_list("pk", flat=True)[: LARGEST + 1])
    if not ids:
        messages.warning(request, _("No case that waits fits, so there is nothing to take out."))
        return redirect("/corrections/")
    return workbook(*workbook_of(request, ids))


@page("cases.import", ACT)
def bring_back(request: DeskRequest) -> HttpResponse:
    """Keep the workbook that was sent, and look at it; nothing is decided yet."""
    try:
        sha256 = keep_workbook(request.access, request.FILES.get("file"))
    except RunnerError as error:
        return render(request, "queue/corrections.html", {"error": _words(error), "any": True}, status=422)
    return redirect(f"/corrections/{sha256}/")


@page("cases.import")
def preview(request: DeskRequest, sha256: str) -> HttpResponse:
    """What each row of the workbook would do, before anything is done."""
    found = read_kept(request.access, sha256)
    return render(request, "queue/corrections_preview.html", _context(found, sha256))


@page("cases.import", ACT)
def apply(request: DeskRequest, sha256: str) -> HttpResponse:
    """Do what the preview said, for a few seconds: each case by itself, those that moved meanwhile are skipped.

    What is left is done by the next request of the page that shows how far it is.
    """
    so_far = Progress.of(request, sha256)
    found = read_kept(request.access, sha256, slice(so_far.start, so_far.start + _ROWS_AT_ONCE))
    part = apply_corrections_part(found, by=request.person.username, at=now, limit=_AT_ONCE)
    after = so_far.with_results(part.results, so_far.start + part.looked_at, found.total)
    if after.start < after.total:
        return gone_to(request, f"/corrections/{sha256}/going?{after.query(request, sha256)}")
    _say(request, after)
    return gone_to(request, f"/corrections/{sha256}/")


@page("cases.import")
def going(request: DeskRequest, sha256: str) -> HttpResponse:
    """How far a workbook has been carried out; the page goes on by itself."""
    check_kept(sha256)
    return going_page(
        request, sha256, title=_("Corrections"), back=f"/corrections/{sha256}/", act=f"/corrections/{sha256}/apply",
        stays=_("What has been decided is stored, whatever happens to this page."),
    )  # fmt: skip


def _say(request: DeskRequest, after: Progress) -> None:
    said = [_("Carried out: %(n)d.") % {"n": after.done}]
    if after.skipped:
        said.append(_("Skipped, as they moved meanwhile: %(n)d.") % {"n": after.skipped})
    if after.refused:
        said.append(_("Refused: %(n)d.") % {"n": after.refused})
    level = messages.warning if after.skipped or after.refused else messages.success
    level(request, " ".join(said))


def _context(found: Corrections, sha256: str) -> dict[str, Any]:
    ordered = [one for state in _ORDER for one in found.rows if one.state == state]
    first = ordered[:_SHOWN]
    cases = Case.objects.in_bulk([one.case for one in first])
    acts = _acts_of([one.case for one in first if one.state == RowState.DONE], found.export)
    return {
        "found": found,
        "sha256": sha256,
        "counts": found.counts,
        "rows": [
            Shown(one, cases.get(one.case), _errors(one, cases.get(one.case)), acts.get(one.case))
            for one in first
        ],
        "hidden_rows": len(ordered) - len(first),
        "untouched": found.counts[RowState.NOTHING],
    }


def _acts_of(cases: list[str], export: str) -> dict[str, Act]:
    """What this export has decided about these cases, by case; a comment where it was no more than that. One query."""
    acts = Act.objects.filter(subject_kind="case", subject__in=cases, token__startswith=f"xlsx:{export}:")
    found: dict[str, Act] = {}
    for one in acts.order_by("at", "id"):
        if one.subject not in found or one.verb != ActVerb.COMMENT:
            found[one.subject] = one
    return found


def _errors(row: PlannedRow, case: Case | None) -> list[tuple[str, str]]:
    if row.state == RowState.CONFLICT and case is not None:
        return [("", moved_words(case))]
    if row.state != RowState.ERROR:
        return []
    found = [(one.where, _words(one)) for one in row.errors]
    return found or [(f"{row.sheet}!{row.row}", row.text)]


def _words(error: RunnerError) -> str:
    known = {
        "WB_FORM": _(
            "This is not a workbook that was taken out here: take the cases out again, and fill in that file."
        ),
        "UPLOAD_MISSING": _("Choose the workbook first."),
    }
    if error.stable_code in known and not error.where.count("!"):
        return known[error.stable_code]
    said = told_error(error)
    if said.technical:
        expected = expectation(error.expected)
        return said.text if expected == error.expected else f"{said.text} {expected}"
    what = f"{error.what}: " if error.what else ""
    return f"{what}{expectation(error.expected)}" if error.expected else error.what
