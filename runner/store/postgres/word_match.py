"""What PostgreSQL's full text is asked: words as its index of words has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from django.db import connection
from django.db.models import BooleanField
from django.db.models.expressions import RawSQL

from runner.store.asked_words import Words, spellings
from runner.store.postgres.word_index import ALL

_SHORT: Final = 3  # letters that the index can look up
_WORDS: Final = {one.table: one.words for one in ALL}
_Condition = tuple[str, list[str]]  # SQL and its parameters


@dataclass(frozen=True, slots=True)
class Expression:
    """Texts of the table `words` that fit `wanted`, and not `unwanted` (empty: none is to go)."""

    words: str
    wanted: _Condition
    unwanted: _Condition

    def matching(self, newest: int | None) -> RawSQL:
        """The keys of the rows that match, of all of them or of the newest."""
        sql = f"SELECT owner, text FROM {self.words} WHERE {self.wanted[0]}"  # noqa: S608 (our names)
        parameters: list[Any] = list(self.wanted[1])
        if newest is not None:
            sql += " ORDER BY id DESC LIMIT %s"
            parameters.append(newest)
        sql = f"SELECT owner FROM ({sql}) AS found"  # noqa: S608 (our names)
        if self.unwanted[0]:
            sql += f" WHERE NOT ({self.unwanted[0]})"
            parameters += self.unwanted[1]
        return RawSQL(sql, parameters)  # noqa: S611 (values are parameters)

    def gathered(self, newest: int) -> tuple[RawSQL, bool]:
        """The keys of the newest rows that match, for several queries, and whether there are more."""
        return self.matching(newest), self.are_more(newest)

    def matches_each(self) -> RawSQL:
        """The condition that a row has them, asked of each row by itself."""
        key = f"{self.words.removesuffix('_words')}.id"
        sql = f"SELECT 1 FROM {self.words} WHERE owner = {key} AND {self.wanted[0]}"  # noqa: S608 (our names)
        parameters: list[Any] = list(self.wanted[1])
        if self.unwanted[0]:
            sql += f" AND NOT ({self.unwanted[0]})"
            parameters += self.unwanted[1]
        return RawSQL(f"EXISTS ({sql})", parameters, output_field=BooleanField())  # noqa: S611 (values are parameters)

    def are_more(self, than: int) -> bool:
        """Whether more rows than that have what is wanted."""
        sql = f"SELECT 1 FROM {self.words} WHERE {self.wanted[0]} LIMIT 1 OFFSET {than}"  # noqa: S608 (our names)
        with connection.cursor() as cursor:
            cursor.execute(sql, self.wanted[1])
            return cursor.fetchone() is not None


def expression_of(table: str, asked: Words) -> Expression | None:
    """The words as the index of `table` has them; None where no row can have them, or nothing is wanted."""
    wanted = [spellings(word) for word in asked.all]
    lines = (*(value for _name, value in asked.values), *asked.whole)
    wanted += [[f"\n{said}\n" for said in spellings(line)] for line in lines]
    unwanted = [spellings(word) for word in asked.none]
    folded = _folded(word for some in (*wanted, *unwanted) for word in some)
    needed = [_any_of((folded[word] for word in some), by_index=True) for some in wanted]
    if not needed or not all(sql for sql, _ in needed):
        return None
    without = [_any_of((folded[word] for word in some), by_index=False) for some in unwanted]
    return Expression(
        _WORDS[table], _together(" AND ", needed), _together(" OR ", [one for one in without if one[0]])
    )


def has_value(places: Sequence[str], name: str, value: str) -> RawSQL:
    """The condition that one of these columns has a value under a name, wherever it stands, in small or capital letters."""
    said = spellings(value)
    any_of = ", ".join(["words_folded(%s)"] * len(said))
    held = f"WHERE words_folded(one.name) = words_folded(%s) AND words_folded(one.value) IN ({any_of})"
    sql = " OR ".join(f"EXISTS (SELECT 1 FROM words_parts({place}) AS one {held})" for place in places)  # noqa: S608 (our names)
    return RawSQL(f"({sql})", [name, *said] * len(places), output_field=BooleanField())  # noqa: S611 (values are parameters)


def _together(how: str, parts: Sequence[_Condition]) -> _Condition:
    return how.join(f"({sql})" for sql, _ in parts), [value for _, values in parts for value in values]


def _folded(words: Iterable[str]) -> Mapping[str, str]:
    """Each word as the index compares it: the server says what its small letters are."""
    known = tuple(dict.fromkeys(words))
    said = connection.settings_dict
    return dict(zip(known, _fold(f"{said['HOST']}:{said['PORT']}/{said['NAME']}", known), strict=True))


@lru_cache(maxsize=256)
def _fold(store: str, words: tuple[str, ...]) -> tuple[str, ...]:
    del store  # each server may know other letters
    if not words:
        return ()
    marks = ", ".join(["words_folded(%s)"] * len(words))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {marks}", words)
        return tuple(cursor.fetchone())


def _any_of(words: Iterable[str], *, by_index: bool) -> _Condition:
    """One of the spellings; empty where none of them can occur."""
    parts, values = list[str](), list[str]()
    for word in dict.fromkeys(words):
        if not word:
            continue
        text = f"\n{word}\n" if len(word) < _SHORT and word.isascii() else word
        looked_up = "groups @@ %s::tsquery AND " if by_index else ""
        parts.append(f"({looked_up}strpos(text, %s) > 0)")
        values += [*([_query(text)] if by_index else []), text]
    return " OR ".join(parts), values


def _query(text: str) -> str:
    """All groups of letters of a text; a short one is a group itself."""
    groups = [text[n : n + _SHORT] for n in range(max(1, len(text) - _SHORT + 1))]
    return " & ".join(_quoted(group) for group in dict.fromkeys(groups))


def _quoted(group: str) -> str:
    return "'" + group.replace("\\", "\\\\").replace("'", "''") + "'"
