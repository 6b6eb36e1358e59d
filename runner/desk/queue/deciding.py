"""What people decide about one case: each act is a POST, checked against the version that was seen, undone or confirmed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from runner.cases.decisions import Decision, decide
from runner.cases.proofs import Proof, keep_proof
from runner.cases.undoing import undo as take_back
from runner.core.clock import now
from runner.core.contract import Settled
from runner.core.errors import RunnerError, UsageError
from runner.core.nouns import ActVerb, Priority
from runner.desk.access import ACT, page
from runner.desk.asking import DeskRequest
from runner.desk.outside import place
from runner.desk.people.confirm import reauthenticated
from runner.desk.people.models import Person
from runner.desk.queue.asked import Refused, person_named, presets, process_of_case
from runner.desk.queue.case_facts import case_of
from runner.desk.queue.case_form import read_form, validated
from runner.desk.queue.case_page import show_refused
from runner.desk.words import word
from runner.store.models import Act, Case

UNDO: Final = (
    "undo="  # the `extra_tags` of a message that offers to take something back: the address to post to
)
_NINE: Final = time(9)


def _posted(view: Callable[[DeskRequest, str], Decision | Refused], verb: str) -> Callable[..., HttpResponse]:
    """A view that makes its decision out of the form, carries it out, and shows the form again when it is refused."""

    def post(request: DeskRequest, case_id: str) -> HttpResponse:
        typed = {name: str(value) for name, value in request.POST.items() if name != "csrfmiddlewaretoken"}
        try:
            made = view(request, case_id)
            if isinstance(made, Decision):
                return _carry(request, case_id, made)
            refused = Refused(verb, made.error, made.errors, typed, made.form)
        except RunnerError as error:
            refused = Refused(verb, error, {}, typed)
        return show_refused(request, case_id, refused)

    post.__name__ = post.__qualname__ = verb
    post.__doc__ = view.__doc__
    return post


def _carry(request: DeskRequest, case_id: str, wanted: Decision) -> HttpResponse:
    version = None if wanted.verb == ActVerb.COMMENT else _number(request.POST.get("version", ""))
    token = request.POST.get("token", "")[:100]
    decided = decide(case_id, wanted, by=request.person.username, at=now(), version=version, token=token)
    done = Act.objects.get(pk=decided.act)
    undoable = "was" in done.data or wanted.verb == ActVerb.COMMENT
    said = {
        "what": word("verb", wanted.verb),
        "case": Case.objects.values_list("key", flat=True).get(pk=case_id) or case_id,
    }
    text = _("%(case)s: you %(what)s.") % said
    if wanted.verb == ActVerb.RETRY:
        until = _("The case is settled when the new attempt succeeds.")
        text = f"{text} {until}"
    tags = f"{UNDO}/cases/{case_id}/undo/{decided.act}" if undoable else ""
    messages.success(request, text, extra_tags=tags)
    return redirect(f"/cases/{case_id}/")


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _note(request: DeskRequest) -> str:
    return request.POST.get("note", "").strip()[:4000]


def _with_words(request: DeskRequest, verb: ActVerb, missing: str) -> Decision | Refused:
    note = _note(request)
    return Decision(verb, note) if note else Refused(verb, errors={"note": missing})


def _claim(request: DeskRequest, case_id: str) -> Decision | Refused:  # noqa: ARG001 (all of one form)
    """Take the case on."""
    return Decision(ActVerb.CLAIM, _note(request))


def _retry(request: DeskRequest, case_id: str) -> Decision | Refused:
    """Try again, as it is or with the data of the form."""
    item = case_of(case_id).item
    if item is None or "as_is" in request.POST:
        return Decision(ActVerb.RETRY, _note(request))
    sent = read_form(item, request.POST)
    if not sent.changed and not sent.form.is_refused and item.valid:
        return Decision(ActVerb.RETRY, _note(request))
    data, form = validated(item, sent)
    if form.is_refused:
        return Refused(ActVerb.RETRY, form=form)
    return Decision(ActVerb.RETRY, _note(request), data=data)


def _done(request: DeskRequest, case_id: str) -> Decision | Refused:  # noqa: ARG001
    """It has been done by hand."""
    return _with_words(request, ActVerb.DONE, _("Say in a few words what was done."))


def _reject(request: DeskRequest, case_id: str) -> Decision | Refused:  # noqa: ARG001
    """It will not be done."""
    return _with_words(request, ActVerb.REJECT, _("Say in a few words why it will not be done."))


def _comment(request: DeskRequest, case_id: str) -> Decision | Refused:  # noqa: ARG001
    """Say something about the case."""
    return _with_words(request, ActVerb.COMMENT, _("Write something first."))


def _snooze(request: DeskRequest, case_id: str) -> Decision | Refused:  # noqa: ARG001
    """Put the case aside until a time."""
    preset = request.POST.get("preset", "")
    known = dict(presets(now()))
    until = known.get(preset) or _local_time(request.POST.get("until", ""))
    if until is None or until <= now():
        return Refused(ActVerb.SNOOZE, errors={"until": _("Choose a time in the future.")})
    return Decision(ActVerb.SNOOZE, _note(request), until=until)


def _assign(request: DeskRequest, case_id: str) -> Decision | Refused:  # noqa: ARG001
    """Give the case to somebody."""
    found, why = person_named(request.POST.get("assignee", "").strip())
    if why:
        return Refused(ActVerb.ASSIGN, errors={"assignee": why})
    return Decision(ActVerb.ASSIGN, _note(request), assignee=found)


def _unassign(request: DeskRequest, case_id: str) -> Decision | Refused:  # noqa: ARG001
    """Nobody has the case any more."""
    return Decision(ActVerb.UNASSIGN, _note(request))


def _priority(request: DeskRequest, case_id: str) -> Decision | Refused:  # noqa: ARG001
    """Say how urgent the case is."""
    try:
        level = Priority(int(request.POST.get("priority", "")))
    except ValueError:
        return Refused(ActVerb.PRIORITY, errors={"priority": _("Choose one of the four.")})
    return Decision(ActVerb.PRIORITY, priority=level)


def _attest(request: DeskRequest, case_id: str) -> Decision | Refused:  # noqa: ARG001
    """Say whether a step of unknown outcome happened, with what shows it."""
    errors = {}
    outcome = {"done": Settled.DONE, "not_done": Settled.NOT_DONE}.get(request.POST.get("outcome", ""))
    if outcome is None:
        errors["outcome"] = _("Say whether it happened.")
    if not _note(request):
        errors["note"] = _("Say what you saw in the other system.")
    if errors:
        return Refused(ActVerb.ATTEST, errors=errors)
    return Decision(ActVerb.ATTEST, _note(request), outcome=outcome, proof=_proof(request))


def _proof(request: DeskRequest) -> Proof | None:
    sent: Any = request.FILES.get("proof")
    return keep_proof(place().settings.proofs, str(sent.name), sent.read()) if sent is not None else None


BY_VERB: Final[dict[str, Callable[[DeskRequest, str], Decision | Refused]]] = {
    "claim": _claim,
    "done": _done,
    "reject": _reject,
    "snooze": _snooze,
    "assign": _assign,
    "priority": _priority,
    "comment": _comment,
}
"""What makes a decision out of a form, where that takes no case: for one and for many."""


def people() -> list[tuple[str, str]]:
    """Who a case can be given to: names to sign in with, and names as others see them."""
    rows = Person.objects.filter(is_active=True).order_by("username").values_list("username", "name")
    return list(rows[:500])


def _decides(permission: str, view: Callable[[DeskRequest, str], Decision | Refused], verb: str) -> Any:
    return page(permission, ACT, process_of=process_of_case)(_posted(view, verb))


claim = _decides("cases.assign", _claim, "claim")
retry = _decides("cases.decide", _retry, "retry")
done = _decides("cases.decide", _done, "done")
reject = _decides("cases.decide", _reject, "reject")
snooze = _decides("cases.decide", _snooze, "snooze")
priority = _decides("cases.decide", _priority, "priority")
assign = _decides("cases.assign", _assign, "assign")
unassign = _decides("cases.assign", _unassign, "unassign")
comment = _decides("cases.comment", _comment, "comment")
attest = page("cases.attest", ACT, process_of=process_of_case)(reauthenticated()(_posted(_attest, "attest")))


@page("cases.assign", ACT, process_of=process_of_case)
def undo(request: DeskRequest, case_id: str, act_id: str) -> HttpResponse:
    """Take a decision back, while nothing has followed from it."""
    if not Act.objects.filter(pk=act_id, subject_kind="case", subject=case_id).exists():
        raise UsageError(_("this decision was not found"), code="NOT_FOUND")
    try:
        take_back(act_id, by=request.person.username, at=now())
    except RunnerError as error:
        return show_refused(request, case_id, Refused("undo", error))
    messages.success(request, _("Taken back: everything is as it was before."))
    return redirect(f"/cases/{case_id}/")


def _local_time(text: str) -> datetime | None:
    """A time of the browser's field for times, on the reader's clock; a date alone means nine in the morning."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if len(text) == 10:
        found = datetime.combine(found.date(), _NINE)
    return timezone.make_aware(found) if timezone.is_naive(found) else found
