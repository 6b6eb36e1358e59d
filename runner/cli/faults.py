"""Errors that nobody raised on purpose, as a line for people: a full disk, a store that fails, or a fault in Runner."""

from __future__ import annotations

import errno
import os
import secrets
import traceback
from pathlib import Path
from typing import Final

from runner.core.clock import iso, now
from runner.core.errors import EnvironmentProblem, RunnerError
from runner.core.settings import load_settings

LOG: Final = "errors.log"
_DISK: Final = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}
_FULL: Final = ("disk is full", "readonly database", "disk i/o error")


def explain(error: Exception) -> RunnerError:
    """The error as one line. What is a fault of Runner's own is kept with its traceback under an id."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OSError) and found.errno in _DISK:
            return disk_problem(found.strerror or str(found), str(found.filename or ""))
        if type(found).__module__.startswith(("django.db", "sqlite3", "psycopg")):
            return _store(found)
        found = found.__cause__ or found.__context__
    return _unexpected(error)


def disk_problem(reason: str, where: str) -> EnvironmentProblem:
    """The error for a data folder that has no room left, or may not be written."""
    return EnvironmentProblem(
        f"the data folder can't be written: {reason}",
        expected="a journal must be written before anything is done, so Runner is paused: no new run will start",
        hint="free some space or correct the permissions, then see: runner doctor",
        where=where,
        code="CLI_DISK",
    )


def is_about_disk(said: str) -> bool:
    """Whether a database's message means the disk, not the database."""
    return any(words in said for words in _FULL)


def _store(error: BaseException) -> RunnerError:
    said = " ".join(str(error).split())
    if is_about_disk(said):
        return disk_problem(f"No space left, or not writable ({said})", "store")
    return EnvironmentProblem(
        f"the store does not answer: {said}",
        expected="a store that can be read and written; started work is kept in the local journal",
        hint="see: runner doctor",
        where="store",
        code="CLI_DB",
    )


def _unexpected(error: Exception) -> RunnerError:
    name = secrets.token_hex(4)
    said = " ".join(str(error).split())[:300]
    kept = _keep(error, name)
    return RunnerError(
        f"{type(error).__name__}: {said}" if said else type(error).__name__,
        expected=f"this is a fault in Runner, error id {name}",
        hint=f"report it with the lines of that id in {kept}"
        if kept
        else "call it again with --debug to see more",
        where="runner",
        code="UNEXPECTED",
    )


def _keep(error: Exception, name: str) -> Path | None:
    """Write the traceback into the project's log of errors; None where there is no place for it."""
    try:
        home = load_settings(Path.cwd(), os.environ).home
        if not home.is_dir():
            return None
        path = home / LOG
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(file, "a", encoding="utf-8") as log:
            log.write(f"--- {name} {iso(now())}\n{''.join(traceback.format_exception(error))}")
    except Exception:  # noqa: BLE001 - while reporting one error another one must not hide it
        return None
    return path
