"""The page of one case, its journal and its proofs; and the same page again after a decision that was refused."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header

from runner.cases.case_file import kept_of, write_case_file
from runner.cases.excerpts import attempt_lines, journal_of, last_lines
from runner.cases.mentions import see_mentions
from runner.cases.proofs import read_proof
from runner.core.clock import now
from runner.desk.access import page
from runner.desk.asking import DeskRequest
from runner.desk.live import live
from runner.desk.outside import place
from runner.desk.people.models import Person
from runner.desk.queue.asked import Refused, new_token, presets, process_of_case
from runner.desk.queue.case_facts import case_of, decisions_of, facts_of, open_step_of
from runner.desk.queue.case_form import form_of
from runner.desk.queue.case_words import refusal
from runner.desk.queue.rows import waiting_cases
from runner.desk.recordings.failures import step_names
from runner.desk.words import choices
from runner.store.models import Act, Attempt, Case, Mention

CONFLICT: Final = 409
_NEEDS: Final = {
    "claim": "cases.assign", "assign": "cases.assign", "unassign": "cases.assign", "comment": "cases.comment",
    "attest": "cases.attest",
}  # fmt: skip


@page("cases.see", process_of=process_of_case)
def case(request: DeskRequest, case_id: str) -> HttpResponse:
    """One case: what happened, what is known, what can be decided."""
    who = request.person.username
    if Mention.objects.filter(who=who.casefold(), seen=None, subject=case_id).exists():
        see_mentions(who, now(), subject=case_id)
    return render(request, "queue/case.html", _context(request, case_of(case_id)))


def show_refused(request: DeskRequest, case_id: str, refused: Refused) -> HttpResponse:
    """The page as the case is now, with what was typed and why it was not carried out."""
    found = case_of(case_id)
    why = refusal(refused.error, found) if refused.error else ""
    context = _context(request, found) | {"refused": refused, "why": why}
    if refused.form is not None:
        context["form"] = refused.form
    if refused.status == CONFLICT:
        context["kept"] = kept_words(refused.typed, found)
    return render(request, "queue/case.html", context, status=refused.status)


def kept_words(typed: Mapping[str, str], found: Case) -> list[tuple[str, str]]:
    """What somebody typed into the form of a case that was decided meanwhile: words, and values other than the item's."""
    form = form_of(found.item) if found.item else None
    shown = {one.input_name: one for one in form.entries} if form else {}
    kept = []
    for name, value in typed.items():
        if name in shown and value != shown[name].shown:
            kept.append((shown[name].title, value))
        elif name in {"note", "assignee", "until"} and value:
            kept.append((name, value))
    return kept


def _context(request: DeskRequest, found: Case) -> dict[str, Any]:
    allowed = decisions_of(found)
    may = {
        one
        for one in [*allowed, "comment"]
        if request.access.may(_NEEDS.get(one, "cases.decide"), found.process)
    }
    offered = may & (allowed | {"comment"})
    people = Person.objects.filter(is_active=True).order_by("username").values_list("username", "name")
    facts = facts_of(found, request.person.username)
    return {
        "case": found,
        "facts": facts,
        "following": None if facts.place[0] else following(request, found),
        "offered": offered,
        "form": form_of(found.item, found.error) if found.item else None,
        "token": new_token(),
        "open_step": open_step_of(found),
        "presets": presets(now()),
        "priorities": choices("priority"),
        "people": list(people[:500]) if "assign" in offered or "comment" in offered else [],
        "may_see_files": request.access.may("evidence.see", found.process),
        "may_undo": request.access.may("cases.assign", found.process),
        "attest_needs": "attest" in allowed and "attest" not in offered,
    }


def following(request: DeskRequest, settled: Case) -> Case | None:
    """The case to go on with from one that does not wait: of its problem, else the one that is due first. Two queries."""
    waiting = (
        waiting_cases(request.access).exclude(pk=settled.pk).only("pk", "key", "bot").order_by("due", "pk")
    )
    return waiting.filter(problem=settled.problem_id).first() or waiting.first()


def _version(request: DeskRequest, case_id: str) -> object:  # noqa: ARG001
    return Case.objects.filter(pk=case_id).values_list("version", "run_id", "item__attempts_made").first()


@page("cases.see", process_of=process_of_case)
@live(_version)
def journal(request: DeskRequest, case_id: str) -> HttpResponse:
    """What the journal says about the last attempt, or the end of the run."""
    found = case_of(case_id)
    context: dict[str, Any] = {
        "case": found,
        "run": found.run,
        "excerpt": None,
        "step_names": step_names(found.bot),
    }
    runs = place().settings.runs
    attempt = (
        Attempt.objects.filter(item=found.item).select_related("run").order_by("-number").first()
        if found.item
        else None
    )
    if attempt is not None and attempt.run is not None and found.item is not None:
        file = journal_of(runs / attempt.run.folder, attempt.lane)
        context["run"] = attempt.run
        context["excerpt"] = attempt_lines(
            file, queue=found.item.queue_id, item=found.item.key, attempt=attempt.number,
            since=attempt.started, until=attempt.finished,
        )  # fmt: skip
    elif found.item is None and found.run is not None and found.run.folder:
        context["excerpt"] = last_lines(journal_of(runs / found.run.folder, 1))
    return render(request, "queue/journal.html", context)


@page("evidence.see", process_of=process_of_case)
def proof(request: DeskRequest, case_id: str, act_id: str) -> HttpResponse:  # noqa: ARG001
    """The file that somebody attached to an attest, as it was attached."""
    act = Act.objects.filter(pk=act_id, subject_kind="case", subject=case_id).first()
    kept = act.data.get("proof") if act else None
    if not kept:
        raise Http404
    answer = HttpResponse(
        read_proof(place().settings.proofs, kept["sha256"]), content_type="application/octet-stream"
    )
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["Content-Disposition"] = (
        content_disposition_header(as_attachment=True, filename=kept["name"]) or "attachment"
    )
    return answer


@page("evidence.see", process_of=process_of_case)
def as_file(request: DeskRequest, case_id: str) -> HttpResponse:  # noqa: ARG001
    """The case as one file to hand on: journal, evidence, row and the bot as it was, secrets masked."""
    kept = kept_of(place().settings, place().environment)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / f"case-{case_id}.zip"
        write_case_file(case_id, target, kept, now())
        answer = HttpResponse(target.read_bytes(), content_type="application/zip")
    answer.headers["Content-Disposition"] = f'attachment; filename="case-{case_id}.zip"'
    return answer
