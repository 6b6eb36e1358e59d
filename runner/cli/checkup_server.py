"""What `runner doctor` says of a store on a database server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from runner.cli.finding import Finding, State
from runner.core.store_address import URL_VARIABLE, ServerAddress
from runner.store.postgres.health import ServerFacts
from runner.store.postgres.server import OLDEST

_CLOCK_WARNS: Final = timedelta(seconds=5)
_CLOCK_FAILS: Final = timedelta(seconds=60)  # half of a usual lease
_CONNECTIONS: Final = 25  # what `runner up` with its desk and a few commands may hold


def check_server(address: ServerAddress, facts: ServerFacts) -> Iterator[Finding]:
    """Version, rights, clock, and how the server keeps what it has."""
    if facts.has_tables:
        yield Finding(
            "store", State.OK,
            f"PostgreSQL {facts.said_version} at {address}, {facts.size / 1e6:.1f} MB; {facts.waiting} cases wait for a person",
        )  # fmt: skip
    else:
        yield Finding(
            "store", State.OK,
            f"PostgreSQL {facts.said_version} at {address}; the store is not there yet, the first run makes it",
        )  # fmt: skip
    if facts.kept_from_writing:
        yield Finding(
            "store", State.ERROR, f"it can't be written: {facts.kept_from_writing}; no run starts, running work waits for it",
            "end the program that holds it: see pg_locks and pg_stat_activity for its process",
        )  # fmt: skip
    yield from _able(facts)
    yield from _rights(facts)
    yield from _clock(facts)
    if not facts.survives_crashes:
        yield Finding(
            "store", State.WARNING, "the server runs with fsync or full_page_writes off: a crash of its machine can lose what was acknowledged",
            "set both to on in postgresql.conf",
        )  # fmt: skip
    if facts.connections_left < _CONNECTIONS:
        yield Finding(
            "store", State.WARNING, f"the server has {facts.connections_left} connections left; Runner may use {_CONNECTIONS}",
            "raise max_connections in postgresql.conf",
        )  # fmt: skip


def _able(facts: ServerFacts) -> Iterator[Finding]:
    if facts.version < OLDEST * 10_000:
        yield Finding(
            "store",
            State.ERROR,
            f"the server is PostgreSQL {facts.said_version}",
            f"update it to {OLDEST} or newer",
        )
    if facts.encoding != "UTF8":
        yield Finding(
            "store", State.ERROR, f"the database is encoded in {facts.encoding}",
            "make it anew: createdb --encoding=UTF8 --template=template0 NAME",
        )  # fmt: skip


def _rights(facts: ServerFacts) -> Iterator[Finding]:
    if facts.schema is None:
        yield Finding(
            "store",
            State.ERROR,
            f"user {facts.who} finds no schema to keep tables in",
            "correct its search_path",
        )
    elif not facts.may_create:
        yield Finding(
            "store", State.ERROR, f"user {facts.who} may not make tables in schema {facts.schema}",
            f"let it own the database: ALTER DATABASE name OWNER TO {facts.who}",
        )  # fmt: skip
    if facts.of_others:
        yield Finding(
            "store", State.ERROR, f"{len(facts.of_others)} tables belong to another user, the first is {facts.of_others[0]}",
            f"give {URL_VARIABLE} the user who made them, or let {facts.who} own them: REASSIGN OWNED BY old TO {facts.who}",
        )  # fmt: skip


def _clock(facts: ServerFacts) -> Iterator[Finding]:
    ahead = facts.clock_ahead
    if abs(ahead) < _CLOCK_WARNS:
        return
    state = State.ERROR if abs(ahead) >= _CLOCK_FAILS else State.WARNING
    seconds = abs(ahead).total_seconds()
    text = f"the server's clock is {seconds:.0f} s behind this machine's"
    if ahead > timedelta(0):
        text = f"the server's clock is {seconds:.0f} s ahead of this machine's"
    yield Finding(
        "store", state, text,
        "let both follow the same time service (chrony, systemd-timesyncd): leases and due times compare them",
    )  # fmt: skip
