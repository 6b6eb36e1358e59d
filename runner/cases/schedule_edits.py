"""A change of schedules.yaml that somebody made here: the file is written and who did it is recorded, or neither."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from django.db import transaction

from runner.cases.audit import record_act
from runner.cases.schedule_acts import SCHEDULE, ScheduleVerb
from runner.core.ids import uuid7
from runner.store.models import Act
from runner.timetable.edits import EditPreview, write

CALENDAR = "calendar"


def apply_edit(path: Path, shown: EditPreview, *, by: str, at: datetime, note: str = "") -> str:
    """Write the change that was shown; gives the id of the act. Writers of this store wait for each other.

    The scheduler reads the file within seconds. Raises ConflictError (SCHED_MOVED) where it has changed since, by whomever.
    """
    edit = shown.edit
    kind = CALENDAR if edit.kind in {"calendar", "day", "blackout"} else SCHEDULE
    act = Act(pk=uuid7(at), at=at, by=by, subject_kind=kind, subject=edit.subject, verb=ScheduleVerb.EDIT)
    act.note = note.strip()
    act.data = {"kind": edit.kind, "changes": [one.text for one in shown.english], "base": shown.base}
    with transaction.atomic():
        record_act(act)
        write(path, shown)
    return act.pk
