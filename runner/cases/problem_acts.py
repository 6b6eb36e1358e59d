"""What a person's act does to a problem: the same code when they decide and when the store is rebuilt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.db.models import F

from runner.cases.case_rows import SETTLED
from runner.cases.fingerprint import explain
from runner.cases.grouping import MERGE, SPLIT, condition_text, explain_again, regroup
from runner.core.clock import from_iso
from runner.core.errors import ConflictError
from runner.core.nouns import PROBLEM_MOVES, CaseStatus, ProblemStatus, ProblemVerb, move
from runner.store.models import Act, Case, CorrectiveAction, GroupingRule, Problem

PROBLEM: Final = "problem"
MERGED: Final = "merged"  # how a problem was closed whose cases belong to another one


def apply_problem_act(act: Act) -> None:
    """Apply a person's act to its problem, inside the caller's transaction.

    Raises ConflictError when the problem is gone or does not allow the act.
    """
    problem = Problem.objects.select_for_update().filter(pk=act.subject).first()
    if problem is None:
        raise ConflictError("there is no such problem", where=f"problem {act.subject}", code="STATE")
    if act.verb == ProblemVerb.COMMENT:
        return
    values = _APPLY[ProblemVerb(act.verb)](problem, act)
    Problem.objects.filter(pk=problem.pk).update(changed=act.at, version=F("version") + 1, **values)


def _own(_problem: Problem, act: Act) -> dict[str, Any]:
    return {"owner": act.data["owner"]}


def _whys(_problem: Problem, act: Act) -> dict[str, Any]:
    return {"whys": act.data["whys"]}


def _causes(_problem: Problem, act: Act) -> dict[str, Any]:
    return {"causes": act.data["causes"]}


def _root_cause(_problem: Problem, act: Act) -> dict[str, Any]:
    return {"root_cause": act.data["text"]}


def _action(problem: Problem, act: Act) -> dict[str, Any]:
    """An action is added (its id is the act's), changed, done or dropped."""
    data = act.data
    values: dict[str, Any] = {name: data[name] for name in ("text", "owner", "dropped") if name in data}
    if "due" in data:
        values["due"] = from_iso(data["due"]) if data["due"] else None
    if "done" in data:
        values |= {"done": act.at if data["done"] else None, "done_by": act.by if data["done"] else ""}
    if data.get("action"):
        if not CorrectiveAction.objects.filter(pk=data["action"], problem=problem).update(**values):
            raise ConflictError("there is no such action", where=f"problem {problem.pk}", code="STATE")
    else:
        CorrectiveAction.objects.create(pk=act.pk, problem=problem, **values)
    return {}


def _move(problem: Problem, act: Act) -> dict[str, Any]:
    status = move(
        PROBLEM_MOVES, ProblemStatus(problem.status), ProblemStatus(act.data["to"]), f"problem {problem.pk}"
    )
    values: dict[str, Any] = {"status": status}
    if status is ProblemStatus.VERIFYING:
        values |= {
            "fixed_at": act.at,
            "fix": act.data.get("fix") or {},
            "needed": act.data.get("needed") or {},
        }
    if status is ProblemStatus.CLOSED:
        _close_cases(problem, act)
        values |= {"closed_how": act.data.get("how") or "", "fixed_at": problem.fixed_at or act.at}
    elif problem.closed_how:
        values["closed_how"] = ""
    return values


def _close_cases(problem: Problem, act: Act) -> None:
    """The settled cases of a problem whose end is proven are closed with it; neither kind counts as unsettled."""
    settled = Case.objects.filter(problem=problem, status=CaseStatus.RESOLVED)
    settled.update(status=CaseStatus.CLOSED, changed=act.at, version=F("version") + 1)


def _canary(_problem: Problem, act: Act) -> dict[str, Any]:
    return {
        "canary": {
            **act.data["canary"],
            "id": act.pk,
            "started": act.data["at"],
            "by": act.by,
            "state": "watching",
        }
    }


def _release(problem: Problem, _act: Act) -> dict[str, Any]:
    return {"canary": {**(problem.canary or {}), "state": "released"}}


def _hold(problem: Problem, _act: Act) -> dict[str, Any]:
    return {"canary": {**(problem.canary or {}), "state": "held"}}


def _merge(problem: Problem, act: Act) -> dict[str, Any]:
    target = _problem(act.data["into"], act)
    GroupingRule.objects.create(
        pk=act.pk,
        kind=MERGE,
        fingerprint=problem.fingerprint,
        target=target.pk,
        by=act.by,
        at=act.at,
        note=act.note,
    )
    regroup([problem.pk])
    first, last = min(problem.first_seen, target.first_seen), max(problem.last_seen, target.last_seen)
    status = target.status
    if (
        status == ProblemStatus.RESOLVED
        and Case.objects.filter(problem=target).exclude(status__in=SETTLED).exists()
    ):
        status = ProblemStatus.OPEN
    Problem.objects.filter(pk=target.pk).update(first_seen=first, last_seen=last, status=status)
    explain_again(target.pk)
    return {"merged_into_id": target.pk, "status": ProblemStatus.CLOSED, "closed_how": MERGED}


def _split(problem: Problem, act: Act) -> dict[str, Any]:
    part = act.data["part"]
    condition = condition_text(act.data["field"], act.data["value"])
    parts = {**{k: v for k, v in problem.parts.items() if k not in {"merged", "without"}}, "where": condition}
    values = {
        "title": f"{problem.title} [{condition}]",
        "parts": parts,
        "explanation": explain(parts),
        "kind": problem.kind,
        "bot": problem.bot,
        "process": problem.process,
        "status": ProblemStatus.OPEN,
        "first_seen": problem.first_seen,
        "last_seen": problem.last_seen,
        "changed": act.at,
        "merged_into": None,
        "closed_how": "",
    }
    Problem.objects.update_or_create(pk=part["id"], defaults={"fingerprint": part["fingerprint"], **values})
    GroupingRule.objects.create(
        pk=act.pk, kind=SPLIT, fingerprint=problem.fingerprint, field=act.data["field"], value=act.data["value"],
        target=part["id"], by=act.by, at=act.at, note=act.note,
    )  # fmt: skip
    if not regroup([problem.pk]):
        raise ConflictError(
            f"no case of it has {condition}",
            expected="a condition that some of its cases fit",
            hint="see what its cases have in common: runner problems contrast",
            where=f"problem {problem.pk}",
            code="STATE",
        )
    _set_span(part["id"])
    explain_again(problem.pk)
    return {}


def _ungroup(problem: Problem, act: Act) -> dict[str, Any]:
    """A rule that led to this problem, or out of it, does not count any more."""
    rule = GroupingRule.objects.filter(pk=act.data["rule"], active=True).first()
    if rule is None:
        raise ConflictError("there is no such rule in force", where=f"problem {problem.pk}", code="STATE")
    GroupingRule.objects.filter(pk=rule.pk).update(active=False)
    source = Problem.objects.filter(fingerprint=rule.fingerprint).first()
    here = [rule.target, *([source.pk] if source else [])]
    if source is not None and rule.kind == MERGE:
        Problem.objects.filter(pk=source.pk).update(
            merged_into=None, closed_how="", status=ProblemStatus.OPEN, changed=act.at
        )
    regroup(here)
    if source is not None and rule.kind == SPLIT:
        Problem.objects.filter(pk=rule.target).update(
            merged_into=source, closed_how=MERGED, status=ProblemStatus.CLOSED, changed=act.at
        )
    for one in here:
        explain_again(one)
    return {}


def _set_span(problem_id: str) -> None:
    """A part that was split off has been seen for as long as its own cases."""
    opened = list(Case.objects.filter(problem=problem_id).order_by("opened").values_list("opened", flat=True))
    if opened:
        Problem.objects.filter(pk=problem_id).update(first_seen=opened[0], last_seen=opened[-1])


def _problem(problem_id: str, act: Act) -> Problem:
    found = Problem.objects.select_for_update().filter(pk=problem_id).first()
    if found is None:
        raise ConflictError(f"there is no problem {problem_id}", where=f"problem {act.subject}", code="STATE")
    return found


_APPLY: Final[Mapping[ProblemVerb, Callable[[Problem, Act], dict[str, Any]]]] = {
    ProblemVerb.OWN: _own,
    ProblemVerb.WHYS: _whys,
    ProblemVerb.CAUSES: _causes,
    ProblemVerb.ROOT_CAUSE: _root_cause,
    ProblemVerb.ACTION: _action,
    ProblemVerb.MOVE: _move,
    ProblemVerb.CANARY: _canary,
    ProblemVerb.RELEASE: _release,
    ProblemVerb.HOLD: _hold,
    ProblemVerb.MERGE: _merge,
    ProblemVerb.SPLIT: _split,
    ProblemVerb.UNGROUP: _ungroup,
}
