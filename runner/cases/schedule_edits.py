"""A change of schedules.yaml that somebody made here: the file is written and who did it is recorded, or neither."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from django.db import transaction

from runner.cases.audit import record_act
from runner.cases.schedule_acts import SCHEDULE, ScheduleVerb
from runner.core.errors import UsageError
from runner.core.ids import uuid7
from runner.store.models import Act
from runner.timetable.edits import Edit, EditPreview, changed_part, replace_part, write

CALENDAR = "calendar"
UNDONE = "undo"  # the kind of an edit that takes another one back
_BOM = "\ufeff"


def apply_edit(path: Path, shown: EditPreview, *, by: str, at: datetime, note: str = "") -> str:
    """Write the change that was shown; gives the id of the act. Writers of this store wait for each other.

    The scheduler reads the file within seconds. The act keeps what stood there before, for `undo_edit`.
    Raises ConflictError (SCHED_MOVED) where the file has changed since, by whomever.
    """
    edit = shown.edit
    kind = CALENDAR if edit.kind in {"calendar", "day", "blackout"} else SCHEDULE
    act = Act(pk=uuid7(at), at=at, by=by, subject_kind=kind, subject=edit.subject, verb=ScheduleVerb.EDIT)
    act.note = note.strip()
    start, old, new = changed_part(shown.before.removeprefix(_BOM), shown.text.removeprefix(_BOM))
    act.data = {
        "kind": edit.kind,
        "changes": [one.text for one in shown.english],
        "base": shown.base,
        "part": {"start": start, "old": old, "new": new},
    }
    with transaction.atomic():
        record_act(act)
        write(path, shown)
    return act.pk


def undo_edit(act_id: str) -> Edit:
    """The edit that takes another one back, to be shown and applied like any other.

    Its preview raises ConflictError (SCHED_MOVED) where the file does not have any more what was written then.
    Raises UsageError (NOT_FOUND) for an act that is no edit, or one that kept nothing to go back to.
    """
    act = Act.objects.filter(pk=act_id, verb=ScheduleVerb.EDIT).first()
    part = act.data.get("part") if act is not None else None
    if act is None or part is None:
        raise UsageError(
            f"edit '{act_id}' not found", hint="see the history of the schedule", code="NOT_FOUND"
        )
    kind = "day" if act.subject_kind == CALENDAR else UNDONE
    return replace_part(kind, act.subject, int(part["start"]), part["new"], part["old"])
