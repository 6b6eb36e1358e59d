"""Workbooks of cases: made to be filled in, kept when they come back, and read against the cases as they are now."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from runner.cases.corrections import (
    Corrections,
    Filled,
    PlannedRow,
    RowState,
    plan_corrections,
    read_corrections,
    read_filled,
)
from runner.cases.roundtrip import export_cases
from runner.core.clock import now
from runner.core.errors import ErrorReport, RunnerError, UsageError, WorkbookError
from runner.core.nouns import ActVerb
from runner.desk.asking import Access, DeskRequest
from runner.desk.errors.titles import title_of
from runner.desk.outside import place
from runner.desk.recordings.failures import told_with_step
from runner.desk.uploads import WORKBOOKS, read_upload
from runner.store.models import Case, Queue

LARGEST_FILE: Final = 20 * 1024 * 1024
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def workbook_of(request: DeskRequest, ids: Sequence[str]) -> tuple[bytes, str]:
    """The workbook with these cases, in the language of the page, and a name for it; the audit trail has who took them.

    Raises UsageError (EXPORT_EMPTY, EXPORT_SIZE).
    """
    language = "zh" if (get_language() or "en").startswith("zh") else "en"
    with tempfile.TemporaryDirectory() as folder:
        name = f"cases-{now():%Y%m%d-%H%M}.xlsx"
        made = export_cases(
            Path(folder) / name, ids, by=request.person.username, at=now(), language=language,
            base_url=request.build_absolute_uri("/").rstrip("/"), told=_told_case,
        )  # fmt: skip
        return made.path.read_bytes(), name


def keep_workbook(access: Access, sent: UploadedFile[Any] | None) -> str:
    """Keep a workbook that came back, whole or not at all; gives the hash of its bytes, under which it is read.

    Judged by its bytes and size, at most 20 MB; nothing is decided. Raises UsageError (UPLOAD_MISSING, UPLOAD_SIZE,
    UPLOAD_TYPE), WorkbookError (WB_FORM: it was not taken out here) and what reading any workbook raises.
    """
    content = read_upload(sent, WORKBOOKS, LARGEST_FILE).content
    sha256 = hashlib.sha256(content).hexdigest()
    target = _file(sha256)
    is_new = not target.is_file()
    if is_new:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=target.parent, suffix=".part", delete=False) as unfinished:
            unfinished.write(content)
        Path(unfinished.name).replace(target)
    try:
        read_corrections(target, cases=_theirs(access))
    except RunnerError:
        if is_new:
            target.unlink(missing_ok=True)
        raise
    return sha256


def read_kept(access: Access, sha256: str, places: slice = slice(None)) -> Corrections:
    """The workbook as it stands against the cases now; rows that are not theirs to decide are errors.

    A case that they may not see is one that is not there. Raises Http404 for an unknown hash, and where none of its cases
    is there. With `places` only those rows are looked at.
    """
    check_kept(sha256)
    try:
        found = _judged(read_filled(_file(sha256)), _theirs(access), places)
    except WorkbookError as error:
        raise Http404 from error
    processes = dict(Case.objects.filter(pk__in=[r.case for r in found.rows]).values_list("pk", "process"))
    return replace(found, rows=tuple(_allowed(access, one, processes) for one in found.rows))


def check_kept(sha256: str) -> None:
    """Whether a workbook of this hash was kept. Raises Http404 where none was."""
    if not _SHA256.fullmatch(sha256) or not _file(sha256).is_file():
        raise Http404


def _theirs(access: Access) -> QuerySet[Case]:
    return access.limit(Case.objects.all(), "cases.see")


def _allowed(access: Access, row: PlannedRow, processes: Mapping[str, str]) -> PlannedRow:
    if row.state != RowState.APPLY:
        return row
    if not access.may("cases.decide", processes.get(row.case, "")):
        return _refused(row, _("This case is not yours to decide."))
    if row.decision is not None and row.decision.verb == ActVerb.ATTEST:
        return _refused(
            row, _("An outcome is attested on the page of the case, where the password is asked for.")
        )
    return row


def _refused(row: PlannedRow, why: str) -> PlannedRow:
    error = UsageError(why, where=f"{row.sheet}!{row.row}", code="API_ROLE")
    return replace(row, state=RowState.ERROR, text=why, errors=(error,))


def _judged(filled: Filled, cases: QuerySet[Case], places: slice) -> Corrections:
    """The rows as the queues' own models judge them: all rows of a queue at once, as each question starts a process."""
    asked: dict[str, tuple[Queue, list[dict[str, Any]]]] = {}

    def collect(queue: Queue, data: Mapping[str, Any]) -> dict[str, Any]:
        asked.setdefault(queue.name, (queue, []))[1].append(dict(data))
        return dict(data)

    found = plan_corrections(filled, collect, cases, places)
    answers: dict[str, dict[str, Any] | ErrorReport] = {}
    for queue, data in asked.values():
        if not queue.bot_file:
            continue
        told_of = place().outside.validate_items(queue.bot_file, queue.name, data)
        answers.update(zip([_key(queue, one) for one in data], told_of, strict=True))
    if not answers:  # no model has anything to say
        return found

    def judge(queue: Queue, data: Mapping[str, Any]) -> dict[str, Any]:
        found = answers.get(_key(queue, data), dict(data))
        if isinstance(found, ErrorReport):
            raise found
        return found

    return plan_corrections(filled, judge, cases, places)


def _key(queue: Queue, data: Mapping[str, Any]) -> str:
    return json.dumps([queue.name, data], sort_keys=True, default=str)


def _told_case(case: Case) -> tuple[str, str]:
    """The cause and what went wrong, in the language of the page."""
    return title_of(case.problem.title, case.problem.parts), told_with_step(case.error, case.message).text


def _file(sha256: str) -> Path:
    return place().settings.home / "corrections" / f"{sha256}.xlsx"
