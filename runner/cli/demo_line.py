"""The demo's scheduler and worker at work, as `runner up` has them, and what is seen of them from outside."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self

from runner.cli.demo_place import DemoPlace
from runner.cli.printing import console
from runner.cli.tongue import and_exceptions, told, word
from runner.core.clock import now
from runner.core.errors import RunFailed
from runner.core.nouns import RunStatus
from runner.engine.scheduler import Scheduler
from runner.engine.tree import end_tree
from runner.engine.worker import Worker
from runner.store.counts import count_items
from runner.store.models import Run

LIMIT: Final = 180.0  # seconds for everything that is waited for here
FIRST_DUE: Final = 5.0  # seconds ahead: reading the schedules means describing the bots first
_LOOK: Final = 0.3
_EVERY: Final = 5.0  # seconds between two plain lines of progress
_STOP_WITHIN: Final = 40.0


class Line:
    """Scheduler and worker in threads of this process; both, and all that they started, are gone at the end."""

    def __init__(self, place: DemoPlace, say: Callable[[str], None]) -> None:
        self.worker = Worker(place.settings, place.environment, say)
        self.scheduler = Scheduler(place.settings, place.environment, say)
        self._failure: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._guard, args=(part.serve,), name=name, daemon=True)
            for name, part in (("worker", self.worker), ("scheduler", self.scheduler))
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.scheduler.stop()
        self.worker.stop()
        for thread in self._threads:
            thread.join(_STOP_WITHIN)
        end_tree(0, f"{self.worker.name}/", grace=0)

    def wait(self, what: str, until: Callable[[], bool], limit: float = LIMIT) -> None:
        """Wait until something is so. Raises RunFailed when it takes too long, and what ended scheduler or worker."""
        deadline = time.monotonic() + limit
        while not until():
            if self._failure is not None:
                raise self._failure
            if time.monotonic() > deadline:
                raise RunFailed(f"{what} took more than {limit:.0f} s", code="DEMO_LATE")
            time.sleep(_LOOK)

    def _guard(self, serve: Callable[[], None]) -> None:
        try:
            serve()
        except Exception as error:  # noqa: BLE001 - the border of a thread: the main one raises it again
            self._failure = error


@dataclass(slots=True)
class _Shown:
    text: str = ""
    at: float = 0.0


class Show:
    """Shows how far runs are: a bar each on a terminal, a line now and then elsewhere."""

    def __init__(self, schedules: Sequence[str]) -> None:
        self._schedules = schedules
        self._shown: dict[str, _Shown] = {}
        self._tasks: dict[str, Any] = {}
        self._bar = _bar() if console().is_terminal else None

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def look(self) -> bool:
        """Show the present state; whether the runs of all the schedules have ended."""
        runs = list(Run.objects.filter(schedule__in=self._schedules).order_by("queued", "id"))
        for run in runs:
            self._one(run)
        ended = {run.schedule for run in runs if RunStatus(run.status).is_final}
        return ended == set(self._schedules) and all(RunStatus(run.status).is_final for run in runs)

    def _one(self, run: Run) -> None:
        counts = count_items(run.pk)
        through = counts["done"] + counts["exceptions"]
        text = f"{run.bot}: {word('run', run.status)}"
        if counts["total"]:
            text += told(f", {through} of {counts['total']} rows") + and_exceptions(counts["exceptions"])
        if self._bar is not None:
            self._in_bar(self._bar, run, through, counts["total"], text)
            return
        shown = self._shown.setdefault(run.pk, _Shown())
        changed = shown.text.partition(",")[0] != text.partition(",")[0]
        if changed or (text != shown.text and time.monotonic() - shown.at >= _EVERY):
            self._shown[run.pk] = _Shown(text, time.monotonic())
            print(f"  {now():%H:%M:%S}  {text}", flush=True)

    def _in_bar(self, bar: Any, run: Run, through: int, total: int, text: str) -> None:
        if run.pk not in self._tasks:
            self._tasks[run.pk] = bar.add_task(text, total=None)
        ended = RunStatus(run.status).is_final
        shown = (max(total, 1), max(total, 1)) if ended else (through, total or None)
        bar.update(self._tasks[run.pk], completed=shown[0], total=shown[1], description=text)


def fire(place: DemoPlace, line: Line, schedule: str, write: Callable[[timedelta], None]) -> None:
    """Wait for the first run of `schedule`, whose file is there; where it was read too late, write it anew and later."""
    for seconds in (FIRST_DUE, 12.0, 30.0):
        if seconds != FIRST_DUE:
            write(timedelta(seconds=seconds))
        try:
            line.wait("the schedule", Run.objects.filter(schedule=schedule).exists, seconds + 8)
        except RunFailed:
            continue
        return
    raise RunFailed(
        "the schedule did not fire",
        expected="a run at its due time",
        hint=f"see the files in {place.settings.home / 'scheduler'}",
        code="DEMO_LATE",
    )


def _bar() -> Any:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("  "),
        BarColumn(24),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    return Progress(*columns, console=console())
