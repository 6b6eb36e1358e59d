"""Deciding many cases at once: chosen and frozen, looked at, decided one by one, each with a result of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from runner.cases import bulk
from runner.cases.bulk import Chosen, Outcome, RowResult, Selection
from runner.cases.deciding import last_acts
from runner.cases.decisions import Decision
from runner.cases.tokens import acts_sent_as
from runner.core.clock import now
from runner.core.errors import UsageError
from runner.core.nouns import ActVerb
from runner.desk.access import ACT, page
from runner.desk.asking import DeskRequest
from runner.desk.queue import deciding
from runner.desk.queue.asked import Refused, own_selection, presets
from runner.desk.queue.case_words import refusal
from runner.desk.queue.progress import Progress, going_page, gone_to
from runner.desk.words import choices
from runner.store.models import Act, Case

VERBS: Final = ("retry", "claim", "done", "reject", "snooze", "assign", "priority", "comment")
_SHOWN: Final = 200  # rows of a selection that its page shows; all of them are decided
_AT_ONCE: Final = timedelta(seconds=4)  # that long one request decides; the page goes on by itself


@dataclass(frozen=True, slots=True)
class Row:
    """One case of a selection and what would be, or was, done with it (None: not known yet)."""

    case: Case | None
    id: str
    result: RowResult | None
    why: str = ""


@page("cases.bulk", ACT)
def choose(request: DeskRequest) -> HttpResponse:
    """Freeze what is selected, as the person saw it: cases, or all waiting cases of problems."""
    picked = request.POST.getlist("pick")[: bulk.LARGEST + 1]
    if request.POST.get("of") == "problem":
        rows = request.access.limit(Case.objects.filter(problem_id__in=picked, waits=True), "cases.decide")
        chosen = [
            Chosen(*row)
            for row in rows.order_by("due", "pk").values_list("pk", "version")[: bulk.LARGEST + 1]
        ]
    else:
        chosen = _chosen(request, picked)
    try:
        frozen = bulk.freeze(chosen, by=request.person.username, at=now())
    except UsageError as error:
        if error.stable_code != "SELECTION_EMPTY":
            raise
        messages.warning(request, _("Select at least one case that waits."))
        return redirect("/cases/")
    verb = request.POST.get("verb", "")
    return redirect(f"/bulk/{frozen.id}/{f'?verb={verb}' if verb in VERBS else ''}")


@page("cases.bulk")
def selection(request: DeskRequest, selection_id: str) -> HttpResponse:
    """The frozen cases with what would happen to each; after the decision, what happened."""
    frozen = own_selection(request, selection_id)
    return render(request, "queue/bulk.html", _context(frozen, request.GET.get("verb", "")))


@page("cases.bulk", ACT)
def apply(request: DeskRequest, selection_id: str) -> HttpResponse:
    """Decide the frozen cases, for a few seconds; what is left is decided by the next request of the page."""
    frozen = own_selection(request, selection_id)
    verb = request.POST.get("verb", "")
    if frozen.decision is None:
        made = _decision(request, verb)
        if isinstance(made, Refused):
            return render(request, "queue/bulk.html", _context(frozen, verb, made), status=422)
    else:
        made = frozen.decision
    part = bulk.apply_part(frozen, made, by=request.person.username, at=now, limit=_AT_ONCE)
    if part.finished and not request.htmx:
        messages.success(request, _said(part.counts))
    return gone_to(request, f"/bulk/{selection_id}/")


@page("cases.bulk", ACT)
def undo(request: DeskRequest, selection_id: str) -> HttpResponse:
    """Take back what was decided, where nothing has followed from it; for a few seconds, like `apply`."""
    frozen, so_far = own_selection(request, selection_id), Progress.of(request, selection_id)
    part = bulk.undo_part(frozen, by=request.person.username, at=now, limit=_AT_ONCE, start=so_far.start)
    after = so_far.with_results(part.results, so_far.start + len(part.results), part.total)
    if after.start < after.total:
        return gone_to(request, f"/bulk/{selection_id}/undoing?{after.query(request, selection_id)}")
    text = _("Taken back: %(n)d.") % {"n": after.done}
    if after.refused:
        text += " " + _("Not any more: %(n)d, as something has followed from them.") % {"n": after.refused}
    messages.success(request, text)
    return gone_to(request, f"/bulk/{selection_id}/")


@page("cases.bulk")
def undoing(request: DeskRequest, selection_id: str) -> HttpResponse:
    """How far a decision about many cases has been taken back; the page goes on by itself."""
    own_selection(request, selection_id)
    return going_page(
        request, selection_id, title=_("Several cases"), back=f"/bulk/{selection_id}/", act=f"/bulk/{selection_id}/undo",
        stays=_("What has been taken back stays so, whatever happens to this page."),
    )  # fmt: skip


def _chosen(request: DeskRequest, picked: Sequence[str]) -> list[Chosen]:
    """The cases of ``id:version`` values, without those that are not theirs to decide."""
    seen = {}
    for one in picked:
        case_id, _colon, version = one.partition(":")
        if version.isdecimal():
            seen[case_id] = int(version)
    rows = request.access.limit(Case.objects.all(), "cases.decide")
    known = [pk for start in range(0, len(seen), 500)
             for pk in rows.filter(pk__in=list(seen)[start : start + 500]).values_list("pk", flat=True)]  # fmt: skip
    theirs = set(known)
    return [Chosen(one, version) for one, version in seen.items() if one in theirs]


def _decision(request: DeskRequest, verb: str) -> Decision | Refused:
    """The decision of the form, made as for a single case; data can't be corrected in bulk."""
    if verb not in VERBS:
        return Refused(verb, errors={"verb": _("Choose what is to be done.")})
    if verb == "retry":
        return Decision(ActVerb.RETRY, request.POST.get("note", "").strip()[:4000])
    made = deciding.BY_VERB[verb](request, "")
    typed = {name: str(value) for name, value in request.POST.items()}
    return made if isinstance(made, Decision) else Refused(verb, made.error, made.errors, typed)


def _context(frozen: Selection, verb: str, refused: Refused | None = None) -> dict[str, Any]:
    verb = str(frozen.decision.verb) if frozen.decision else verb
    done = set(acts_sent_as(bulk.tokens_of(frozen)[:_SHOWN]).values_list("subject", flat=True))
    rows = _rows(frozen, verb, done) if verb in VERBS else _rows(frozen, "", done)
    counts = Counter(str(one.result.outcome) for one in rows if one.result)
    return {
        "frozen": frozen,
        "verb": verb if verb in VERBS else "",
        "verbs": [(value, words) for value, words in choices("decision") if value in VERBS],
        "rows": rows,
        "hidden_rows": max(0, len(frozen.cases) - _SHOWN),
        "counts": frozen.counts if frozen.finished else dict(counts),
        "refused": refused,
        "presets": presets(now()),
        "priorities": choices("priority"),
        "people": deciding.people(),
        "decided": sum(frozen.counts.values()),
        "undoable": bool(frozen.finished and now() - frozen.finished < timedelta(minutes=10) and done),
    }


def _rows(frozen: Selection, verb: str, done: set[str]) -> list[Row]:
    part = frozen.cases[:_SHOWN]
    cases = Case.objects.select_related("problem").defer("evidence").in_bulk([one.id for one in part])
    expected: dict[str, RowResult] = {}
    if verb:
        wanted = frozen.decision or Decision(ActVerb(verb))
        looked_at = bulk.preview(frozen, wanted, only=len(part))
        expected = {one.id: one for one in looked_at}
    last = last_acts([one.id for one in expected.values() if one.error is not None and one.id not in done])
    rows = []
    for one in part:
        case, result = cases.get(one.id), expected.get(one.id)
        if one.id in done:
            result = RowResult(one.id, Outcome.DONE)
        why = _why(result, case, last) if result and result.why else ""
        rows.append(Row(case, one.id, result, why))
    return rows


def _why(result: RowResult, case: Case | None, last: Mapping[str, Act]) -> str:
    if result.error is None or case is None:
        return result.why
    return refusal(result.error, case, last)


def _said(counts: dict[str, int]) -> str:
    words = {
        "done": _("decided: %(n)d"), "skipped": _("skipped, as they moved meanwhile: %(n)d"),
        "refused": _("refused: %(n)d"),
    }  # fmt: skip
    return "; ".join(text % {"n": counts[name]} for name, text in words.items() if counts.get(name)) or _(
        "Nothing was done."
    )
