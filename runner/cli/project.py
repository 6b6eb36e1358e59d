"""Opens the project around the current folder: settings, data folder, store, and who is asking."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.cli.faults import disk_problem, is_about_disk
from runner.core.errors import EnvironmentProblem, RunnerError
from runner.core.settings import Settings, load_settings, prepare_home
from runner.core.store_address import URL_VARIABLE, ServerAddress


@dataclass(frozen=True, slots=True)
class Project:
    """What every command works with. `who` is written into the history of what people decide."""

    settings: Settings
    environment: Mapping[str, str]
    who: str


def open_settings(flags: Mapping[str, Any] | None = None) -> Project:
    """The project of the current folder, without its store.

    Raises what `load_settings` raises.
    """
    environment = dict(os.environ)
    settings = load_settings(Path.cwd(), environment, flags)
    return Project(settings, environment, _who(settings, environment))


def open_project(
    flags: Mapping[str, Any] | None = None, *, writes: bool = False, anew: bool = False
) -> Project:
    """The project of the current folder with its store open; raises what `open_settings` and `with_store` raise."""
    return with_store(open_settings(flags), writes=writes, anew=anew)


def with_store(project: Project, *, writes: bool = False, anew: bool = False) -> Project:
    """The same project, its store open for this process.

    `writes`: the command starts something, so the data folder must have room for its journal; looking at what happened
    must be possible on a full disk too. A project without data yet gets an empty store; one whose runs are there and whose
    store is not gets none, except `anew`: an empty one would not know what is done, and do it again.
    Raises EnvironmentProblem (CLI_DISK, CLI_DB, DB_DRIVER …, STORE_GONE) and ConfigurationError (DB_URL).
    """
    from runner.store.open import open_store

    if not anew:
        refuse_lost_store(project.settings)
    if writes or not project.settings.has_store:
        prepare_home(project.settings)
    try:
        open_store(project.settings.store)
    except EnvironmentProblem as error:
        if is_about_disk(error.what):
            raise disk_problem(f"No space left for the store ({error.what})", error.where) from error
        raise
    if writes:
        _keep_processes(project.settings)
    return project


def store_has_gone(settings: Settings) -> bool:
    """Whether there are runs and no store that could know of them."""
    return any(settings.runs.glob("*/*/*/*/*.jsonl")) and not is_made(settings)


def is_made(settings: Settings) -> bool:
    """Whether there is a store; to look makes none. Raises what `open_store` raises of a server that can't be asked."""
    if isinstance(settings.store, ServerAddress):
        from runner.store.postgres.server import has_tables

        return has_tables(settings.store)
    return settings.database.exists()


def refuse_lost_store(settings: Settings) -> None:
    """Raise EnvironmentProblem (STORE_GONE) rather than let an empty store be made beside runs that it does not know."""
    if store_has_gone(settings):
        if settings.database_url:
            raise EnvironmentProblem(
                f"the database {settings.store} holds no store, and the journals of runs are here",
                expected="the store that knows what these runs have done: with an empty one it would be done again",
                hint="name the database that holds it, or make the store from the journals: runner rebuild",
                where=URL_VARIABLE,
                code="STORE_GONE",
            )
        raise EnvironmentProblem(
            "the store is not there, and the journals of runs are",
            expected="the store that knows what these runs have done: with an empty one it would be done again",
            hint=f"put it back with all files named {settings.database.name}…, set RUNNER_DATABASE_URL if it is on a server, or make it again: runner rebuild",
            where=str(settings.database),
            code="STORE_GONE",
        )


def _keep_processes(settings: Settings) -> None:
    """Store what schedules.yaml says about processes: what starts a run may open cases, which are due by it."""
    path = settings.schedules
    if not path.exists() or b"processes:" not in path.read_bytes():
        return
    from django.db import OperationalError

    from runner.cases.due import keep_processes
    from runner.cli.timetables import load
    from runner.core.clock import now

    with suppress(RunnerError, OperationalError):  # a broken file keeps what was read before
        keep_processes(load(path, None, now()), now())


def _who(settings: Settings, environment: Mapping[str, str]) -> str:
    named = environment.get("RUNNER_USER") or settings.user
    if named:
        return named
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # no login name: a container without a passwd entry
        return "unknown"
