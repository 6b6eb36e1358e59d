"""Why a due time ended as it did, and what a run waits for, in the reader's words: the ledger keeps the reasons in English."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runner.core.clock import now
from runner.desk import times
from runner.desk.errors.telling import language_now
from runner.desk.planned import plan
from runner.desk.words import Word, word
from runner.timetable.calendar_days import WorkCalendar

_TIME: Final = r"\d{4}-\d\d-\d\d \d\d:\d\d"
# The texts are those of timetable/policies.py, due_times.py, simulation.py, engine/ and cases/schedule_acts.py. The first
# one that fits is taken; a reason that none of them fits is shown as it stands.
_SENTENCES: Final[tuple[tuple[str, Word], ...]] = (
    (r"on time", gettext_lazy("on time")),
    (r"late, within its grace", gettext_lazy("late, but within the time that is allowed")),
    (r"missed, caught up", gettext_lazy("missed, and caught up")),
    (rf"coalesced into (?P<time>{_TIME})Z", gettext_lazy("the due time of %(time)s stands for it")),
    (r"not started in time, and missed: skip", gettext_lazy("not started in time; the schedule says to skip what was missed")),
    (r"more than (?P<n>\d+) were missed", gettext_lazy("more than %(n)s were missed: older ones are not caught up")),
    (r"calendar: half day, work ends at (?P<at>[\d:]+)", gettext_lazy("half day: work ends at %(at)s")),
    (r"calendar: weekend \((?P<calendar>.+)\)", gettext_lazy("weekend (%(calendar)s)")),
    (r"calendar: closed \((?P<calendar>.+)\)", gettext_lazy("closed (%(calendar)s)")),
    (r"calendar: (?P<why>.+)", gettext_lazy("day off: %(why)s")),
    (r"blackout: (?P<why>.+)", gettext_lazy("nothing may start then: %(why)s")),
    (r"paused: enabled: no in schedules\.yaml", gettext_lazy("switched off in the file")),
    (r"paused: by (?P<who>[^:]+): (?P<note>.*)", gettext_lazy("paused by %(who)s: %(note)s")),
    (r"overlap: the (?:last run had not ended|run before it has not ended)", gettext_lazy("the run before it had not ended")),
    (r"file (?P<file>.+) arrived", gettext_lazy("the file %(file)s arrived")),
    (r"(?P<n>\d+) items are pending in (?P<queue>\S+)", gettext_lazy("%(n)s items waited in %(queue)s")),
    (rf"the oldest item of (?P<queue>\S+) waits since (?P<time>{_TIME})Z", gettext_lazy("the oldest item of %(queue)s had waited since %(time)s")),
    (rf"(?P<n>\d+) items are pending in (?P<queue>\S+) and the oldest item of \S+ waits since (?P<time>{_TIME})Z",
     gettext_lazy("%(n)s items waited in %(queue)s, the oldest since %(time)s")),
    (r"run \S+ of (?P<schedule>\S+) ended: (?P<status>\w+)", gettext_lazy("the run of %(schedule)s ended: %(status)s")),
)  # fmt: skip
_DEEDS: Final[tuple[tuple[str, Word, Word], ...]] = (
    ("cancelled", gettext_lazy("cancelled by %(who)s"), gettext_lazy("cancelled by %(who)s: %(note)s")),
    ("started from outside", gettext_lazy("started from outside by %(who)s"), gettext_lazy("started from outside by %(who)s: %(note)s")),
    ("backfilled", gettext_lazy("run later by %(who)s"), gettext_lazy("run later by %(who)s: %(note)s")),
    ("started", gettext_lazy("started by %(who)s"), gettext_lazy("started by %(who)s: %(note)s")),
    ("left", gettext_lazy("left by %(who)s"), gettext_lazy("left by %(who)s: %(note)s")),
)  # fmt: skip
_HOLIDAY: Final = re.compile(r"calendar: (?P<name>.+) \((?P<calendar>[^()]+)\)")
_COMPILED: Final = tuple((re.compile(pattern), said) for pattern, said in _SENTENCES)
_WAS: Final = re.compile(r"(?P<deed>.*?), was (?P<state>[a-z]+): (?P<before>.*)", re.DOTALL)


def told(reason: str, calendars: Mapping[str, WorkCalendar] | None = None) -> str:
    """A reason in the reader's language; what people wrote in it stays as it is.

    The names of holidays are those of `calendars`, without them of the calendars that the desk knows.
    """
    left = reason.split("; left by ", 1)
    if len(left) == 2:
        return "; ".join(part for part in (told(left[0], calendars), _deed(f"left by {left[1]}")) if part)
    was = _WAS.fullmatch(reason)
    if was is not None:
        words = {"state": word("occurrence", was["state"]), "reason": told(was["before"], calendars)}
        before = _("before that: %(state)s, %(reason)s") % words
        return f"{told(was['deed'], calendars)} ({before})"
    for pattern, said in _COMPILED:
        found = pattern.fullmatch(reason)
        if found is not None:
            return str(said) % _values(found, calendars)
    return _deed(reason)


def waits_for(names: Sequence[str]) -> str:
    """What a predicted run waits for, in words."""
    known = {"a free slot": _("a free place"), "the run before it": _("the run before it")}
    return _(", ").join(known.get(name) or _waited_for(name) for name in names)


def _waited_for(name: str) -> str:
    bot = name.removeprefix("a free place of bot ")
    if bot != name:
        return _("a free place of the bot %(bot)s") % {"bot": bot}
    return _("%(name)s, which one run holds at a time") % {"name": name.removeprefix("group ")}


def _deed(text: str) -> str:
    for verb, plain, noted in _DEEDS:
        found = re.fullmatch(rf"{verb} by (?P<who>[^:]+)(?:: (?P<note>.*))?", text, re.DOTALL)
        if found is not None:
            return str(noted if found["note"] else plain) % found.groupdict()
    return text


def _values(found: re.Match[str], calendars: Mapping[str, WorkCalendar] | None) -> dict[str, Any]:
    values: dict[str, Any] = found.groupdict()
    holiday = _HOLIDAY.fullmatch(found[0])
    if holiday is not None:
        values["why"] = f"{_named(holiday['name'], holiday['calendar'], calendars)} ({holiday['calendar']})"
    if "time" in values:
        at = datetime.strptime(values["time"], "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
        values["time"] = times.moment(at)
    if "status" in values:
        values["status"] = word("run", values["status"])
    return values


def _named(holiday: str, calendar: str, calendars: Mapping[str, WorkCalendar] | None) -> str:
    """A holiday's name in the reader's language; the ledger has it in English."""
    if not language_now().startswith("zh"):
        return holiday
    found = _known(calendar) if calendars is None else calendars.get(calendar)
    this = now().year
    return found.named(holiday, (this, this - 1, this + 1), "zh_CN") if found else holiday


def _known(calendar: str) -> WorkCalendar | None:
    timetable = plan().timetable if hasattr(settings, "RUNNER_PLACE") else None
    return timetable.calendars.get(calendar) if timetable else None
