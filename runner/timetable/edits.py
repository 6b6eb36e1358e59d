"""Edits of schedules.yaml, shown before they are made: the new text, what changes in words, due times that come and go."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final

from runner.core.errors import ConflictError, UsageError
from runner.core.schedules_edit import REMOVE, edit_schedule
from runner.core.schedules_entries import (
    add_calendar,
    add_schedule,
    add_to_calendar,
    remove_from_calendar,
    remove_schedule,
)
from runner.core.schedules_model import TRIGGER_KEYS
from runner.core.schedules_values import BotFacts
from runner.core.yaml_text import parse_yaml
from runner.timetable.calendar_reading import RowsOf
from runner.timetable.differences import Difference, differences
from runner.timetable.due_times import Planned
from runner.timetable.loading import Timetable, load

_NEXT: Final = 5  # due times of a changed schedule that are shown
_MOST_LOST: Final = 200
_MOST_COMPARED: Final = 10_000  # due times of one schedule
_HORIZON: Final = timedelta(days=7)
_AROUND: Final = 80  # characters
NOON: Final = "12:00"  # when the work of a half day ends, where nothing else is said
_LISTS: Final = {"closed": "closed", "open": "open", "half": "half_days"}
_BOM: Final = "\ufeff"


@dataclass(frozen=True, slots=True)
class Edit:
    """One change: what it does to the file's text, and what it is about (a schedule's or a calendar's name)."""

    kind: str
    subject: str
    apply: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class EditPreview:
    """What an edit will do. `base` names the content that it was made from; `text` is the whole new one, `before` the old.

    `english` and `chinese` are the same sentences; `coming` has the next due times of each schedule that changes, `lost`
    and `gained` those that go and come as far as was looked (at most 200 each), as (schedule, due).
    """

    edit: Edit
    base: str
    text: str
    english: tuple[Difference, ...]
    chinese: tuple[Difference, ...]
    coming: Mapping[str, tuple[datetime, ...]]
    lost: tuple[tuple[str, datetime], ...]
    gained: tuple[tuple[str, datetime], ...]
    before: str = ""

    @property
    def made(self) -> str:
        """What names the new content: the `base` of whatever is previewed after this was written."""
        return _digest(self.text)


def set_keys(schedule: str, changes: Mapping[str, Any]) -> Edit:
    """Set keys of a schedule (``parameters.NAME``: one parameter); None takes a key out. A new trigger replaces the old."""
    wanted = {key: REMOVE if value is None else value for key, value in changes.items()}

    def apply(text: str) -> str:
        others: dict[str, Any] = {}
        if any(key in TRIGGER_KEYS and value is not REMOVE for key, value in wanted.items()):
            others = dict.fromkeys((key for key in (*TRIGGER_KEYS, "anchor") if key not in wanted), REMOVE)
        return edit_schedule(text, schedule, {**wanted, **others})

    return Edit("set", schedule, apply)


def switch(schedule: str, *, on: bool) -> Edit:
    """Switch a schedule on or off in the file."""
    return Edit(
        "switch", schedule, lambda text: edit_schedule(text, schedule, {"enabled": REMOVE if on else False})
    )


def add(entry: Mapping[str, Any]) -> Edit:
    """Add a schedule; `entry` has at least `id`, `bot` (or `recording`) and one trigger. Empty values are left out."""
    if not entry.get("id"):
        raise UsageError(
            "the id is missing", expected="a name for the schedule", where="id", code="SCHED_MISSING_KEY"
        )
    kept = {key: value for key, value in entry.items() if value not in (None, "", {}, [])}
    return Edit("add", str(entry["id"]), lambda text: add_schedule(text, kept))


def remove(schedule: str) -> Edit:
    """Take a schedule out."""
    return Edit("remove", schedule, lambda text: remove_schedule(text, schedule))


def new_calendar(name: str, entry: Mapping[str, Any]) -> Edit:
    """Add a calendar of one's own, as `{country: DE}` or an empty one."""
    return Edit("calendar", name, lambda text: add_calendar(text, name, entry))


def add_day(calendar: str, first: date, kind: str, *, last: date | None = None, until: str = NOON) -> Edit:
    """Add days to a calendar: `closed`, `open` (worked all the same) or `half` (work ends at `until`)."""
    if kind not in _LISTS:
        raise UsageError(
            f"'{kind}' is no kind of day", expected="closed, open or half", code="SCHED_CALENDAR"
        )
    key, day = _LISTS[kind], f"{first}" if last in (None, first) else f"{first}..{last}"
    end = until if kind == "half" else ""
    return Edit("day", calendar, lambda text: add_to_calendar(text, calendar, key, day, end))


def remove_day(calendar: str, written: str, kind: str) -> Edit:
    """Take days out of a calendar, as they are `written` there (``2026-12-24`` or ``2026-12-24..2026-12-31``)."""
    if kind not in _LISTS:
        raise UsageError(
            f"'{kind}' is no kind of day", expected="closed, open or half", code="SCHED_CALENDAR"
        )
    return Edit("day", calendar, lambda text: remove_from_calendar(text, calendar, _LISTS[kind], written))


def add_blackout(calendar: str, window: str) -> Edit:
    """Add a window in which nothing starts, as ``Sun 02:00-04:00`` or ``2026-12-31 18:00..2027-01-01 06:00``."""
    return Edit("blackout", calendar, lambda text: add_to_calendar(text, calendar, "blackouts", window))


def remove_blackout(calendar: str, window: str) -> Edit:
    """Take a blackout window out."""
    return Edit("blackout", calendar, lambda text: remove_from_calendar(text, calendar, "blackouts", window))


def replace_part(kind: str, subject: str, start: int, old: str, new: str) -> Edit:
    """Put `new` where `old` stands, from the character `start` on or at the one other place: the way back of an edit.

    Raises ConflictError (SCHED_MOVED) where something else stands there now.
    """

    def apply(text: str) -> str:
        at = start if text.startswith(old, start) else text.find(old)
        if at < 0 or (at != start and text.count(old) > 1):
            raise _moved_on("the part that was changed")
        return text[:at] + new + text[at + len(old) :]

    return Edit(kind, subject, apply)


def changed_part(before: str, after: str) -> tuple[int, str, str]:
    """Where two texts differ: from which character on, and what stands there in the one and in the other.

    Both parts begin and end with up to 80 characters that are the same, by which the place is known again.
    """
    start = 0
    most = min(len(before), len(after))
    while start < most and before[start] == after[start]:
        start += 1
    end = 0
    while end < most - start and before[len(before) - 1 - end] == after[len(after) - 1 - end]:
        end += 1
    start, end = max(start - _AROUND, 0), max(end - _AROUND, 0)
    return start, before[start : len(before) - end], after[start : len(after) - end]


def new_entry(bot: BotFacts, name: str, trigger: Mapping[str, Any]) -> dict[str, Any]:
    """The entry of a first schedule of a bot: its required parameters with their defaults, or empty, to be filled in."""
    parameters = {
        key: shape.get("default", "")
        for key, shape in bot.parameters.items()
        if key in bot.required or shape.get("default") is not None
    }
    return {"id": name, "bot": bot.name, **trigger, "parameters": parameters}


def preview(
    path: Path,
    edit: Edit,
    known_bots: Mapping[str, BotFacts] | None,
    now: datetime,
    rows_of: RowsOf | None = None,
    *,
    window: tuple[datetime, datetime] | None = None,
) -> EditPreview:
    """What `edit` would make of the file, which stays as it is.

    Due times that go and come are those of `window`, after its first and up to its second instant; of the next seven days
    where none is given. The sentences are always about these.

    Raises UsageError and ConflictError as the edits do, and ErrorReport with every error of the new file, placed in its
    new text, or of the old one where that is wrong already.
    """
    content = _read(path)
    old = content.removeprefix(_BOM)
    before = load(path, None, now, rows_of, text=old)
    new = edit.apply(old)
    after = load(path, known_bots, now, rows_of, text=new)
    lost, gained = _moved(before, after, window or (now, now + _HORIZON))
    english = tuple(differences(before, after, now, "en", _HORIZON))
    changed = dict.fromkeys(one.schedule for one in english)
    coming = {name: _coming(one, now) for name in changed if (one := after.of(name)) is not None}
    return EditPreview(
        edit,
        _digest(content),
        _BOM + new if content.startswith(_BOM) else new,
        english,
        tuple(differences(before, after, now, "zh", _HORIZON)),
        coming,
        lost,
        gained,
        content,
    )


def write(path: Path, shown: EditPreview) -> None:
    """Make the change of a preview: the old file or the new one, never between.

    Raises ConflictError (SCHED_MOVED) where the file is not the one that the preview was made from.
    """
    check_base(digest_of_file(path), shown.base, path.name)
    number, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    beside = Path(made)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(shown.text.encode())
            file.flush()
            os.fsync(file.fileno())
        beside.chmod(path.stat().st_mode & 0o777)
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def schedule_keys(path: Path, schedule: str) -> dict[str, Any]:
    """The keys of a schedule as the file has them, for a form. Raises UsageError (CLI_SCHEDULE) for an unknown one."""
    value = parse_yaml(_read(path).removeprefix(_BOM), path.name).value or {}
    for entry in value.get("schedules") or ():
        if isinstance(entry, dict) and entry.get("id") == schedule:
            return entry
    raise UsageError(f"unknown schedule '{schedule}'", hint="see: runner schedules list", code="CLI_SCHEDULE")


def _moved(
    before: Timetable, after: Timetable, window: tuple[datetime, datetime]
) -> tuple[tuple[tuple[str, datetime], ...], tuple[tuple[str, datetime], ...]]:
    names = dict.fromkeys(
        [*(one.schedule.id for one in before.planned), *(one.schedule.id for one in after.planned)]
    )
    lost: list[tuple[str, datetime]] = []
    gained: list[tuple[str, datetime]] = []
    for name in names:
        was, will = before.of(name), after.of(name)
        if was is not None and will is not None and _same_times(was, will):
            continue
        old, new = (_dues(one, window) if one is not None else [] for one in (was, will))
        kept = set(old) & set(new)
        lost += [(name, due) for due in old if due not in kept][:_MOST_LOST]
        gained += [(name, due) for due in new if due not in kept][:_MOST_LOST]
    return tuple(lost[:_MOST_LOST]), tuple(gained[:_MOST_LOST])


def _same_times(one: Planned, other: Planned) -> bool:
    same = one.schedule.enabled == other.schedule.enabled and one.schedule.shift == other.schedule.shift
    return same and one.trigger == other.trigger and one.days == other.days


def _dues(one: Planned, window: tuple[datetime, datetime]) -> list[datetime]:
    if not one.schedule.enabled:
        return []
    runs = (at.due for at in one.due_times(*window) if at.skip is None)
    return list(islice(runs, _MOST_COMPARED))


def _coming(one: Planned, now: datetime) -> tuple[datetime, ...]:
    found: list[datetime] = []
    after = now
    while one.schedule.enabled and len(found) < _NEXT and (due := one.next_run(after)) is not None:
        found.append(due.due)
        after = due.due
    return tuple(found)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConflictError(f"can't be read: {error}", where=path.name, code="SCHED_FILE") from error


def _moved_on(what: str) -> ConflictError:
    return ConflictError(
        f"{what} has changed since this was shown",
        expected="the file as it was",
        hint="look at the change again, then apply it",
        where="schedules.yaml",
        code="SCHED_MOVED",
    )


def digest_of_file(path: Path) -> str:
    """What names the content of the file as it is: the `base` of a preview made now. Raises ConflictError (SCHED_FILE)."""
    return _digest(_read(path))


def check_base(found: str, wanted: str, name: str = "schedules.yaml") -> None:
    """Go on only where the content `found` is the one that was looked at. Raises ConflictError (SCHED_MOVED)."""
    if found != wanted:
        raise _moved_on(name)


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()
