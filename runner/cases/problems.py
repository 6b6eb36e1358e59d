"""What people find out about a problem and do against it: each step is one call, applied or refused with the reason."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from runner.cases.audit import record_act
from runner.cases.grouping import condition_text
from runner.cases.mentions import note_mentions
from runner.cases.problem_acts import PROBLEM, apply_problem_act
from runner.cases.tokens import acts_sent_as
from runner.cases.verification import Needed, verification
from runner.core.clock import iso
from runner.core.errors import ConflictError, UsageError, did_you_mean
from runner.core.ids import short_id, uuid7
from runner.core.nouns import Branch, ProblemStatus, ProblemVerb
from runner.store.models import Act, Case, CorrectiveAction, GroupingRule, Problem

MOST_WHYS = 7


@dataclass(frozen=True, slots=True)
class Who:
    """Who does it, when, and on which version of the problem (None: whatever it is), under which token."""

    by: str
    at: datetime
    version: int | None = None
    token: str = ""


@dataclass(frozen=True, slots=True)
class Why:
    """One answer of the 5 Whys, and what shows that it is so."""

    why: str
    evidence: str = ""


def own(problem_id: str, owner: str, who: Who) -> str:
    """Say who answers for the problem; an empty name: nobody. Gives the act's id, as all of these do."""
    return write(problem_id, ProblemVerb.OWN, {"owner": owner.strip()}, who)


def set_whys(problem_id: str, whys: Sequence[Why], who: Who) -> str:
    """The 5 Whys, in order from the symptom to the cause; they replace those that were there. At most seven."""
    kept = [one for one in whys if one.why.strip()]
    if len(kept) > MOST_WHYS:
        raise UsageError(f"there are {len(kept)} whys", expected=f"at most {MOST_WHYS}", where="whys")
    said = [{"why": one.why.strip(), "evidence": one.evidence.strip()} for one in kept]
    return write(problem_id, ProblemVerb.WHYS, {"whys": said}, who)


def set_causes(problem_id: str, causes: Mapping[str, Sequence[str]], who: Who) -> str:
    """The fishbone: possible causes by branch; they replace those that were there. Raises UsageError for another branch."""
    for branch in causes:
        if branch not in list(Branch):
            raise UsageError(
                f"'{branch}' is no branch of the fishbone",
                expected=f"one of {', '.join(Branch)}",
                hint=did_you_mean(branch, list(Branch)),
                where="causes",
            )
    said = {str(b): [t.strip() for t in causes[b] if t.strip()] for b in Branch if b in causes}
    return write(problem_id, ProblemVerb.CAUSES, {"causes": {b: t for b, t in said.items() if t}}, who)


def set_root_cause(problem_id: str, text: str, who: Who) -> str:
    """What it comes from in the end."""
    return write(problem_id, ProblemVerb.ROOT_CAUSE, {"text": text.strip()}, who)


def add_action(problem_id: str, text: str, who: Who, *, owner: str = "", due: datetime | None = None) -> str:
    """A corrective action with who does it and by when; its id is the act's."""
    said = {"text": _words(text, "the action"), "owner": owner.strip(), "due": iso(due) if due else None}
    return write(problem_id, ProblemVerb.ACTION, said, who)


def change_action(
    problem_id: str,
    action: str,
    who: Who,
    *,
    text: str | None = None,
    owner: str | None = None,
    due: datetime | None = None,
    done: bool | None = None,
    dropped: bool | None = None,
    no_due: bool = False,
) -> str:
    """Change an action, or say that it is done, or that it will not be done; what is None stays (`no_due` takes the due time away)."""
    if not CorrectiveAction.objects.filter(pk=action, problem_id=problem_id).exists():
        raise UsageError(f"action '{action}' not found", hint="see the problem's actions", code="NOT_FOUND")
    said: dict[str, Any] = {"action": action}
    given = {"text": text and _words(text, "the action"), "owner": owner, "done": done, "dropped": dropped}
    said |= {name: value for name, value in given.items() if value is not None}
    if due is not None or no_due:
        said["due"] = iso(due) if due else None
    return write(problem_id, ProblemVerb.ACTION, said, who)


def comment(problem_id: str, note: str, who: Who) -> str:
    """Say something about the problem; ``@name`` names somebody."""
    return write(problem_id, ProblemVerb.COMMENT, {}, who, _words(note, "the comment"))


def move_problem(
    problem_id: str,
    to: ProblemStatus,
    who: Who,
    *,
    note: str = "",
    needed: Needed | None = None,
    by_version: bool = False,
) -> str:
    """Move the problem along: open → analysing → acting → verifying → closed, and back where something was wrong.

    ``verifying`` says that the action is in force from now on; `by_version` that it comes with a new version of the bot: then failures
    of the versions that have failed so far prove nothing. `needed`: the clean runs and items that will close it.
    ``closed`` needs that proof, or a `note` that says why it is closed without; and no case that waits.
    """
    problem = _found(problem_id)
    said: dict[str, Any] = {"to": str(to)}
    if to is ProblemStatus.RESOLVED:
        raise UsageError("a problem is resolved by its cases", expected="closed", where="--to")
    if to is ProblemStatus.VERIFYING:
        said |= {
            "needed": (needed or Needed()).as_json(),
            "fix": {"by_version": by_version, "broken": _versions(problem) if by_version else []},
        }
    if to is ProblemStatus.CLOSED:
        said["how"] = _how_closed(problem, note)
    return write(problem_id, ProblemVerb.MOVE, said, who, note.strip())


def merge(problem_id: str, into: str, who: Who, *, note: str = "") -> str:
    """The cases of this problem, and later ones like them, belong to the problem `into`; the act's id is the rule's.

    Raises ConflictError for itself, and where one of the two is part of another problem already.
    """
    source, target = _found(problem_id), _found(into)
    for one in (source, target):
        if one.merged_into_id is not None:
            raise ConflictError(
                f"problem {one.pk} is part of problem {one.merged_into_id}",
                expected="two problems that stand for themselves",
                hint=f"merge with {one.merged_into_id}, or take that back first",
                where=f"problem {problem_id}",
                code="STATE",
            )
    if source.pk == target.pk:
        raise ConflictError(
            "a problem can't be merged with itself", where=f"problem {problem_id}", code="STATE"
        )
    return write(problem_id, ProblemVerb.MERGE, {"into": into}, who, note)


def split(problem_id: str, field: str, value: str, who: Who, *, note: str = "") -> str:
    """The cases of this problem whose `field` is `value`, and later ones, form a problem of their own.

    `field` is ``data.NAME``, step, type, code, bot_version (compared as a whole), message or page_error (contained).
    Upper and lower case are equal. The act's id is the rule's; `part_of` gives the new problem's.
    """
    problem = _found(problem_id)
    if not field.startswith("data.") and field not in SPLIT_FIELDS:
        near = did_you_mean(field, SPLIT_FIELDS)
        raise UsageError(
            f"cases can't be split by '{field}'",
            expected=near or f"data.NAME or one of {', '.join(SPLIT_FIELDS)}",
            where="--field",
        )
    fingerprint = hashlib.blake2b(
        f"{problem.fingerprint}\x1f{field}\x1f{value.casefold()}".encode(), digest_size=16
    ).hexdigest()
    if GroupingRule.objects.filter(
        fingerprint=problem.fingerprint, field=field, value__iexact=value, active=True
    ).exists():
        raise ConflictError(
            f"it is split by {condition_text(field, value)} already",
            where=f"problem {problem_id}",
            code="STATE",
        )
    part = {"id": short_id("problem", fingerprint), "fingerprint": fingerprint}
    return write(problem_id, ProblemVerb.SPLIT, {"field": field, "value": value, "part": part}, who, note)


SPLIT_FIELDS = ("step", "type", "code", "bot_version", "message", "page_error")


def part_of(split_act: str) -> str:
    """The id of the problem that a split made."""
    return GroupingRule.objects.values_list("target", flat=True).get(pk=split_act)


def ungroup(problem_id: str, rule: str, who: Who, *, note: str = "") -> str:
    """Take a merge or split back: its cases, and those that came since, go where their fingerprint says."""
    found = GroupingRule.objects.filter(pk=rule).first()
    if found is None:
        raise UsageError(f"rule '{rule}' not found", hint="see: runner problems rules", code="NOT_FOUND")
    return write(problem_id, ProblemVerb.UNGROUP, {"rule": rule}, who, note)


def write(problem_id: str, verb: ProblemVerb, data: Mapping[str, Any], who: Who, note: str = "") -> str:
    """Check, write down, seal and apply one act on a problem in one transaction; gives the act's id.

    Raises UsageError (NOT_FOUND), ConflictError: CONFLICT (it changed meanwhile: by whom and when), STATE.
    """
    with transaction.atomic():
        known = acts_sent_as([who.token]).first() if who.token else None
        if known is not None:
            return known.pk
        problem = _found(problem_id)
        if who.version is not None and who.version != problem.version:
            raise _moved(problem, who.version)
        act = Act(pk=uuid7(who.at), at=who.at, by=who.by, subject_kind=PROBLEM, subject=problem_id, verb=verb)
        act.note, act.data, act.token = note, dict(data), who.token
        record_act(act)
        note_mentions(act)
        apply_problem_act(act)
        return act.pk


def _moved(problem: Problem, version: int) -> ConflictError:
    last = Act.objects.filter(subject_kind=PROBLEM, subject=problem.pk).exclude(verb=ProblemVerb.COMMENT)
    act = last.order_by("-at", "-id").first()
    by = f"changed by {act.by} at {iso(act.at)}: {act.verb}" if act else "it was seen again"
    return ConflictError(
        f"{by}; it is {problem.status} now, in version {problem.version}",
        expected=f"version {version}",
        hint="reload it and decide again",
        where=f"problem {problem.pk}",
        code="CONFLICT",
    )


def _how_closed(problem: Problem, note: str) -> str:
    if problem.waiting or problem.unsettled:
        raise ConflictError(
            f"{problem.unsettled} of its cases are not settled",
            expected="a problem without cases that wait or are being retried",
            hint=f"see: runner cases list --problem {problem.pk}",
            where=f"problem {problem.pk}",
            code="STATE",
        )
    found = verification(problem)
    if problem.status == ProblemStatus.VERIFYING and found.is_proven:
        return "verified"
    if note.strip():
        return "without proof"
    raise ConflictError(
        found.text,
        expected=f"{found.needed.text} since the action",
        hint="wait for them, or say why it is closed without: --note '…'",
        where=f"problem {problem.pk}",
        code="STATE",
    )


def _versions(problem: Problem) -> list[str]:
    """The versions of the bot that have failed so far."""
    seen = Case.objects.filter(problem=problem).exclude(bot_version="").order_by()
    return sorted(seen.values_list("bot_version", flat=True).distinct())


def _found(problem_id: str) -> Problem:
    problem = Problem.objects.filter(pk=problem_id).first()
    if problem is None:
        raise UsageError(
            f"problem '{problem_id}' not found", hint="see: runner problems list", code="NOT_FOUND"
        )
    return problem


def _words(text: str, what: str) -> str:
    if not text.strip():
        raise UsageError(f"{what} is missing", expected="a few words", where="--text", code="CLI_USAGE")
    return text.strip()
