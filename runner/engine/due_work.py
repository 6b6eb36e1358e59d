"""The scheduler's work on the store: from where each schedule counts, what is due since then, what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from runner.cases.durations import durations
from runner.cases.schedule_acts import Standing, standings
from runner.core.nouns import OccurrenceState
from runner.core.schedules_model import Schedule
from runner.engine.happenings import Happenings
from runner.engine.occurrences import Wanted, record_all
from runner.journal.write import Journal
from runner.timetable.deadlines import foresee
from runner.timetable.due_times import DueTime, Planned, SkipKind
from runner.timetable.policies import Decision, decide_missed

_NO_STANDING: Final = Standing()
_MOST_TOLD: Final = 50  # due times at once that are told one by one


class DueWork:
    """Records what is due. It remembers nothing that the store does not hold."""

    def __init__(self, journal: Journal, say: Callable[[str], None]) -> None:
        self._journal = journal
        self._say = say

    def begin(self, planned: Sequence[Planned], at: datetime) -> None:
        """Let new schedules, and those whose rule has changed, count from `at` on; the others where they were."""
        from runner.store.models import Watermark

        rules = {one.schedule.id: rule_text(one.schedule) for one in planned}
        marks = dict(Watermark.objects.filter(pk__in=rules).values_list("pk", "rule"))
        fresh = [
            Watermark(pk=n, rule=rule, begun=at, since=at) for n, rule in rules.items() if n not in marks
        ]
        Watermark.objects.bulk_create(fresh, ignore_conflicts=True)
        for name, old in marks.items():
            if old != rules[name]:  # unless another scheduler has said so meanwhile
                Watermark.objects.filter(pk=name, rule=old).update(rule=rules[name], begun=at, since=at)

    def go_back_to(self, at: datetime) -> None:
        """The clock says `at` and somebody has confirmed it: what was recorded of a later time without a run is undone.

        So the schedules count from now on again, and not from where a clock that was ahead had left them.
        """
        from django.db import transaction

        from runner.store.models import Occurrence, Watermark

        without_run = (OccurrenceState.COALESCED, OccurrenceState.MISSED, OccurrenceState.SKIPPED)
        with transaction.atomic():
            ahead = Occurrence.objects.filter(due__gt=at, state__in=without_run, run=None, decided_by="")
            undone = ahead.delete()[0]
            moved = Watermark.objects.filter(since__gt=at).update(since=at)
            Watermark.objects.filter(begun__gt=at).update(begun=at)
        if undone or moved:
            self._say(
                f"{moved} schedules count from now on again; {undone} due times ahead of the clock are open again"
            )

    def record_due(self, planned: Sequence[Planned], at: datetime) -> None:
        """Record every due time of these schedules since their watermarks, up to `at`, by their policies."""
        from runner.store.models import Watermark

        marks = Watermark.objects.in_bulk([one.schedule.id for one in planned])
        stand = standings()
        wanted: list[Wanted] = []
        handled: list[str] = []
        for one in planned:
            mark = marks.get(one.schedule.id)
            if mark is None or mark.rule != rule_text(one.schedule):
                continue  # another scheduler has read a newer file: its rule counts, and is read here next
            standing = stand.get(one.schedule.id, _NO_STANDING)
            dues = [_set_aside(due, one, standing, at) for due in one.due_times(mark.since, at)]
            decided = decide_missed(dues, at, one.schedule)
            wanted += [Wanted(each, one, is_production=bool(standing.promoted_by)) for each in decided]
            handled.append(one.schedule.id)
        self._tell(record_all(wanted, at, self._journal), at)
        Watermark.objects.filter(pk__in=handled, since__lt=at).update(since=at)

    def record_happenings(self, happenings: Happenings, at: datetime) -> None:
        """Tidy away files of ended runs, then record what has happened since the last look."""
        from runner.store.models import Watermark

        for path in happenings.tidy_away(at):
            self._say(f"moved to {path}")
        begun = dict(Watermark.objects.filter(pk__in=happenings.chained).values_list("pk", "begun"))
        found = happenings.look(at, begun)
        if not found:
            return
        stand = standings()
        wanted = [
            one
            for each in found
            if (one := _allowed(each, stand.get(each.planned.schedule.id, _NO_STANDING), at)) is not None
        ]
        self._tell(record_all(wanted, at, self._journal), at)
        happenings.were_recorded(wanted)

    def _tell(self, recorded: Sequence[Wanted], at: datetime) -> None:
        for one in recorded[:_MOST_TOLD]:
            decision = one.decision
            local = decision.due.due.astimezone(one.planned.zone)
            what = "run queued" if decision.runs else decision.state
            self._say(f"{one.planned.schedule.id} due {local:%Y-%m-%d %H:%M:%S}: {what} ({decision.reason})")
        if len(recorded) > _MOST_TOLD:
            self._say(f"and {len(recorded) - _MOST_TOLD} more due times: see runner schedules history")
        for one in recorded:
            if one.decision.runs and one.planned.schedule.deadline is not None:
                p50, p90 = durations(one.planned.schedule.id)
                late = foresee(one.planned.schedule, one.decision.due.due, at, p50, p90)
                if late is not None:
                    self._say(f"{one.planned.schedule.id} {late.text}")


def rule_text(schedule: Schedule) -> str:
    """When a schedule is due, as text: where it differs from the recorded one, the schedule starts from now."""
    key = schedule.trigger_key
    days = f"calendars: {schedule.calendars} shift: {schedule.shift}"
    return f"{key}: {getattr(schedule, key)} anchor: {schedule.anchor} timezone: {schedule.timezone} {days}"


def _set_aside(due: DueTime, one: Planned, standing: Standing, at: datetime) -> DueTime:
    """Mark a due time that is not to run because somebody paused the schedule, or switched it off in the file."""
    if due.skip is not None:
        return due
    pause = standing.pause_at(due.due, at)
    if pause is not None:
        return replace(due, skip=SkipKind.PAUSED, reason=f"by {pause.by}: {pause.reason}", by=pause.by)
    if not one.schedule.enabled:
        return replace(due, skip=SkipKind.PAUSED, reason="enabled: no in schedules.yaml")
    return due


def _allowed(wanted: Wanted, standing: Standing, at: datetime) -> Wanted | None:
    """What becomes of an event while its schedule is paused: the end of another run passes, files and items wait."""
    wanted = replace(wanted, is_production=bool(standing.promoted_by))
    due = _set_aside(wanted.decision.due, wanted.planned, standing, at)
    if due.skip is None:
        return wanted
    if wanted.planned.schedule.after is None:
        return None
    reason = f"{due.skip}: {due.reason}"
    return replace(wanted, decision=Decision(due, OccurrenceState.SKIPPED, reason))
