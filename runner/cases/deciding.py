"""Carries out one decision: checked against the case as it is, written down, sealed and applied in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from runner.cases.acts import CASE, answer_of, apply_act, state_of
from runner.cases.audit import record_act
from runner.cases.case_news import announce_decision
from runner.cases.case_rows import SETTLED
from runner.cases.mentions import note_mentions
from runner.cases.moves import decide
from runner.cases.queued import row_of
from runner.cases.tokens import acts_sent_as
from runner.core.clock import iso
from runner.core.errors import ConflictError, UsageError
from runner.core.ids import uuid7
from runner.core.nouns import ActVerb, CaseStatus, RunStatus
from runner.store.models import Act, Case, Run

MOVED: Final = "CONFLICT"  # the code of a refusal because the case is not as it was
UNDOABLE: Final = frozenset(
    {
        ActVerb.CLAIM,
        ActVerb.ASSIGN,
        ActVerb.UNASSIGN,
        ActVerb.SNOOZE,
        ActVerb.DONE,
        ActVerb.REJECT,
        ActVerb.RETRY,
        ActVerb.PRIORITY,
    }
)


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that has been written down. `run` is the run it asked for, or that was queued already, if any.

    `repeated`: the same decision had been acknowledged before, under the same token; it was not applied again.
    """

    act: str
    case: str
    status: str
    version: int
    run: str | None = None
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks for; `version` and `token` as in `decisions.decide`."""

    case: str
    verb: ActVerb
    by: str
    at: datetime
    note: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    version: int | None = None
    start_run: bool = False
    token: str = ""


def carry_out(asked: Asked) -> Decided:
    """Do it, or raise and leave everything as it was.

    Raises UsageError (NOT_FOUND), ConflictError: CONFLICT (it moved: by whom, when, what), STATE (not allowed), TOKEN
    (the token stands for another decision).
    """
    with transaction.atomic():
        known = acts_sent_as([asked.token]).first() if asked.token else None
        if known is not None:
            return _again(known, asked)
        case = Case.objects.select_related("item__queue", "run").filter(pk=asked.case).first()
        if case is None:
            raise not_found(asked.case)
        check_unmoved(case, asked.verb, asked.version)
        act = Act(pk=uuid7(asked.at), at=asked.at, by=asked.by, subject_kind=CASE, subject=case.pk)
        act.verb, act.note, act.data, act.token = asked.verb, asked.note, dict(asked.data), asked.token
        planned = decide(state_of(case), answer_of(act))
        if asked.verb in UNDOABLE:
            act.data["was"] = standing_of(case)
        if "after" in act.data and case.item is not None:
            act.data["before"] = case.item.data
        run = None
        if planned.case == CaseStatus.RETRYING and (asked.start_run or case.item is None):
            run = _ask_for_run(case, act)
        record_act(act)
        note_mentions(act)
        apply_act(act)
        announce_decision(act, case.process)
        status, version = Case.objects.values_list("status", "version").get(pk=case.pk)
        return Decided(act.pk, case.pk, status, version, run)


def standing_of(case: Case) -> dict[str, Any]:
    """The case and its item before an act, as JSON: what an undo brings back."""
    item = case.item
    return {
        "version": case.version,
        "status": case.status,
        "assignee": case.assignee,
        "priority": case.priority,
        "snoozed_until": iso(case.snoozed_until) if case.snoozed_until else None,
        "item": item
        and {
            "status": item.status,
            "valid": item.valid,
            "group_key": item.group_key,
            "error": item.error,
            "attempts": item.attempts_made,
        },
    }


def check_unmoved(
    case: Case, verb: ActVerb, version: int | None, last: Mapping[str, Act] | None = None
) -> None:
    """Refuse what was decided on another state of the case. Raises ConflictError that says who moved it and when.

    `last` is what `last_acts` gave for many cases.
    """
    moved = version is not None and version != case.version
    decided = case.status in {*SETTLED, CaseStatus.RETRYING} and verb != ActVerb.COMMENT
    if (
        decided
        and not moved
        and case.status == CaseStatus.RETRYING
        and verb in {ActVerb.DONE, ActVerb.REJECT}
    ):
        return
    if not (moved or decided):
        return
    raise ConflictError(
        f"{who_moved(case, last)}; it is {case.status} now, in version {case.version}",
        expected=f"version {version}" if moved else "a case that waits for a decision",
        hint="reload it and decide again",
        where=f"case {case.pk}",
        code=MOVED,
    )


def last_acts(cases: Sequence[str]) -> dict[str, Act]:
    """What was done last to each of these cases, without comments. A query for each five hundred of them."""
    found: dict[str, Act] = {}
    for start in range(0, len(cases), 500):
        acts = Act.objects.filter(subject_kind=CASE, subject__in=cases[start : start + 500])
        found |= {act.subject: act for act in acts.exclude(verb=ActVerb.COMMENT).order_by("at", "id")}
    return found


def who_moved(case: Case, known: Mapping[str, Act] | None = None) -> str:
    """Who did what to the case last, and when."""
    last = (known if known is not None and case.pk in known else last_acts([case.pk])).get(case.pk)
    if last is None:
        return "the case has moved meanwhile"
    did = "changed by" if last.machine or last.verb == ActVerb.WAKE else "already decided by"
    return f"{did} {last.by} at {iso(last.at)}: {last.verb}"


def not_found(case_id: str) -> UsageError:
    """The refusal of an id that is none."""
    return UsageError(f"case '{case_id}' not found", hint="see: runner cases list", code="NOT_FOUND")


def _again(known: Act, asked: Asked) -> Decided:
    """The answer that was given before. Raises ConflictError (TOKEN) where it was about something else."""
    if (known.subject, known.verb, known.by) != (asked.case, asked.verb, asked.by):
        raise ConflictError(
            f"the token '{asked.token}' stands for '{known.verb}' by {known.by} on case {known.subject}",
            expected="a new token for each decision",
            hint="reload the page",
            where=f"case {asked.case}",
            code="TOKEN",
        )
    status, version = Case.objects.values_list("status", "version").get(pk=known.subject)
    return Decided(known.pk, known.subject, status, version, known.data.get("run"), repeated=True)


def _ask_for_run(case: Case, act: Act) -> str | None:
    """Write into the act which run it asks for; the run's id follows from the act's."""
    if case.item is None and case.run is None:
        raise ConflictError(
            "no run belongs to it that could be started again",
            expected="done, reject or comment",
            hint="start what was missed with: runner schedules backfill SCHEDULE --from TIME --to TIME",
            where=f"case {case.pk}",
            code="STATE",
        )
    bot = case.item.queue.bot if case.item else case.bot
    waiting = Run.objects.filter(status=RunStatus.QUEUED, bot=bot).order_by("queued")
    queued = waiting.values_list("pk", flat=True).first()
    if queued is not None and case.item is not None:
        return queued
    run_id = uuid7(act.at, seed=act.pk)
    row = row_of(case.run, act.by) if case.run else {"bot": bot, "requested_by": act.by}
    act.data = {**act.data, "run": run_id, "run_row": {**row, "bot": bot or row["bot"]}}
    return run_id
