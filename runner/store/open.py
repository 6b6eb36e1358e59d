"""Opens the store: configures Django for one SQLite file and brings its tables up to date."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from runner.core.errors import EnvironmentProblem
from runner.core.files import alone
from runner.store import word_index

BUSY_TIMEOUT: Final = 20.0  # seconds a writer waits for another one
_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"
    " PRAGMA wal_autocheckpoint=250"  # 1 MB: with the usual 4 MB a small disk is full before the log is ever folded in
)
_MIGRATIONS: Final = "django_migrations"  # Django's own table of them
_opening = threading.Lock()


def django_options(database: Path | str) -> dict[str, Any]:
    """The Django settings of the store.

    IMMEDIATE transactions take the write lock when they begin, so a claim never fails in its middle; WAL with
    synchronous=FULL makes a commit durable before it is acknowledged.
    """
    return {
        "DATABASES": {
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(database),
                "OPTIONS": {
                    "transaction_mode": "IMMEDIATE",
                    "timeout": BUSY_TIMEOUT,
                    "init_command": _PRAGMAS,
                },
                "CONN_MAX_AGE": None,
            }
        },
        "INSTALLED_APPS": ["runner.store.app.StoreApp"],
        "USE_TZ": True,
        "TIME_ZONE": "UTC",
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "LOGGING_CONFIG": None,
    }


def open_store(database: Path, more: Mapping[str, Any] | None = None) -> None:
    """Make the store at `database` ready for this process; tables are made or migrated when they are behind.

    `more` are Django settings beside those of `django_options`, and win over them: the desk brings its own apps, whose
    tables live in the same file. One process serves one store, with one set of apps: a second call with another file
    raises ValueError.
    Raises EnvironmentProblem when the file can't be opened.
    """
    from django.conf import settings
    from django.db import OperationalError, connection

    with _opening:
        if not settings.configured:
            settings.configure(**{**django_options(database), **(more or {})})
            _load_models(with_pages=bool(more))
        elif str(settings.DATABASES["default"]["NAME"]) != str(database):
            raise ValueError(f"this process has opened {settings.DATABASES['default']['NAME']} already")
        try:
            _migrate_if_behind(connection)
        except OperationalError as error:
            raise EnvironmentProblem(
                f"the store can't be opened: {error}",
                expected="a SQLite file that can be written",
                hint="see: runner doctor; started work is kept in the journals",
                where=str(database),
                code="CLI_DB",
            ) from error


def _load_models(*, with_pages: bool) -> None:
    """Load Django's applications; without pages not by `django.setup`, which loads URLs, HTTP, templates and mail too."""
    if with_pages:
        import django

        django.setup()
        return
    from django.apps import apps
    from django.conf import settings

    apps.populate(settings.INSTALLED_APPS)


def _migrate_if_behind(connection: Any) -> None:
    from django.apps import apps

    known = {
        (app.label, path.stem)
        for app in apps.get_app_configs()
        for path in (Path(app.path) / "migrations").glob("[0-9]*.py")
    }
    behind = known - _applied(connection)
    if behind or word_index.is_missing(connection):
        database = Path(connection.settings_dict["NAME"])
        # The second one finds all migrations applied and does nothing.
        with alone(database.with_name(f"{database.name}.making")):
            if any(label == "store" for label, _name in behind):
                # A trigger that names a table keeps SQLite from making that table anew.
                with connection.cursor() as cursor:
                    word_index.stop_keeping(cursor.execute)
            if behind:
                from django.core.management import call_command

                call_command("migrate", verbosity=0, interactive=False)
            word_index.ensure(connection)
            if (
                connection.vendor == "sqlite"
            ):  # what making the tables wrote into the log needs its room no more
                with connection.cursor() as cursor:
                    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _applied(connection: Any) -> set[tuple[str, str]]:
    """The migrations that the store has had, read without what makes tables: it is slow to load, and rarely needed."""
    if _MIGRATIONS not in connection.introspection.table_names():
        return set()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT app, name FROM {_MIGRATIONS}")  # noqa: S608 (a name of this file)
        return set(cursor.fetchall())
