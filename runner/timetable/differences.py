"""What a change of schedules.yaml will do, in words: "post-orders: every day at 09:00 → at 08:30, first on …"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from runner.core.clock import duration_text
from runner.timetable.describe import describe_planned
from runner.timetable.due_times import Planned
from runner.timetable.loading import Timetable

_MOST_SHOWN: Final = 500
_TIME_FIELDS: Final = frozenset(
    {"cron", "every", "anchor", "at", "workday", "file", "queue", "after", "timezone", "calendars", "shift"}
)

_PHRASES: Final[dict[str, dict[str, str]]] = {
    "en": {
        "new": "{id}: new, {when}", "gone": "{id}: removed, {when} no longer runs", "first": ", first on {first}",
        "never": ", with no due time in the next ten years", "times": "{id}: {old} → {new}",
        "lost": "{count} due times of the next {days} days disappear", "won": "{count} are new",
        "same": "the due times of the next {days} days stay the same", "field": "{id}: {field} {old} → {new}",
        "off": "{id}: switched off", "on": "{id}: switched on", "joint": "; ",
    },
    "zh": {
        "new": "{id}:新增,{when}", "gone": "{id}:已删除,不再{when}运行", "first": ",首次 {first}",
        "never": ",未来十年没有运行时间", "times": "{id}:{old} → {new}",
        "lost": "未来 {days} 天有 {count} 个运行时间消失", "won": "新增 {count} 个",
        "same": "未来 {days} 天的运行时间不变", "field": "{id}:{field} {old} → {new}",
        "off": "{id}:已停用", "on": "{id}:已启用", "joint": ";",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that changes: the schedule's id, the sentence, and how many due times go and come."""

    schedule: str
    text: str
    lost: int = 0
    gained: int = 0


def differences(
    old: Timetable,
    new: Timetable,
    now: datetime,
    language: str = "en",
    horizon: timedelta = timedelta(days=7),
) -> list[Difference]:
    """Return what changes from `old` to `new`, in the order of the new file, removed schedules last.

    Due times are compared from `now` on as far as `horizon`, at most 500 of a schedule. Parameters are shown by name with
    their values; secrets are references there and never values.
    """
    teller = _Teller(now, language, horizon)
    before = {one.schedule.id: one for one in old.planned}
    after = {one.schedule.id: one for one in new.planned}
    found: list[Difference] = []
    for name, one in after.items():
        found.extend(teller.changed(before[name], one) if name in before else [teller.added(one)])
    found.extend(teller.removed(one) for name, one in before.items() if name not in after)
    return found


class _Teller:
    """Tells changes in one language, seen from one moment."""

    def __init__(self, now: datetime, language: str, horizon: timedelta) -> None:
        self.now = now
        self.horizon = horizon
        self.language = "zh" if language.lower().startswith("zh") else "en"
        self.phrases = _PHRASES[self.language]

    def added(self, one: Planned) -> Difference:
        """Tell a new schedule."""
        text = self._say("new", id=one.schedule.id, when=self._when(one)) + self._first(one)
        return Difference(one.schedule.id, text, gained=len(self._due(one)))

    def removed(self, one: Planned) -> Difference:
        """Tell a schedule that is gone."""
        text = self._say("gone", id=one.schedule.id, when=self._when(one))
        return Difference(one.schedule.id, text, lost=len(self._due(one)))

    def changed(self, old: Planned, new: Planned) -> list[Difference]:
        """Tell what changes in one schedule, the times first."""
        if old == new:  # most of them, in most edits: no due time has to be looked for
            return []
        name = new.schedule.id
        was, now_is = old.schedule.model_dump(), new.schedule.model_dump()
        fields = [key for key in now_is if was[key] != now_is[key] and key not in {"id", "enabled"}]
        found: list[Difference] = []
        if old.schedule.enabled != new.schedule.enabled:
            found.append(Difference(name, self._say("on" if new.schedule.enabled else "off", id=name)))
        due_before, due_after = self._due(old), self._due(new)
        if _TIME_FIELDS.intersection(fields) or due_before != due_after:
            found.append(self._times(old, new, due_before, due_after))
        for field in (field for field in fields if field not in _TIME_FIELDS):
            found.extend(self._field(name, field, was[field], now_is[field]))
        return found

    def _times(self, old: Planned, new: Planned, before: set[datetime], after: set[datetime]) -> Difference:
        lost, gained = len(before - after), len(after - before)
        told = self._say("times", id=new.schedule.id, old=self._when(old), new=self._when(new)) + self._first(
            new
        )
        days = self.horizon.days
        parts = [self._say("lost", count=lost, days=days)] if lost else []
        parts += [self._say("won", count=gained)] if gained else []
        counts = self.phrases["joint"].join([told, ", ".join(parts) or self._say("same", days=days)])
        return Difference(new.schedule.id, counts, lost, gained)

    def _field(self, name: str, field: str, old: Any, new: Any) -> list[Difference]:
        if not (isinstance(old, dict) and isinstance(new, dict)):
            return [
                Difference(name, self._say("field", id=name, field=field, old=_short(old), new=_short(new)))
            ]
        keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
        return [
            Difference(
                name,
                self._say(
                    "field",
                    id=name,
                    field=f"{field}.{key}",
                    old=_short(old.get(key)),
                    new=_short(new.get(key)),
                ),
            )
            for key in keys
        ]

    def _due(self, one: Planned) -> set[datetime]:
        """Return the due times that will run, at most 500 of them."""
        if not one.schedule.enabled:
            return set()
        found: set[datetime] = set()
        for at in one.due_times(self.now, self.now + self.horizon):
            if at.skip is None:
                found.add(at.due)
            if len(found) == _MOST_SHOWN:
                break
        return found

    def _when(self, one: Planned) -> str:
        return describe_planned(one, one.zone, self.language)

    def _first(self, one: Planned) -> str:
        if not one.schedule.enabled:
            return ""
        first = one.next_run(self.now)
        if first is None:
            return self.phrases["never"]
        return self._say("first", first=f"{first.due.astimezone(one.zone):%Y-%m-%d %H:%M}")

    def _say(self, phrase: str, **values: object) -> str:
        return self.phrases[phrase].format(**values)


def _short(value: Any) -> str:
    """Show a plain value; None is a dash, and whatever is long stays a name of its kind."""
    if value is None or value in ((), {}, ""):
        return "–"
    if isinstance(value, timedelta):
        return duration_text(value)
    text = ", ".join(str(one) for one in value) if isinstance(value, tuple) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
