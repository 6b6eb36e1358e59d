"""Cases as a spreadsheet: taken out, filled in elsewhere, and brought back with a look at what each row would do."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from runner.cases.bulk import LARGEST, Outcome
from runner.cases.corrections import (
    Corrections,
    PlannedRow,
    RowState,
    Validate,
    apply_corrections,
    read_corrections,
)
from runner.cases.roundtrip import export_cases
from runner.core.clock import now
from runner.core.errors import ErrorReport, RunnerError, UsageError
from runner.core.nouns import ActVerb
from runner.desk.access import ACT, page
from runner.desk.asking import DeskRequest
from runner.desk.errors.field_words import expectation
from runner.desk.errors.telling import told, told_error
from runner.desk.errors.titles import title_of
from runner.desk.lists import narrowed, workbook
from runner.desk.outside import place
from runner.desk.queue import rows
from runner.desk.queue.case_words import changes_of, moved_words
from runner.desk.queue.lists import CASES
from runner.desk.uploads import WORKBOOKS, read_upload
from runner.store.models import Act, Case, Queue

_LARGEST: Final = 20 * 1024 * 1024
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


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
    language = "zh" if (get_language() or "en").startswith("zh") else "en"
    with tempfile.TemporaryDirectory() as folder:
        name = f"cases-{now():%Y%m%d-%H%M}.xlsx"
        made = export_cases(
            Path(folder) / name, ids, by=request.person.username, at=now(), language=language,
            base_url=request.build_absolute_uri("/").rstrip("/"), told=_told_case,
        )  # fmt: skip
        return workbook(made.path.read_bytes(), name)


def _told_case(case: Case) -> tuple[str, str]:
    """The cause and what went wrong, in the language of the page."""
    return title_of(case.problem.title, case.problem.parts), told(case.error, case.message).text


@page("cases.import", ACT)
def bring_back(request: DeskRequest) -> HttpResponse:
    """Keep the workbook that was sent, and look at it; nothing is decided yet."""
    try:
        sent = read_upload(request.FILES.get("file"), WORKBOOKS, _LARGEST)
        sha256 = _keep(sent.content)
        read_corrections(_file(sha256))
    except RunnerError as error:
        return render(request, "queue/corrections.html", {"error": _words(error), "any": True}, status=422)
    return redirect(f"/corrections/{sha256}/")


@page("cases.import")
def preview(request: DeskRequest, sha256: str) -> HttpResponse:
    """What each row of the workbook would do, before anything is done."""
    found = _read(request, sha256)
    return render(request, "queue/corrections_preview.html", _context(found, sha256))


@page("cases.import", ACT)
def apply(request: DeskRequest, sha256: str) -> HttpResponse:
    """Do what the preview said: each case by itself, those that moved meanwhile are skipped."""
    results = apply_corrections(_read(request, sha256), by=request.person.username, at=now)
    counts = Counter(one.outcome for one in results)
    said = [_("Carried out: %(n)d.") % {"n": counts[Outcome.DONE]}]
    if counts[Outcome.SKIPPED]:
        said.append(_("Skipped, as they moved meanwhile: %(n)d.") % {"n": counts[Outcome.SKIPPED]})
    if counts[Outcome.REFUSED]:
        said.append(_("Refused: %(n)d.") % {"n": counts[Outcome.REFUSED]})
    level = messages.success if counts[Outcome.DONE] == len(results) else messages.warning
    level(request, " ".join(said))
    return redirect(f"/corrections/{sha256}/")


def _context(found: Corrections, sha256: str) -> dict[str, Any]:
    cases = Case.objects.in_bulk([one.case for one in found.rows])
    acts = _acts_of([one.case for one in found.rows if one.state == RowState.DONE], found.export)
    shown = [
        Shown(one, cases.get(one.case), _errors(one, cases.get(one.case)), acts.get(one.case))
        for one in found.rows
    ]
    order = [RowState.ERROR, RowState.CONFLICT, RowState.APPLY, RowState.DONE]
    return {
        "found": found,
        "sha256": sha256,
        "counts": found.counts,
        "rows": [one for state in order for one in shown if one.row.state == state],
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


def _read(request: DeskRequest, sha256: str) -> Corrections:
    """The workbook as it stands against the cases now; rows that are not theirs to decide are errors."""
    if not _SHA256.fullmatch(sha256) or not _file(sha256).is_file():
        raise Http404
    found = read_corrections(_file(sha256), _judged(_file(sha256)))
    processes = dict(Case.objects.filter(pk__in=[r.case for r in found.rows]).values_list("pk", "process"))
    return replace(found, rows=tuple(_allowed(request, one, processes) for one in found.rows))


def _allowed(request: DeskRequest, row: PlannedRow, processes: Mapping[str, str]) -> PlannedRow:
    if row.state != RowState.APPLY:
        return row
    if not request.access.may("cases.decide", processes.get(row.case, "")):
        return _refused(row, _("This case is not yours to decide."))
    if row.decision is not None and row.decision.verb == ActVerb.ATTEST:
        return _refused(
            row, _("An outcome is attested on the page of the case, where the password is asked for.")
        )
    return row


def _refused(row: PlannedRow, why: str) -> PlannedRow:
    error = UsageError(why, where=f"{row.sheet}!{row.row}", code="API_ROLE")
    return replace(row, state=RowState.ERROR, text=why, errors=(error,))


def _judged(file: Path) -> Validate:
    """What asks the queues' own models about the rows of a workbook: all rows of a queue at once, as each question starts a process."""
    asked: dict[str, tuple[Queue, list[dict[str, Any]]]] = {}

    def collect(queue: Queue, data: Mapping[str, Any]) -> dict[str, Any]:
        asked.setdefault(queue.name, (queue, []))[1].append(dict(data))
        return dict(data)

    read_corrections(file, collect)
    answers: dict[str, dict[str, Any] | ErrorReport] = {}
    for queue, data in asked.values():
        if not queue.bot_file:
            continue
        found = place().outside.validate_items(queue.bot_file, queue.name, data)
        answers.update(zip([_key(queue, one) for one in data], found, strict=True))

    def judge(queue: Queue, data: Mapping[str, Any]) -> dict[str, Any]:
        found = answers.get(_key(queue, data), dict(data))
        if isinstance(found, ErrorReport):
            raise found
        return found

    return judge


def _key(queue: Queue, data: Mapping[str, Any]) -> str:
    return json.dumps([queue.name, data], sort_keys=True, default=str)


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


def _keep(content: bytes) -> str:
    """Keep a workbook under the hash of its bytes, whole or not at all; gives the hash."""
    sha256 = hashlib.sha256(content).hexdigest()
    target = _file(sha256)
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=target.parent, suffix=".part", delete=False) as unfinished:
            unfinished.write(content)
        Path(unfinished.name).replace(target)
    return sha256


def _file(sha256: str) -> Path:
    return place().settings.home / "corrections" / f"{sha256}.xlsx"
