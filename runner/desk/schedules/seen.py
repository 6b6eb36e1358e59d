"""A schedule as its reader sees it: its rule in their language and time zone, its process, and what it may be late by."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from django.http import Http404
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from runner.cases.outlook import Outlook
from runner.cases.schedule_acts import SCHEDULE
from runner.desk import times
from runner.desk.asking import Access
from runner.desk.planned import plan
from runner.store.models import Act, Bot, Occurrence
from runner.timetable.calendar_days import WorkCalendar, official_names
from runner.timetable.deadlines import Foresight
from runner.timetable.describe import describe_planned
from runner.timetable.due_times import Planned

_UTC: Final = ZoneInfo("UTC")


def language() -> str:
    """The language of the page as the timetable names it: ``en`` or ``zh``."""
    return "zh" if (get_language() or "").startswith("zh") else "en"


def reader_zone() -> ZoneInfo:
    """The time zone in which the page tells times."""
    found = timezone.get_current_timezone()
    return found if isinstance(found, ZoneInfo) else _UTC


def rule_of(one: Planned) -> str:
    """When it is due, in plain words; times in another zone than the reader's name theirs."""
    return describe_planned(one, reader_zone(), language())


def bot_of(one: Planned) -> str:
    """The bot that it runs: a script, or a recording under its name."""
    return one.schedule.bot or one.schedule.recording or ""


def outlook() -> Outlook:
    """The outlook of the timetable in force. Raises Http404 while there is none."""
    found = plan().outlook
    if found is None:
        raise Http404("no timetable")
    return found


def planned_of(name: str) -> Planned:
    """The schedule of that id. Raises Http404 where the timetable has none."""
    found = plan().timetable
    one = found.of(name) if found is not None else None
    if one is None:
        raise Http404(name)
    return one


def processes_of(bots: Iterable[str]) -> dict[str, str]:
    """The process of each of these bots; one that was never described has none. One query."""
    return dict(Bot.objects.filter(pk__in=set(bots)).values_list("name", "process"))


def process_of_schedule(name: str, **_parts: object) -> str | None:
    """The process that a schedule belongs to, by its bot; None where there is and was no such schedule."""
    found = plan().timetable
    one = found.of(name) if found is not None else None
    if one is not None:
        return processes_of([bot_of(one)]).get(bot_of(one), "")
    was = Occurrence.objects.filter(schedule=name).exists()
    return "" if was or Act.objects.filter(subject_kind=SCHEDULE, subject=name).exists() else None


def allowed(access: Access, permission: str) -> list[Planned]:
    """The schedules of the processes in which they may, in the order of the file. One query."""
    found = plan().timetable
    planned = found.planned if found is not None else ()
    processes = processes_of(bot_of(one) for one in planned)
    return [one for one in planned if access.may(permission, processes.get(bot_of(one), ""))]


def late_words(late: Foresight | None) -> str:
    """What its history says of a run that will not be finished in time; empty where it will."""
    if late is None:
        return ""
    values = {"deadline": times.moment(late.deadline), "expected": times.moment(late.expected)}
    if late.surely:
        return (
            _("will probably be late: must be finished by %(deadline)s, half of the runs end by %(expected)s")
            % values
        )
    return _("may be late: must be finished by %(deadline)s, nine of ten runs end by %(expected)s") % values


def holiday_name(calendar: WorkCalendar, day: date, english: str) -> str:
    """The name of an official day off in the reader's language, otherwise as the country itself calls it."""
    if language() != "zh" or calendar.country is None:
        return english
    return official_names(calendar.country, calendar.subdivision, day.year, "zh_CN").get(day, english)
