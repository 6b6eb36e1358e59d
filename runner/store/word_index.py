"""The index of words: what cases, items and runs are found by, kept by triggers in the transaction that writes the rows.

SQLite's FTS5 with the trigram tokenizer finds any part of a text that is three letters long or longer, Chinese too.
What is indexed of a row is a text of lines: its key, what it says, and each value of its data; it begins and ends with
a line break, so that a whole value can be asked for. Names of fields are not in it: everybody who looks for ``amount``
would find every row. PostgreSQL has an index of its own (`store/postgres/word_index.py`).

A store that has many rows already gets the index in small steps (`word_index_making`): `store_words_made` says for
each kind below which number of a row (`upto`) rows are still to be indexed.
"""

# ruff: noqa: S608 (every text that is put into SQL is a name of this file)
from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from runner.store.indexed_texts import LONGEST, Dialect, texts_in

VERSION: Final = 2  # in the names of the triggers: an index of another version is made anew
AT_ONCE: Final = 5_000  # rows up to which a store gets its index when it is opened
MERGED_FROM: Final = 8  # pieces of the index
MADE: Final = "store_words_made"
_LINE: Final = "char(10)"
_kept: Final[set[str]] = (
    set()
)  # stores of this process that have it, and those that have all of it: asked once
_seen: Final[set[str]] = set()
Execute = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Indexed:
    """One kind of row that is indexed: its table, and the text of a row as SQL (``{row}`` stands for the row).

    `changes` are the columns on which the text depends. `has_texts`: the texts are kept too, in ``<words>_text``, for
    rows whose key is no number or whose text depends on another table; otherwise the index has the row's own number.
    """

    table: str
    words: str
    text: str
    changes: tuple[str, ...]
    has_texts: bool = True

    @property
    def texts(self) -> str:
        """The table that keeps the texts, and the number that each has in the index."""
        return f"{self.words}_text"

    @property
    def terms(self) -> str:
        """The table that shows which groups of three letters there are."""
        return f"{self.words}_terms"

    @property
    def upto(self) -> str:
        """The number below which rows are still to be indexed, as SQL."""
        return f"(SELECT upto FROM {MADE} WHERE words = '{self.words}')"

    def text_of(self, row: str) -> str:
        """The text of `row` (``new``, ``old`` or a table) as SQL."""
        return f"substr({self.text.format(row=row)}, 1, {LONGEST})"


def _values(column: str) -> str:
    """Each value in a JSON column as a line."""
    return (
        f"coalesce((SELECT group_concat(one.atom, {_LINE})"
        f" FROM json_tree({column}) AS one WHERE one.atom IS NOT NULL), '')"
    )


def _text_in(column: str, name: str) -> str:
    return f"coalesce(json_extract({column}, '$.{name}'), '')"


ITEMS, CASES, RUNS = (
    Indexed(one.table, f"{one.table}_words", one.text, one.changes, has_texts=one.table != "store_item")
    for one in texts_in(Dialect(_LINE, _values, _text_in))
)
ALL: Final = (ITEMS, CASES, RUNS)


def is_there() -> bool:
    """Whether the store of this process has the index; some rows may still be missing in it (`is_whole`)."""
    from django.db import connection

    return _server().is_there() if connection.vendor == "postgresql" else _is_known(connection)


def is_whole() -> bool:
    """Whether the index is there and has every row."""
    return share_made() == 1.0


def share_made() -> float | None:
    """Which share of the rows the index has, 0 to 1; None where there is no index."""
    from django.db import connection

    if connection.vendor == "postgresql":  # it is made from all rows at once
        return 1.0 if _server().is_there() else None
    name = _name(connection)
    if name in _seen:
        return 1.0
    if not _is_known(connection):
        return None
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT sum(upto), sum(whole) FROM {MADE}")
        left, whole = cursor.fetchone()
    if not left:
        _seen.add(name)
        return 1.0
    return min(0.999, 1 - float(left) / float(whole))


def is_missing(connection: Any) -> bool:
    """Whether the index has to be made: it is not there or of another version, and the database can have one."""
    if connection.vendor == "postgresql":
        return bool(_server().is_missing(connection))
    return not _is_kept(connection) and _can(connection)


def ensure(connection: Any) -> None:
    """Begin the index where it is missing: rows that come are in it from now on, those of a small store are too."""
    from django.db import transaction

    if is_missing(connection):
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                _server().make(cursor.execute)
            elif sum(_last(cursor.execute, one) for one in ALL) <= AT_ONCE:
                make(cursor.execute)
            else:
                begin(cursor.execute)


def make(execute: Execute) -> None:
    """Make tables, triggers and contents anew, from all rows; the caller holds the transaction."""
    _make_tables(execute)
    for one in ALL:
        whole = f"SELECT rowid, {{what}} FROM {one.table} ORDER BY rowid".format(
            what=f"id, {one.text_of(one.table)}" if one.has_texts else one.text_of(one.table)
        )
        if one.has_texts:
            execute(f"INSERT INTO {one.texts}(id, owner, text) {whole}")
            execute(f"INSERT INTO {one.words}({one.words}) VALUES ('rebuild')")
        else:
            execute(f"INSERT INTO {one.words}(rowid, text) {whole}")
        execute(f"INSERT INTO {MADE}(words, upto, whole) VALUES ('{one.words}', 0, 0)")
    _keep(execute)


def begin(execute: Execute) -> None:
    """Make empty tables and keep what comes from now on; rows that are there already come in by `step`.

    The caller holds the transaction. The texts of rows that come get numbers behind those of all rows that are there.
    """
    _make_tables(execute)
    for one in ALL:
        last = _last(execute, one)
        execute(f"INSERT INTO {MADE}(words, upto, whole) VALUES ('{one.words}', {last + 1}, {last + 1})")
        if one.has_texts:
            execute(f"INSERT INTO sqlite_sequence(name, seq) VALUES ('{one.texts}', {last})")
    _keep(execute)


def step(execute: Execute, most: int) -> bool:
    """Index at most `most` rows that are still to be indexed: the newest, of the kind that is furthest behind.

    False when none was left. The caller holds the transaction. A row that was changed or deleted meanwhile is indexed
    as it is, or not at all.
    """
    left = execute(f"SELECT words, upto FROM {MADE} WHERE upto > 0 ORDER BY 1.0 * upto / whole DESC LIMIT 1")
    found = left.fetchone()
    if found is None:
        return False
    one, upto = next(one for one in ALL if one.words == found[0]), int(found[1])
    lowest = execute(
        f"SELECT rowid FROM {one.table} WHERE rowid < {upto} ORDER BY rowid DESC LIMIT 1 OFFSET {most - 1}"
    ).fetchone()
    low = int(lowest[0]) if lowest else 0
    rows = f"FROM {one.table} WHERE rowid >= {low} AND rowid < {upto} ORDER BY rowid"
    text = one.text_of(one.table)
    if one.has_texts:
        execute(f"INSERT OR IGNORE INTO {one.texts}(id, owner, text) SELECT rowid, id, {text} {rows}")
    else:
        execute(f"INSERT INTO {one.words}(rowid, text) SELECT rowid, {text} {rows}")
    execute(f"UPDATE {MADE} SET upto = {low} WHERE words = '{one.words}'")
    return True


def stop_keeping(execute: Execute) -> None:
    """Drop the triggers: rows that are written from now on are not indexed until `make`."""
    _kept.clear()
    _seen.clear()
    found = execute(
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'words\\_%' ESCAPE '\\'"
    )
    for (name,) in found.fetchall():
        execute(f'DROP TRIGGER "{name}"')


@contextmanager
def made_anew() -> Iterator[None]:
    """Write very many rows, in one transaction of the caller, and index all of them at the end, which is quicker."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with _server().made_anew():
            yield
        return
    with connection.cursor() as cursor:
        stop_keeping(cursor.execute)
    yield
    with connection.cursor() as cursor:
        make(cursor.execute)


def _server() -> Any:
    from runner.store.postgres import word_index as server

    return server


def _name(connection: Any) -> str:
    return str(connection.settings_dict["NAME"])


def _last(execute: Execute, one: Indexed) -> int:
    """The highest number of a row."""
    return int(execute(f"SELECT coalesce(max(rowid), 0) FROM {one.table}").fetchone()[0])


def _is_known(connection: Any) -> bool:
    name = _name(connection)
    if name not in _kept and _is_kept(connection):
        _kept.add(name)
    return name in _kept


def _is_kept(connection: Any) -> bool:
    found = _number(
        connection, f"sqlite_master WHERE type = 'trigger' AND name LIKE 'words\\_{VERSION}\\_%' ESCAPE '\\'"
    )
    return found == sum(len(_triggers(one)) for one in ALL)


def _can(connection: Any) -> bool:
    new_enough = connection.Database.sqlite_version_info >= (3, 34)  # the first with the trigram tokenizer
    return (
        new_enough and _number(connection, "pragma_compile_options WHERE compile_options = 'ENABLE_FTS5'") > 0
    )


def _number(connection: Any, rows: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {rows}")
        return int(cursor.fetchone()[0])


def _make_tables(execute: Execute) -> None:
    stop_keeping(execute)
    execute(f"DROP TABLE IF EXISTS {MADE}")
    execute(f"CREATE TABLE {MADE}(words TEXT PRIMARY KEY, upto INTEGER NOT NULL, whole INTEGER NOT NULL)")
    for one in ALL:
        execute(f"DROP TABLE IF EXISTS {one.terms}")
        execute(f"DROP TABLE IF EXISTS {one.words}")
        execute(f"DROP TABLE IF EXISTS {one.texts}")
        for sql in _tables(one):
            execute(sql)


def _keep(execute: Execute) -> None:
    for one in ALL:
        for name, sql in _triggers(one).items():
            execute(f"CREATE TRIGGER {name} {sql}")


def _tables(one: Indexed) -> list[str]:
    content = f"content='{one.texts}', content_rowid='id'" if one.has_texts else "content=''"
    made = [
        f"CREATE VIRTUAL TABLE {one.words} USING fts5(text, {content}, columnsize=0, tokenize='trigram')",
        # Each statement of an intake leaves a piece of index. From so many of a size on they are merged bit by bit, with what is
        # written. With 16 (the number from which SQLite merges all of them at once) one statement may merge a large store's.
        f"INSERT INTO {one.words}({one.words}, rank) VALUES ('automerge', {MERGED_FROM})",
        f"CREATE VIRTUAL TABLE {one.terms} USING fts5vocab('{one.words}', 'row')",
    ]
    if one.has_texts:
        made.append(
            f"CREATE TABLE {one.texts}(id INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL UNIQUE, text TEXT NOT NULL)"
        )
    return made


def _triggers(one: Indexed) -> dict[str, str]:
    """Name and body of each trigger that keeps one kind. What is not in the index yet can't be taken out of it."""
    begin = f"words_{VERSION}_{one.table}"
    changed = " OR ".join(f"new.{name} IS NOT old.{name}" for name in one.changes)
    on_change = f"AFTER UPDATE OF {', '.join(one.changes)} ON {one.table} WHEN"
    if not one.has_texts:
        put, drop = _put(one, "new.id", one.text_of("new")), _drop(one, "old.id", one.text_of("old"))
        case = (
            f"UPDATE {CASES.texts} SET text = (SELECT {CASES.text_of('store_case')} FROM store_case"
            f" WHERE store_case.id = {CASES.texts}.owner) WHERE owner = (SELECT id FROM store_case WHERE item_id = new.id);"
        )
        return {
            f"{begin}_put": f"AFTER INSERT ON {one.table} WHEN new.id >= {one.upto} BEGIN {put} END",
            f"{begin}_changed": f"{on_change} ({changed}) AND old.id >= {one.upto} BEGIN {drop} {put} END",
            f"{begin}_of_case": f"{on_change} {changed} BEGIN {case} END",
            f"{begin}_gone": f"AFTER DELETE ON {one.table} WHEN old.id >= {one.upto} BEGIN {drop} END",
        }
    texts, put, drop = one.texts, _put(one, "new.id", "new.text"), _drop(one, "old.id", "old.text")
    new = one.text_of("new")
    return {
        f"{begin}_put": f"AFTER INSERT ON {one.table} BEGIN INSERT INTO {texts}(owner, text) VALUES (new.id, {new}); END",
        f"{begin}_changed": f"{on_change} {changed} BEGIN UPDATE {texts} SET text = {new} WHERE owner = new.id; END",
        f"{begin}_gone": f"AFTER DELETE ON {one.table} BEGIN DELETE FROM {texts} WHERE owner = old.id; END",
        f"{begin}_text_put": f"AFTER INSERT ON {texts} BEGIN {put} END",
        f"{begin}_text_changed": f"AFTER UPDATE ON {texts} WHEN new.text IS NOT old.text BEGIN {drop} {put} END",
        f"{begin}_text_gone": f"AFTER DELETE ON {texts} BEGIN {drop} END",
    }


def _put(one: Indexed, number: str, text: str) -> str:
    return f"INSERT INTO {one.words}(rowid, text) VALUES ({number}, {text});"


def _drop(one: Indexed, number: str, text: str) -> str:
    return f"INSERT INTO {one.words}({one.words}, rowid, text) VALUES ('delete', {number}, {text});"
