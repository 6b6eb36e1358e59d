"""Opens the store: configures Django for its database, a SQLite file or one on a server, and brings its tables up to date."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

from runner.core.errors import EnvironmentProblem
from runner.core.store_address import ServerAddress
from runner.store import word_index

_MIGRATIONS: Final = "django_migrations"  # Django's own table of them
_opening: Final = threading.Lock()


def django_options(where: Path | ServerAddress | str) -> dict[str, Any]:
    """The Django settings of the store. Raises what `server_options` raises."""
    return {
        "DATABASES": {"default": database_options(where)},
        "INSTALLED_APPS": ["runner.store.app.StoreApp"],
        "USE_TZ": True,
        "TIME_ZONE": "UTC",
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "LOGGING_CONFIG": None,
    }


def database_options(where: Path | ServerAddress | str) -> dict[str, Any]:
    """The entry of Django's DATABASES for the store."""
    if isinstance(where, ServerAddress):
        from runner.store.postgres.server import server_options

        return server_options(where)
    from runner.store.sqlite.file import file_options

    return file_options(where)


def open_store(where: Path | ServerAddress, more: Mapping[str, Any] | None = None) -> None:
    """Make the store at `where` ready for this process; tables are made or migrated when they are behind.

    `more` are Django settings beside those of `django_options`, and win over them: the desk brings its own apps, whose
    tables live in the same database. One process serves one store, with one set of apps: a second call with another
    one raises ValueError.
    Raises EnvironmentProblem when the database can't be opened or can't keep a store, ConfigurationError for an address
    that can't be read.
    """
    from django.conf import settings
    from django.db import DatabaseError, OperationalError, connection

    with _opening:
        if not settings.configured:
            settings.configure(**{**django_options(where), **(more or {})})
            _load_models(with_pages=bool(more))
        elif not _is_served(settings.DATABASES["default"], where):
            raise ValueError(f"this process has opened {settings.DATABASES['default']['NAME']} already")
        try:
            connection.ensure_connection()
            _check(connection)
            _migrate_if_behind(connection)
        except OperationalError as error:
            raise _unusable(where, error) from error
        except DatabaseError as error:
            if not isinstance(where, ServerAddress):
                raise
            raise _unusable(where, error) from error


def _is_served(database: Mapping[str, Any], where: Path | ServerAddress) -> bool:
    wanted = database_options(where)
    return all(str(database.get(name, "")) == str(wanted.get(name, "")) for name in ("NAME", "HOST", "PORT"))


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
        with _alone(connection):
            if any(label == "store" for label, _name in behind):
                # A trigger that names a table keeps that table from being changed.
                with connection.cursor() as cursor:
                    _words_of(connection).stop_keeping(cursor.execute)
            if behind:
                from django.core.management import call_command

                call_command("migrate", verbosity=0, interactive=False)
            word_index.ensure(connection)
        _give_memory_back()


def _give_memory_back() -> None:
    """Return to the system what making the tables took and is free now: 6 of 55 MB, which a process that stays would keep."""
    gc.collect()
    if sys.platform == "linux":
        import ctypes

        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl has not
        if trim is not None:
            trim(0)


def _applied(connection: Any) -> set[tuple[str, str]]:
    """The migrations that the store has had, read without what makes tables: it is slow to load, and rarely needed."""
    if _MIGRATIONS not in connection.introspection.table_names():
        return set()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT app, name FROM {_MIGRATIONS}")  # noqa: S608 (a name of this file)
        return set(cursor.fetchall())


def _words_of(connection: Any) -> Any:
    """The module that keeps the index of words in this database."""
    if connection.vendor == "postgresql":
        from runner.store.postgres import word_index as server

        return server
    from runner.store import word_index as file

    return file


def _alone(connection: Any) -> AbstractContextManager[None]:
    if connection.vendor == "postgresql":
        from runner.store.postgres import server

        return server.alone(connection)
    from runner.store.sqlite import file

    return file.alone(connection)


def _check(connection: Any) -> None:
    if connection.vendor == "postgresql":
        from runner.store.postgres.server import check_server

        check_server(connection)


def _unusable(where: Path | ServerAddress, error: Exception) -> EnvironmentProblem:
    if isinstance(where, ServerAddress):
        from runner.store.postgres.server import unreachable

        return unreachable(where, error)
    from runner.store.sqlite.file import unusable

    return unusable(where, error)
