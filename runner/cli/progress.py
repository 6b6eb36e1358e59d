"""How far a run is: a bar on a terminal, a plain line now and then elsewhere; always on the error stream."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Any, Final, Self

from runner.cli.printing import console, is_drawn_on, warn
from runner.cli.tongue import and_exceptions, said, told
from runner.engine.shared import Progress

_EVERY: Final = 10.0  # seconds between two plain lines


class Watcher:
    """Shows the progress of one run. `start` and `update` may be called from any thread."""

    def __init__(self, bot: str) -> None:
        self.retried = 0
        self._bot = bot
        self._bar: Any = None
        self._task: Any = None
        self._latest = Progress()
        self._began = time.monotonic()
        self._ended = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="progress", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._bar is not None:
            self._bar.stop()
        elif self._ticker.ident is not None:
            self._ticker.join()
            warn(f"{self._bot}: {self._sentence()}, {time.monotonic() - self._began:.0f} {said('s')}")

    def start(self, run: str) -> None:
        """Say that the run has begun."""
        self._began = time.monotonic()
        if is_drawn_on(sys.stderr):
            self._bar = _bar(console(to_stderr=True))
            self._task = self._bar.add_task(self._bot, total=None, counts=told("starting"), rate="")
            self._bar.start()
        else:
            warn(f"{self._bot}: run {run} started")
            self._ticker.start()

    def update(self, progress: Progress) -> None:
        """Take the newest counts."""
        self._latest = progress
        self.retried = progress.retried
        if self._bar is not None:
            through = progress.done + progress.exceptions
            rate = through / max(time.monotonic() - self._began, 0.1)
            self._bar.update(
                self._task,
                total=max(progress.total, through),
                completed=through,
                counts=self._sentence(),
                rate=f"{rate:.1f}/s" if rate >= 0.1 else f"{rate * 60:.1f}/min",
            )

    def _sentence(self) -> str:
        seen = self._latest
        through = seen.done + seen.exceptions
        text = told(f"{through} of {max(seen.total, through)} items")
        return text + and_exceptions(seen.exceptions) if seen.exceptions else text

    def _tick(self) -> None:
        while not self._ended.wait(_EVERY):
            warn(f"{self._bot}: {self._sentence()}, {time.monotonic() - self._began:.0f} {said('s')}")


def _bar(where: Any) -> Any:
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    return RichProgress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[counts]}", markup=False),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeRemainingColumn(compact=True),
        console=where,
        transient=True,
    )
