"""The folder of the demo: a project of its own with the example bots, made anew for each demo."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import runner
from runner.core.errors import ConfigurationError, ConflictError, EnvironmentProblem
from runner.core.settings import DATA_FOLDER, Settings, find_project, load_settings, prepare_home
from runner.core.store_address import PASSWORD_VARIABLE, URL_VARIABLE

FOLDER: Final = "demo"
BOT_FILES: Final = ("_portal.py", "post_orders.py", "collect_prices.py", "reconcile.py")
_PACKAGE: Final = Path(runner.__file__).resolve().parent
_EXAMPLES: Final = (_PACKAGE / "demo" / "bots", _PACKAGE.parent / "bots")  # in a wheel; in the repository
_MARK: Final = ".made-by-runner-demo"
_SCHEDULES: Final = """\
# The schedules of the demo. The ones to learn from are in the schedules.yaml of the repository.
defaults:
  timezone: UTC

schedules:
  - id: post-orders
    description: Enter the orders of the workbook into the portal
    bot: post_orders
    at: "{first}"
    parameters:
      workbook: {workbook}
      portal: {portal}

  - id: collect-prices
    description: Collect the price list as a workbook
    bot: collect_prices
    at: "{second}"
    parameters:
      portal: {portal}
"""


@dataclass(frozen=True, slots=True)
class DemoPlace:
    """The demo's project folder, and the settings and environment that its processes work with."""

    folder: Path
    settings: Settings
    environment: Mapping[str, str]

    @property
    def portal_data(self) -> Path:
        """The folder of the portal's own store."""
        return self.folder / "portal"

    def write_schedules(self, first: datetime, second: datetime, *, workbook: Path, portal: str) -> None:
        """Write the schedules file, in one step: a scheduler may be reading it."""
        text = _SCHEDULES.format(
            first=f"{first:%Y-%m-%d %H:%M:%S}",
            second=f"{second:%Y-%m-%d %H:%M:%S}",
            workbook=workbook.relative_to(self.folder).as_posix(),
            portal=portal,
        )
        new = self.folder / "schedules.new"
        new.write_text(text, encoding="utf-8")
        new.replace(self.folder / "schedules.yaml")


def make_place(start: Path, environment: Mapping[str, str]) -> DemoPlace:
    """Make the demo's folder in the data folder of the project around `start`, or of `start` itself outside of one.

    What an earlier demo left there is removed; nothing else is touched. Raises ConflictError (DEMO_RUNNING, DEMO_FOLDER)
    when a demo is going on there or the folder is not a demo's, EnvironmentProblem when the example bots are missing.
    """
    folder = _data_folder(start, environment) / FOLDER
    examples = _examples()
    _clear(folder)
    (folder / "bots").mkdir(parents=True, mode=0o700)
    _write_mark(folder)
    for name in BOT_FILES:
        shutil.copyfile(examples / name, folder / "bots" / name)
    (folder / "schedules.yaml").write_text("schedules: []\n", encoding="utf-8")
    local = {
        name: value for name, value in environment.items() if name not in {URL_VARIABLE, PASSWORD_VARIABLE}
    }
    own = {**local, "RUNNER_PROJECT": str(folder), "RUNNER_HOME": str(folder / DATA_FOLDER)}
    settings = load_settings(folder, own, {"slots": 1, "standby": 1})
    prepare_home(settings)
    return DemoPlace(folder, settings, own)


def _examples() -> Path:
    """The folder with the example bots; another package's `bots` beside an installed Runner is none."""
    for folder in _EXAMPLES:
        missing = [name for name in BOT_FILES if not (folder / name).is_file()]
        if not missing:
            return folder
    raise EnvironmentProblem(
        f"the example bots are missing: {', '.join(missing)}",
        expected=f"them in {_EXAMPLES[0]}",
        hint="install Runner again, or run the demo from a copy of the repository",
        code="DEMO_BOTS",
    )


def _data_folder(start: Path, environment: Mapping[str, str]) -> Path:
    try:
        project = find_project(start)
    except ConfigurationError:
        project = start
    return (project / (environment.get("RUNNER_HOME") or DATA_FOLDER)).resolve()


def _clear(folder: Path) -> None:
    if not folder.exists():
        return
    mark = folder / _MARK
    if not mark.is_file():
        raise ConflictError(
            "the folder is there and was not made by a demo",
            expected="no folder of this name, or an earlier demo's",
            hint="move it away, or set RUNNER_HOME to another folder",
            where=str(folder),
            code="DEMO_FOLDER",
        )
    if _is_alive(mark):
        raise ConflictError(
            "a demo is going on in this folder",
            expected="one demo at a time",
            hint="wait for its end, or set RUNNER_HOME to another folder",
            where=str(folder),
            code="DEMO_RUNNING",
        )
    shutil.rmtree(folder)


def _write_mark(folder: Path) -> None:
    import psutil

    made_by = {"pid": os.getpid(), "started": psutil.Process().create_time()}
    (folder / _MARK).write_text(json.dumps(made_by), encoding="utf-8")


def _is_alive(mark: Path) -> bool:
    from runner.engine.tree import is_alive

    try:
        made_by = json.loads(mark.read_text(encoding="utf-8"))
        pid, started = int(made_by["pid"]), float(made_by["started"])
    except (ValueError, KeyError):
        return False  # the machine went down while it was written
    return pid != os.getpid() and is_alive(pid, started)
