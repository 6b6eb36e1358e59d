"""The index of words on PostgreSQL, kept by triggers in the transaction that writes the rows: full text of groups of letters.

As on SQLite, what is indexed of a row is a text of lines (its key, what it says, each value of its
data), and any part of it that is three letters long or longer is found; of Chinese and the like one letter is enough.
A tsvector holds the groups of letters and a GIN index looks them up; the text beside it says whether they stand together.
"""

# ruff: noqa: S608 (every text that is put into SQL is a name of this file)
from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from runner.store.indexed_texts import LONGEST, Dialect, texts_in

VERSION: Final = 1  # in the names of the triggers: an index of another version is made anew
_LINE: Final = "chr(10)"
_seen: Final[set[tuple[str, ...]]] = set()  # stores of this process that have it: asked once
Execute = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Indexed:
    """One kind of row that is indexed: its table, the type of its key, and its text as SQL (``{row}`` is the row).

    `changes` are the columns on which the text depends, `came` the one that says which rows are the newest.
    """

    table: str
    key: str
    came: str
    text: str
    changes: tuple[str, ...]

    @property
    def words(self) -> str:
        """The table of the texts, each with its groups of letters."""
        return f"{self.table}_words"

    @property
    def keeps(self) -> str:
        """The function that the triggers call, and the beginning of their names."""
        return f"words_{VERSION}_{self.table}"

    def text_of(self, row: str) -> str:
        """The text of `row` (``new`` or a table) as SQL, as it is compared."""
        return f"words_folded(left({self.text.format(row=row)}, {LONGEST}))"


def _text_in(column: str, name: str) -> str:
    return f"coalesce({column} ->> '{name}', '')"


_KEYS: Final = {
    "store_item": ("bigint", "id"),
    "store_case": ("text", "opened"),
    "store_run": ("text", "queued"),
}
ITEMS, CASES, RUNS = (
    Indexed(one.table, *_KEYS[one.table], one.text, one.changes)
    for one in texts_in(Dialect(_LINE, "words_values({})".format, _text_in))
)
ALL: Final = (ITEMS, CASES, RUNS)

# Every value of JSON, wherever it stands, with its name (its place in a list).
_PARTS: Final = """
CREATE OR REPLACE FUNCTION words_parts(said json) RETURNS TABLE(name text, value text) LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    WITH RECURSIVE one(name, value) AS (
        SELECT ''::text, said
        UNION ALL
        SELECT part.name, part.value FROM one, LATERAL (
            SELECT key, value FROM json_each(CASE json_typeof(one.value) WHEN 'object' THEN one.value ELSE '{}' END)
            UNION ALL
            SELECT (place - 1)::text, value FROM json_array_elements(
                CASE json_typeof(one.value) WHEN 'array' THEN one.value ELSE '[]' END
            ) WITH ORDINALITY AS element(value, place)
        ) AS part(name, value)
    )
    SELECT one.name, CASE
        WHEN json_typeof(one.value) <> 'boolean' THEN one.value #>> '{}'
        WHEN one.value::text = 'true' THEN '1' ELSE '0' END
    FROM one WHERE json_typeof(one.value) NOT IN ('object', 'array', 'null')
$$"""
_VALUES: Final = """
CREATE OR REPLACE FUNCTION words_values(said json) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(string_agg(value, chr(10)), '') FROM words_parts(said)
$$"""
# Groups of three letters; of letters beyond ASCII also single ones, and pairs with one of them: those words are short.
_GROUPS: Final = """
CREATE OR REPLACE FUNCTION words_groups(said text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_to_tsvector(coalesce(array_agg(DISTINCT letters) FILTER (WHERE letters <> ''), '{}')) FROM (
        SELECT letter, lead(letter) OVER (ORDER BY place) AS second, lead(letter, 2) OVER (ORDER BY place) AS third
        FROM string_to_table(said, NULL) WITH ORDINALITY AS one(letter, place)
    ) AS one, unnest(ARRAY[
        letter || second || third,
        CASE WHEN ascii(letter) > 127 THEN letter END,
        CASE WHEN ascii(letter) > 127 OR ascii(second) > 127 THEN letter || second END
    ]) AS letters
$$"""


def is_there() -> bool:
    """Whether the store of this process has the index."""
    from django.db import connection

    said = connection.settings_dict
    name = (str(said["NAME"]), str(said["HOST"]), str(said["PORT"]))
    if name not in _seen and not is_missing(connection):
        _seen.add(name)
    return name in _seen


def is_missing(connection: Any) -> bool:
    """Whether the index has to be made: it is not there or of another version."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_THIS_VERSION)
        return bool(cursor.fetchone()[0] != sum(len(_triggers(one)) for one in ALL))


def make(execute: Execute) -> None:
    """Make functions, tables, triggers and contents anew; the caller holds the transaction."""
    stop_keeping(execute)
    for one in ALL:
        execute(f"DROP TABLE IF EXISTS {one.words}")
    for sql in (_folding(execute), _PARTS, _VALUES, _GROUPS):
        execute(sql)
    for one in ALL:
        execute(
            f"CREATE TABLE {one.words} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
            f' owner {one.key}{_letters(one.key)} NOT NULL UNIQUE, text text COLLATE "C" NOT NULL,'
            " groups tsvector GENERATED ALWAYS AS (words_groups(text)) STORED)"
        )
        _fill(execute, one)
        execute(f"CREATE INDEX {one.words}_groups ON {one.words} USING gin (groups)")
        execute(_keeping(one))
        for name, when in _triggers(one).items():
            execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {one.keeps}()")


def stop_keeping(execute: Execute) -> None:
    """Drop the triggers: rows that are written from now on are not indexed until `make`."""
    _seen.clear()
    for name, table in execute(_OURS).fetchall():
        execute(f'DROP TRIGGER "{name}" ON "{table}"')


@contextmanager
def made_anew() -> Iterator[None]:
    """Write very many rows, in one transaction of the caller, and index all of them at the end, which is quicker.

    The triggers stay and do nothing meanwhile: to drop them would make everybody wait who only reads.
    """
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('runner.words', 'later', true)")
    yield
    with connection.cursor() as cursor:
        for one in ALL:
            cursor.execute(f"DELETE FROM {one.words}")
            _fill(cursor.execute, one)
        cursor.execute("SELECT set_config('runner.words', '', true)")


def _fill(execute: Execute, one: Indexed) -> None:
    execute(
        f"INSERT INTO {one.words}(owner, text) SELECT id, {one.text_of(one.table)} FROM {one.table} ORDER BY {one.came}, id"
    )


def _keeping(one: Indexed) -> str:
    """The function that keeps one kind."""
    case = ""
    if one is ITEMS:  # the text of a case has the data of its item
        case = (
            f"IF TG_OP = 'UPDATE' THEN UPDATE {CASES.words} SET text = (SELECT {CASES.text_of('store_case')}"
            f" FROM store_case WHERE store_case.id = {CASES.words}.owner)"
            " WHERE owner = (SELECT id FROM store_case WHERE item_id = new.id); END IF;"
        )
    return f"""CREATE OR REPLACE FUNCTION {one.keeps}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF current_setting('runner.words', true) = 'later' THEN RETURN NULL; END IF;
        IF TG_OP = 'DELETE' THEN DELETE FROM {one.words} WHERE owner = old.id; RETURN NULL; END IF;
        INSERT INTO {one.words}(owner, text) VALUES (new.id, {one.text_of("new")})
            ON CONFLICT (owner) DO UPDATE SET text = excluded.text WHERE {one.words}.text <> excluded.text;
        {case}
        RETURN NULL;
    END $$"""


def _triggers(one: Indexed) -> dict[str, str]:
    """Name and time of each trigger that keeps one kind."""
    changed = " OR ".join(f"old.{name}::text IS DISTINCT FROM new.{name}::text" for name in one.changes)
    return {
        f"{one.keeps}_put": f"AFTER INSERT OR DELETE ON {one.table} FOR EACH ROW",
        f"{one.keeps}_changed": f"AFTER UPDATE OF {', '.join(one.changes)} ON {one.table} FOR EACH ROW WHEN ({changed})",
    }


def _folding(execute: Execute) -> str:
    """The function that makes capital letters small, of every script where the server knows them."""
    known = execute("SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu'").fetchall()
    collation = ' COLLATE "und-x-icu"' if known else ""
    return (
        "CREATE OR REPLACE FUNCTION words_folded(said text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE"
        f" AS $$ SELECT lower(said{collation}) $$"
    )


def _letters(kind: str) -> str:
    return ' COLLATE "C"' if kind == "text" else ""


_IN_THIS_SCHEMA: Final = (
    "pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal"
    " AND relnamespace = current_schema()::regnamespace AND starts_with(tgname, 'words_{}')"
)
_OURS: Final = f"SELECT tgname, relname FROM {_IN_THIS_SCHEMA.format('')}"
_OF_THIS_VERSION: Final = f"SELECT count(*) FROM {_IN_THIS_SCHEMA.format(f'{VERSION}_')}"
