"""Edits of schedules.yaml taken back by programs, whether of a schedule or of a calendar."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_noop as _

from runner.desk.api import schedule_shapes
from runner.desk.api.file_edits import Asked, FileEdit, edited
from runner.desk.api.operations import operation
from runner.desk.api.wrong_input import Text
from runner.desk.asking import DeskRequest
from runner.desk.schedules.way_back import edit_back


@operation(
    "POST", "edits/{act_id}/undo", "schedules.edit", "calendars.edit", summary=_("Take an edit of schedules.yaml back"),
    gives=schedule_shapes.Edited, refuses=(409,),
)  # fmt: skip
def undo_file_edit(request: DeskRequest, act_id: Text, wanted: FileEdit) -> HttpResponse:
    """By the `act` of its answer, whoever made it and wherever.

    What stood there before stands there again. Send it with `preview` first, then with the `base` of the answer. 409 SCHED_MOVED
    where what was written then does not stand in the file any more.
    """
    _act, back = edit_back(request.access, act_id)
    return edited(request, wanted, lambda _at: Asked(back, "act_id"))
