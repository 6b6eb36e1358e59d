"""The scheduler: APScheduler is its clock; what is due comes from the triggers, what has been done from the store."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from runner.core.clock import now
from runner.core.errors import ConfigurationError, RunnerError
from runner.core.schedules_model import Schedule
from runner.core.schedules_values import BotFacts, facts_of
from runner.core.settings import Settings
from runner.engine.bots import discover
from runner.engine.occurrences import record
from runner.journal.write import Journal
from runner.timetable.due_times import Planned
from runner.timetable.loading import Timetable, load
from runner.timetable.policies import Decision, decide_missed
from runner.timetable.walk import Trigger

_LOOK: Final = timedelta(seconds=2)  # between two looks at schedules.yaml
_AGAIN: Final = timedelta(
    seconds=5
)  # after which due times are looked at again when the store did not answer


class DueTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """A trigger of the timetable as APScheduler asks for it."""

    def __init__(self, trigger: Trigger) -> None:
        self._trigger = trigger

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The next due time: after the previous one, or from `now` on."""
        after = previous_fire_time or now - timedelta(microseconds=1)
        return self._trigger.next_after(after.astimezone(UTC))


class Scheduler:
    """Turns due times into queued runs until it is stopped; `serve` blocks.

    APScheduler's memory store holds only wake-up calls. At each call every due time since the last recorded one is
    handled, so a call that is late, lost or doubled changes nothing.
    """

    def __init__(
        self, settings: Settings, environment: Mapping[str, str], say: Callable[[str], None] = lambda _: None
    ) -> None:
        del environment  # a scheduler starts no processes; the signature is the worker's
        self._settings = settings
        self._say = say
        self._stopping = threading.Event()
        self._timetable: Timetable | None = None
        self._seen: tuple[int, int] | None = None
        self._handling = threading.Lock()
        self._clock = BackgroundScheduler(
            timezone=UTC,
            jobstores={"default": MemoryJobStore()},
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        self._clock.add_listener(self._report, EVENT_JOB_ERROR)

    def serve(self) -> None:
        """Load schedules.yaml and turn due times into runs until `stop`.

        Raises ErrorReport when the file is wrong at the start; a file that breaks later keeps its last good version.
        """
        from django.db import connections

        folder = self._settings.home / "scheduler"
        path = folder / f"{now():%Y%m%dT%H%M%S}-{os.getpid()}.jsonl"
        with Journal(path, run="", lane=0, bot="", reserve=self._settings.reserve) as self._journal:
            self._load()
            self._clock.start()
            try:
                while not self._stopping.wait(_LOOK.total_seconds()):
                    self._reload_if_changed()
            finally:
                self._clock.shutdown(wait=True)
                connections.close_all()

    def stop(self) -> None:
        """End `serve`; due times that come while nobody looks are handled at the next start."""
        self._stopping.set()

    # -- the file ----------------------------------------------------------------------------------------------------

    def _load(self) -> None:
        path = self._settings.schedules
        self._seen = _stamp(path)
        timetable = load(path, self._known_bots(), now())
        self._timetable = timetable
        self._clock.remove_all_jobs()
        for planned in timetable.planned:
            if planned.schedule.enabled:
                self._begin(planned)
        count = len(self._clock.get_jobs())
        self._say(f"{path.name}: {count} schedules are on, {len(timetable.planned) - count} are off")

    def _begin(self, planned: Planned) -> None:
        """Handle what came while nobody looked, then wake for each due time."""
        self._handle(planned)
        self._clock.add_job(
            self._handle,
            DueTrigger(planned),
            args=(planned,),
            id=planned.schedule.id,
            name=planned.schedule.id,
            replace_existing=True,
        )

    def _reload_if_changed(self) -> None:
        if _stamp(self._settings.schedules) == self._seen:
            return
        try:
            self._load()
        except (RunnerError, OSError) as error:
            refused = ConfigurationError(
                "the changed file is wrong: kept the previous version",
                expected=str(error),
                hint="correct it; it is read again when it changes",
                where=self._settings.schedules.name,
                code="SCHED_RELOAD_REFUSED",
            )
            self._say(str(refused))
            data = {"file": self._settings.schedules.name, "errors": str(error).splitlines()}
            self._journal.event("log", str(refused.what), level="WARNING", data=data)

    def _known_bots(self) -> Mapping[str, BotFacts] | None:
        """What is known of the bots, for checking parameters; None (unchecked) while a bot file is broken."""
        found = discover(self._settings)
        for error in found.errors:
            self._say(str(error))
        return None if found.errors else {bot.name: facts_of(bot) for bot in found.bots}

    # -- due times ---------------------------------------------------------------------------------------------------

    def _handle(self, planned: Planned) -> None:
        """Record every due time of one schedule up to now. Called late, twice or by two schedulers it does no harm."""
        from django.db import OperationalError, connection

        try:
            with self._handling:
                self._record_due(planned)
        except OperationalError as error:
            connection.close()
            self._say(f"the store does not answer ({error}); due times are kept and handled when it is back")
            again = datetime.now(UTC) + _AGAIN
            self._clock.add_job(self._handle, "date", run_date=again, args=(planned,), id=f"{planned.schedule.id} again", replace_existing=True)  # fmt: skip

    def _record_due(self, planned: Planned) -> None:
        from runner.store.models import Watermark

        schedule, at = planned.schedule, now()
        text = _rule_text(schedule)
        mark = Watermark.objects.filter(pk=schedule.id).first()
        if mark is None or mark.rule != text:
            Watermark.objects.update_or_create(pk=schedule.id, defaults={"rule": text, "since": at})
            return
        dues = list(planned.due_times(mark.since, at))
        for decision in decide_missed(dues, at, schedule):
            recorded = record(decision, planned, at, self._journal)
            if recorded is not None:
                self._tell(recorded, planned)
        if dues:
            Watermark.objects.filter(pk=schedule.id, since__lt=dues[-1].due).update(since=dues[-1].due)

    def _tell(self, decision: Decision, planned: Planned) -> None:
        local = decision.due.due.astimezone(planned.zone)
        what = "run queued" if decision.runs else decision.state
        self._say(f"{planned.schedule.id} due {local:%Y-%m-%d %H:%M:%S}: {what} ({decision.reason})")

    def _report(self, event: JobExecutionEvent) -> None:
        self._say(f"schedule {event.job_id} could not be handled: {event.exception!r}")


def _rule_text(schedule: Schedule) -> str:
    """When a schedule is due, as text: where it differs from the recorded one, the schedule starts from now."""
    key = schedule.trigger_key
    days = f"calendars: {schedule.calendars} shift: {schedule.shift}"
    return f"{key}: {getattr(schedule, key)} anchor: {schedule.anchor} timezone: {schedule.timezone} {days}"


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        facts: Any = path.stat()
    except FileNotFoundError:
        return None
    return facts.st_mtime_ns, facts.st_size
