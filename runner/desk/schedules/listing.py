"""The list of schedules: which of them, in which order, and each with what a row shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast

from django.db.models import Count
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from runner.cases.outlook import Outlook
from runner.cases.schedule_lists import ScheduleFilter, ScheduleRow, matching, schedule_rows
from runner.core.nouns import OccurrenceState
from runner.core.schedules_model import TRIGGER_KEYS
from runner.desk import lists
from runner.desk.asking import DeskRequest
from runner.desk.schedules.seen import bot_of, late_words, processes_of, rule_of
from runner.desk.words import Word, word
from runner.store.models import Occurrence
from runner.timetable.deadlines import foresee, jitter_of
from runner.timetable.due_times import Planned

STATES: Final[dict[str, Word]] = {
    "on": _("on"),
    "off": _("off"),
    "paused": pgettext_lazy("schedule", "paused"),
    "pilot": pgettext_lazy("schedule", "pilot"),
    "missed": _("missed, nobody has answered"),
    "late": _("next run may be late"),
}
TRIGGERS: Final[dict[str, Word]] = {
    "cron": _("days and times"),
    "every": _("again and again"),
    "at": _("times of day, or dates"),
    "workday": _("a working day of the month"),
    "file": _("a file arrives"),
    "queue": _("items wait"),
    "after": _("after another schedule"),
    "manual": _("by hand only"),
}
_WORKED_OUT: Final = frozenset({"missed", "late"})  # states that the rows themselves tell
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Listed:
    """One row: what the logic knows (`row`), with its rule, lateness and process in the reader's words.

    `missed` counts its due times that were missed and that nobody has answered; `ends` is when its next run will
    probably end.
    """

    planned: Planned
    row: ScheduleRow
    rule: str
    process: str
    late: str
    missed: int
    ends: datetime | None

    @property
    def state(self) -> str:
        """``off``, ``paused`` or ``on``."""
        if not self.row.enabled:
            return "off"
        return "paused" if self.row.pause is not None else "on"


def _one_of(known: Sequence[str]) -> Callable[[Any, str], Any]:
    def apply(rows: Any, value: str) -> Any:
        if value not in known:
            raise ValueError(value)
        return rows

    return apply


def _as_it_is(rows: Any, value: str) -> Any:  # noqa: ARG001 (a filter of names, which `wanted_of` reads)
    return rows


def _state(one: Listed) -> str:
    return str(STATES[one.state])


LIST: Final = lists.ListOf(
    "schedules",
    (
        lists.Col("id", _("Schedule"), "id", "what", lambda one: one.row.id),
        lists.Col("rule", _("When"), "", lists.EXPORT_ONLY, lambda one: one.rule),
        lists.Col("description", _("Description"), "", lists.EXPORT_ONLY, lambda one: one.row.description),
        lists.Col("state", _("State"), "", "", _state),
        lists.Col("bot", _("Bot"), "bot", "opt", lambda one: bot_of(one.planned)),
        lists.Col("process", _("Process"), "", lists.EXPORT_ONLY, lambda one: one.process),
        lists.Col("last", _("Last"), "", "opt", lambda one: one.row.last and one.row.last.due),
        lists.Col("became", _("Became"), "", lists.EXPORT_ONLY, lambda one: one.row.last and word("occurrence", one.row.last.state)),
        lists.Col("next", _("Next due"), "next", "", lambda one: one.row.next and one.row.next.due),
        lists.Col("ends", _("Ends about"), "", lists.EXPORT_ONLY, lambda one: one.ends),
        lists.Col("late", _("Late"), "", lists.EXPORT_ONLY, lambda one: one.late),
        lists.Col("missed", _("Missed"), "", lists.EXPORT_ONLY, lambda one: one.missed),
        lists.Col("zone", _("Time zone"), "", lists.EXPORT_ONLY, lambda one: one.row.timezone),
        lists.Col("act", _("Act"), "", "act", None),
    ),
    (
        lists.Filter("q", _("Name, bot or description"), _as_it_is),
        lists.Filter("state", _("State"), _one_of(tuple(STATES)), STATES.items),
        lists.Filter("bot", _("Bot"), _as_it_is),
        lists.Filter("process", _("Process"), _as_it_is),
        lists.Filter("trigger", _("When"), _one_of(TRIGGER_KEYS), TRIGGERS.items),
    ),
    usual="id",
)  # fmt: skip


def found_rows(
    request: DeskRequest, outlook: Outlook, at: datetime
) -> tuple[list[Listed] | list[str], Sequence[lists.Chip]]:
    """The names of the schedules that the address asks for, in its order, and the chips of its filters.

    Rows in the place of names where only the rows can tell whether they are asked for.
    """
    _same, chips = lists.narrowed(request, LIST, cast("Any", ()))
    asked = {key: _first(request, key) for key in ("q", "state", "bot", "process", "trigger")}
    state = asked["state"] if asked["state"] in STATES else ""
    wanted = ScheduleFilter(asked["q"], asked["bot"], "" if state in _WORKED_OUT else state, asked["trigger"])
    order = lists.order_of(request, LIST)
    names = matching(outlook, wanted, at, f"{'-' if order.descending else ''}{order.field}")
    names = _seen(request, names, outlook, asked["process"])
    if state not in _WORKED_OUT:
        return names, chips
    rows = rows_of(outlook, names, at)
    return [one for one in rows if (one.missed if state == "missed" else one.late)], chips


def rows_of(outlook: Outlook, names: Sequence[str], at: datetime) -> list[Listed]:
    """The rows of these schedules, in their order. Six queries."""
    by_name = {one.schedule.id: one for one in outlook.timetable.planned}
    processes = processes_of(bot_of(by_name[name]) for name in names if name in by_name)
    missed = unanswered(names)
    return [
        _listed(by_name[row.id], row, processes.get(bot_of(by_name[row.id]), ""), missed.get(row.id, 0))
        for row in schedule_rows(outlook, names, at)
    ]


def unanswered(names: Sequence[str]) -> dict[str, int]:
    """How many due times of each of these schedules were missed and wait for an answer: all of them have a case. One query."""
    missed = Occurrence.objects.exclude(case="").filter(state=OccurrenceState.MISSED, decided_by="")
    missed = missed.filter(schedule__in=list(names))
    return dict(missed.order_by().values_list("schedule").annotate(n=Count("pk")))


def _listed(one: Planned, row: ScheduleRow, process: str, missed: int) -> Listed:
    late, ends = "", None
    if row.next is not None:
        p50, p90 = row.p50 or _MINUTE, row.p90 or _MINUTE
        start = row.next.due + jitter_of(one.schedule, row.next.due)
        late = late_words(foresee(one.schedule, row.next.due, start, p50, p90))
        ends = start + row.p50 if row.p50 else None
    return Listed(one, row, rule_of(one), process, late, missed, ends)


def _seen(request: DeskRequest, names: Sequence[str], outlook: Outlook, process: str) -> list[str]:
    bots = {one.schedule.id: bot_of(one) for one in outlook.timetable.planned}
    processes = processes_of(bots.values())
    found = []
    for name in names:
        its = processes.get(bots[name], "")
        if request.access.may("schedules.see", its) and process in {"", its}:
            found.append(name)
    return found


def _first(request: DeskRequest, key: str) -> str:
    return request.GET.get(key, "").strip()
