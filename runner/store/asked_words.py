"""What a search asks for: words, whole values, and what is not wanted."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """What is asked for: rows with all of `all`, without any of `none`, and with these whole values of their data.

    `values` and `no_values` are (name, value): fields of the data, or ``code`` and ``type`` of an error. `whole` are
    lines that have to be there as they are: a key, an id, a value whatever its name.
    """

    all: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    whole: tuple[str, ...] = ()
    no_values: tuple[tuple[str, str], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing that a row has to have."""
        return not (self.all or self.values or self.whole)

    @property
    def has_values(self) -> bool:
        """Whether the data of each row has to be looked into."""
        return bool(self.values or self.no_values)


def spellings(word: str) -> list[str]:
    """The word as typed, and as it is written in ordinary letters: input methods type ＡＢＣ１２３ for ABC123."""
    plain = "".join(letter for letter in word if letter >= " ")
    return list(dict.fromkeys([plain, unicodedata.normalize("NFKC", plain)]))
