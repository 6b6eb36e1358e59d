"""Opens a store in a SQLite file: its settings for Django, and who may make its tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from runner.core import files
from runner.core.errors import EnvironmentProblem

BUSY_TIMEOUT: Final = 20.0  # seconds a writer waits for another one
_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"
    " PRAGMA wal_autocheckpoint=250"  # 1 MB: with the usual 4 MB a small disk is full before the log is ever folded in
)


def file_options(database: Path | str) -> dict[str, Any]:
    """The entry of Django's DATABASES for a store in a file.

    IMMEDIATE transactions take the write lock when they begin, so a claim never fails in its middle; WAL with
    synchronous=FULL makes a commit durable before it is acknowledged.
    """
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(database),
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": BUSY_TIMEOUT,
            "init_command": _PRAGMAS,
        },
        "CONN_MAX_AGE": None,
    }


def unusable(database: Path, error: Exception) -> EnvironmentProblem:
    """The error of a file that can't be opened or made."""
    return EnvironmentProblem(
        f"the store can't be opened: {error}",
        expected="a SQLite file that can be written",
        hint="see: runner doctor; started work is kept in the journals",
        where=str(database),
        code="CLI_DB",
    )


@contextmanager
def alone(connection: Any) -> Iterator[None]:
    """Hold back every other process that wants to make the tables; the second one finds all migrations applied.

    What making the tables wrote into the log needs its room no more.
    """
    database = Path(connection.settings_dict["NAME"])
    with files.alone(database.with_name(f"{database.name}.making")):
        yield
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
