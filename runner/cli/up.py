"""`runner up`, `runner scheduler`, `runner worker`: the long-lived parts, until Ctrl-C or the request to end."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Annotated

import typer

from runner.cli.desk import DeskPart, Port
from runner.cli.printing import warn
from runner.cli.project import Project, open_project
from runner.cli.tongue import told
from runner.core.errors import UsageError

_Slots = Annotated[int | None, typer.Option(min=1, max=64, help="Runs at the same time.")]
_Single = Annotated[
    bool, typer.Option("--single", help="Refuse to start beside another scheduler of this data folder.")
]


def up(
    slots: _Slots = None,
    single: _Single = False,
    desk: Annotated[bool, typer.Option("--desk/--no-desk", help="Serve the web pages too.")] = True,
    port: Port = None,
) -> int:
    """Run scheduler, worker and desk together until Ctrl-C.

    At the end no new run is started and the items in work finish first; what is pending stays pending. The desk is a
    process of its own.
    """
    if port is not None and not desk:
        raise UsageError("--port is for the desk", hint="leave out --no-desk or --port", where="--port")
    project = open_project({"slots": slots}, writes=True)
    return _serve(("scheduler", "worker"), project, single=single, desk=desk, port=port)


def scheduler(single: _Single = False) -> int:
    """Turn due times into runs until Ctrl-C; a worker must be running somewhere to execute them."""
    return _serve(("scheduler",), open_project(writes=True), single=single)


def worker(slots: _Slots = None) -> int:
    """Execute queued runs until Ctrl-C."""
    return _serve(("worker",), open_project({"slots": slots}, writes=True), single=False)


def _serve(
    names: Sequence[str], project: Project, *, single: bool, desk: bool = False, port: int | None = None
) -> int:
    from runner.cli.timetables import rows_of
    from runner.engine.service import parts_of, serve_together
    from runner.engine.single import only_one

    settings = project.settings
    lock: AbstractContextManager[None] = nullcontext()
    if single:
        lock = only_one(settings.home / "scheduler.lock", "scheduler")
    with lock:
        _say(f"{' and '.join(names)} of {settings.project} (data in {settings.home}); end with Ctrl-C")
        others = ("bots", "webhooks") if "scheduler" in names else ("bots",)  # one sender is enough
        parts = parts_of((*names, *others), settings, project.environment, _say, rows_of)
        if "worker" in names:
            from runner.store.word_index_making import WordIndexMaker

            parts.append(WordIndexMaker())
        if desk:
            parts.append(DeskPart(_say, project.environment, port=port))
        serve_together(parts, on_signal=lambda: _say("ending: the items in work finish first"))
        _say("ended")
    return 0


_printing = threading.Lock()


def _say(text: str) -> None:
    with _printing:
        warn(f"{datetime.now().astimezone():%H:%M:%S} {told(text)}")
