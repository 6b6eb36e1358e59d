"""What a store says at the end: read with plain SQL, so that no code under test is asked about itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString


@dataclass(frozen=True, slots=True)
class Ledger:
    """The items by key, and which of them have a case.

    `held` are the items in work, each with its run, `workers` those who execute these runs, `unended` the runs that are
    queued or running.
    """

    items: dict[str, str] = field(default_factory=dict)
    cases: dict[str, str] = field(default_factory=dict)
    held: frozenset[tuple[str, str]] = frozenset()
    workers: frozenset[str] = frozenset()
    unended: tuple[str, ...] = ()

    @property
    def open(self) -> set[str]:
        """The items that are in work or wait."""
        return {key for key, status in self.items.items() if status in {"pending", "running"}}

    @property
    def settled(self) -> bool:
        """Whether nothing is in work and nothing waits."""
        return bool(self.items) and not self.open

    def count(self, status: str) -> int:
        """How many items have this status."""
        return sum(1 for value in self.items.values() if value == status)

    def lost(self, keys: Iterable[str]) -> list[str]:
        """Of `keys`, those that are neither done nor in the exception queue."""
        return [
            key
            for key in keys
            if self.items.get(key) != "done"
            and not (self.items.get(key) == "exception" and key in self.cases)
        ]


def ledger_of(database: Path | str) -> Ledger:
    """Read it, a file or a database on a server; a store that is not there yet (or has no tables yet) reads as empty."""
    if isinstance(database, str):
        return _on_server(database)
    if not database.exists():
        return Ledger()
    try:
        with closing(sqlite3.connect(database, timeout=20)) as connection:
            return _read(connection)
    except sqlite3.OperationalError:
        return Ledger()


def _on_server(address: str) -> Ledger:
    import psycopg

    try:
        with psycopg.connect(address, autocommit=True, connect_timeout=5) as connection:
            return _read(connection)
    except (psycopg.OperationalError, psycopg.errors.UndefinedTable):
        return Ledger()


def rows(database: Path | str, statement: LiteralString) -> list[tuple[Any, ...]]:
    """The rows of one statement."""
    if isinstance(database, str):
        import psycopg

        with psycopg.connect(database, autocommit=True, connect_timeout=5) as server:
            return server.execute(statement).fetchall()
    with closing(sqlite3.connect(database, timeout=20)) as connection:
        return connection.execute(statement).fetchall()


def _read(connection: Any) -> Ledger:
    items = dict(connection.execute("SELECT key, status FROM store_item").fetchall())
    cases = connection.execute(
        "SELECT i.key, c.kind FROM store_case c JOIN store_item i ON i.id = c.item_id"
        " WHERE c.status NOT IN ('closed', 'verified', 'resolved')"
    )
    in_work = connection.execute(
        "SELECT i.key, r.id, r.worker FROM store_item i JOIN store_run r ON r.id = i.claimed_run_id WHERE i.status = 'running'"
    ).fetchall()
    unended = connection.execute("SELECT id FROM store_run WHERE status IN ('queued', 'running')")
    return Ledger(
        items,
        dict(cases.fetchall()),
        frozenset((key, run) for key, run, _ in in_work),
        frozenset(worker for _, _, worker in in_work),
        tuple(_first(unended)),
    )


def _first(found: Any) -> list[str]:
    return [row[0] for row in found]
