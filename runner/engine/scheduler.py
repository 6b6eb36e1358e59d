"""The scheduler: APScheduler is its clock; what is due comes from the triggers, what has been done from the store."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler

from runner.cases.clock import holding_cases
from runner.cases.due import keep_processes
from runner.cases.later import queue_runs_for_later
from runner.cases.schedule_acts import end_pauses
from runner.cases.waking import wake_due
from runner.core.errors import ConfigurationError, RunnerError
from runner.core.schedules_values import BotFacts, facts_of
from runner.core.settings import Settings
from runner.engine.agenda import Agenda
from runner.engine.bot_watch import take_stock
from runner.engine.clockwatch import Clocks, ClockWatch
from runner.engine.due_work import DueWork
from runner.engine.happenings import Happenings
from runner.engine.holding import hold, hold_if_behind
from runner.journal.write import Journal
from runner.store.presence import StoreFile
from runner.timetable.calendar_reading import RowsOf
from runner.timetable.differences import differences
from runner.timetable.due_times import Planned
from runner.timetable.loading import Timetable, load
from runner.timetable.watched import Stamp, calendar_files, stamp_of

_LOOK: Final = timedelta(seconds=2)  # between two looks at schedules.yaml, at the clock and at what happens
_PAUSES: Final = 10.0  # seconds between two looks for pauses that are over
_TOO_MANY: Final = 200  # schedules whose changes are told one by one
_JOB: Final = "due times"


class Scheduler:
    """Turns due times into queued runs until it is stopped; `serve` blocks.

    APScheduler's memory store holds one wake-up call, for whatever is due next. At each call every due time since the
    last recorded one is handled, so a call that is late, lost or doubled changes nothing.
    """

    def __init__(
        self,
        settings: Settings,
        environment: Mapping[str, str],
        say: Callable[[str], None] = lambda _: None,
        clocks: Clocks | None = None,
        rows_of: RowsOf | None = None,
    ) -> None:
        del environment  # a scheduler starts no processes; the signature is the worker's
        self._settings = settings
        self._say = say
        self._rows_of = rows_of
        self._clocks = clocks or Clocks()
        self._watch = ClockWatch(self._clocks)
        self._stopping = threading.Event()
        self._timetable: Timetable | None = None
        self._seen: Stamp = ()
        self._handling = threading.RLock()
        self._held: list[str] = []
        self._gone = ""
        self._pauses_at = 0.0
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
        path = folder / f"{self._clocks.wall():%Y%m%dT%H%M%S}-{os.getpid()}.jsonl"
        with Journal(path, run="", lane=0, bot="") as self._journal:
            self._work = DueWork(self._journal, self._say)
            self._store = StoreFile()
            hold_if_behind(self._clocks.wall(), self._journal)
            self._held = holding_cases()
            self._load()
            self._tell_hold()
            self._clock.start()
            try:
                while not self._stopping.wait(_LOOK.total_seconds()):
                    self._look()
            finally:
                self._clock.shutdown(wait=True)
                connections.close_all()

    def stop(self) -> None:
        """End `serve`; due times that come while nobody looks are handled at the next start."""
        self._stopping.set()

    # -- the file ----------------------------------------------------------------------------------------------------

    def _load(self) -> None:
        path = self._settings.schedules
        self._seen = stamp_of(self._watched())
        at = self._clocks.wall()
        text = _text(path)
        timetable = load(path, self._known_bots(), at, self._rows_of, text=text)
        if text is not None:
            in_force(self._settings).write_text(text, "utf-8")
        keep_processes(timetable, at)
        with self._handling:
            before, self._timetable = self._timetable, timetable
            self._seen = stamp_of(self._watched())
            if before is not None:
                self._tell_changes(before, timetable, at)
                self._handle(before.planned)  # what was due by the old file, up to now
            self._work.begin(timetable.planned, self._clocks.wall())
            self._happenings = Happenings(self._settings.project, timetable.planned, self._clocks.really)
            self._catch_up(timetable)
        on = sum(one.schedule.enabled for one in timetable.planned)
        self._say(f"{path.name}: {on} schedules are on, {len(timetable.planned) - on} are off")

    def _reload_if_changed(self) -> None:
        if stamp_of(self._watched()) == self._seen:
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
            message = f"SCHED_RELOAD_REFUSED: {refused.what}"
            self._journal.event("log", message, level="WARNING", sync=True, data=data)

    def _watched(self) -> list[Path]:
        """The files that the timetable is made of: schedules.yaml, and the days that its calendars read."""
        days = calendar_files(self._timetable) if self._timetable is not None else []
        return [self._settings.schedules, *days]

    def _tell_changes(self, before: Timetable, after: Timetable, at: datetime) -> None:
        """Say and record what a changed file does, in words."""
        if max(len(before.planned), len(after.planned)) > _TOO_MANY:
            changes = [f"{len(before.planned)} schedules before, {len(after.planned)} now"]
        else:
            changes = [one.text for one in differences(before, after, at)]
        for text in changes:
            self._say(text)
        data = {"file": self._settings.schedules.name, "changes": changes}
        self._journal.event("log", "the changed file is in force", sync=True, data=data)

    def _known_bots(self) -> Mapping[str, BotFacts] | None:
        """What is known of the bots, for checking parameters; None (unchecked) while a bot file is broken."""
        found = take_stock(self._settings)
        for error in found.errors:
            self._say(str(error))
        return None if found.errors else {bot.name: facts_of(bot) for bot in found.bots}

    # -- due times ---------------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        """Handle what has become due. Called late, twice or by two schedulers it does no harm."""
        with self._handling:
            if self._store_has_gone() or not self._may_go_on():
                return
            ripe = self._agenda.take(self._clocks.wall())
            if ripe and not self._handle(ripe):
                self._agenda.put_back(ripe)  # for the next look

    def _catch_up(self, timetable: Timetable) -> None:
        """Handle what came while nobody looked, then wake for what comes."""
        timed = [one for one in timetable.planned if one.schedule.is_timed]
        self._agenda = Agenda(timed, self._clocks.wall())
        if not self._handle(timed):
            self._agenda.put_back(timed)
        self._clock.add_job(self._wake, self._agenda, id=_JOB, replace_existing=True)

    def _handle(self, planned: Sequence[Planned]) -> bool:
        """Record every due time of these schedules up to now; False when the store did not answer."""
        from django.db import OperationalError, connection

        if self._held:
            return True  # they are handled when somebody has confirmed the clock
        try:
            self._work.record_due([one for one in planned if one.schedule.is_timed], self._clocks.wall())
        except OperationalError as error:
            connection.close()
            self._say(f"the store does not answer ({error}); due times are kept and handled when it is back")
            return False
        return True

    def _look(self) -> None:
        """What is looked at again and again: the file, the clock, files that arrive, items that wait, runs that ended."""
        from django.db import OperationalError, connection

        if self._store_has_gone():
            return
        self._reload_if_changed()
        self._wake()
        with self._handling:
            try:
                for case in wake_due(self._clocks.wall()):
                    self._say(f"case {case} is back: it was put aside until now")
                for run in queue_runs_for_later(self._clocks.wall()):
                    self._say(f"run {run} queued: items that were put off can be tried now")
                if self._may_go_on():
                    self._work.record_happenings(self._happenings, self._clocks.wall())
                    self._end_pauses()
            except OperationalError:
                connection.close()

    def _store_has_gone(self) -> bool:
        """Whether the store's file is not the one that was opened; said once. Due times are kept until it is back."""
        gone = self._store.trouble()
        if gone and gone != self._gone:
            self._say(f"{gone}: due times are kept and handled when it is back")
        self._gone = gone
        return bool(gone)

    def _end_pauses(self) -> None:
        """Record, now and then, that pauses are over: their time counts, not that of the record."""
        at = self._clocks.really()
        if at >= self._pauses_at:
            self._pauses_at = at + _PAUSES
            for name in end_pauses(self._clocks.wall()):
                self._say(f"{name}: its pause is over")

    def _may_go_on(self) -> bool:
        """Whether the clock can be believed: it has not jumped, or somebody has confirmed it since."""
        step = self._watch.look()
        if step is not None:
            self._say(f"{step.alarm}: {'holding' if step.holds else 'going on'}")
        if step is not None and step.holds:
            self._held = [hold(step, self._clocks.wall(), self._clocks.really(), self._journal)]
            self._tell_hold()
        elif self._held and not holding_cases():
            self._held = []
            self._say("the clock was confirmed: going on")
            self._work.go_back_to(self._clocks.wall())
            if self._timetable is not None:
                self._catch_up(self._timetable)
        return not self._held

    def _tell_hold(self) -> None:
        if self._held:
            self._say(
                f"the clock has jumped (case {', '.join(self._held)}): no due time is handled until somebody confirms"
                " it with: runner schedules accept-clock"
            )

    def _report(self, event: JobExecutionEvent) -> None:
        self._say(f"due times could not be handled: {event.exception!r}")


def in_force(settings: Settings) -> Path:
    """Where the scheduler keeps the text of the schedules.yaml that is in force: what a changed file is compared with."""
    return settings.schedules_in_force


def _text(path: Path) -> str | None:
    """The file as text; None where it can't be read, which `load` answers with its own error."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None
