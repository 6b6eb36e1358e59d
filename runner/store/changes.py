"""Notices at little cost that another connection has written to the store, so that what waits need not ask often."""

from __future__ import annotations

from typing import Final

_VERSION: Final = {"sqlite": "PRAGMA data_version", "postgresql": "SELECT pg_current_snapshot()::text"}


class Changes:
    """Whether the store has changed since the last look. One object belongs to one thread.

    SQLite counts the commits of other connections (PRAGMA data_version, some 20 µs). PostgreSQL says which transactions
    are visible; that also changes when this connection or another database of the server has written.
    """

    def __init__(self) -> None:
        self._seen = ""

    def any(self) -> bool:
        """True on the first look, and when somebody else has committed since the last one."""
        from django.db import connection

        sql = _VERSION[connection.vendor]
        with connection.cursor() as cursor:
            cursor.execute(sql)
            version = str(cursor.fetchone()[0])
        changed, self._seen = version != self._seen, version
        return changed
