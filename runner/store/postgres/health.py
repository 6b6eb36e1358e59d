"""What `runner doctor` asks a PostgreSQL server: its version, what it lets us do, its clock, and how it keeps what it has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from runner.core.clock import now
from runner.core.store_address import ServerAddress
from runner.store.postgres.server import TURN, connected, one_line

_FACTS: Final = """
    SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS said_version,
        current_setting('server_encoding') AS encoding, current_schema() AS schema,
        coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create,
        ARRAY(SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
            AND starts_with(relname, 'store_') AND NOT pg_has_role(relowner, 'USAGE') ORDER BY 1) AS of_others,
        to_regclass('store_case') IS NOT NULL AS has_tables, pg_database_size(current_database()) AS size,
        current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on' AS survives_crashes,
        current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
            - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int AS connections_left,
        current_user AS who"""
_APPLIED: Final = "SELECT name FROM django_migrations WHERE app = 'store'"
_WRITING: Final = f"SET LOCAL lock_timeout = '5s'; {TURN}"
_WAITING: Final = "SELECT count(*) FROM store_case WHERE status IN ('open', 'claimed', 'waiting')"


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a server says of itself. `clock_ahead` is how far its clock is before ours; `waiting` counts open cases.

    `of_others` are tables of the store that another user owns: a new version could not change them. `applied` are the
    migrations of the store, `kept_from_writing` says what holds the store's turn for longer than 5 seconds.
    """

    version: int
    said_version: str
    encoding: str
    schema: str | None
    may_create: bool
    of_others: list[str]
    has_tables: bool
    size: int
    survives_crashes: bool
    connections_left: int
    who: str
    clock_ahead: timedelta
    waiting: int
    applied: frozenset[str]
    kept_from_writing: str


def server_facts(address: ServerAddress) -> ServerFacts:
    """Ask the server at `address`. Raises EnvironmentProblem where it can't be reached, and what `server_options` raises."""
    with connected(address) as connection:
        found = connection.execute(_FACTS)
        names = [column.name for column in found.description]
        facts: dict[str, Any] = dict(zip(names, found.fetchone(), strict=True))
        before = now()
        (there,) = connection.execute("SELECT clock_timestamp()").fetchone()
        here = before + (now() - before) / 2
        waiting, applied = 0, frozenset[str]()
        if facts["has_tables"]:
            waiting = connection.execute(_WAITING).fetchone()[0]
            applied = frozenset(name for (name,) in connection.execute(_APPLIED).fetchall())
        kept = _kept_from_writing(connection)
    there_utc: datetime = there.astimezone(UTC)
    return ServerFacts(
        **facts, clock_ahead=there_utc - here, waiting=waiting, applied=applied, kept_from_writing=kept
    )


def _kept_from_writing(connection: Any) -> str:
    from psycopg import OperationalError

    try:
        connection.execute(_WRITING)
    except OperationalError as error:
        connection.rollback()
        return one_line(error)
    return ""
