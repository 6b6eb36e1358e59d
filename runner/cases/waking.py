"""Cases that were put aside come back by themselves when their time has come; that too stands in their history."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from runner.cases.acts import apply_act
from runner.cases.audit import record_act
from runner.cases.openings import MACHINE
from runner.core.clock import iso
from runner.core.ids import uuid7
from runner.core.nouns import ActVerb, CaseStatus
from runner.store.models import Act, Case


def wake_due(at: datetime, most: int = 500) -> list[str]:
    """Bring back the cases whose snooze has ended by `at`, `most` at a time; gives their ids.

    Called by the scheduler's loop and by the desk before it shows a list; two callers at once wake each case once. The
    act is no journal's, so a rebuild keeps it as it keeps people's acts.
    """
    ended = Case.objects.filter(status=CaseStatus.WAITING, snoozed_until__lte=at).order_by("snoozed_until")
    return [pk for pk in ended.values_list("pk", flat=True)[:most] if _wake(pk, at)]


def _wake(case_id: str, at: datetime) -> bool:
    with transaction.atomic():
        waiting = Case.objects.select_for_update().filter(pk=case_id, status=CaseStatus.WAITING)
        case = waiting.filter(snoozed_until__lte=at).first()
        if case is None or case.snoozed_until is None:
            return False
        act = Act(pk=uuid7(at), at=at, by=MACHINE, subject_kind="case", subject=case_id, verb=ActVerb.WAKE)
        act.data = {"until": iso(case.snoozed_until)}
        record_act(act)
        apply_act(act)
        return True
