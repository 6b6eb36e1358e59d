"""Evidence for programs: what there is of a case or a run, and the files themselves, each by an address that can't be guessed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from django.utils.translation import gettext_noop as _

from runner.cases.proofs import read_proof
from runner.cases.run_log import folder_of
from runner.desk.api import shapes
from runner.desk.api.answers import answered
from runner.desk.api.cases import case_for
from runner.desk.api.operations import PREFIX, operation
from runner.desk.api.runs import run_for
from runner.desk.api.wrong_input import Text
from runner.desk.asking import DeskRequest
from runner.desk.evidence import file_of, ticket_for
from runner.desk.outside import place
from runner.desk.runs.left_behind import output_files
from runner.store.models import Act, Attempt, Run

_MOST_ATTEMPTS: Final = 50
_MOST_ACTS: Final = 200
_ANY_BYTES: Final = "application/octet-stream"


@operation(
    "GET", "cases/{case_id}/evidence", "evidence.see", summary=_("List the evidence of a case"),
    gives=shapes.All[shapes.Evidence],
)  # fmt: skip
def case_evidence(request: DeskRequest, case_id: Text) -> HttpResponse:
    """Of its last 50 attempts, the newest first, and the proofs that people attached. `href` holds for 12 hours."""
    case = case_for(request, case_id, "evidence.see")
    rows = (
        list(_of_attempts(Attempt.objects.filter(item=case.item), case.process))
        if case.item is not None
        else [_row(one, case.run, case.process) for one in case.evidence]
    )
    acts = Act.objects.filter(subject_kind="case", subject=case.pk).order_by("-at", "-id")[:_MOST_ACTS]
    rows += [_proof(one) for one in acts if one.data.get("proof")]
    return answered(request, {"rows": rows})


@operation(
    "GET", "runs/{run_id}/evidence", "evidence.see", summary=_("List the evidence of a run"),
    gives=shapes.All[shapes.Evidence],
)  # fmt: skip
def run_evidence(request: DeskRequest, run_id: Text) -> HttpResponse:
    """Of the run itself, of its last 50 attempts, and the files among its outputs. `href` holds for 12 hours."""
    run = run_for(request, run_id, "evidence.see")
    rows = [_row(one, run, run.process) for one in run.evidence]
    rows += _of_attempts(Attempt.objects.filter(run=run), run.process)
    rows += [_row({"kind": "output", "path": path}, run, run.process) for path in output_files(run)]
    return answered(request, {"rows": rows})


@operation("GET", "evidence/{ticket}", "evidence.see", summary=_("Fetch evidence"), gives=bytes)
def fetch_evidence(request: DeskRequest, ticket: Text) -> HttpResponseBase:
    """The bytes of a file, as an attachment, whatever it is: the `href` of a list of evidence leads here."""
    file = file_of(request.access, ticket)
    answer = FileResponse(file.open("rb"), as_attachment=True, filename=file.name, content_type=_ANY_BYTES)
    answer["Cache-Control"] = "private, max-age=3600"
    return answer


@operation(
    "GET", "cases/{case_id}/proofs/{act_id}", "evidence.see", summary=_("Fetch a proof"), gives=bytes
)  # fmt: skip
def fetch_proof(request: DeskRequest, case_id: Text, act_id: Text) -> HttpResponse:
    """The file that somebody attached to an attest, as it was attached."""
    case = case_for(request, case_id, "evidence.see")
    act = Act.objects.filter(pk=act_id, subject_kind="case", subject=case.pk).first()
    kept = act.data.get("proof") if act else None
    if not kept:
        raise Http404
    answer = HttpResponse(read_proof(place().settings.proofs, kept["sha256"]), content_type=_ANY_BYTES)
    name = content_disposition_header(as_attachment=True, filename=kept["name"])
    answer["Content-Disposition"] = name or "attachment"
    return answer


def _of_attempts(attempts: QuerySet[Attempt], process: str) -> Iterator[dict[str, Any]]:
    for attempt in attempts.select_related("run", "item").order_by("-id")[:_MOST_ATTEMPTS]:
        about = {"queue": attempt.item.queue_id, "item": attempt.item.key, "attempt": attempt.number}
        yield from (_row(one, attempt.run, process, about) for one in attempt.evidence)


def _row(
    piece: Mapping[str, Any], run: Run | None, process: str, about: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """One piece of evidence; without a file (it was not kept, or there is only a text) `href` is null."""
    path = Path(str(piece.get("path") or ""))
    file = folder_of(place().settings.runs, run) / path if run is not None and path.name else None
    try:
        size = file.stat().st_size if file is not None else None
    except OSError:
        size = None
    href = None
    if run is not None and size is not None:
        folder = folder_of(place().settings.runs, run).relative_to(place().settings.runs).as_posix()
        href = f"{PREFIX}evidence/{ticket_for(folder, path.as_posix(), process)}"
    return {
        "kind": str(piece.get("kind") or ""), "name": path.name, "href": href, "size": size,
        "run": run.pk if run is not None else None, "queue": None, "item": None, "attempt": None,
        "url": piece.get("url"), "page_error": piece.get("page_error"), **(about or {}),
    }  # fmt: skip


def _proof(act: Act) -> dict[str, Any]:
    kept = act.data["proof"]
    nothing = dict.fromkeys(("run", "queue", "item", "attempt", "url", "page_error"))
    href = f"{PREFIX}cases/{act.subject}/proofs/{act.pk}"
    return {"kind": "proof", "name": kept["name"], "href": href, "size": kept["size"], **nothing}
