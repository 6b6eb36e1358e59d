"""One case in plain words: what happened and what it needs, and why a decision was refused."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runner.cases.deciding import last_acts
from runner.core.errors import ConflictError, RunnerError
from runner.core.nouns import FailureKind
from runner.desk import times
from runner.desk.errors.telling import said_here, told_error
from runner.desk.recordings.failures import step_names
from runner.desk.words import Word, word
from runner.store.models import Act, Case

_BY_WHY: Final[Mapping[str, Word]] = {
    "bad_row": gettext_lazy("This row does not fit what the queue takes. Nothing was done with it."),
    "quarantined": gettext_lazy("The bot's process ended three times while it worked on this item, so it is left alone."),
    "crash": gettext_lazy("The bot's process ended in the middle of the run."),
    "time_limit": gettext_lazy("The run reached its time limit and was ended."),
    "error": gettext_lazy("The bot stopped with an error outside of its items."),
    "balance": gettext_lazy("The control totals of the run disagree: what was read is not what was entered."),
    "target_down": gettext_lazy("Several items failed one after the other, so the rest was not tried. The other system may be down."),
    "refused": gettext_lazy("The run could not begin: what it was asked to do does not fit the bot."),
    "missed": gettext_lazy("A due time passed and no run was started for it."),
    "clock_step": gettext_lazy("This machine's clock was changed by hours, so the scheduler holds until somebody says that it is right."),
    "locator": gettext_lazy("The bot still works, but finds an element only by its second choice: the page has changed."),
}  # fmt: skip
_BY_KIND: Final[Mapping[str, Word]] = {
    FailureKind.BUSINESS: gettext_lazy("The data or a rule is wrong. It is not tried again by itself; somebody has to decide."),
    FailureKind.APPLICATION: gettext_lazy("The other system failed, and all tries of the bot are used up."),
    FailureKind.UNKNOWN: gettext_lazy("Nobody knows whether this was done. Look into the other system first, then attest what you saw."),
}  # fmt: skip

_BY_EXPECTED: Final[Mapping[str, Word]] = {
    "corrected data": gettext_lazy("Its row does not fit what the queue takes: correct the data first."),
    "to know whether it happened, as trying again could do it twice": gettext_lazy(
        "Nobody knows whether it happened, and trying again could do it twice: attest it first."
    ),
    "an item that waits": gettext_lazy("The bot is working on it at this moment: decide again when the attempt has ended."),
    "a case of unknown outcome": gettext_lazy("There is nothing to attest: its outcome is known."),
    "a case with an assignee": gettext_lazy("Nobody has taken it on."),
    "done, reject or comment": gettext_lazy("No run belongs to it that could be started again."),
}  # fmt: skip


def what_happened(case: Case) -> str:
    """The failure in one or two sentences, without the technical part."""
    return in_plain_words(case.why, case.kind)


def in_plain_words(why: str, kind: str) -> str:
    """What a failure is, by why there is a case about it and by its kind; empty for what is neither."""
    return str(_BY_WHY.get(why) or _BY_KIND.get(FailureKind(kind), ""))


def tail_of(case: Case, attempts: int) -> str:
    """What else is known at a glance: where it stopped, and what surely did not happen."""
    parts = []
    if case.step:
        parts.append(
            _("It stopped in the step “%(step)s”.") % {"step": step_names(case.bot).get(case.step, case.step)}
        )
    if attempts > 1:
        parts.append(_("It was tried %(n)d times.") % {"n": attempts})
    if case.times_opened > 1:
        parts.append(_("It has come back: this is time number %(n)d.") % {"n": case.times_opened})
    return " ".join(parts)


def refusal(error: RunnerError, case: Case, last: Mapping[str, Act] | None = None) -> str:
    """Why a decision was not carried out, in the language of the page: by whom the case was moved, and when.

    `last` is what `last_acts` gave for many cases.
    """
    if isinstance(error, ConflictError) and error.stable_code == "CONFLICT":
        return moved_words(case, last)
    known = {
        "UNDO": _(
            "This can't be taken back any more: something has followed from it, or ten minutes have passed."
        ),
        "TOKEN": _(
            "This form has been used for another decision already. Look at the case again and decide anew."
        ),
        "PROOF_SIZE": _("The file is too large: attach the page that proves it, at most 20 MB."),
        "PROOF_TYPE": _(
            "This kind of file is not kept as proof: attach a picture, a PDF, a workbook, a mail or a text."
        ),
        "PROOF_EMPTY": _("The file is empty."),
    }
    if error.stable_code in known:
        return known[error.stable_code]
    if error.expected in _BY_EXPECTED:
        return str(_BY_EXPECTED[error.expected])
    if error.stable_code == "STATE":
        return _("The case does not allow this now: it is %(state)s (%(why)s).") % {
            "state": word("case", case.status), "why": said_here(error.what),
        }  # fmt: skip
    return told_error(error).text


def moved_words(case: Case, known: Mapping[str, Act] | None = None) -> str:
    """Who did what to the case last, and when; the decision of whoever reads this was not carried out."""
    last = (known if known is not None and case.pk in known else last_acts([case.pk])).get(case.pk)
    state = word("case", case.status)
    if last is None:
        return _("The case has moved meanwhile; it is %(state)s now.") % {"state": state}
    facts = {
        "who": _("a run") if last.machine else last.by,
        "what": word("verb", last.verb),
        "when": times.moment(last.at),
        "state": state,
    }
    return _("%(who)s was faster: %(what)s, %(when)s. The case is %(state)s now.") % facts


_NOTHING: Final[tuple[Any, ...]] = (None, "", [], {})


def is_same(one: Any, other: Any) -> bool:
    """Whether two values of JSON are the same for people: 96.5 and "96.50", nothing and an empty text or list."""
    if one == other or (one in _NOTHING and other in _NOTHING):
        return True
    if isinstance(one, str) == isinstance(other, str) or isinstance(one, bool) or isinstance(other, bool):
        return False
    try:
        return Decimal(str(one)) == Decimal(str(other))
    except InvalidOperation:
        return False


def changes_of(data: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """The fields that an act changed: name, before, after."""
    before, after = data.get("before"), data.get("after")
    if not isinstance(before, dict) or not isinstance(after, dict):
        return []
    names = dict.fromkeys([*before, *after])
    return [
        (name, before.get(name), after.get(name))
        for name in names
        if not is_same(before.get(name), after.get(name))
    ]
