"""A worker: claims queued runs, executes each in child processes, and takes over what dead workers left."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from runner.cases import intake
from runner.core.clock import now
from runner.core.contract import (
    JOURNAL_FILE,
    BotDescription,
    FoundError,
    ItemRetry,
    Order,
    Viewing,
    run_folder,
)
from runner.core.errors import ConfigurationError, ErrorReport, RunnerError
from runner.core.ids import uuid7
from runner.core.nouns import RunStatus
from runner.core.reserve import make_reserve
from runner.core.settings import Settings, disk_problem
from runner.core.vault import Vault
from runner.engine.bots import as_error, file_of
from runner.engine.child import Child, died, worker_name
from runner.engine.driver_cache import keep_driver_compiled, with_driver_cache
from runner.engine.early import EarlyChild
from runner.engine.execution import Execution, finish_data
from runner.engine.folder import write_order
from runner.engine.given_files import copy_given
from runner.engine.outcome import ItemCounts, Outcome
from runner.engine.recovery import recover
from runner.engine.shared import Place, Progress, SharedRun
from runner.engine.sweep import sweep_scratch
from runner.journal.write import Journal
from runner.store import claims
from runner.store.bot_catalogue import remember_run_version
from runner.store.changes import Changes
from runner.store.presence import StoreFile

_IDLE: Final = 0.5  # seconds between two looks for a queued run and for dead workers
_GLANCE: Final = 0.03  # seconds between two looks whether the store has changed at all
_CALM: Final = 5.0  # seconds that a run has the machine to itself before a new standby child starts beside it


class Worker:
    """Executes runs on this machine, up to `settings.slots` at a time.

    Its name carries host, pid and start time, so that another worker can tell that it is dead. With `standby` it keeps
    children ready (imports done, browser started); each serves one run.
    """

    def __init__(
        self, settings: Settings, environment: Mapping[str, str], say: Callable[[str], None] = lambda _: None
    ) -> None:
        self.name = worker_name(environment)
        self._settings = settings
        self._environment = with_driver_cache(settings, environment)
        self._say = say
        self._children = 0
        self._lock = threading.Lock()
        self._standby: list[Child] = []
        self._running: dict[str, tuple[Execution | None, threading.Thread]] = {}
        self._stopping = threading.Event()
        self._told = ""
        vault = Vault(settings.vault, environment)
        self._place = Place(self.name, settings, vault, self._start_child, self._load, say)

    # -- one run in the foreground -----------------------------------------------------------------------------------

    def run_now(
        self,
        bot: str,
        parameters: Mapping[str, Any],
        *,
        requested_by: str,
        lanes: int | None = None,
        viewing: Viewing | None = None,
        early: EarlyChild | None = None,
        on_pause: Callable[[str], bool] = lambda _: True,
        on_start: Callable[[str], None] = lambda _: None,
        on_progress: Callable[[Progress], None] = lambda _: None,
    ) -> tuple[str, Outcome]:
        """Execute `bot` here and now; returns the run's id and outcome.

        `early` is a child that has been started ahead for this run.
        `on_pause` answers a bot that has failed and keeps its pages open whether it may go on (`viewing.pause_on_error`).
        Raises UsageError for an unknown bot, ErrorReport when the bot file or the parameters are wrong, EnvironmentProblem
        (CLI_DISK) when the disk has no room: there is no run then.
        """
        from runner.store.models import Run

        path = file_of(self._settings.project, bot)
        why = make_reserve(self._settings.reserve)
        if why:
            raise disk_problem(self._settings, _no_reserve(why))
        sweep_scratch()
        queued = now()
        order = self._order(uuid7(queued), bot, path, parameters, queued=queued, requested_by=requested_by)
        order = order.model_copy(update=viewing.model_dump(exclude_defaults=True) if viewing else {})
        child = (early and early.take()) or self._start_child()
        try:
            description, order = self._loaded(child, order)
        except BaseException:
            child.end(grace=0)
            raise
        self._keep_source(description)
        order = order.model_copy(update={"lanes": lanes or description.lanes})
        folder = run_folder(order.run, queued)
        Run.objects.create(
            id=order.run, bot=bot, bot_file=order.bot_file, parameters=order.parameters, queued=queued, folder=folder,
            requested_by=requested_by, lanes_wanted=order.lanes, status=RunStatus.RUNNING, worker=self.name, epoch=1,
            lease_until=now() + self._settings.lease,
        )  # fmt: skip
        execution = self._execution(order, folder, description, epoch=1)
        execution.run.on_progress, execution.run.on_pause = on_progress, on_pause
        self._running[order.run] = (execution, threading.current_thread())
        on_start(order.run)
        return order.run, execution.execute(child)

    # -- the fleet's work --------------------------------------------------------------------------------------------

    def serve(self) -> None:
        """Claim and execute queued runs until `stop`; ends when the runs in work have ended."""
        from django.db import OperationalError, connection, connections

        sweep_scratch()
        keeping = threading.Thread(
            target=keep_driver_compiled, args=(self._settings, self._environment), daemon=True
        )
        keeping.start()
        changes, calm_at, store = Changes(), 0.0, StoreFile()
        while not self._stopping.is_set():
            try:
                claimed = self._look_for_work(store)
            except OperationalError as error:
                connection.close()
                claimed = None
                self._tell_once(
                    f"the store does not answer ({error}): no new run starts, running work goes on"
                )
            except OSError as error:  # no room for the last lines of a run that is taken over
                claimed = None
                self._tell_once(f"{error}: no new run starts, running work goes on")
            if claimed is not None:
                self._start(claimed)
                calm_at = time.monotonic() + _CALM
            else:
                if not self._running or time.monotonic() > calm_at:
                    self._fill_standby()
                self._wait_for_work(changes)
        for execution, thread in list(self._running.values()):
            if execution is not None:
                execution.stop()
            thread.join()
        self._end_standby()
        keeping.join()
        connections.close_all()

    def stop(self) -> None:
        """Take no more runs; those in work finish their present items and end."""
        self._stopping.set()
        for execution, _ in list(self._running.values()):
            if execution is not None:
                execution.stop()

    def take_over(self) -> None:
        """Bring runs of dead workers to their recorded end: their items go back, or become cases."""
        for run in recover(self._settings, self.name, set(self._running)):
            self._say(
                f"run {run} was lost with its worker; its items are back in the queue or in the exception queue"
            )

    # -- inside ------------------------------------------------------------------------------------------------------

    def _look_for_work(self, store: StoreFile) -> Any:
        """Take over what dead workers left, and claim a run where there is a slot; nothing while the store has gone."""
        gone = store.trouble()
        if gone:
            self._tell_once(f"{gone}: no new run starts, running work goes on in its journals")
            return None
        self.take_over()
        return self._claim() if len(self._running) < self._settings.slots else None

    def _wait_for_work(self, changes: Changes) -> None:
        """Wait until it is time for the next look: at once when somebody has queued something, else a while."""
        from django.db import OperationalError, connection

        until = time.monotonic() + _IDLE
        while time.monotonic() < until and not self._stopping.wait(_GLANCE):
            try:
                if len(self._running) < self._settings.slots and changes.any() and claims.any_queued():
                    return
            except OperationalError:  # the look itself says so to people
                connection.close()
                self._stopping.wait(_IDLE)

    def _claim(self) -> Any:
        """A queued run, while there is room for its journal."""
        free = shutil.disk_usage(self._settings.home).free
        if free < self._settings.free_space * 1_000_000:
            self._tell_once(
                f"only {free // 1_000_000} MB are free in {self._settings.home}: paused, no new run will start"
                f" before there are {self._settings.free_space} MB"
            )
            return None
        why = make_reserve(self._settings.reserve)
        if why:
            self._tell_once(f"{_no_reserve(why)}: paused, no new run will start before it can")
            return None
        return claims.claim_run(self.name, now() + self._settings.lease)

    def _tell_once(self, text: str) -> None:
        """Say what holds new work up, once until something else is said."""
        if text != self._told:
            self._told = text
            self._say(text)

    def _start(self, run: Any) -> None:
        thread = threading.Thread(
            target=self._execute_claimed, args=(run,), name=f"run {run.id}", daemon=True
        )
        self._running[run.id] = (None, thread)
        thread.start()

    def _execute_claimed(self, run: Any) -> None:
        from django.db import connections

        try:
            self._execute(run)
        except Exception as error:  # noqa: BLE001 - the border of a run: whatever happens to one must not end the worker
            self._say(f"run {run.id} of {run.bot} could not be executed: {error}; it will be taken over")
        finally:
            self._running.pop(run.id, None)
            connections.close_all()

    def _execute(self, run: Any) -> None:
        child = self._child()
        try:
            path = file_of(self._settings.project, run.bot)
            order = self._order(
                run.id, run.bot, path, run.parameters, queued=run.queued, requested_by=run.requested_by,
                schedule=run.schedule, due=run.due, time_limit=run.time_limit,
                item_retry=run.item_retry, policy=run.policy, priority=run.priority,
            )  # fmt: skip
            description, order = self._loaded(child, order)
        except (RunnerError, TimeoutError) as error:
            child.end(grace=0)
            self._refuse(run, error)
            return
        self._keep_source(description)
        order = order.model_copy(update={"lanes": max(run.lanes_wanted, description.lanes)})
        try:
            execution = self._execution(
                order, run.folder or run_folder(run.id, run.queued), description, run.epoch
            )
        except BaseException:  # no room for its folder: nobody would end the child
            child.end(grace=0)
            raise
        self._running[run.id] = (execution, threading.current_thread())
        if self._stopping.is_set():
            execution.stop()
        self._say(f"run {run.id} of {run.bot} started")
        outcome = execution.execute(child)
        self._say(f"run {run.id} of {run.bot}: {outcome.status}")

    def _execution(self, order: Order, folder: str, description: BotDescription, epoch: int) -> Execution:
        path = self._settings.runs / folder
        copies = copy_given(order.parameters, self._settings.home / "uploads", path)
        order = order.model_copy(update={"copies": copies})
        write_order(path, order)
        return Execution(SharedRun(self._place, order, path, description, epoch))

    def _order(
        self, run: str, bot: str, path: Path, parameters: Mapping[str, Any], *, queued: datetime, requested_by: str,
        schedule: str | None = None, due: datetime | None = None, time_limit: float | None = None,
        item_retry: Mapping[str, Any] | None = None, policy: Mapping[str, Any] | None = None,
        priority: int = 0,
    ) -> Order:  # fmt: skip
        return Order(
            run=run,
            bot=bot,
            bot_file=path.relative_to(self._settings.project).as_posix(),
            project=str(self._settings.project),
            parameters=dict(parameters),
            queued=queued,
            requested_by=requested_by,
            schedule=schedule,
            due=due,
            time_limit=time_limit,
            item_retry=ItemRetry.model_validate(item_retry) if item_retry else None,
            priority=priority,
            policy=dict(policy or {}),
            browser=str(self._settings.browser) if self._settings.browser else None,
            headed=self._settings.headed,
        )

    def _loaded(self, child: Child, order: Order) -> tuple[BotDescription, Order]:
        """Have `child` load the bot and check the parameters; the order comes back with the parameters as validated."""
        answer = _load(child, order, self._settings.discovery_limit.total_seconds())
        description = BotDescription.model_validate(answer["bot"])
        return description, order.model_copy(update={"parameters": answer["parameters"]})

    def _load(self, child: Child, order: Order) -> BotDescription:
        return self._loaded(child, order)[0]

    def _keep_source(self, bot: BotDescription) -> None:
        """Keep the text of the version that runs now, to compare later ones with; a full disk is no reason not to run."""
        from django.db import OperationalError

        with contextlib.suppress(OSError, OperationalError):
            remember_run_version(self._settings.project, self._settings.home, bot, now())

    def _refuse(self, run: Any, error: Exception) -> None:
        """Record a run whose bot could not be loaded: it failed before it began, and a person must know."""
        errors = error.errors if isinstance(error, ErrorReport) else (error,)
        first = errors[0]
        code = first.stable_code if isinstance(first, RunnerError) else "BOT_IMPORT_TIMEOUT"
        record = {
            "kind": "application", "type": type(first).__name__, "code": code, "where": getattr(first, "where", ""),
            "message": "; ".join(str(e) for e in errors),
        }  # fmt: skip
        outcome = Outcome(RunStatus.FAILED, "refused", error=record)
        path = self._settings.runs / run_folder(run.id, run.queued) / JOURNAL_FILE
        with Journal(path, run=run.id, lane=0, bot=run.bot, reserve=self._settings.reserve) as journal:
            data = finish_data(outcome, ItemCounts(), {})
            message = f"{run.bot} could not start"
            journal.event("run.finished", message, level="ERROR", sync=True, data=data, error=record)
        intake.take_in_journal(path, run.id, 0)
        self._say(f"run {run.id} of {run.bot} could not start: {record['message']}")

    def _start_child(self) -> Child:
        with self._lock:
            self._children += 1
            number = self._children
        return Child(self._settings.project, f"{self.name}/{number}", self._environment)

    def _child(self) -> Child:
        with self._lock:
            standby = [child for child in self._standby if child.is_running]
            self._standby = standby[1:]
        return standby[0] if standby else self._start_child()

    def _fill_standby(self) -> None:
        missing = self._settings.standby - len(self._standby)
        fresh = [self._start_child() for _ in range(missing)]
        for child in fresh:
            with contextlib.suppress(TimeoutError):
                child.ask(self._settings.discovery_limit.total_seconds())
                child.answer({"warm": {"browser": True}})
        self._standby += fresh

    def _end_standby(self) -> None:
        for child in self._standby:
            child.end(grace=1)
        self._standby = []


def _no_reserve(why: str) -> str:
    return f"the reserve for the last lines of journals can't be made ({why})"


def _load(child: Child, order: Order, limit: float) -> dict[str, Any]:
    """The child's answer to `load`. Raises ErrorReport with what it refused, RunFailed when it died."""
    request = child.ask(limit)
    if request is None:
        raise died(child, "starting")
    task = {
        "project": order.project,
        "file": order.bot_file,
        "bot": order.bot,
        "parameters": order.parameters,
    }
    child.answer({"load": task})
    try:
        answer = child.ask(limit)
    except TimeoutError:
        child.end(grace=0)
        raise ConfigurationError(
            f"the bot did not load within {limit:.0f} s and was killed",
            expected="a bot file that only defines things when it is imported",
            hint="move what it does at module level into the bot function",
            where=order.bot_file,
            code="BOT_IMPORT_TIMEOUT",
        ) from None
    if answer is None:
        raise died(child, "loading")
    if answer["op"] == "refused":
        raise ErrorReport([as_error(FoundError(**e)) for e in answer["errors"]])
    return answer
