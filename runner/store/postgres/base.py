"""PostgreSQL as a database of Django that keeps what the store relies on: one writer at a time, texts and JSON as written.

SQLite lets one connection write at a time, and everything that decides something reads and writes in one such turn. Here
each transaction, and each single statement that writes, takes a lock of the database first: so the same code is right
on both, without a thought for what else could happen in between. Who only reads takes no turn and never waits.

A connection can break while the answer to COMMIT is on its way. Then the server is asked, as soon as it answers again,
what became of the transaction: so nobody does a thing again that was done, or takes for done what was not.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property, lru_cache
from types import TracebackType
from typing import Any, Final

import psycopg
from django.db import OperationalError, transaction
from django.db.backends.postgresql import base, operations, schema
from django.db.backends.utils import CursorDebugWrapper, CursorWrapper
from django.db.utils import DatabaseErrorWrapper
from psycopg import Connection, adapt, errors
from psycopg.types import numeric
from psycopg.types.string import StrDumperUnknown, TextLoader

LONGEST_WAIT_S: Final = 20  # for another writer, as on SQLite
LONGEST_SILENCE_S: Final = 60  # of a program that holds the turn; then the server gives it to the next one
NUL_AS: Final = "\N{SYMBOL FOR NULL}"
LONGEST_DOUBT_S: Final = 30  # how long a commit without an answer waits for the server to come back
_TURN: Final = "SELECT pg_advisory_xact_lock(20747, hashtext(current_schema())), pg_current_xact_id()::text"
_BECAME: Final = "SELECT pg_xact_status(%s::xid8)"
_DOUBT_PACE_S: Final = 0.2
_AWAY: Final = (errors.IdleInTransactionSessionTimeout, errors.ReadOnlySqlTransaction)
_WRITES: Final = frozenset({"INSERT", "UPDATE", "DELETE"})
_LARGEST: Final = 2**63 - 1
_SETTINGS: Final = f"""
    SELECT set_config('lock_timeout', '{LONGEST_WAIT_S}s', false),
        set_config('idle_in_transaction_session_timeout', '{LONGEST_SILENCE_S}s', false),
        CASE WHEN current_setting('synchronous_commit') IN ('off', 'local') THEN set_config('synchronous_commit', 'on', false) END"""


class DatabaseOperations(operations.DatabaseOperations):
    """Values as SQLite takes them: whole numbers of 64 bits, JSON in the order in which it was written."""

    cast_data_types: dict[str, str] = {  # noqa: RUF012 (Django's own attribute)
        **operations.DatabaseOperations.cast_data_types,
        "CharField": "text",
        "AutoField": "bigint",
        "SmallAutoField": "bigint",
    }
    integerfield_type_map: dict[str, Any] = dict.fromkeys(
        operations.DatabaseOperations.integerfield_type_map, numeric.Int8
    )

    def integer_field_range(self, internal_type: str) -> tuple[int, int]:
        """The smallest and the largest number of a column."""
        return (0 if internal_type.startswith("Positive") else -_LARGEST - 1), _LARGEST

    def adapt_json_value(self, value: Any, encoder: type[json.JSONEncoder] | None) -> str:
        """The value as JSON that the server can look into: no NUL, no half letters. It takes the type of what it meets."""
        text = json.dumps(value, cls=encoder, ensure_ascii=False)
        if "\\u0000" in text:
            text = json.dumps(_without_nul(json.loads(text)), ensure_ascii=False)
        return text.encode("utf-8", "replace").decode()

    def lookup_cast(self, lookup_type: str, internal_type: str | None = None) -> str:
        """What a column is made before it is compared: JSON as text has no order and no equality."""
        if internal_type == "JSONField" and lookup_type in {"exact", "in"}:
            return "%s::jsonb"
        return super().lookup_cast(lookup_type, internal_type)


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):
    """Texts are ordered by their letters' numbers, as on SQLite and in Python, whatever language the server speaks."""

    def _iter_column_sql(  # noqa: PLR0913, PLR0917, RUF100 (Django's own signature)
        self,
        column_db_type: str,
        params: Any,
        model: Any,
        field: Any,
        field_db_params: Any,
        include_default: bool,
    ) -> Iterator[Any]:
        if column_db_type == "text" and not field_db_params.get("collation"):
            field_db_params = {**field_db_params, "collation": "C"}
        yield from super()._iter_column_sql(  # type: ignore[misc]  # not in the stubs
            column_db_type, params, model, field, field_db_params, include_default
        )

    def _create_like_index_sql(self, model: Any, field: Any) -> None:
        """Nothing: in this order an ordinary index finds how a text begins."""


class _Errors(DatabaseErrorWrapper):
    """Errors of a server that went away, let go or is a standby now: who gets them waits and tries again, as of any other."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, _AWAY):
            self.wrapper.errors_occurred = True  # type: ignore[attr-defined]  # not in the stubs
            raise OperationalError(str(error)) from error
        super().__exit__(kind, error, trace)


class _Serial:
    """Lets a statement that writes by itself take its turn like a transaction."""

    db: Any

    def execute(self, sql: Any, params: Any = None) -> Any:
        with self._turn(sql):
            return super().execute(sql, params)  # type: ignore[misc]

    def executemany(self, sql: Any, param_list: Any) -> Any:
        with self._turn(sql):
            return super().executemany(sql, param_list)  # type: ignore[misc]

    @contextmanager
    def _turn(self, sql: Any) -> Iterator[None]:
        writes = isinstance(sql, str) and sql.lstrip()[:6].upper() in _WRITES
        if not writes or self.db.in_atomic_block or not self.db.get_autocommit():
            yield
            return
        with transaction.atomic(using=self.db.alias, savepoint=False):
            yield


class _Cursor(_Serial, CursorWrapper):
    """A cursor of the store."""


class _DebugCursor(_Serial, CursorDebugWrapper):
    """A cursor of the store that notes what it executes."""


class DatabaseWrapper(base.DatabaseWrapper):
    """One thread's connection to the store."""

    data_types: dict[str, Any] = {  # noqa: RUF012 (Django's own attribute)
        **base.DatabaseWrapper.data_types,
        **dict.fromkeys(("CharField", "TextField", "SlugField", "FileField", "FilePathField"), "text"),
        **dict.fromkeys(("AutoField", "BigAutoField", "SmallAutoField"), "bigint"),
        **dict.fromkeys(("IntegerField", "BigIntegerField", "SmallIntegerField", "OneToOneField"), "bigint"),
        **dict.fromkeys(
            ("PositiveIntegerField", "PositiveBigIntegerField", "PositiveSmallIntegerField"), "bigint"
        ),
        "JSONField": "json",  # as it was written: its names in their order, its numbers as they are
    }
    SchemaEditorClass = DatabaseSchemaEditor
    ops_class = DatabaseOperations
    ops: DatabaseOperations
    _transaction = ""  # the number of the last one, by which the server knows what became of it

    def get_connection_params(self) -> dict[str, Any]:
        """What psycopg is called with."""
        found: dict[str, Any] = super().get_connection_params()
        found["context"] = _adapters(found["context"])
        return found

    @cached_property
    def wrap_database_errors(self) -> DatabaseErrorWrapper:
        """What makes Django's errors of the driver's."""
        return _Errors(self)

    def _configure_connection(self, connection: Connection[Any]) -> bool:
        connection.execute(_SETTINGS)
        super()._configure_connection(connection)  # type: ignore[misc]  # not in the stubs
        return True

    def _set_autocommit(self, autocommit: bool) -> None:
        super()._set_autocommit(autocommit)  # type: ignore[misc]  # not in the stubs
        if autocommit:
            return
        try:
            with self.wrap_database_errors:
                self._transaction = self.connection.execute(_TURN).fetchone()[1]
        except BaseException:
            with suppress(Exception):  # of a connection that is gone
                self.connection.rollback()
                self.connection.autocommit = True
            raise

    def _commit(self) -> None:
        try:
            super()._commit()  # type: ignore[misc]  # not in the stubs
        except OperationalError:
            if self.connection is None or not self.connection.broken or not self._was_committed():
                raise

    def _was_committed(self) -> bool:
        """Whether the transaction of a connection that broke at its end was committed; if so, there is a new connection.

        False too where the server does not say so in time: then who wanted it must look what is there.
        """
        limit = time.monotonic() + LONGEST_DOUBT_S
        while time.monotonic() < limit:
            with suppress(psycopg.OperationalError):
                asked = psycopg.connect(**{**self.get_connection_params(), "autocommit": True})
                (became,) = asked.execute(_BECAME, [self._transaction]).fetchone() or (None,)
                if became == "committed":
                    self._configure_connection(asked)
                    self.connection = asked
                    return True
                asked.close()
                if became != "in progress":  # aborted, or so long ago that the server does not know
                    return False
            time.sleep(_DOUBT_PACE_S)
        return False

    def make_cursor(self, cursor: Any) -> CursorWrapper:
        """A cursor whose writing statements take their turn."""
        return _Cursor(cursor, self)

    def make_debug_cursor(self, cursor: Any) -> CursorDebugWrapper:
        """The same, which notes what it executes."""
        return _DebugCursor(cursor, self)


class _Text(StrDumperUnknown):
    """Texts without the one letter that PostgreSQL can't keep; what is looked for is written the same way."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", NUL_AS) if "\0" in obj else obj)


@lru_cache(maxsize=4)
def _adapters(django: adapt.AdaptersMap) -> adapt.AdaptersMap:
    found = adapt.AdaptersMap(django)
    found.register_dumper(str, _Text)
    found.register_loader("json", TextLoader)  # Django's field reads it
    return found


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", NUL_AS)
    if isinstance(value, Mapping):
        return {_without_nul(name): _without_nul(one) for name, one in value.items()}
    if isinstance(value, Sequence | Iterable):
        return [_without_nul(one) for one in value]
    return value


__all__ = ["DatabaseWrapper"]
