"""`runner run`: one bot here and now, with its progress and a summary of what came of it."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Final

import typer

from runner.cli.main import INTERRUPTED
from runner.cli.printing import print_json, warn
from runner.cli.project import Project, open_project
from runner.core.errors import UsageError
from runner.core.nouns import RunStatus

_MACHINE: Final = (
    "CLI_",
    "BROWSER_",
    "SECRET_",
    "VAULT_",
)  # codes of errors that the machine is at fault for
_ENVIRONMENT: Final = 4


def run(
    bot: Annotated[str, typer.Argument(help="The bot's name; list them with: runner bots.")],
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter of the bot; may be repeated."),
    ] = None,
    lanes: Annotated[int | None, typer.Option(min=1, max=64, help="Processes that share the work.")] = None,
    headed: Annotated[bool, typer.Option("--headed", help="Show the browser.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the run as JSON when it has ended.")] = False,
) -> int:
    """Run a bot here and now.

    Ends with 0 when all is done, 1 when there are exceptions or the run failed. Ctrl-C lets the items in work finish;
    a second one ends at once.
    """
    parameters = parameters_of(param or ())
    project = open_project({"headed": headed or None}, writes=True)
    from runner.cli.progress import Watcher  # the engine needs the open store when it is imported
    from runner.engine.worker import Worker

    worker = Worker(project.settings, project.environment, say=warn)
    worker.take_over()
    with Watcher(bot) as watcher, stopping(worker.stop, worker.name) as interrupted:
        run_id, outcome = worker.run_now(
            bot,
            parameters,
            requested_by=project.who,
            lanes=lanes,
            on_start=watcher.start,
            on_progress=watcher.update,
        )
    _summary(project, run_id, retried=watcher.retried, as_json=as_json)
    if interrupted.is_set():
        return INTERRUPTED
    if outcome.status is RunStatus.DONE:
        return 0
    code = str((outcome.error or {}).get("code", ""))
    return _ENVIRONMENT if code.startswith(_MACHINE) else 1


def parameters_of(words: Sequence[str]) -> dict[str, Any]:
    """``name=value`` words as a mapping; the bot's signature says of which type each value is.

    Raises UsageError (CLI_PARAM).
    """
    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        name = name.strip()
        if not equals or not name.isidentifier():
            raise UsageError(
                f"'{word}' is not a parameter",
                expected="expected name=value",
                hint=f"write --param {name or 'name'}=VALUE",
                where="--param",
                code="CLI_PARAM",
            )
        if name in found:
            raise UsageError(
                f"'{name}' is given twice",
                expected="expected name=value, each name once",
                hint="remove one",
                where="--param",
                code="CLI_PARAM",
            )
        found[name] = value
    return found


@contextmanager
def stopping(stop: Callable[[], None], marker: str) -> Iterator[threading.Event]:
    """Ctrl-C (or TERM) calls `stop`; a second one ends the processes whose marker is `marker` and interrupts us.

    Yields an event that is set when somebody asked to stop.
    """
    asked = threading.Event()

    def handle(number: int, frame: Any) -> None:
        del number, frame
        if asked.is_set():
            from runner.engine.tree import end_tree

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


def _summary(project: Project, run_id: str, *, retried: int, as_json: bool) -> None:
    from runner.cli.listing import run_json
    from runner.cli.summary import print_summary
    from runner.store.models import Run

    if as_json:
        print_json(run_json(Run.objects.get(pk=run_id)))
    else:
        print_summary(project.settings, run_id, retried=retried)
    sys.stdout.flush()
