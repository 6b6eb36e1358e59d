"""Why an act on a problem was not carried out, in the language of the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runner.cases.problem_acts import PROBLEM
from runner.core.errors import ConflictError, RunnerError
from runner.core.nouns import ProblemVerb
from runner.desk import times
from runner.desk.errors.telling import told_error
from runner.desk.words import Word, word
from runner.store.models import Act, Problem

_BY_EXPECTED: Final[Mapping[str, Word]] = {
    "a problem without cases that wait or are being retried": gettext_lazy(
        "Some of its cases still wait or are being tried again: decide them first."
    ),
    "two problems that stand for themselves": gettext_lazy("One of the two is part of another problem already."),
    "a condition that some of its cases fit": gettext_lazy("No case of this problem fits that condition."),
    "a canary that went through": gettext_lazy(
        "This does not fit how the trial stands: look at it as it is now, or say why the rest follows anyway."
    ),
}  # fmt: skip
_BY_HINT: Final[Mapping[str, Word]] = {
    "release the rest or hold it first": gettext_lazy("A trial is going on already: release the rest, or hold it back, first."),
    "correct or attest them one by one": gettext_lazy("No case of it can be tried again as it is: correct or attest them one by one."),
    "start one first": gettext_lazy("No trial is going on: start one first."),
}  # fmt: skip


def refusal(error: RunnerError, problem: Problem) -> str:
    """Why it was refused; by whom the problem was changed, and when, where somebody was faster."""
    code = error.stable_code
    if isinstance(error, ConflictError) and code == "CONFLICT":
        return _moved(problem)
    if code == "UNDO":
        return _("This can't be taken back any more: it has been said anew, or ten minutes have passed.")
    known = _BY_HINT.get(error.hint or "") or _BY_EXPECTED.get(error.expected or "")
    if known:
        return str(known)
    if code == "STATE" and "since the action" in (error.expected or ""):
        return _(
            "It is not proven yet that it will not come back: wait, or say why it is closed without the proof."
        )
    if code == "STATE":
        return _("The problem does not allow this now: it is %(state)s (%(why)s).") % {
            "state": word("problem", problem.status), "why": told_error(error).text,
        }  # fmt: skip
    return told_error(error).text


def _moved(problem: Problem) -> str:
    acts = Act.objects.filter(subject_kind=PROBLEM, subject=problem.pk).exclude(verb=ProblemVerb.COMMENT)
    last = acts.order_by("-at", "-id").first()
    state = word("problem", problem.status)
    if last is None:
        return _("The problem was seen again meanwhile; it is %(state)s now.") % {"state": state}
    facts = {"who": last.by, "what": word("verb", last.verb), "when": times.moment(last.at), "state": state}
    return _("%(who)s was faster: %(what)s, %(when)s. The problem is %(state)s now.") % facts
