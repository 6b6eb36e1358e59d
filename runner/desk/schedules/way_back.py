"""An edit of schedules.yaml taken back, by a person or a program: who may, and by which edit."""

from __future__ import annotations

from django.http import Http404

from runner.cases.schedule_acts import SCHEDULE, ScheduleVerb
from runner.cases.schedule_edits import undo_edit
from runner.core.errors import ConfigurationError, ConflictError, ErrorReport
from runner.core.yaml_text import parse_yaml
from runner.desk.asking import Access
from runner.desk.outside import place
from runner.desk.schedules.entry_form import plain_keys
from runner.desk.schedules.seen import process_of_schedule, processes_of
from runner.store.models import Act
from runner.timetable.edits import Edit


def edit_back(access: Access, act_id: str) -> tuple[Act, Edit]:
    """An edit that was made, and the one that takes it back.

    Who does may edit the schedule in the process of the bot that it starts now, and of the one that it will start again.
    Raises Http404 where there is no such edit or they may not even see that, NotAllowed where they may no more.
    """
    act = Act.objects.filter(pk=act_id, verb=ScheduleVerb.EDIT).first()
    if act is None:
        raise Http404(act_id)
    back = undo_edit(act.pk)
    if act.subject_kind != SCHEDULE:
        access.require("calendars.edit")
        return act, back
    for process in sorted({process_of_schedule(act.subject) or "", *_processes_then(back)}):
        if not (access.may("schedules.see", process) or access.may("schedules.edit", process)):
            raise Http404(act_id)
        access.require("schedules.edit", process)
    return act, back


def _processes_then(back: Edit) -> list[str]:
    """The process of the bot that the schedule will start; none where it will not be there, or can't be taken back."""
    path = place().settings.schedules
    try:
        found = parse_yaml(back.apply(path.read_text("utf-8-sig")), path.name).value
    except (OSError, ConfigurationError, ConflictError, ErrorReport):
        return []
    entries = found.get("schedules") or [] if isinstance(found, dict) else []
    keys = [
        plain_keys(one) for one in entries if isinstance(one, dict) and str(one.get("id")) == back.subject
    ]
    bots = [str(one.get("bot") or one.get("recording") or "") for one in keys]
    known = processes_of(bots)
    return [known.get(bot, "") for bot in bots]
