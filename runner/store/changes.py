"""Notices at little cost that another connection has written to the store, so that what waits need not ask often."""

from __future__ import annotations


class Changes:
    """Whether the store has changed since the last look. One object belongs to one thread.

    SQLite counts the commits of other connections (PRAGMA data_version, some 20 µs). Other databases have no such
    number: there every look says yes, and its caller's own pause is what limits the cost.
    """

    def __init__(self) -> None:
        self._seen = -1

    def any(self) -> bool:
        """True on the first look, and when somebody else has committed since the last one."""
        from django.db import connection

        if connection.vendor != "sqlite":
            return True
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA data_version")
            version = int(cursor.fetchone()[0])
        changed, self._seen = version != self._seen, version
        return changed
