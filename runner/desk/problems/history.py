"""What happened to a problem, in words: every act of a person with its content, and when it was seen and came back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from runner.cases.grouping import CONTAINS
from runner.cases.problem_acts import PROBLEM
from runner.cases.problem_undo import can_be_undone, withdrawn
from runner.core.clock import from_iso
from runner.core.nouns import Branch, ProblemVerb
from runner.desk import times
from runner.desk.words import word
from runner.store.models import Act, CorrectiveAction, Problem

_MOST: Final = 300


@dataclass(frozen=True, slots=True)
class Told:
    """One entry: when, who (empty: a machine), what in words, lines of content, a note; `problem` is the id of another one.

    `undo` is the act's id while it can be taken back. `back`: it took something back itself.
    """

    at: datetime
    by: str
    what: str
    lines: tuple[str, ...] = ()
    note: str = ""
    problem: str = ""
    undo: str = ""
    back: bool = False


def history_of(
    problem: Problem, actions: Iterable[CorrectiveAction], at: datetime, reader: str = ""
) -> list[Told]:
    """The newest first, at most 300 acts; `actions` are those of the problem. One query. `reader` may take comments back."""
    acts = list(Act.objects.filter(subject_kind=PROBLEM, subject=problem.pk).order_by("-at", "-id")[:_MOST])
    undoable, gone = can_be_undone(acts, at, reader), withdrawn(acts)
    texts = {one.pk: one.text for one in actions}
    told = [_told(act, texts, undoable, gone) for act in acts]
    told.append(Told(problem.first_seen, "", _("seen for the first time")))
    if problem.regressed_at:
        times_back = _("came back although it was fixed (time number %(n)d)") % {"n": problem.regressions}
        told.append(Told(problem.regressed_at, "", times_back))
    return sorted(told, key=lambda one: one.at, reverse=True)


def condition_words(field: str, value: str) -> str:
    """What a split asks for, in the language of the page: ``customer = Ho``, ``message contains “time-out”``."""
    if field.startswith("data."):
        return f"{field.removeprefix('data.')} = {value}"
    quoted = _("“%(value)s”") % {"value": value}
    return f"{word('split', field)} {quoted}" if field in CONTAINS else f"{word('split', field)} = {value}"


def _told(act: Act, texts: Mapping[str, str], undoable: set[str], gone: set[str]) -> Told:
    is_gone = act.verb == ProblemVerb.COMMENT and act.pk in gone
    lines: tuple[str, ...] = ()
    other = ""
    tell = _CONTENT.get(act.verb)
    if act.verb == ProblemVerb.ACTION:
        lines = _of_action(act, texts)
    elif tell is not None:
        lines, other = tell(act.data)
    return Told(
        act.at,
        act.by,
        word("verb", act.verb),
        tuple(lines),
        _("The comment was taken back.") if is_gone else act.note,
        other,
        act.pk if act.pk in undoable else "",
        bool(act.data.get("undoes")),
    )


Content = tuple[tuple[str, ...], str]


def _own(data: Mapping[str, Any]) -> Content:
    return (data["owner"] or _("nobody"),), ""


def _whys(data: Mapping[str, Any]) -> Content:
    said = data.get("whys") or []
    lines = [f"{n}. {one['why']}" for n, one in enumerate(said, start=1)]
    return tuple(lines) or (_("none"),), ""


def _causes(data: Mapping[str, Any]) -> Content:
    causes = data.get("causes") or {}
    lines = [f"{word('branch', b)}: {'; '.join(causes[b])}" for b in Branch if causes.get(b)]
    return tuple(lines) or (_("none"),), ""


def _root(data: Mapping[str, Any]) -> Content:
    return (data.get("text") or _("none"),), ""


def _move(data: Mapping[str, Any]) -> Content:
    line = word("problem", data["to"])
    how = {"verified": _("proven"), "without proof": _("without proof")}.get(data.get("how") or "")
    return (f"{line} ({how})" if how else line,), ""


def _number(data: Mapping[str, Any]) -> Content:
    cases = data["canary"]["cases"] if "canary" in data else data.get("cases", 0)
    n = cases if isinstance(cases, int) else len(cases)
    return (ngettext("%(n)d case", "%(n)d cases", n) % {"n": n},), ""


def _merge(data: Mapping[str, Any]) -> Content:
    return (_("it belongs to another problem now"),), data["into"]


def _split(data: Mapping[str, Any]) -> Content:
    return (condition_words(data["field"], data["value"]),), data["part"]["id"]


_CONTENT: Final[Mapping[str, Callable[[Mapping[str, Any]], Content]]] = {
    ProblemVerb.OWN: _own,
    ProblemVerb.WHYS: _whys,
    ProblemVerb.CAUSES: _causes,
    ProblemVerb.ROOT_CAUSE: _root,
    ProblemVerb.MOVE: _move,
    ProblemVerb.CANARY: _number,
    ProblemVerb.RELEASE: _number,
    ProblemVerb.MERGE: _merge,
    ProblemVerb.SPLIT: _split,
}


def _of_action(act: Act, texts: Mapping[str, str]) -> tuple[str, ...]:
    """What an act says about an action: that it is new, done, open again, dropped, or how it is worded now."""
    data = act.data
    text = data.get("text") or texts.get(str(data.get("action")), "")
    facts = []
    if "done" in data:
        facts.append(_("done") if data["done"] else _("open again"))
    if "dropped" in data:
        facts.append(_("will not be done") if data["dropped"] else _("will be done after all"))
    if data.get("owner"):
        facts.append(data["owner"])
    if data.get("due"):
        facts.append(_("due %(day)s") % {"day": times.day(from_iso(data["due"]))})
    return (f"{text} ({', '.join(facts)})" if facts else text,)
