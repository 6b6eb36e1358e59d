"""Edits of schedules.yaml taken back by programs, whether of a schedule or of a calendar."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.utils.translation import gettext_noop as _

from runner.cases.schedule_acts import SCHEDULE, ScheduleVerb
from runner.cases.schedule_edits import undo_edit
from runner.desk.api import schedule_shapes
from runner.desk.api.file_edits import Asked, FileEdit, edited
from runner.desk.api.operations import operation
from runner.desk.api.wrong_input import Text
from runner.desk.asking import DeskRequest
from runner.desk.schedules.seen import process_of_schedule
from runner.store.models import Act


@operation(
    "POST", "edits/{act_id}/undo", "schedules.edit", "calendars.edit", summary=_("Take an edit of schedules.yaml back"),
    gives=schedule_shapes.Edited, refuses=(409,),
)  # fmt: skip
def undo_file_edit(request: DeskRequest, act_id: Text, wanted: FileEdit) -> HttpResponse:
    """By the `act` of its answer, whoever made it and wherever.

    What stood there before stands there again. Send it with `preview` first, then with the `base` of the answer. 409 SCHED_MOVED
    where what was written then does not stand in the file any more.
    """
    act = _their_edit(request, act_id)
    return edited(request, wanted, lambda _at: Asked(undo_edit(act.pk), "act_id"))


def _their_edit(request: DeskRequest, act_id: str) -> Act:
    """Raises Http404 where there is no such edit or its schedule is not theirs to see, NotAllowed where no more than that."""
    act = Act.objects.filter(pk=act_id, verb=ScheduleVerb.EDIT).first()
    if act is None:
        raise Http404
    if act.subject_kind == SCHEDULE:
        process, access = process_of_schedule(act.subject) or "", request.access
        if not (access.may("schedules.see", process) or access.may("schedules.edit", process)):
            raise Http404
        access.require("schedules.edit", process)
    else:
        request.access.require("calendars.edit")
    return act
