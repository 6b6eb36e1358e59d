"""The timetable that is in force with what follows from it, read again only when schedules.yaml or a calendar has changed."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from runner.cases.outlook import Outlook
from runner.cases.schedule_acts import standings
from runner.core.clock import now
from runner.core.errors import ErrorReport, RunnerError
from runner.core.settings import Settings
from runner.desk.outside import place
from runner.sheets.plain_rows import first_sheet
from runner.timetable.due_times import Planned
from runner.timetable.loading import Timetable, load
from runner.timetable.watched import WatchedTimetable

MOST: Final = 200  # schedules whose next due time is worked out for one page
_reading: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Plan:
    """What the desk shows of schedules. `errors`: the file as it is now can't be used, and this is the version before.

    Both are None while no version could be read at all. They are shared: don't change them.
    """

    timetable: Timetable | None
    outlook: Outlook | None
    errors: tuple[RunnerError, ...] = ()


@dataclass(slots=True)
class _Kept:
    watched: WatchedTimetable
    outlook: Outlook | None = None
    others: dict[int, Outlook] = field(default_factory=dict)  # by how many places there would be


_known: Final[dict[Path, _Kept]] = {}


def plan() -> Plan:
    """The project's timetable, and its outlook, which is kept as long as the timetable is the same."""
    settings = place().settings
    with _reading:
        kept = _known.get(settings.schedules)
        if kept is None:
            _known.clear()
            kept = _known[settings.schedules] = _Kept(WatchedTimetable(settings.schedules, first_sheet))
        found = kept.watched.look(now()) or _of_the_scheduler(settings, kept)
        if found is None:
            return Plan(None, None, kept.watched.errors)
        if kept.outlook is None or kept.outlook.timetable is not found:
            kept.outlook = Outlook(found, settings.slots)
            kept.others.clear()
        return Plan(found, kept.outlook, kept.watched.errors)


def outlook_with(slots: int) -> Outlook | None:
    """How things would go if so many runs could go on at once, from 1 to 64; None where there is no timetable."""
    found, settings = plan(), place().settings
    if found.timetable is None or slots == settings.slots:
        return found.outlook
    with _reading:
        others = _known[settings.schedules].others
        if slots not in others:
            for old in list(others)[: len(others) - 3]:
                del others[old]
            others[slots] = Outlook(found.timetable, slots)
        return others[slots]


def _of_the_scheduler(settings: Settings, kept: _Kept) -> Timetable | None:
    """What the scheduler still goes by, for a desk that was started while the file was broken."""
    if kept.outlook is not None:
        return kept.outlook.timetable
    with contextlib.suppress(OSError, UnicodeDecodeError, ErrorReport):
        text = settings.schedules_in_force.read_text("utf-8-sig")
        return load(settings.schedules, None, now(), first_sheet, text)
    return None


def timetable() -> Timetable | None:
    """The project's timetable, the last good one while the file is broken; None where there is none."""
    return plan().timetable


def in_force(bots: Collection[str] | None = None) -> list[Planned]:
    """The schedules that run now (of these bots; None: of all): switched on, and not paused. One query."""
    found = timetable()
    chosen = [
        one
        for one in (found.planned if found else ())
        if one.schedule.enabled and (bots is None or (one.schedule.bot or one.schedule.recording) in bots)
    ][:MOST]
    at = now()
    standing = standings([one.schedule.id for one in chosen]) if chosen else {}
    known = (standing.get(one.schedule.id) for one in chosen)
    return [
        one for one, how in zip(chosen, known, strict=True) if how is None or how.pause_at(at, at) is None
    ]


def next_due(bots: Collection[str]) -> dict[str, tuple[datetime, str]]:
    """When each of these bots runs next, and by which schedule."""
    at = now()
    outlook = plan().outlook
    found: dict[str, tuple[datetime, str]] = {}
    for one in in_force(bots):
        coming = outlook.next_of(one, at) if outlook is not None else None
        bot = one.schedule.bot or one.schedule.recording or ""
        if coming is not None and (bot not in found or coming.due < found[bot][0]):
            found[bot] = (coming.due, one.schedule.id)
    return found
