"""What somebody types into the search, taken apart: ``kind:business due:<today amount:12.50 "exact words" -not``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from runner.store.words import Words

_TOKEN: Final = re.compile(
    r"""(?P<minus>[-－])?
    (?:(?P<name>[^\W\d][\w.]*)[:：](?!//)(?P<operator><=|>=|<|>|=|≤|≥)?)?
    (?:["“”](?P<quoted>[^"“”]*)["“”]?|(?P<bare>[^\s"“”]+))?""",
    re.VERBOSE,
)
_PLAIN: Final = {"≤": "<=", "≥": ">=", "": "="}
MOST_CHARACTERS: Final = 300


@dataclass(frozen=True, slots=True)
class Condition:
    """``name:<value``; `operator` is one of ``= < <= > >=``, `is_not` says that a minus stood before it."""

    name: str
    operator: str
    value: str
    is_not: bool = False

    def __str__(self) -> str:
        minus, sign = "-" if self.is_not else "", "" if self.operator == "=" else self.operator
        value = f'"{self.value}"' if " " in self.value else self.value
        return f"{minus}{self.name}:{sign}{value}"


@dataclass(frozen=True, slots=True)
class Query:
    """Words that have to occur, words that must not, and conditions on named fields."""

    words: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()

    @property
    def as_words(self) -> Words:
        """The words alone."""
        return Words(self.words, self.unwanted)


def parse(text: str) -> Query:
    """Take a query apart; everything can be read somehow, so nothing is refused here.

    Quotes keep words together and may be “typographic”; a full-width colon counts as one. ``name:`` without a value
    asks for nothing. An address (``https://…``) is a word.
    """
    words: list[str] = []
    unwanted: list[str] = []
    conditions: list[Condition] = []
    for found in _TOKEN.finditer(text[:MOST_CHARACTERS]):
        minus, name = bool(found["minus"]), found["name"]
        value = (found["quoted"] if found["quoted"] is not None else found["bare"] or "").strip()
        if not value:
            continue
        if name:
            operator = found["operator"] or ""
            conditions.append(Condition(name, _PLAIN.get(operator, operator), value, minus))
        else:
            (unwanted if minus else words).append(value)
    return Query(tuple(words), tuple(unwanted), tuple(conditions))
