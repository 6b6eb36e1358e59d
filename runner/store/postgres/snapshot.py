"""Copies a store on PostgreSQL into files as of one moment, and back: by COPY, so no program of the server is needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from runner.core.errors import EnvironmentProblem
from runner.core.store_address import ServerAddress
from runner.store.postgres.server import connected

FACTS: Final = "store.json"  # which tables there are, and by which migrations they were made
_MADE_WITH_TABLES: Final = ("django_migrations", "django_content_type", "auth_permission")
# Tables of Runner's and Django's parts, each with the columns that are written (the index of words is made anew).
_TABLES: Final = r"""
    SELECT relname, array_agg(attname::text ORDER BY attnum) FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND relname NOT LIKE '%\_words'
    AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    AND EXISTS (SELECT 1 FROM django_migrations WHERE starts_with(relname, app || '_') OR starts_with(relname, 'django_'))
    GROUP BY relname ORDER BY relname"""
_MIGRATIONS: Final = "SELECT app, name FROM django_migrations ORDER BY app, name"


def write_snapshot(address: ServerAddress, folder: Path) -> list[Path]:
    """Write every table of the store into `folder`, all as of one moment, while others write on; gives the files."""
    folder.mkdir()
    with connected(address) as connection, connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        tables = dict(cursor.execute(_TABLES).fetchall())
        migrations = [list(row) for row in cursor.execute(_MIGRATIONS).fetchall()]
        files = [folder / FACTS]
        files[0].write_text(json.dumps({"tables": tables, "migrations": migrations}, indent=1), "utf-8")
        for table, columns in tables.items():
            files.append(folder / f"{table}.copy")
            with files[-1].open("wb") as out, cursor.copy(f"{_copy(table, columns)} TO STDOUT") as rows:
                for piece in rows:
                    out.write(piece)
    return files


def holds_rows(address: ServerAddress) -> bool:
    """Whether there is anything in the database that a restore would hide: a row in any table of the store."""
    with connected(address) as connection, connection.cursor() as cursor:
        if cursor.execute("SELECT to_regclass('django_migrations') IS NULL").fetchone() == (True,):
            return False
        tables = [name for name, _ in cursor.execute(_TABLES).fetchall() if name not in _MADE_WITH_TABLES]
        some = (f'EXISTS (SELECT 1 FROM "{name}")' for name in tables)  # noqa: S608 (names of the catalogue)
        (holds,) = cursor.execute(f"SELECT {' OR '.join(some) or 'false'}").fetchone()
        return bool(holds)


def read_snapshot(folder: Path) -> None:
    """Put the rows of a snapshot into the open store, in one transaction; its tables are there and hold nothing.

    Raises EnvironmentProblem (BACKUP_VERSION) when the snapshot's tables are those of another version.
    """
    from django.db import connection, transaction

    from runner.store import word_index

    facts = json.loads((folder / FACTS).read_text("utf-8"))
    with transaction.atomic(), word_index.made_anew(), connection.cursor() as django_cursor:
        cursor: Any = django_cursor.cursor
        made = {tuple(row) for row in facts["migrations"]}
        apps = {app for app, _ in made}  # a store without a desk has fewer of them
        if {row for row in cursor.execute(_MIGRATIONS).fetchall() if row[0] in apps} != made:
            raise EnvironmentProblem(
                "the backup was made by another version of Runner",
                expected="the version that made it",
                hint="restore it with that version, and update then",
                where=FACTS,
                code="BACKUP_VERSION",
            )
        tables = {name: columns for name, columns in facts["tables"].items() if name != "django_migrations"}
        cursor.execute(f"TRUNCATE {', '.join(_quoted(tables))}")
        for table, columns in tables.items():
            with (
                (folder / f"{table}.copy").open("rb") as rows,
                cursor.copy(f"{_copy(table, columns)} FROM STDIN") as taker,
            ):
                while piece := rows.read(1 << 20):
                    taker.write(piece)
            if "id" in columns:
                _count_on(cursor, table)


def _count_on(cursor: Any, table: str) -> None:
    """Let new rows be numbered after those that were put in."""
    sequence = cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table]).fetchone()[0]
    if sequence is not None:
        cursor.execute(
            f'SELECT setval(%s, coalesce(max(id), 0) + 1, false) FROM "{table}"',  # noqa: S608 (a name of the catalogue)
            [sequence],
        )


def _copy(table: str, columns: list[str]) -> str:
    return f'COPY "{table}" ({", ".join(_quoted(columns))})'


def _quoted(names: Any) -> list[str]:
    return [f'"{name}"' for name in names]
