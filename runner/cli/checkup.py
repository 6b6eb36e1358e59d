"""The checks of `runner doctor`. Each is one function that says what it found; none of them changes anything of value."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from runner.cli.project import Project, with_store
from runner.cli.timetables import load
from runner.core.clock import now
from runner.core.errors import ErrorReport, RunnerError
from runner.core.settings import prepare_home
from runner.core.vault import Vault
from runner.engine import tree
from runner.engine.bots import Discovery, discover
from runner.kit.web_browser import find_browser

_LITTLE: Final = 1_000_000_000  # bytes of disk below which there is a warning
_TOO_LITTLE: Final = 100_000_000
_BROWSER_LIMIT: Final = 20.0  # seconds for a browser to say its version


class State(StrEnum):
    """How a check ended."""

    OK = "OK"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `remedy` is what to do about it."""

    check: str
    state: State
    text: str
    remedy: str = ""
    is_configuration: bool = False


Check = Callable[[Project, Discovery], Iterator[Finding]]


def check_all(project: Project) -> list[Finding]:
    """Run every check. One that fails itself is an error of that check and stops no other."""
    bots = discover(project.settings)
    findings: list[Finding] = []
    for name, check in _CHECKS.items():
        try:
            findings += check(project, bots)
        except RunnerError as error:
            findings += _from_error(name, error)
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
    free = shutil.disk_usage(project.settings.home).free
    text = f"{free / 1e9:.1f} GB free"
    if free < _TOO_LITTLE:
        yield Finding("disk", State.ERROR, text, "free some space: without a journal no run can start")
    elif free < _LITTLE:
        yield Finding("disk", State.WARNING, text, "free some space, evidence needs it")
    else:
        yield Finding("disk", State.OK, text)


def _store(project: Project, bots: Discovery) -> Iterator[Finding]:
    del bots
    path = project.settings.database
    if not path.exists():
        yield Finding("store", State.OK, "not there yet, the first run makes it")
        return
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as connection:
        said = connection.execute("PRAGMA quick_check(3)").fetchall()
        if said != [("ok",)]:
            words = "; ".join(str(row[0]) for row in said)
            yield Finding("store", State.ERROR, f"damaged: {words}", "move it away, then: runner rebuild")
            return
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'store_case'").fetchall():
            yield Finding(
                "store", State.WARNING, "it was begun and has no tables yet", "the next command makes them"
            )
            return
        cases = connection.execute(
            "SELECT count(*) FROM store_case WHERE status IN ('open', 'claimed', 'waiting')"
        ).fetchone()[0]
    yield Finding(
        "store", State.OK, f"{path.stat().st_size / 1e6:.1f} MB, sound; {cases} cases wait for a person"
    )


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


def _bots(project: Project, bots: Discovery) -> Iterator[Finding]:
    del project
    names = ", ".join(bot.name for bot in bots.bots)
    if bots.errors:
        yield from _from_error("bots", ErrorReport(bots.errors))
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
    for text in timetable.warnings(now()):
        yield Finding("schedules", State.WARNING, text, is_configuration=True)


def _ledger(project: Project, bots: Discovery) -> Iterator[Finding]:
    """Every due time that has come has exactly one end; the store must be there already."""
    del bots
    settings = project.settings
    if not settings.database.exists() or not settings.schedules.exists():
        return
    from django.db import DatabaseError

    try:
        planned = load(settings.schedules, None, now()).planned
        with_store(project)
        from runner.cases.clock import holding_cases
        from runner.engine.ledger_check import gaps

        found, holding = list(gaps(planned)), holding_cases()
    except (DatabaseError, RunnerError):  # a store or file that can't be read is the finding of another check
        return
    for gap in found:
        first = f", the first at {gap.missing[0]:%Y-%m-%d %H:%M}Z" if gap.missing else ""
        yield Finding(
            "ledger", State.ERROR,
            f"schedule '{gap.schedule}': {len(gap.missing)} due times have no end{first}; {gap.unended} are unended",
            f"start what is missing with: runner schedules backfill {gap.schedule} --from TIME --yes",
        )  # fmt: skip
    if not found:
        yield Finding("ledger", State.OK, "every due time has exactly one end")
    for case in holding:
        yield Finding(
            "ledger", State.WARNING, f"schedulers hold: the clock has jumped (case {case})",
            "runner schedules accept-clock",
        )  # fmt: skip


def _counts(project: Project, bots: Discovery) -> Iterator[Finding]:
    """The counts of every problem are those of its cases, and the audit trail is whole."""
    del bots
    if not project.settings.database.exists():
        return
    from django.db import DatabaseError

    try:
        with_store(project)
        from runner.cases.audit import verify
        from runner.cases.case_rows import wrong_counts

        wrong, report = wrong_counts(), verify(project.settings.proofs)
    except (DatabaseError, RunnerError):  # a store that can't be read is the finding of another check
        return
    for sentence in wrong[:20]:
        yield Finding("problems", State.ERROR, sentence, "runner rebuild")
    if not wrong:
        yield Finding("problems", State.OK, "their counts are those of their cases")
    if report.broken is None:
        yield Finding("audit trail", State.OK, f"{report.entries} entries, whole")
    else:
        yield Finding(
            "audit trail", State.ERROR, f"entry {report.broken.seq}: {report.broken.why}",
            "somebody, or a damaged disk, has changed the store: compare it with a backup",
        )  # fmt: skip


def _vault(project: Project, bots: Discovery) -> Iterator[Finding]:
    names = Vault(project.settings.vault, project.environment).names()
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
        yield Finding("vault", State.OK, f"{len(names)} secrets")


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


def _from_error(check: str, error: RunnerError) -> Iterator[Finding]:
    for one in error.errors if isinstance(error, ErrorReport) else (error,):
        where = f"{one.where}: " if one.where else ""
        remedy = " - ".join(part for part in (one.expected, one.hint) if part)
        yield Finding(
            check,
            State.ERROR,
            f"{where}{one.stable_code}: {one.what}",
            remedy,
            is_configuration=one.exit_code == 3,
        )


_CHECKS: Final[dict[str, Check]] = {
    "python": _python,
    "data folder": _data_folder,
    "disk": _disk,
    "store": _store,
    "browser": _browser,
    "bots": _bots,
    "schedules": _schedules,
    "ledger": _ledger,
    "problems": _counts,
    "vault": _vault,
    "leftovers": _leftovers,
}
