"""Takes a decision back: the case and its item are what they were, where nothing has followed from it yet."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from runner.cases.audit import record_act
from runner.cases.case_news import announce_decision
from runner.cases.case_rows import SETTLED, before_of, change_case
from runner.core.clock import duration_text, from_iso
from runner.core.errors import ConflictError, UsageError
from runner.core.ids import uuid7
from runner.core.nouns import ActVerb, CaseStatus, ItemStatus, ProblemStatus, RunStatus
from runner.store.models import Act, Attempt, Case, Item, Problem, Run

UNDO_WITHIN: Final = timedelta(minutes=10)


def undo(act_id: str, *, by: str, at: datetime, note: str = "") -> Act:
    """Take back a decision about a case; gives the new act. It stays in the history, and so does the one taken back.

    Within ten minutes, while nothing but comments has followed: no other decision, no attempt at the item (a retry only
    while it is pending), no start of a later item of its group. The run that it asked for is taken out of the queue,
    where no other case waits for it. A comment is taken back by who wrote it: its words stay in the trail and are no longer
    shown. Raises UsageError (NOT_FOUND), ConflictError (UNDO) with what stands against it.
    """
    with transaction.atomic():
        done = Act.objects.filter(pk=act_id, subject_kind="case", machine=False).first()
        if done is None:
            raise UsageError(
                f"decision '{act_id}' not found", hint="see the case's history", code="NOT_FOUND"
            )
        case = Case.objects.select_related("item").filter(pk=done.subject).first()
        is_comment = done.verb == ActVerb.COMMENT
        why = why_comment_stays(done, at, by) if is_comment else why_not(done, case, at)
        if why or case is None:
            raise ConflictError(
                f"'{done.verb}' by {done.by} can't be taken back: {why}",
                expected=f"a decision of the last {duration_text(UNDO_WITHIN)} that nothing has followed",
                hint="decide anew about the case as it is",
                where=f"case {done.subject}",
                code="UNDO",
            )
        data = {"undoes": done.pk, "verb": done.verb}
        act = Act(
            pk=uuid7(at), at=at, by=by, subject_kind="case", subject=case.pk, verb=ActVerb.UNDO, note=note
        )
        act.data = data
        record_act(act)
        apply_undo(act, case)
        if not is_comment:
            announce_decision(act, case.process)
        return act


def why_not(done: Act, case: Case | None, at: datetime) -> str:
    """What stands against taking a decision back; empty where nothing does. For a button as for the act itself."""
    was = done.data.get("was")
    if case is None or was is None:
        return "this kind of act is final"
    if at - done.at > UNDO_WITHIN:
        return f"it is older than {duration_text(UNDO_WITHIN)}"
    if case.version != was["version"] + 1:
        return "the case has moved since"
    if done.verb == ActVerb.RETRY:
        return _retry_began(done, case, was)
    if case.item is not None and done.verb in {ActVerb.DONE, ActVerb.REJECT}:
        return _followers_began(case.item, done.at)
    return ""


def why_comment_stays(comment: Act, at: datetime, by: str) -> str:
    """What stands against taking a comment back, of a case or a problem; empty where nothing does."""
    if comment.data.get("undoes"):
        return "this kind of act is final"
    if comment.by != by:
        return "only who wrote a comment takes it back"
    if at - comment.at > UNDO_WITHIN:
        return f"it is older than {duration_text(UNDO_WITHIN)}"
    again = Act.objects.filter(
        subject_kind=comment.subject_kind, subject=comment.subject, data__undoes=comment.pk
    )
    return "it has been taken back already" if again.exists() else ""


def apply_undo(act: Act, case: Case) -> None:
    """Bring back what was, live and in a rebuild. Raises ConflictError where the decision is not the last one."""
    done = Act.objects.filter(pk=act.data["undoes"]).first()
    if done is not None and done.verb == ActVerb.COMMENT:
        return  # it changed nothing
    was = done.data.get("was") if done else None
    before = before_of(case.pk)
    if done is None or was is None or before is None or before.version != was["version"] + 1:
        raise ConflictError("the case has moved since", where=f"case {case.pk}", code="UNDO")
    if case.item is not None and was["item"] and done.verb in {ActVerb.RETRY, ActVerb.DONE, ActVerb.REJECT}:
        _put_back(case.item, done, was["item"])
    values: dict[str, Any] = {
        "status": was["status"],
        "assignee": was["assignee"],
        "priority": was["priority"],
        "snoozed_until": from_iso(was["snoozed_until"]) if was["snoozed_until"] else None,
        "changed": act.at,
    }
    if case.decided == done.at:
        values["decided"] = None
    if was["status"] not in SETTLED:
        values |= {"resolved": None, "resolution": ""}
        open_again = Problem.objects.filter(pk=case.problem_id, status=ProblemStatus.RESOLVED)
        open_again.update(status=ProblemStatus.OPEN)
    change_case(before, **values)
    if done.verb == ActVerb.RETRY and done.data.get("run_row"):
        _take_out_run(done, case, act)


def _put_back(item: Item, done: Act, was: dict[str, Any]) -> None:
    values = {
        "status": was["status"],
        "valid": was["valid"],
        "group_key": was["group_key"],
        "error": was["error"],
    }
    if "before" in done.data:
        values["data"] = done.data["before"]
    if item.status == ItemStatus.DONE:
        values["finished"] = None
    Item.objects.filter(pk=item.pk).update(**values)


def _retry_began(done: Act, case: Case, was: dict[str, Any]) -> str:
    if case.item is not None:
        untouched = (
            case.item.status == ItemStatus.PENDING and case.item.attempts_made == was["item"]["attempts"]
        )
        return "" if untouched else "the new attempt has begun"
    asked = Run.objects.filter(pk=done.data.get("run")).values_list("status", flat=True).first()
    return "" if asked == RunStatus.QUEUED else "the run it asked for has begun"


def _followers_began(item: Item, since: datetime) -> str:
    """In strict order the next item of the group may have gone on because this one was settled."""
    if not item.group_key:
        return ""
    later = Attempt.objects.filter(
        item__queue_id=item.queue_id, item__group_key=item.group_key, item_id__gt=item.pk, started__gte=since
    )
    return "a later item of its group has been started" if later.exists() else ""


def _take_out_run(done: Act, case: Case, act: Act) -> None:
    waiting = Case.objects.filter(bot=case.bot, status=CaseStatus.RETRYING).exclude(pk=case.pk)
    if case.item is None or not waiting.filter(item__isnull=False).exists():
        queued = Run.objects.filter(pk=done.data["run"], status=RunStatus.QUEUED)
        queued.update(status=RunStatus.CANCELLED, finished=act.at, stop_asked_by=act.by)
