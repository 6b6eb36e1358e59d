"""Where failure tests run: a project and a data folder of their own, real services, and a look for what is left over."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import psutil
from openpyxl import Workbook

ROOT: Final = Path(__file__).resolve().parents[1]
HOOKS: Final = Path(__file__).resolve().parent / "hooks"
HEADINGS: Final = ("Order number", "Customer", "Product", "Quantity", "Amount", "Delivery date", "Notes")
COMMAND_LIMIT_S: Final = 300
SET_UP_S: Final = 240.0  # for what must have happened before anything is broken: no promise, only an end


class Place:
    """A project in `folder` (the repository's bots unless it brings its own) with its data in `home`."""

    def __init__(self, folder: Path, *, home: Path | None = None, **settings: object) -> None:
        self.folder = folder
        self.home = home or folder / "home"
        self.project = folder / "project"
        self.project.mkdir(parents=True, exist_ok=True)
        self.environment: dict[str, str] = {}
        self._settings = {f"RUNNER_{name.upper()}": str(value) for name, value in settings.items()}
        self._services: list[Service] = []
        self.set_schedules("schedules: []\n")

    def use_repository_bots(self) -> None:
        """The example bots, post_orders among them."""
        shutil.copytree(
            ROOT / "bots",
            self.project / "bots",
            ignore=shutil.ignore_patterns("__pycache__"),
            dirs_exist_ok=True,
        )

    def use_bot(self, source: str) -> None:
        """One bot file, bots/chaos_bot.py."""
        (self.project / "bots").mkdir(exist_ok=True)
        (self.project / "bots" / "chaos_bot.py").write_text(source, "utf-8")

    def set_schedules(self, text: str) -> None:
        """The project's schedules.yaml."""
        (self.project / "schedules.yaml").write_text(text, "utf-8")

    @property
    def database(self) -> Path | str:
        """The store: its file, or its address where `environment` names a server."""
        return self.environment.get("RUNNER_DATABASE_URL") or self.home / "store.sqlite3"

    def variables(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of every process of this place; `RUNNER_HOME` in it marks them all."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("RUNNER_", "CHAOS_"))
        }
        if browser := os.environ.get("RUNNER_BROWSER"):
            kept["RUNNER_BROWSER"] = browser
        paths = os.pathsep.join([str(HOOKS), str(ROOT)])
        own = {"RUNNER_HOME": str(self.home), "RUNNER_PROJECT": str(self.project), "PYTHONPATH": paths}
        return {**kept, "RUNNER_USER": "chaos", **self._settings, **own, **self.environment, **(more or {})}

    def runner(
        self,
        *words: str,
        given: str = "",
        limit: float = COMMAND_LIMIT_S,
        more: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """`runner …` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "runner.cli.main", *words], cwd=self.project, env=self.variables(more),
            input=given, capture_output=True, text=True, errors="replace", timeout=limit, check=False,
        )  # fmt: skip

    def set_secret(self, name: str, value: str) -> None:
        """Put a secret into the vault. Raises RuntimeError where it is refused."""
        done = self.runner("secrets", "set", name, given=value)
        if done.returncode:
            raise RuntimeError(f"runner secrets set {name}: {done.stderr}")

    def service(self, *words: str) -> Service:
        """A long-lived `runner …`, started; it is ended with the place."""
        made = Service(self, words)
        made.start()
        self._services.append(made)
        return made

    @property
    def services(self) -> tuple[Service, ...]:
        """The services that were started here."""
        return tuple(self._services)

    def services_running(self) -> int:
        """How many of the services started here still run."""
        return sum(service.is_running for service in self._services)

    def kill_services(self) -> None:
        """End all services as kill -9 does."""
        for service in self._services:
            service.kill()

    def close(self) -> None:
        """End the services and every process that still works here."""
        self.kill_services()
        for process in left_over(self.folder):
            with contextlib.suppress(psutil.Error):
                process.kill()


class Service:
    """A long-lived process of a place: `runner worker`, `runner scheduler` or `runner up`. What it says goes to a file."""

    def __init__(self, place: Place, words: tuple[str, ...]) -> None:
        self.place = place
        self.words = words
        self.log = place.folder / f"{words[0]}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it (again)."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "runner.cli.main", *self.words], cwd=self.place.project,
                env=self.place.variables(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def kill(self) -> None:
        """End it as kill -9 does. Nothing happens when it has ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(60)

    def end(self, limit: float = 240.0) -> int:
        """Ask it to end and wait; the exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(limit)

    def children(self) -> list[psutil.Process]:
        """The bot processes that it has started."""
        with contextlib.suppress(psutil.Error):
            return [p for p in psutil.Process(self.pid).children() if is_bot_process(p)]
        return []

    def said(self) -> str:
        """All that it has said."""
        return self.log.read_text("utf-8", errors="replace") if self.log.exists() else ""


@contextmanager
def a_place(*, home: Path | None = None, **settings: object) -> Iterator[Place]:
    """A place in a temporary folder; neither a process nor a file is left of it."""
    with tempfile.TemporaryDirectory(prefix="runner-chaos-", ignore_cleanup_errors=True) as name:
        place = Place(Path(name), home=home, **settings)
        try:
            yield place
        finally:
            place.close()


def is_bot_process(process: psutil.Process) -> bool:
    """Whether it runs bot code."""
    with contextlib.suppress(psutil.Error):
        return "runner.kit.child" in process.cmdline()
    return False


def left_over(folder: Path) -> list[psutil.Process]:
    """The processes that have something to do with `folder`: by their command line or their environment."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            words = [*process.cmdline(), *process.environ().values()]
            ours = process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE
            if ours and any(str(folder) in word for word in words):
                found.append(process)
    return found


def make_orders(path: Path, count: int, prefix: str = "A") -> Path:
    """A workbook of `count` good orders, named PREFIX-1 and so on."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Orders"
    sheet.append(list(HEADINGS))
    day = date.today() + timedelta(days=30)  # noqa: DTZ011 - the day on the wall counts
    for n in range(1, count + 1):
        sheet.append([f"{prefix}-{n}", "Alder & Finch", "Desk lamp", n, n * 39.5, day, None])
    book.save(path)
    return path


def until(condition: Callable[[], object], limit: float, pace: float = 0.05) -> bool:
    """Whether `condition` came true within `limit` seconds."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(pace)
    return True
