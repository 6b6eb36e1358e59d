"""Reaches a store on a PostgreSQL server: its address as Django's settings, and what a server must be able to do."""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from runner.core.errors import ConfigurationError, EnvironmentProblem
from runner.core.store_address import PASSWORD_VARIABLE, URL_VARIABLE, ServerAddress

OLDEST: Final = 15  # the oldest PostgreSQL on which Runner is tested
EXAMPLE: Final = "postgresql://user@host:5432/database"
_SCHEMES: Final = ("postgresql://", "postgres://")
_SECRET: Final = re.compile(
    "password|authentication"
)  # in what the driver says: its errors of a start have no codes
_RIGHTS: Final = re.compile("permission denied|must be owner")
_MISSING: Final = re.compile("database .* does not exist")
TURN: Final = (
    "SELECT pg_advisory_xact_lock(20747, hashtext(current_schema()))"  # of who writes, to the end of it
)
_MAKING: Final = "SELECT pg_advisory_lock(20748, hashtext(current_schema()))"
_MADE: Final = "SELECT pg_advisory_unlock(20748, hashtext(current_schema()))"


def server_options(address: ServerAddress) -> dict[str, Any]:
    """The entry of Django's DATABASES for a store at `address`.

    Raises ConfigurationError (DB_URL) for an address that can't be read, and EnvironmentProblem
    (DB_DRIVER) where the driver is not installed.
    """
    try:
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict
    except ImportError as error:
        raise EnvironmentProblem(
            f"a store on PostgreSQL needs the package psycopg, which can't be loaded ({error})",
            expected="the extra 'postgres' of Runner",
            hint="run: pip install 'rpa-runner[postgres]'",
            where=URL_VARIABLE,
            code="DB_DRIVER",
        ) from error
    if not address.url.startswith(_SCHEMES):
        found = re.match(r"[a-z][a-z0-9+]{0,19}://", address.url)
        raise _wrong_address(
            f"the address of the database begins with '{found[0]}'" if found else "this is no address"
        )
    try:
        said: dict[str, Any] = dict(conninfo_to_dict(address.url))
    except (ProgrammingError, UnicodeError):
        raise _wrong_address("the address can't be read") from None  # what it says may hold the password
    user = said.pop("user", "")
    name = said.pop("dbname", "") or ("" if "service" in said else user or getpass.getuser())
    password = said.pop("password", "") or address.password
    return {
        "ENGINE": "runner.store.postgres",
        "NAME": name,
        "USER": user,
        "PASSWORD": password,
        "HOST": said.pop("host", ""),
        "PORT": str(said.pop("port", "")),
        "OPTIONS": {
            "connect_timeout": 4,
            "application_name": "runner",
            "target_session_attrs": "read-write",  # a standby can't keep a store
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            **said,
        },
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,  # the desk asks before each page: a server that was restarted costs no error
    }


@contextmanager
def connected(address: ServerAddress) -> Iterator[Any]:
    """A connection of the driver's own, for what is asked before there is a store, or beside it; no autocommit.

    Raises EnvironmentProblem (CLI_DB) for a server that can't be reached or lets nobody in.
    """
    said = server_options(address)
    import psycopg

    who = {"dbname": said["NAME"], "user": said["USER"], "password": said["PASSWORD"]}
    where = {"host": said["HOST"], "port": said["PORT"], **said["OPTIONS"]}
    try:
        connection = psycopg.connect(**{name: value for name, value in {**who, **where}.items() if value})
    except psycopg.OperationalError as error:
        raise unreachable(address, error) from error
    with connection:
        yield connection


def has_tables(address: ServerAddress) -> bool:
    """Whether a store is in the database. Raises what `connected` raises."""
    with connected(address) as connection:
        return bool(connection.execute("SELECT to_regclass('store_case') IS NOT NULL").fetchone()[0])


def check_server(connection: Any) -> None:
    """Raises EnvironmentProblem (DB_VERSION, DB_ENCODING) for a server or database that can't keep a store."""
    version = connection.connection.info.server_version
    if version < OLDEST * 10_000:
        raise EnvironmentProblem(
            f"the server is PostgreSQL {version // 10_000}",
            expected=f"PostgreSQL {OLDEST} or newer",
            hint="update the server",
            where=URL_VARIABLE,
            code="DB_VERSION",
        )
    encoding = connection.connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise EnvironmentProblem(
            f"the database is encoded in {encoding}",
            expected="UTF8, as people and workbooks write every letter",
            hint="make it anew with: createdb --encoding=UTF8 --template=template0 NAME",
            where=URL_VARIABLE,
            code="DB_ENCODING",
        )


def unreachable(address: ServerAddress, error: Exception) -> EnvironmentProblem:
    """The error of a server that can't be reached, lets nobody in, or allows too little."""
    said = one_line(error)
    hint = "start the server, or correct the address; see: runner doctor"
    if _SECRET.search(said):
        hint = f"give the password in {PASSWORD_VARIABLE} or in ~/.pgpass"
    elif _RIGHTS.search(said):
        hint = "let the user own the database: ALTER DATABASE name OWNER TO user"
    elif _MISSING.search(said):
        hint = "make the database: createdb --owner=USER NAME; see: docs/postgresql.md"
    return EnvironmentProblem(
        f"cannot reach the database {address}, or not use it: {said}",
        expected="a database in which tables may be made; started work is kept in the local journal",
        hint=hint,
        where=URL_VARIABLE,
        code="CLI_DB",
    )


def one_line(error: BaseException) -> str:
    """What the driver or the server says, in one line."""
    return " ".join(str(error).split())


@contextmanager
def alone(connection: Any) -> Iterator[None]:
    """Hold back every other process that wants to make the tables."""
    with connection.cursor() as cursor:
        cursor.execute(_MAKING)
    try:
        yield
    finally:
        with suppress(Exception), connection.cursor() as cursor:  # the end of the connection does it too
            cursor.execute(_MADE)


def _wrong_address(what: str) -> ConfigurationError:
    return ConfigurationError(
        what,
        expected=EXAMPLE,
        hint=f"correct {URL_VARIABLE}, or unset it for a store in a SQLite file",
        where=URL_VARIABLE,
        code="DB_URL",
    )
