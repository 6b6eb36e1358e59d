"""The checks of `runner doctor` that ask the store: can it be read and written, by this version, by this clock; is it whole."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Final

from runner.cli.finding import Finding, State
from runner.cli.project import Project, is_made, store_has_gone, with_store
from runner.cli.timetables import load
from runner.core.clock import duration_text, now
from runner.core.errors import RunnerError
from runner.core.store_address import ServerAddress
from runner.engine.bots import Discovery

_MIGRATIONS: Final = Path(__file__).resolve().parents[1] / "store" / "migrations"
_LOCK_WAIT: Final = 5.0  # seconds after which a store that somebody writes to counts as locked
_APART: Final = timedelta(seconds=30)  # by which the clocks of two machines may differ without a word


def store(project: Project, bots: Discovery) -> Iterator[Finding]:
    """The file is there, sound, of this version, and can be written now."""
    del bots
    path = project.settings.database
    if isinstance(project.settings.store, ServerAddress):
        yield from _on_server(project, project.settings.store)
        return
    if store_has_gone(project.settings):
        yield Finding(
            "store", State.ERROR, f"{path} is not there, and the journals of runs are",
            f"put it back with all files named {path.name}…, set RUNNER_DATABASE_URL if it is on a server, or make it again: runner rebuild",
        )  # fmt: skip
        return
    if not path.exists():
        yield Finding("store", State.OK, "not there yet, the first run makes it")
        return
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=_LOCK_WAIT)) as connection:
        said = connection.execute("PRAGMA quick_check(3)").fetchall()
        if said != [("ok",)]:
            words = "; ".join(str(row[0]) for row in said)
            yield Finding("store", State.ERROR, f"damaged: {words}", "move it away, then: runner rebuild")
            return
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'store_case'").fetchall():
            yield Finding(
                "store", State.WARNING, "it was begun and has no tables yet", "the next command makes them"
            )
            return
        cases = connection.execute(
            "SELECT count(*) FROM store_case WHERE status IN ('open', 'claimed', 'waiting')"
        ).fetchone()[0]
        applied = {
            row[0] for row in connection.execute("SELECT name FROM django_migrations WHERE app = 'store'")
        }
    yield Finding(
        "store", State.OK, f"{path.stat().st_size / 1e6:.1f} MB, sound; {cases} cases wait for a person"
    )
    yield from _version(applied)
    yield from _writable(path)


def _on_server(project: Project, address: ServerAddress) -> Iterator[Finding]:
    from runner.cli.checkup_server import check_server
    from runner.store.postgres.health import server_facts

    facts = server_facts(address)
    yield from check_server(address, facts)
    if facts.has_tables:
        yield from _version(facts.applied)
    elif store_has_gone(project.settings):
        yield Finding(
            "store", State.ERROR, f"the database {address} holds no store, and the journals of runs are here",
            "name the database that holds it, or make the store from the journals: runner rebuild",
        )  # fmt: skip


def _version(applied: Collection[str]) -> list[Finding]:
    """Whether its tables are those of this version."""
    applied = set(applied)
    known = {file.stem for file in _MIGRATIONS.glob("[0-9]*.py")}
    if newer := sorted(applied - known):
        text = f"made by a later version of Runner ({newer[-1]} is not known here)"
        return [
            Finding(
                "version", State.ERROR, text, "install that version; this one would not know what is in it"
            )
        ]
    if behind := sorted(known - applied):
        text = f"of an earlier version: {behind[0]} has not been applied"
        return [
            Finding(
                "version",
                State.WARNING,
                text,
                "make a copy with: runner backup FILE; the next command applies it",
            )
        ]
    return [Finding("version", State.OK, f"the store's tables are those of this version ({max(known)})")]


def _writable(path: Path) -> Iterator[Finding]:
    """Whether its write lock can be had: while another program holds it, no run starts and running work waits."""
    try:
        with closing(sqlite3.connect(path, timeout=_LOCK_WAIT, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        text = f"it can't be written: {error}; no run starts, running work waits for it"
        remedy = "end the program that holds it (a database browser, a copy in the making), or correct the permissions"
        yield Finding("store", State.ERROR, text, remedy)


def clock(project: Project, bots: Discovery) -> Iterator[Finding]:
    """The clock of this machine is not behind what the store has recorded."""
    del bots
    from django.db import DatabaseError

    try:
        if not is_made(project.settings):
            return
        with_store(project)
        from runner.engine.holding import newest_record

        newest, at = newest_record(), now()
    except (DatabaseError, RunnerError):  # a store that can't be read is the finding of another check
        return
    if newest is not None and newest - at > _APART:
        yield Finding(
            "clock", State.WARNING,
            f"{at:%Y-%m-%d %H:%M:%S}Z is {duration_text(_whole(newest - at))} before the newest record of the store",
            "set the clock (timedatectl set-ntp true); where it is right now: runner schedules accept-clock",
        )  # fmt: skip
    else:
        yield Finding(
            "clock", State.OK, f"{at:%Y-%m-%d %H:%M:%S}Z, not before the newest record of the store"
        )


def _whole(span: timedelta) -> timedelta:
    return timedelta(seconds=round(span.total_seconds()))


def ledger(project: Project, bots: Discovery) -> Iterator[Finding]:
    """Every due time that has come has exactly one end; the store must be there already."""
    del bots
    settings = project.settings
    if not settings.schedules.exists():
        return
    from django.db import DatabaseError

    try:
        if not is_made(settings):
            return
        planned = load(settings.schedules, None, now()).planned
        with_store(project)
        from runner.cases.clock import holding_cases
        from runner.engine.ledger_check import gaps

        found, holding = list(gaps(planned)), holding_cases()
    except (DatabaseError, RunnerError):  # a store or file that can't be read is the finding of another check
        return
    for gap in found:
        first = f", the first at {gap.missing[0]:%Y-%m-%d %H:%M}Z" if gap.missing else ""
        yield Finding(
            "ledger", State.ERROR,
            f"schedule '{gap.schedule}': {len(gap.missing)} due times have no end{first}; {gap.unended} are unended",
            f"start what is missing with: runner schedules backfill {gap.schedule} --from TIME --yes",
        )  # fmt: skip
    if not found:
        yield Finding("ledger", State.OK, "every due time has exactly one end")
    for case in holding:
        yield Finding(
            "ledger", State.WARNING, f"schedulers hold: the clock has jumped (case {case})",
            "runner schedules accept-clock",
        )  # fmt: skip


def counts(project: Project, bots: Discovery) -> Iterator[Finding]:
    """The counts of every problem are those of its cases, and the audit trail is whole."""
    del bots
    from django.db import DatabaseError

    try:
        if not is_made(project.settings):
            return
        with_store(project)
        from runner.cases.audit import verify
        from runner.cases.case_rows import wrong_counts

        wrong, report = wrong_counts(), verify(project.settings.proofs)
    except (DatabaseError, RunnerError):  # a store that can't be read is the finding of another check
        return
    for sentence in wrong[:20]:
        yield Finding("problems", State.ERROR, sentence, "runner rebuild")
    if not wrong:
        yield Finding("problems", State.OK, "their counts are those of their cases")
    if report.broken is None:
        yield Finding("audit trail", State.OK, f"{report.entries} entries, whole")
    else:
        yield Finding(
            "audit trail", State.ERROR, f"entry {report.broken.seq}: {report.broken.why}",
            "somebody, or a damaged disk, has changed the store: compare it with a backup",
        )  # fmt: skip


def words(project: Project, bots: Discovery) -> Iterator[Finding]:
    """How much of the index of words is made."""
    del bots
    from django.db import DatabaseError

    try:
        if not is_made(project.settings):
            return
        with_store(project)
        from runner.store.word_index import share_made

        share = share_made()
    except (DatabaseError, RunnerError):  # a store that can't be read is the finding of another check
        return
    if share is None:
        yield Finding(
            "search", State.WARNING, "this store has no index of words: a search looks into every row",
            "use a Python whose SQLite is 3.34 or newer, with FTS5",
        )  # fmt: skip
    elif share < 1.0:
        yield Finding(
            "search", State.WARNING, f"the index of words is being made, {int(share * 100)} % are done",
            "runner up or runner desk goes on with it, beside the work",
        )  # fmt: skip
    else:
        yield Finding("search", State.OK, "the index of words is whole")
