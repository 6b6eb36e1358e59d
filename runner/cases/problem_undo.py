"""Takes back what somebody said about a problem: what stood there before is said again, in an act of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Q, QuerySet

from runner.cases.problem_acts import PROBLEM
from runner.cases.problems import Who, write
from runner.cases.undoing import UNDO_WITHIN, why_comment_stays
from runner.core.clock import duration_text
from runner.core.errors import ConflictError, UsageError
from runner.core.nouns import ProblemVerb
from runner.store.models import Act

_EMPTY: Final[dict[str, dict[str, Any]]] = {
    ProblemVerb.OWN: {"owner": ""},
    ProblemVerb.WHYS: {"whys": []},
    ProblemVerb.CAUSES: {"causes": {}},
    ProblemVerb.ROOT_CAUSE: {"text": ""},
}
"""What stood there before anybody said anything: acts that replace a whole value."""
_OF_ACTIONS: Final[dict[str, Any]] = {"text": "", "owner": "", "due": None, "done": False, "dropped": False}


def take_back(problem_id: str, act_id: str, who: Who) -> str:
    """Say again what stood there before an act on the problem; gives the new act's id. Both stay in the history.

    It takes back owner, whys, causes, root cause, and what was said about an action (one that was added is dropped),
    within ten minutes, while nobody has said it anew; a comment is taken back by who wrote it. A merge or split is taken back by its rule (`problems.ungroup`), at
    any time. Raises UsageError (NOT_FOUND), ConflictError (UNDO).
    """
    with transaction.atomic():
        act = Act.objects.filter(pk=act_id, subject_kind=PROBLEM, subject=problem_id).first()
        if act is None:
            raise UsageError(f"act '{act_id}' not found", hint="see the problem's history", code="NOT_FOUND")
        why = why_not(act, who.at, who.by)
        if why:
            raise ConflictError(
                f"'{act.verb}' by {act.by} can't be taken back: {why}",
                expected=f"what was said in the last {duration_text(UNDO_WITHIN)}, and not anew since",
                hint="change it as it is now",
                where=f"problem {problem_id}",
                code="UNDO",
            )
        said = {} if act.verb == ProblemVerb.COMMENT else _said_before(act)
        return write(problem_id, ProblemVerb(act.verb), {**said, "undoes": act.pk}, who)


def why_not(act: Act, at: datetime, by: str = "") -> str:
    """What stands against taking an act back; empty where nothing does. `by`: who asks, which matters for comments only."""
    if act.verb == ProblemVerb.COMMENT:
        return why_comment_stays(act, at, by)
    if act.verb not in _EMPTY and act.verb != ProblemVerb.ACTION:
        return "this kind of act is final"
    if at - act.at > UNDO_WITHIN:
        return f"it is older than {duration_text(UNDO_WITHIN)}"
    later = _same(act).filter(Q(at__gt=act.at) | Q(at=act.at, pk__gt=act.pk))
    if any(_about(one) == _about(act) for one in later):
        return "somebody has said it anew"
    return ""


def can_be_undone(acts: Sequence[Act], at: datetime, by: str = "") -> set[str]:
    """The ids of those acts (the newest first, all of one problem) that `take_back` would take back for `by`. No query."""
    seen: set[tuple[str, str]] = set()
    gone = withdrawn(acts)
    found = set()
    for act in acts:
        if act.verb == ProblemVerb.COMMENT:
            is_own = act.by == by and act.pk not in gone and not act.data.get("undoes")
            found |= {act.pk} if is_own and at - act.at <= UNDO_WITHIN else set()
            continue
        about = (act.verb, _about(act))
        if about in seen:
            continue
        seen.add(about)
        if (act.verb in _EMPTY or act.verb == ProblemVerb.ACTION) and at - act.at <= UNDO_WITHIN:
            found.add(act.pk)
    return found


def withdrawn(acts: Iterable[Act]) -> set[str]:
    """The ids of what was taken back by one of these acts."""
    return {str(act.data["undoes"]) for act in acts if act.data.get("undoes")}


def _said_before(act: Act) -> dict[str, Any]:
    return _before_action(act) if act.verb == ProblemVerb.ACTION else _before(act)


def _before(act: Act) -> dict[str, Any]:
    """The value of the act before it: acts replace the whole of it, so the one before says all."""
    last = _earlier(act).order_by("-at", "-id").first()
    empty = _EMPTY[act.verb]
    return {name: (last.data if last else empty).get(name, value) for name, value in empty.items()}


def _before_action(act: Act) -> dict[str, Any]:
    """An action that was added is dropped; of one that was changed, what was changed is what it was."""
    if not act.data.get("action"):
        return {"action": act.pk, "dropped": True}
    earlier = [one for one in _earlier(act).order_by("-at", "-id") if _about(one) == _about(act)]
    names = [name for name in _OF_ACTIONS if name in act.data]
    return {"action": act.data["action"]} | {name: _last_said(earlier, name) for name in names}


def _last_said(acts: Iterable[Act], name: str) -> Any:
    return next((one.data[name] for one in acts if name in one.data), _OF_ACTIONS[name])


def _about(act: Act) -> str:
    """Which action an act is about; empty for acts about the problem itself."""
    return str(act.data.get("action") or act.pk) if act.verb == ProblemVerb.ACTION else ""


def _same(act: Act) -> QuerySet[Act]:
    return Act.objects.filter(subject_kind=PROBLEM, subject=act.subject, verb=act.verb)


def _earlier(act: Act) -> QuerySet[Act]:
    return _same(act).filter(Q(at__lt=act.at) | Q(at=act.at, pk__lt=act.pk))
