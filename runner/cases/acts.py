"""What an act of a person does to the rows: the same code when they decide and when the store is rebuilt."""

from __future__ import annotations

from typing import Any, Final

from runner.cases.cancel import CANCEL, apply_cancel
from runner.cases.case_rows import before_of, change_case, settle_problem
from runner.cases.item_acts import ITEM, QUEUE, apply_item_act, apply_put
from runner.cases.moves import Answer, CaseState, Move, decide
from runner.cases.problem_acts import PROBLEM, apply_problem_act
from runner.cases.queued import queue_run
from runner.cases.schedule_acts import SCHEDULE, apply_schedule_act
from runner.cases.undoing import apply_undo
from runner.core.clock import from_iso
from runner.core.contract import Settled
from runner.core.errors import ConflictError
from runner.core.nouns import ITEM_MOVES, ActVerb, CaseStatus, FailureKind, ItemStatus, sources
from runner.store.models import Act, Case, Item

CASE: Final = "case"
RUN: Final = "run"  # an act on a run: somebody asked for it
DECISIONS: Final = (
    ActVerb.RETRY,
    ActVerb.DONE,
    ActVerb.REJECT,
    ActVerb.ATTEST,
)  # what ends the waiting for a person


def apply_act(act: Act) -> None:
    """Apply a person's act to its case, item and runs, inside the caller's transaction.

    Raises ConflictError when the case is gone or does not allow the act. Acts on other subjects change no row.
    """
    if act.subject_kind == SCHEDULE:
        apply_schedule_act(act)
    if act.subject_kind == PROBLEM:
        apply_problem_act(act)
    if act.subject_kind == RUN:
        _apply_to_run(act)
    if act.subject_kind == QUEUE:
        apply_put(act)
    if act.subject_kind == ITEM:
        apply_item_act(act)
    if act.subject_kind == CASE:
        _apply(act)


def _apply(act: Act) -> None:
    case = Case.objects.select_related("item__queue").filter(pk=act.subject).first()
    if case is None:
        raise ConflictError("there is no such case", where=f"case {act.subject}", code="STATE")
    if act.verb == ActVerb.UNDO:
        apply_undo(act, case)
        return
    planned = decide(state_of(case), answer_of(act))
    _apply_to_case(case, act, planned)
    if case.item is not None and planned.item is not None:
        _apply_to_item(case.item, act, planned)
    if act.data.get("run_row"):
        queue_run(act.data["run"], act.data["run_row"], act.at)
    if planned.case == CaseStatus.RESOLVED:
        settle_problem(case.problem_id)


def _apply_to_run(act: Act) -> None:
    if act.data.get("run_row"):
        queue_run(act.subject, act.data["run_row"], act.at)
    if act.verb == CANCEL:
        apply_cancel(act)


def state_of(case: Case) -> CaseState:
    """What decides which acts the case allows."""
    item = case.item
    return CaseState(
        id=case.pk,
        status=CaseStatus(case.status),
        kind=FailureKind(case.kind),
        item=ItemStatus(item.status) if item else None,
        step=_open_step(item) or case.step,
        fits=item.valid if item else True,
        assignee=case.assignee,
    )


def answer_of(act: Act) -> Answer:
    """The act as far as it matters for the move."""
    outcome = act.data.get("outcome")
    return Answer(ActVerb(act.verb), Settled(outcome) if outcome else None, with_data="after" in act.data)


def _open_step(item: Item | None) -> str:
    if item is None:
        return ""
    began = [name for name, record in item.irreversible.items() if record.get("state") == Settled.INTENT]
    return began[-1] if began else ""


def _apply_to_case(case: Case, act: Act, planned: Move) -> None:
    if not planned.changes:
        return
    values: dict[str, Any] = {"changed": act.at}
    if planned.case is not None:
        values |= {"status": planned.case, "snoozed_until": None}
    if act.verb == ActVerb.SNOOZE:
        values["snoozed_until"] = from_iso(act.data["until"])
    if act.verb in {ActVerb.CLAIM, ActVerb.ASSIGN}:
        values["assignee"] = act.data.get("assignee") or act.by
    if act.verb == ActVerb.UNASSIGN:
        values["assignee"] = ""
    if act.verb == ActVerb.PRIORITY:
        values["priority"] = act.data["priority"]
    if planned.case == CaseStatus.RESOLVED:
        values |= {"resolved": act.at, "resolution": planned.resolution}
    if act.verb in DECISIONS and case.decided is None:
        values["decided"] = act.at
    before = before_of(case.pk)
    if before is None or not change_case(before, **values):
        raise ConflictError("the case has moved meanwhile", where=f"case {case.pk}", code="CONFLICT")


def _apply_to_item(item: Item, act: Act, planned: Move) -> None:
    values: dict[str, Any] = {"status": planned.item}
    if planned.item == ItemStatus.DONE:
        values |= {"finished": act.at, "error": None}
    if "after" in act.data:
        after = act.data["after"]
        values |= {"data": after, "valid": True, "group_key": item.queue.group_of(after)}
    if planned.irreversible is not None:
        step = _open_step(item) or act.data.get("step") or ""
        values["irreversible"] = {**item.irreversible, step: {"state": planned.irreversible}}
    movable = sources(ITEM_MOVES, planned.item) if planned.item else ()
    if not Item.objects.filter(pk=item.pk, status__in=[*movable, planned.item]).update(**values):
        raise ConflictError(
            f"its item is {item.status}",
            expected=f"one that can become {planned.item}",
            where=f"case {act.subject}",
            code="STATE",
        )
