"""What people say about a problem: owner, whys, causes, actions, comments, its state; each can be undone, or is confirmed."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _

from runner.cases import problems
from runner.cases.problem_undo import take_back
from runner.cases.problems import MOST_WHYS, Who, Why
from runner.cases.verification import Needed
from runner.core.nouns import Branch, ProblemStatus
from runner.desk.asking import DeskRequest
from runner.desk.problems.asked import Said, acting, typed_in
from runner.desk.queue.asked import Refused, person_named
from runner.desk.words import word
from runner.store.models import Problem

_LONGEST: Final = 4000
_END_OF_WORK: Final = time(17)  # a day alone, as the due date of an action, means this time of it
_MOST_NEEDED: Final = 100_000


def _text(request: DeskRequest, name: str) -> str:
    return request.POST.get(name, "").strip()[:_LONGEST]


def _undo(act: str) -> str:
    return f"undo/{act}"


def _own(request: DeskRequest, problem_id: str, who: Who) -> Said | Refused:
    """Say who answers for the problem; an empty name: nobody."""
    wanted = _text(request, "owner")
    found, why = person_named(wanted) if wanted else ("", "")
    if why:
        return Refused("own", errors={"owner": why}, typed=typed_in(request))
    act = problems.own(problem_id, found, who)
    said = (
        _("%(name)s owns this problem now.") % {"name": found}
        if found
        else _("Nobody owns this problem now.")
    )
    return Said(said, _undo(act))


def rows_typed(request: DeskRequest) -> list[Why]:
    """The rows of the 5 Whys as they were sent, empty ones included."""
    pairs = zip(request.POST.getlist("why"), request.POST.getlist("evidence"), strict=False)
    return [Why(why.strip()[:_LONGEST], evidence.strip()[:_LONGEST]) for why, evidence in pairs][
        : MOST_WHYS * 2
    ]


def _whys(request: DeskRequest, problem_id: str, who: Who) -> Said | Refused:
    """The 5 Whys, from the symptom to the cause."""
    rows = rows_typed(request)
    if any(one.evidence and not one.why for one in rows):
        said = _("A row has evidence, but no answer: write the answer, or empty the evidence as well.")
        return Refused("whys", errors={"whys": said}, typed=typed_in(request))
    act = problems.set_whys(problem_id, rows, who)
    return Said(_("The whys are written down."), _undo(act), "whys")


def causes_typed(request: DeskRequest) -> dict[str, list[str]]:
    """The causes of each branch as they were sent: one a line."""
    return {
        branch: [line.strip()[:500] for line in request.POST.get(branch, "").splitlines() if line.strip()][
            :20
        ]
        for branch in Branch
    }


def _causes(request: DeskRequest, problem_id: str, who: Who) -> Said | Refused:
    """The fishbone: possible causes by branch."""
    act = problems.set_causes(problem_id, causes_typed(request), who)
    return Said(_("The causes are written down."), _undo(act), "causes")


def _add_cause(request: DeskRequest, problem_id: str, who: Who) -> Said | Refused:
    """One more possible cause in a branch: what the comparison has found."""
    text, branch = _text(request, "text")[:500], request.POST.get("branch", "")
    if not text or branch not in list(Branch):
        return Refused("causes", errors={"causes": _("Say which cause, and in which branch.")})
    known = Problem.objects.values_list("causes", flat=True).get(pk=problem_id) or {}
    lines = list(known.get(branch, []))
    if text in lines:
        return Said(_("It stands in the fishbone already."), place="causes")
    act = problems.set_causes(problem_id, {**known, branch: [*lines, text]}, who)
    return Said(_("Added to the fishbone: %(text)s") % {"text": text}, _undo(act), "causes")


def _root(request: DeskRequest, problem_id: str, who: Who) -> Said | Refused:
    """What it comes from in the end."""
    act = problems.set_root_cause(problem_id, _text(request, "text"), who)
    return Said(_("The root cause is written down."), _undo(act), "whys")


def _comment(request: DeskRequest, problem_id: str, who: Who) -> Said | Refused:
    """Say something about the problem; @name calls somebody."""
    note = _text(request, "note")
    if not note:
        return Refused("comment", errors={"note": _("Write something first.")}, typed=typed_in(request))
    act = problems.comment(problem_id, note, Who(who.by, who.at, None, who.token))
    return Said(_("Your comment is in the history."), _undo(act), "history")


def _action_fields(request: DeskRequest) -> tuple[dict[str, Any], dict[str, str]]:
    """Text, owner and due time of an action as they were sent, and what is wrong with them."""
    text, wanted, day = _text(request, "text"), _text(request, "owner"), _text(request, "due")
    errors = {} if text else {"text": _("Say in a few words what will be done.")}
    owner, why = person_named(wanted) if wanted else ("", "")
    if why:
        errors["owner"] = why
    due = _end_of(day) if day else None
    if day and due is None:
        errors["due"] = _("“%(day)s” is no date: choose a day.") % {"day": day}
    return {"text": text, "owner": owner, "due": due}, errors


def _add_action(request: DeskRequest, problem_id: str, who: Who) -> Said | Refused:
    """A corrective action: what, by whom, by when."""
    fields, errors = _action_fields(request)
    if errors:
        return Refused("action", errors=errors, typed=typed_in(request))
    act = problems.add_action(problem_id, fields["text"], who, owner=fields["owner"], due=fields["due"])
    return Said(_("The action is on the list."), _undo(act), "actions")


def _change_action(request: DeskRequest, problem_id: str, who: Who, action_id: str) -> Said | Refused:
    """An action is done, is open again, will not be done, or is worded anew."""
    asked = request.POST.get("what", "")
    if asked in {"done", "open"}:
        act = problems.change_action(problem_id, action_id, who, done=asked == "done")
        said = _("The action is done.") if asked == "done" else _("The action is open again.")
    elif asked == "drop":
        act = problems.change_action(problem_id, action_id, who, dropped=True)
        said = _("The action will not be done.")
    else:
        fields, errors = _action_fields(request)
        if errors:
            typed = {**typed_in(request), "action_id": action_id}
            return Refused("change", errors=errors, typed=typed)
        act = problems.change_action(problem_id, action_id, who, **fields, no_due=fields["due"] is None)
        said = _("The action is changed.")
    return Said(said, _undo(act), "actions")


def _move(request: DeskRequest, problem_id: str, who: Who) -> Said | Refused:
    """Move the problem along, or back."""
    try:
        to = ProblemStatus(request.POST.get("to", ""))
    except ValueError:
        return Refused("move", errors={"to": _("Choose where it goes.")})
    needed = None
    if to is ProblemStatus.VERIFYING:
        needed = _needed(request)
        if needed is None:
            wrong = _("Whole numbers, please, and one of them more than 0.")
            return Refused("verifying", errors={"needed": wrong}, typed=typed_in(request))
    by_version = request.POST.get("by_version") == "yes"
    problems.move_problem(
        problem_id, to, who, note=_text(request, "note"), needed=needed, by_version=by_version
    )
    return Said(_("The problem is now: %(state)s.") % {"state": word("problem", to)})


def _needed(request: DeskRequest) -> Needed | None:
    """How many clean runs and items are asked for; None for what is no number, and for nothing at all."""
    texts = [request.POST.get(name, "").strip() or "0" for name in ("runs", "items")]
    if not all(text.isdecimal() and int(text) <= _MOST_NEEDED for text in texts):
        return None
    runs, items = map(int, texts)
    return Needed(runs, items) if runs or items else None


def _take_back(request: DeskRequest, problem_id: str, who: Who, act_id: str) -> Said | Refused:  # noqa: ARG001 (all alike)
    """Take back what was said, while nobody has said it anew."""
    take_back(problem_id, act_id, who)
    return Said(_("Taken back: it is as it was before."))


def _end_of(day: str) -> datetime | None:
    """The end of work on a day, on the reader's clock."""
    try:
        return timezone.make_aware(datetime.combine(date.fromisoformat(day), _END_OF_WORK))
    except ValueError:
        return None


own = acting("problems.work", "own", _own)
whys = acting("problems.work", "whys", _whys)
causes = acting("problems.work", "causes", _causes)
add_cause = acting("problems.work", "cause", _add_cause)
root = acting("problems.work", "root", _root)
add_action = acting("problems.work", "action", _add_action)
change_action = acting("problems.work", "change", _change_action)
move = acting("problems.work", "move", _move)
undo = acting("problems.work", "undo", _take_back)
comment = acting("cases.comment", "comment", _comment)
