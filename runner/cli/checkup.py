"""The checks of `runner doctor`. Each is one function that says what it found; none of them changes anything of value."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from typing import Final

from runner.cli.checkup_store import clock, counts, ledger, store, words
from runner.cli.finding import Check, Finding, State, from_error
from runner.cli.project import Project
from runner.cli.timetables import load
from runner.core.clock import now
from runner.core.errors import EnvironmentProblem, ErrorReport, RunnerError
from runner.core.reserve import make_reserve
from runner.core.settings import prepare_home
from runner.core.vault import Vault
from runner.engine import tree
from runner.engine.bots import Discovery, discover
from runner.kit.web_browser import find_browser

_LITTLE: Final = 1_000_000_000  # bytes of disk above the least, below which there is a warning
_BROWSER_LIMIT: Final = 20.0  # seconds for a browser to say its version


def check_all(project: Project) -> list[Finding]:
    """Run every check. One that fails itself is an error of that check and stops no other."""
    bots = discover(project.settings)
    findings: list[Finding] = []
    for name, check in _CHECKS.items():
        try:
            findings += check(project, bots)
        except RunnerError as error:
            findings += from_error(name, error)
        except (OSError, sqlite3.Error, subprocess.SubprocessError) as error:
            findings.append(
                Finding(name, State.ERROR, str(error), "correct it, then call runner doctor again")
            )
    return findings


def _python(project: Project, bots: Discovery) -> Iterator[Finding]:
    del project, bots
    version = ".".join(str(part) for part in sys.version_info[:3])
    yield Finding("python", State.OK, f"{version} on {sys.platform}")


def _data_folder(project: Project, bots: Discovery) -> Iterator[Finding]:
    del bots
    home = project.settings.home
    prepare_home(project.settings)
    yield Finding("data folder", State.OK, f"{home} can be written")
    if os.name == "posix" and home.stat().st_mode & 0o077:
        yield Finding(
            "data folder", State.WARNING, "others on this machine may look into it", f"chmod 700 {home}"
        )


def _disk(project: Project, bots: Discovery) -> Iterator[Finding]:
    del bots
    free, least = shutil.disk_usage(project.settings.home).free, project.settings.free_space * 1_000_000
    text = f"{free / 1e9:.1f} GB free"
    reserve = make_reserve(project.settings.reserve)
    if free < least:
        least_text = f"{text}: no new run starts below {project.settings.free_space} MB"
        yield Finding(
            "disk", State.ERROR, least_text, "free some space, or set RUNNER_FREE_SPACE (MB) to less"
        )
    elif reserve:
        text = (
            f"{text}; the reserve for the last lines of journals can't be made ({reserve}): no new run starts"
        )
        yield Finding("disk", State.ERROR, text, "free some space")
    elif free < least + _LITTLE:
        yield Finding("disk", State.WARNING, text, "free some space, evidence needs it")
    else:
        yield Finding("disk", State.OK, text)


def _browser(project: Project, bots: Discovery) -> Iterator[Finding]:
    del bots
    chosen = project.settings.browser
    found = find_browser(str(chosen) if chosen else None)
    if found is None:
        yield Finding(
            "browser", State.WARNING, "no Chrome, Edge or Chromium is installed; Playwright's own may be there",
            "install one, or set RUNNER_BROWSER to its path, or run: playwright install chromium",
        )  # fmt: skip
        return
    said = subprocess.run(
        [str(found), "--version"], capture_output=True, text=True, timeout=_BROWSER_LIMIT, check=False,
    )  # fmt: skip
    version = said.stdout.strip()
    if said.returncode != 0 or not version:
        reason = (said.stderr.strip().splitlines() or ["it says nothing"])[-1]
        yield Finding(
            "browser", State.ERROR, f"{found} does not start: {reason}", "install it again, or choose another"
        )
    else:
        yield Finding("browser", State.OK, f"{version} ({found})")
    try:
        headed = find_browser(str(chosen) if chosen else None, headed=True)
    except EnvironmentProblem:
        headed = None
    if headed is None:
        yield Finding(
            "browser", State.WARNING, f"{found} has no window: 'runner record' and --headed need one",
            "install Chrome, Edge or Chromium",
        )  # fmt: skip


def _bots(project: Project, bots: Discovery) -> Iterator[Finding]:
    del project
    names = ", ".join(bot.name for bot in bots.bots)
    if bots.errors:
        yield from from_error("bots", ErrorReport(bots.errors))
    if names:
        yield Finding("bots", State.OK, names)
    elif not bots.errors:
        yield Finding("bots", State.WARNING, "there is none in bots/", "write one, or see: runner init DIR")


def _schedules(project: Project, bots: Discovery) -> Iterator[Finding]:
    del bots
    path = project.settings.schedules
    if not path.exists():
        yield Finding(
            "schedules", State.WARNING, f"there is no {path.name}", "bots run only when somebody starts them"
        )
        return
    timetable = load(path, None, now())
    yield Finding("schedules", State.OK, f"{len(timetable.planned)} in {path.name}")
    names = ", ".join(sorted(timetable.calendars)) or "none is named"
    warnings = timetable.warnings(now())
    for text in warnings:
        what, _, remedy = text.partition(" - ")
        yield Finding("calendars", State.WARNING, what, remedy, is_configuration=True)
    if not warnings:
        yield Finding("calendars", State.OK, names)


def _vault(project: Project, bots: Discovery) -> Iterator[Finding]:
    vault = Vault(project.settings.vault, project.environment)
    names = vault.names()
    wanted = {secret: bot.name for bot in bots.bots for secret in bot.secrets}
    missing = [name for name in wanted if name not in names]
    for name in missing:
        yield Finding(
            "vault",
            State.WARNING,
            f"bot {wanted[name]} needs the secret '{name}'",
            f"runner secrets set {name}",
        )
    if not missing:
        yield Finding("vault", State.OK, f"{len(names)} secrets; its key is in {vault.where_the_key_is}")


def _leftovers(project: Project, bots: Discovery) -> Iterator[Finding]:
    del project, bots
    left = [pid for pid, marker in tree.markers().items() if not _has_worker(marker)]
    if left:
        shown = " ".join(str(pid) for pid in left[:10])
        text = f"{len(left)} processes of runs whose worker is gone: {shown}"
        yield Finding(
            "leftovers", State.WARNING, text, "the next runner up or runner run ends them, or: kill them"
        )
    else:
        yield Finding("leftovers", State.OK, "no process of an ended run is left")


def _has_worker(marker: str) -> bool:
    """Whether the worker that a process's marker names is alive; a process without its name is not ours to judge."""
    worker = marker.split("/", maxsplit=1)[0].rsplit(":", 2)
    if len(worker) != 3 or not worker[1].isdigit():
        return True
    return tree.is_alive(int(worker[1]), float(worker[2]))


_CHECKS: Final[dict[str, Check]] = {
    "python": _python,
    "data folder": _data_folder,
    "disk": _disk,
    "store": store,
    "clock": clock,
    "browser": _browser,
    "bots": _bots,
    "schedules": _schedules,
    "ledger": ledger,
    "problems": counts,
    "search": words,
    "vault": _vault,
    "leftovers": _leftovers,
}
