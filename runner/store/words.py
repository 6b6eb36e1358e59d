"""Rows in which words occur: by the index of words where there is one, by looking into every row where there is none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from django.db import connection
from django.db.models import BooleanField, Model, Q, QuerySet
from django.db.models.expressions import RawSQL

from runner.store import word_index
from runner.store.asked_words import Words, spellings
from runner.store.models import Case, Item, Run
from runner.store.word_index import CASES, ITEMS, RUNS, Indexed

Row = TypeVar("Row", bound=Model)
NEWEST: Final = 20_000  # how many rows with very common words a page looks at, the newest of them
NEWEST_VALUES: Final = 5_000  # the same where a value is looked up in the data of each of them
_VERY_MANY: Final = 200_000  # rows with the words from which on each row is asked whether it has them
_MOST_TERMS: Final = 300
_SHORT: Final = 3  # letters that the index can look up
_A_FEW: Final = 400  # looked at first: mostly enough
_EDGE: Final = 8  # letters at either end of a whole line by which it is looked for first
_NOTHING: Final = '"~~~" NOT "~~~"'  # what FTS5 finds in no text
_CAME: Final[Mapping[type[Model], str]] = {Case: "-opened", Item: "-id", Run: "-queued"}
_INDEXED: Final[Mapping[type[Model], Indexed]] = {Case: CASES, Item: ITEMS, Run: RUNS}
_LOOKED_INTO: Final[Mapping[type[Model], Sequence[str]]] = {
    Case: ("key__icontains", "message__icontains", "id__istartswith", "item__data__icontains"),
    Item: ("key__icontains", "source__icontains", "data__icontains"),
    Run: ("id__istartswith", "bot__icontains", "schedule__icontains", "parameters__icontains"),
}


# Where the data of each kind of row is that ``name:value`` asks for, and the name of an error's parts.
_DATA: Final[Mapping[type[Model], str]] = {
    Case: "(SELECT held.data FROM store_item AS held WHERE held.id = store_case.item_id)",
    Item: "store_item.data",
    Run: "store_run.parameters",
}
_ERRORS: Final[Mapping[type[Model], str]] = {Case: "store_case.error", Run: "store_run.error"}
_ERROR_PARTS: Final = frozenset({"code", "type"})


@dataclass(frozen=True, slots=True)
class Newest(Generic[Row]):
    """Rows that were found, those that came last in front. `looked_at`: only so many of those with the words were; 0: all."""

    rows: list[Row]
    looked_at: int = 0


def words_of(text: str) -> Words:
    """The words that somebody typed, apart by spaces: all of them have to occur."""
    return Words(tuple(text.split()))


def with_words(rows: QuerySet[Row], asked: Words) -> QuerySet[Row]:
    """Those of `rows` (cases, items or runs) that have what is asked for.

    A word occurs in the key, the text or a value of the data, in any place, in small or capital letters. One or two
    Latin letters or digits count only as a whole value. Asking for nothing leaves `rows` as they are. While the index
    is being made, every row is looked into, which takes its time.
    """
    if asked.is_empty and not (asked.none or asked.no_values):
        return rows
    if not word_index.is_whole():
        return _looked_into(rows, asked)
    found = _found(rows.model, asked)
    if found is None:
        return rows.none()
    having = _with_values(rows, asked)
    if found.are_more(_VERY_MANY):  # not all of them are gathered for a first page
        return having.filter(found.matches_each())
    return having.filter(pk__in=found.matching(None))


def newest_with_words(rows: QuerySet[Row], asked: Words, newest: int) -> tuple[QuerySet[Row], bool]:
    """Like `with_words`, but only `newest` rows that have the words are looked at, those that came last; whether there are more.

    For a page, which asks for its rows several times: the words are looked up here, once. While the index is being made
    the rows that it has are found.
    """
    if asked.is_empty and not (asked.none or asked.no_values):
        return rows, False
    if not word_index.is_there():
        return _looked_into(rows, asked), False
    found = _found(rows.model, asked)
    if found is None:
        return rows.none(), False
    keys, are_more = found.gathered(newest)
    return _with_values(rows, asked).filter(pk__in=keys), are_more


def newest_first(rows: QuerySet[Row], asked: Words, most: int) -> Newest[Row]:
    """At most `most` of `rows` that have what is asked for, those that came last in front."""
    order = (_CAME[rows.model], "-pk")
    if not word_index.is_there():
        return Newest(list(_looked_into(rows, asked).order_by(*order)[:most]))
    words, found = _found(rows.model, asked), list[Row]()
    if words is None:
        return Newest([])
    limit = NEWEST_VALUES if asked.has_values else NEWEST
    ordered = _with_values(rows, asked).order_by(*order)
    for newest in (_A_FEW, limit):
        found = list(ordered.filter(pk__in=words.matching(newest))[:most])
        # A whole key is had by few.
        if len(found) == most or asked.whole or not words.are_more(newest):
            return Newest(found)
    return Newest(found, limit)


class _Found(Protocol):
    """Words as the index of a database has them."""

    def matching(self, newest: int | None) -> RawSQL:
        """The keys of the rows that have them, of all of them or of the newest."""

    def gathered(self, newest: int) -> tuple[RawSQL, bool]:
        """The keys of the newest rows that have them, for several queries, and whether there are more."""

    def matches_each(self) -> Any:
        """The condition that a row has them, asked of each row by itself."""

    def are_more(self, than: int) -> bool:
        """Whether more rows than that have what is wanted."""


def _found(model: type[Model], asked: Words) -> _Found | None:
    """The words as the index has them; None where no row can have them."""
    if connection.vendor == "postgresql":
        from runner.store.postgres import word_match

        return word_match.expression_of(model._meta.db_table, asked)  # noqa: SLF001 (documented by Django)
    one = _INDEXED[model]
    expression = expression_of(one, asked)
    return None if expression is None else _InFile(one, expression)


@dataclass(frozen=True, slots=True)
class _InFile:
    """Words as FTS5 is asked for them."""

    one: Indexed
    expression: Expression

    def matching(self, newest: int | None) -> RawSQL:
        return _matching(self.one, self.expression, newest)

    def gathered(self, newest: int) -> tuple[RawSQL, bool]:
        one, asked = self.one, self.expression
        if asked.unwanted:  # which of those with the words are not wanted, the index says only of all of them
            return self.matching(newest), self.are_more(newest)
        sql = f"SELECT rowid AS key FROM {one.words} WHERE {one.words} MATCH %s ORDER BY rowid DESC LIMIT {newest + 1}"  # noqa: S608 (our names)
        if one.has_texts:
            sql = f"SELECT owner AS key FROM {one.texts} WHERE id IN ({sql}) ORDER BY id DESC"  # noqa: S608 (our names)
        with connection.cursor() as cursor:
            # As one text: SQLite reads it quicker than it finds the keys in the index again.
            cursor.execute(f"SELECT COUNT(*), json_group_array(key) FROM ({sql})", [asked.wanted])  # noqa: S608 (our names)
            count, keys = cursor.fetchone()
        if count > newest:
            keys = f"{keys[: keys.rindex(',')]}]"
        return RawSQL("SELECT value FROM json_each(%s)", [keys]), count > newest

    def matches_each(self) -> Any:
        one, asked = self.one, self.expression
        key = f"{one.table}.id"
        number = f"(SELECT id FROM {one.texts} WHERE owner = {key})" if one.has_texts else key  # noqa: S608 (our names)
        sql = f"EXISTS (SELECT 1 FROM {one.words} WHERE {one.words} MATCH %s AND rowid = {number})"  # noqa: S608 (our names)
        wanted = f"({asked.wanted}) NOT ({asked.unwanted})" if asked.unwanted else asked.wanted
        return RawSQL(sql, [wanted], output_field=BooleanField())  # noqa: S611 (values are parameters)

    def are_more(self, than: int) -> bool:
        return _are_more(self.one, self.expression, than)


@dataclass(frozen=True, slots=True)
class Expression:
    """What FTS5 is asked: texts that match `wanted`, and not those that match `unwanted` (empty: none is to go).

    `edges` are shorter, and occur where `wanted` does: it reads all texts to the end where one has all letters and none has them in a
    row, which of fewer letters it finds out in less time.
    """

    wanted: str
    unwanted: str = ""
    edges: tuple[str, ...] = ()

    def sql(self, one: Indexed) -> tuple[str, list[str]]:
        """`wanted` as SQL, and its values."""
        if not self.edges:
            return "%s", [self.wanted]
        edges = f" AND EXISTS (SELECT 1 FROM {one.words} WHERE {one.words} MATCH %s)" * len(self.edges)  # noqa: S608 (our names)
        asked = f"coalesce((SELECT %s WHERE true{edges}), '{_NOTHING}')"
        return asked, [self.wanted, *self.edges]


def expression_of(one: Indexed, asked: Words) -> Expression | None:
    """The words as FTS5 has them; None where one of them occurs nowhere. Asking only for what is not there is None too."""
    needed = [_any_of(one, spellings(word)) for word in asked.all]
    lines = (*(value for _name, value in asked.values), *asked.whole)
    needed += [_any_of(one, [f"\n{said}\n" for said in spellings(line)]) for line in lines]
    if not needed or not all(needed):
        return None
    unwanted = [found for word in asked.none if (found := _any_of(one, spellings(word)))]
    edges = tuple(edge for line in asked.whole for edge in _edges(spellings(line)))
    return Expression(" AND ".join(f"({part})" for part in needed), " OR ".join(unwanted), edges)


def _edges(lines: Sequence[str]) -> tuple[str, ...]:
    """The begin and the end of a line in any spelling; none for a short one."""
    if min(map(len, lines)) <= _EDGE:
        return ()
    return (
        " OR ".join(_quoted(f"\n{line[:_EDGE]}") for line in lines),
        " OR ".join(_quoted(f"{line[-_EDGE:]}\n") for line in lines),
    )


def _matching(one: Indexed, asked: Expression, newest: int | None) -> RawSQL:
    """The keys of the rows that match, of all of them or of the newest."""
    wanted, parameters = asked.sql(one)
    match = f"SELECT rowid FROM {one.words} WHERE {one.words} MATCH {wanted}"  # noqa: S608 (our names)
    if newest is None:
        parameters[:1] = [f"({asked.wanted}) NOT ({asked.unwanted})" if asked.unwanted else asked.wanted]
    else:
        match += f" ORDER BY rowid DESC LIMIT {newest}"
        if (
            asked.unwanted
        ):  # with NOT it would walk on until enough are left: those of the newest are taken away
            match = f"SELECT rowid FROM ({match}) EXCEPT SELECT rowid FROM ({match})"  # noqa: S608 (our names)
            parameters += [f"({asked.wanted}) AND ({asked.unwanted})", *asked.edges]
    if one.has_texts:
        match = f"SELECT owner FROM {one.texts} WHERE id IN ({match})"  # noqa: S608 (our names)
    return RawSQL(match, parameters)  # noqa: S611 (values are parameters)


def _are_more(one: Indexed, asked: Expression, than: int) -> bool:
    sql = f"SELECT 1 FROM {one.words} WHERE {one.words} MATCH %s LIMIT 1 OFFSET {than}"  # noqa: S608 (our names)
    with connection.cursor() as cursor:
        cursor.execute(sql, [asked.wanted])
        return cursor.fetchone() is not None


def _with_values(rows: QuerySet[Row], asked: Words) -> QuerySet[Row]:
    """Those whose data has these values under these names. The index finds values, whatever their name is."""
    for name, value in asked.values:
        rows = rows.filter(_has_value(rows.model, name, value))
    for name, value in asked.no_values:
        rows = rows.exclude(_has_value(rows.model, name, value))
    return rows


def _has_value(model: type[Model], name: str, value: str) -> Any:
    """The condition that a row has a value under a name, wherever it stands in its data, in small or capital letters."""
    places = [_DATA[model]]
    if name.casefold() in _ERROR_PARTS and model in _ERRORS:
        places.append(_ERRORS[model])
    if connection.vendor == "postgresql":
        from runner.store.postgres import word_match

        return word_match.has_value(places, name, value)
    whole = f"(?i)\\A(?:{'|'.join(re.escape(said) for said in spellings(value))})\\Z"
    held = (
        "EXISTS (SELECT 1 FROM json_tree({}) AS one WHERE lower(one.key) = lower(%s) AND one.atom REGEXP %s)"
    )
    sql = " OR ".join(held.format(place) for place in places)
    return RawSQL(f"({sql})", [name, whole] * len(places), output_field=BooleanField())  # noqa: S611 (values are parameters)


def _any_of(one: Indexed, spellings: Iterable[str]) -> str:
    """One of the spellings, as FTS5 has it; empty where none of them can occur."""
    parts = []
    for word in spellings:
        if len(word) >= _SHORT:
            parts.append(_quoted(word))
        elif word.isascii():
            parts.append(_quoted(f"\n{word}\n"))
        else:
            parts += [_quoted(term) for term in _terms(one, word.lower())]
    return " OR ".join(parts)


def _terms(one: Indexed, begin: str) -> list[str]:
    """The groups of three letters that begin with one or two letters (Chinese words are that short)."""
    sql = f"SELECT term FROM {one.terms} WHERE term >= %s AND term < %s LIMIT {_MOST_TERMS}"  # noqa: S608 (our names)
    with connection.cursor() as cursor:
        cursor.execute(sql, [begin, begin + "\U0010ffff"])
        return [term for (term,) in cursor.fetchall()]


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _looked_into(rows: QuerySet[Row], asked: Words) -> QuerySet[Row]:
    places = _LOOKED_INTO[rows.model]
    for word in (*asked.all, *asked.whole):
        rows = rows.filter(_occurs(places, word))
    for word in asked.none:
        rows = rows.exclude(_occurs(places, word))
    return _with_values(rows, asked)


def _occurs(places: Sequence[str], word: str) -> Q:
    found = Q()
    for place in places:
        found |= Q(**{place: word})
    return found


__all__ = [
    "NEWEST", "NEWEST_VALUES", "Newest", "Words", "newest_first", "newest_with_words", "spellings", "with_words", "words_of",
]  # fmt: skip
