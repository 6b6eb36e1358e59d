"""Runs a bot in the foreground: take over what is left, watch, stop when asked, and say what came of it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from runner.cli.main import INTERRUPTED
from runner.cli.pausing import Pause
from runner.cli.printing import print_json, warn
from runner.cli.progress import Watcher
from runner.cli.project import Project
from runner.cli.summary import error_line, print_summary
from runner.core.contract import Viewing
from runner.core.nouns import CaseStatus, ItemStatus, RunStatus
from runner.engine.early import EarlyChild
from runner.engine.outcome import Outcome
from runner.engine.tree import end_tree
from runner.engine.worker import Worker
from runner.store.models import Case
from runner.store.run_lists import run_json

_MACHINE: Final = (
    "CLI_",
    "BROWSER_",
    "SECRET_",
    "VAULT_",
)  # codes of errors that the machine is at fault for
_ENVIRONMENT: Final = 4


def run_bot(
    project: Project,
    bot: str,
    parameters: Mapping[str, Any],
    *,
    lanes: int | None = None,
    as_json: bool = False,
    quiet: bool = False,
    viewing: Viewing | None = None,
    early: EarlyChild | None = None,
) -> int:
    """Run one bot to its end and print its summary (nothing when `quiet`); returns the exit code."""
    worker = Worker(project.settings, project.environment, say=warn)
    worker.take_over()
    with Watcher(bot) as watcher, stopping(worker.stop, worker.name) as interrupted:
        run_id, outcome = worker.run_now(
            bot,
            parameters,
            requested_by=project.who,
            lanes=lanes,
            viewing=viewing,
            early=early,
            on_pause=Pause().asked,
            on_start=watcher.start,
            on_progress=watcher.update,
        )
    if outcome.error:
        warn(error_line(outcome.error))
    if as_json:
        print_json(run_json(run_id))
    elif not quiet:
        print_summary(project.settings, run_id, retried=watcher.retried)
    return INTERRUPTED if interrupted.is_set() else _exit_code(outcome)


def run_retried(project: Project, *, quiet: bool = False) -> int:
    """Run the bots whose items wait for a new attempt because somebody decided so; the worst exit code of them.

    Each bot runs once, with the parameters of the latest run that one of these cases came from.
    """
    waiting = Case.objects.filter(status=CaseStatus.RETRYING, item__status=ItemStatus.PENDING)
    latest: dict[str, Mapping[str, Any]] = {}
    for case in waiting.select_related("item__queue", "run").order_by("run__queued"):
        assert case.item is not None  # the filter says so
        latest[case.item.queue.bot or case.bot] = case.run.parameters if case.run else {}
    codes = [run_bot(project, bot, parameters, quiet=quiet) for bot, parameters in latest.items()]
    return max(codes, default=0)


@contextmanager
def stopping(stop: Callable[[], None], marker: str) -> Iterator[threading.Event]:
    """Ctrl-C (or TERM) calls `stop`; a second one ends the processes whose marker is `marker` and interrupts us.

    Yields an event that is set when somebody asked to stop.
    """
    asked = threading.Event()

    def handle(number: int, frame: Any) -> None:
        del number, frame
        if asked.is_set():
            end_tree(0, f"{marker}/", grace=0)
            raise KeyboardInterrupt
        asked.set()
        warn("stopping: what is in work is finished first, the rest stays pending; Ctrl-C again ends at once")
        threading.Thread(target=stop, daemon=True).start()  # not here: a signal comes while locks are held

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit_code(outcome: Outcome) -> int:
    if outcome.status is RunStatus.DONE:
        return 0
    code = str((outcome.error or {}).get("code", ""))
    return _ENVIRONMENT if code.startswith(_MACHINE) else 1
