"""What no clock makes due: arrived files, items that wait, runs of other schedules that ended; and files tidied away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from runner.cases.run_retry import RETRIED, tries_left
from runner.core.nouns import ItemStatus, OccurrenceState, RunStatus
from runner.engine.arrivals import FileWatch, tidy
from runner.engine.occurrences import Wanted
from runner.timetable.due_times import DueTime, Planned
from runner.timetable.events import follows
from runner.timetable.policies import Cause, Decision

_ENDED: Final = tuple(status for status in RunStatus if status.is_final)
_LOOK_BACK: Final = timedelta(
    days=30
)  # as far as runs of others are looked for after a time without a scheduler


class Happenings:
    """Looks, for the schedules that wait for something, whether it has happened.

    What is found once is found again at the next look until it is recorded: the store says what has been recorded.
    """

    def __init__(self, project: Path, planned: tuple[Planned, ...], really: Callable[[], float]) -> None:
        waiting = [one for one in planned if not one.schedule.is_timed]
        self.files = [one for one in waiting if one.schedule.file is not None]
        self._queues = [one for one in waiting if one.schedule.queue is not None]
        self._chains = [one for one in waiting if one.schedule.after is not None]
        self._watches = {
            one.schedule.id: FileWatch(project, one.schedule.file, really)
            for one in self.files
            if one.schedule.file is not None
        }
        self._recorded: set[str] = set()

    @property
    def chained(self) -> list[str]:
        """The schedules that wait for another one."""
        return [one.schedule.id for one in self._chains]

    def look(self, at: datetime, begun: Mapping[str, datetime]) -> list[Wanted]:
        """What has happened and may not be recorded yet, by schedule; `begun` says since when each schedule counts."""
        found = [wanted for one in self.files for wanted in self._arrived(one, at)]
        found += [wanted for one in self._queues for wanted in self._waits(one, at)]
        for one in self._chains:
            found += self._followed(one, at, begun.get(one.schedule.id, at))
        return found

    def were_recorded(self, wanted: list[Wanted]) -> None:
        """Don't ask the store about these again."""
        self._recorded |= {one.key for one in wanted if one.key}

    def tidy_away(self, at: datetime) -> list[Path]:
        """Move the files of runs that have ended (no try left) to their archive, or to the rejected ones."""
        from runner.store.models import Run

        moved = []
        names = [one.schedule.id for one in self.files]
        ended = Run.objects.filter(schedule__in=names, status__in=_ENDED, finished__gte=at - _LOOK_BACK)
        for run in (
            ended.exclude(pk__in=self._recorded).only("pk", "status", "policy", "finished") if names else ()
        ):
            file = run.policy.get("file")
            if file and run.finished is not None and not _goes_on(run):
                is_done = run.status in {RunStatus.DONE, RunStatus.EXCEPTIONS}
                folder = file["archive"] if is_done else file["rejected"]
                path = tidy(Path(file["path"]), folder, at, ended=run.finished)
                moved += [path] if path is not None else []
            if not _goes_on(run):
                self._recorded.add(run.pk)
        return moved

    def _arrived(self, one: Planned, at: datetime) -> Iterator[Wanted]:
        from runner.store.models import Run

        file = one.schedule.file
        if file is None:
            return
        active = Run.objects.filter(schedule=one.schedule.id).exclude(status__in=_ENDED)
        busy = {policy.get("file", {}).get("path", "") for policy in active.values_list("policy", flat=True)}
        for arrival in self._watches[one.schedule.id].look(busy):
            if arrival.key in self._recorded:
                continue
            path = str(arrival.path)
            place = {"path": path, "archive": file.archive, "rejected": file.rejected}
            decision = _decision(at, f"file {arrival.path.name} arrived", Cause.CATCH_UP)
            yield Wanted(
                decision, one, arrival.key, arrival.stamp, more={file.parameter: path}, policy={"file": place}
            )

    def _waits(self, one: Planned, at: datetime) -> Iterator[Wanted]:
        from django.db.models import Count, Min, Q

        from runner.store.models import Item, Occurrence, Run

        waits, name = one.schedule.queue, one.schedule.id
        if waits is None:
            return
        pending = Item.objects.filter(Q(not_before=None) | Q(not_before__lte=at), queue=waits.name)
        facts = pending.filter(status=ItemStatus.PENDING).aggregate(count=Count("pk"), oldest=Min("put_at"))
        reasons = []
        if waits.pending is not None and facts["count"] >= waits.pending:
            reasons.append(f"{facts['count']} items are pending in {waits.name}")
        if waits.oldest is not None and facts["oldest"] and at - facts["oldest"] >= waits.oldest:
            reasons.append(f"the oldest item of {waits.name} waits since {facts['oldest']:%Y-%m-%d %H:%M}Z")
        if not reasons or Run.objects.filter(schedule=name).exclude(status__in=_ENDED).exists():
            return
        if Occurrence.objects.filter(schedule=name, due__gt=at - waits.again).exists():
            return
        # two schedulers that see it at one time name it alike: by the period of `again` that it falls into
        slot = f"{waits.name} {int(at.timestamp() // waits.again.total_seconds())}"
        yield Wanted(_decision(at, " and ".join(reasons), Cause.ON_TIME), one, slot, at)

    def _followed(self, one: Planned, at: datetime, begun: datetime) -> Iterator[Wanted]:
        from django.db.models import Exists, OuterRef

        from runner.store.models import Occurrence, Run

        after = one.schedule.after
        if after is None:
            return
        known = Occurrence.objects.exclude(key="").filter(schedule=one.schedule.id, key=OuterRef("pk"))
        ended = Run.objects.filter(
            ~Exists(known),
            schedule=after.schedule,
            status__in=_ENDED,
            finished__gte=max(begun, at - _LOOK_BACK),
        )
        for run in ended.order_by("finished", "id"):
            if run.pk in self._recorded or run.finished is None:
                continue
            if not _goes_on(run) and follows(RunStatus(run.status), after.when):
                reason = f"run {run.pk} of {after.schedule} ended: {run.status}"
                decision = _decision(run.finished, reason, Cause.ON_TIME)
                yield Wanted(decision, one, run.pk, run.finished, outputs=run.outputs)


def _decision(due: datetime, reason: str, cause: Cause) -> Decision:
    return Decision(DueTime(due, due), OccurrenceState.RAN, reason, cause)


def _goes_on(run: Any) -> bool:
    """Whether the run is tried again: then its end is not the last word."""
    return run.status in RETRIED and tries_left(run.policy) > 0
