"""`runner desk`: the web pages, on this machine, until Ctrl-C; and the desk's part in `runner up`."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from runner.cli.printing import say
from runner.cli.project import Project, open_settings, refuse_lost_store
from runner.core.contract import BotDescription
from runner.core.errors import ErrorReport, RunnerError

if TYPE_CHECKING:
    from runner.desk.outside import Place

Port = Annotated[int | None, typer.Option(min=0, max=65535, help="Listen on this port; 0: any free one.")]
_AGAIN_AFTER: Final = 5.0  # seconds before a desk that ended by itself is started again
_MOST_STARTS: Final = 5
_END_WITHIN: Final = 10.0


def desk(
    port: Port = None,
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    attached: Annotated[bool, typer.Option(hidden=True, help="End when standard input ends.")] = False,
) -> int:
    """Serve the web pages until Ctrl-C.

    On the first visit a one-time link, printed here, makes the first admin. A port that was not asked for and is in use
    is replaced by the next free one.
    """
    project = open_settings({"desk_port": port})
    refuse_lost_store(project.settings)
    from runner.desk.serve import DeskServer, log_to_stderr, open_desk
    from runner.engine.service import Part, parts_of, serve_together

    log_to_stderr()
    open_desk(place_of(project))
    server = DeskServer(project.settings, next_free=port is None)
    _greet(server.url, project)
    if attached:
        threading.Thread(target=_until_input_ends, args=(server.stop,), daemon=True).start()
    if open_:
        import webbrowser

        webbrowser.open(server.url)
    # As a part of `runner up` the catalogue of bots is kept there already, and the index of words is made there.
    others = [] if attached else parts_of(["bots"], project.settings, project.environment, lambda _text: None)
    parts: list[Part] = [server, *others]
    if not attached:
        from runner.store.word_index_making import WordIndexMaker

        parts.append(WordIndexMaker())
    serve_together(parts)
    return 0


class DeskPart:
    """The desk as a part of `runner up`, in a process of its own: what it does can't hold up the scheduler.

    It ends with its parent, however that ends: its standard input is a pipe from it. `port` is one that was asked for.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        environment: Mapping[str, str],
        folder: Path | None = None,
        *,
        port: int | None = None,
    ) -> None:
        self._say = say
        self._folder = folder  # of the project; None: the current one
        self._environment = dict(environment)
        self._options = [] if port is None else ["--port", str(port)]
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    def serve(self) -> None:
        """Keep the desk running until `stop`. A desk that can't start is told of, and stops nothing else."""
        for _start in range(_MOST_STARTS):
            if self._stopping.is_set():
                return
            command = [sys.executable, "-m", "runner", "desk", "--attached", *self._options]
            began = time.monotonic()
            with subprocess.Popen(
                command, stdin=subprocess.PIPE, env=self._environment, cwd=self._folder
            ) as process:
                self._process = process
                code = process.wait()
            if not self._stopping.is_set():
                self._say(f"the desk ended with {code}; scheduler and worker go on without it")
                if time.monotonic() - began < _AGAIN_AFTER:
                    break
            self._stopping.wait(_AGAIN_AFTER)
        self._stopping.wait()

    def stop(self) -> None:
        """End the desk."""
        self._stopping.set()
        process = self._process
        if process is None or process.poll() is not None:
            return
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(_END_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()


def place_of(project: Project) -> Place:
    """The desk's place in a project, with what it needs from the engine handed in."""
    from runner.desk.outside import Line, Outside, Place

    settings = project.settings

    def checkup() -> list[Line]:
        from runner.cli.checkup import check_all  # it looks at browsers and vault: not before somebody asks

        return [Line(one.check, one.state, one.text, one.remedy) for one in check_all(project)]

    def described(
        files: Sequence[Path] | None,
    ) -> tuple[tuple[BotDescription, ...], tuple[RunnerError, ...]]:
        from runner.engine.bots import discover  # what starts child processes: a desk may never have to

        found = discover(settings, files)
        return found.bots, found.errors

    def valid_item(file: str, queue: str, data: Mapping[str, Any]) -> dict[str, Any]:
        from runner.engine.bots import validate_item

        return validate_item(settings, file, queue, data)

    def valid_items(
        file: str, queue: str, rows: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any] | ErrorReport]:
        from runner.engine.bots import validate_items

        return validate_items(settings, file, queue, rows)

    return Place(settings, project.environment, Outside(checkup, described, valid_item, valid_items))


def _greet(url: str, project: Project) -> None:
    from runner.desk.people.links import has_admin, make_link

    say(f"The desk of {project.settings.project}: {url}")
    if not has_admin():
        say(f"First visit, once and within the hour: {url}{make_link(None, project.who)}")


def _until_input_ends(stop: Callable[[], None]) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    stop()
