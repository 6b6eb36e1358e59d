"""The phrase book: what Runner's errors and commands say in English, said in the reader's language.

An error is raised, kept in a journal and shown on another machine as its English words. The book has every sentence of the code
with numbered holes for its values (``unknown bot '{0}'``) beside its translation; `told` finds the sentence that a text is
an instance of and says it with the same values. `make texts` keeps the book up to date (docs/phrases.py), a test fails on a
sentence without translation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from runner.core.errors import ErrorReport, RunnerError

BOOKS: Final = Path(__file__).resolve().parent / "phrases"
HELPS: Final = BOOKS / "help" / "zh"
HOLE: Final = re.compile(r"\{(\d+|[a-z_]+)\}")
_HEADED: Final = re.compile(
    r"(?P<head>(?:\S+: )?[A-Z]{2,}(?:_[A-Z0-9]+)*: )(?P<rest>.+)", re.DOTALL
)  # where: CODE: …
_QUOTES: Final = "'\"`“‘"
_VALUES: Final = (
    frozenset(  # words of Runner's own that are values: states, kinds, fields of a cron expression
        """
    minute hour day-of-month month day-of-week empty defaults none open claimed waiting retrying resolved verified closed analysing acting
    verifying queued running done lost failed cancelled pending exception rejected due ran missed skipped coalesced business application
    unknown exceptions
    """.split()  # noqa: SIM905
    )
)
_FRAMES: Final = ("{0}, line {1}: {2}", "line {0}: {1}", "column {0}: {1}")  # they hold other sentences
_COMMAND: Final = re.compile(r"\brunner [a-z -]+$|\bone of:? $|give $")  # what follows is typed, not read
_LONGEST: Final = 2000  # characters of a text that is looked up
_DEEPEST: Final = 5  # sentences within sentences
_FEW_LETTERS: Final = 5
_WORDS: Final = re.compile(r"[A-Za-z]{3,}")
_ENGLISH: Final = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,}")


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A sentence of the book: its fixed pieces, the names of the holes between them, and which of these stand in quotes."""

    sentence: str
    pieces: tuple[str, ...]
    holes: tuple[str, ...]
    quoted: tuple[bool, ...]
    translation: str

    @property
    def letters(self) -> int:
        """How many letters are fixed: with few of them it fits much that it was not meant for."""
        return sum(sign.isalpha() for piece in self.pieces for sign in piece)

    @property
    def is_label(self) -> bool:
        """Whether it is a single word such as the head of a column: within a sentence the same word is somebody's value."""
        return not self.holes and " " not in self.sentence and self.sentence not in _VALUES

    @property
    def has_dash(self) -> bool:
        """Whether it has a dash of its own, with which the parts of an error are put together too."""
        return " - " in self.sentence

    @property
    def signs(self) -> int:
        """How many signs are fixed."""
        return sum(map(len, self.pieces))


def told(text: str, language: str) -> str:
    """`text` in `language` (``zh``, ``zh-hans``, …), with its values; as it is where the book has no such sentence."""
    if language.lower().startswith("en") or not text:
        return text
    return _told(text, language[:2].lower(), 0) or text


def told_whole(text: str, language: str) -> str:
    """`text` in `language` where the book has all of its parts; else empty, so that nobody reads two languages in one line."""
    said = told(text, language)
    if said == text:
        return ""
    kept = (part for part in text.split(" - ") if part in said.split(" - "))
    return "" if any(_WORDS.search(part) for part in kept) else said


def line_of(error: RunnerError, language: str) -> str:
    """An error as the line that people read, in `language`; its place and its code stay as they are."""
    if language.lower().startswith("en"):
        return str(error)
    if isinstance(error, ErrorReport):
        return "\n".join(line_of(one, language) for one in error.errors)
    where = (
        told(error.where, language) if " " in error.where else error.where
    )  # one word is an option or a file
    head = f"{where}: " if where else ""
    parts = (told(part, language) for part in (error.what, error.expected, error.hint) if part)
    return f"{head}{error.stable_code}: {' - '.join(parts)}"


def sentence(text: str, language: str, values: Mapping[str, object]) -> str:
    """The sentence of the book that is spelt `text`, with `values` in its holes; `text` itself where there is none."""
    book = {} if language.lower().startswith("en") else _sentences(language[:2].lower())
    return filled(book.get(text, text), values)


def help_text(text: str) -> str:
    """A text of `--help` in Chinese; as it is where the book of helps does not have it."""
    return _helps().get(text, text)


def filled(sentence: str, values: Mapping[str, object]) -> str:
    """The sentence with its holes filled; a hole without value stays."""
    return HOLE.sub(lambda hole: str(values.get(hole[1], hole[0])), sentence)


def _told(text: str, language: str, depth: int) -> str | None:
    """The text, or those parts of it that the book has; None where it has none of them."""
    whole = _found(text, language, depth)
    if whole is not None:
        return whole
    headed = _HEADED.fullmatch(text)
    if headed:
        rest = _told(headed["rest"], language, depth)
        return None if rest is None else f"{headed['head']}{rest}"
    if " - " in text:  # what is wrong - what was expected - what to do
        parts = [(part, _told(part, language, depth)) for part in text.split(" - ")]
        return " - ".join(said or part for part, said in parts) if any(said for _, said in parts) else None
    listed = [_found(part, language, depth) for part in text.split(", ")] if ", " in text else []
    return "、".join(one for one in listed if one) if listed and all(listed) else None


def _found(text: str, language: str, depth: int) -> str | None:
    if depth > _DEEPEST or len(text) > _LONGEST:
        return None
    for phrase in _beginning(language, text[:1]):
        values = _values(phrase, text)
        if values is None or (" - " in text and not phrase.has_dash) or (depth and phrase.is_label):
            continue  # a text with dashes is several sentences, unless one of them has a dash of its own
        if phrase.sentence in _FRAMES and " " in values[-2]:
            continue  # "column 'A' appears twice: …" is a sentence, no place with a sentence behind it
        said = [
            value if quoted else _told(value, language, depth + 1)
            for value, quoted in zip(values, phrase.quoted, strict=True)
        ]
        if phrase.letters < _FEW_LETTERS and any(
            one is None and _ENGLISH.search(value) for one, value in zip(said, values, strict=True)
        ):
            continue
        shown = (value if one is None else one for one, value in zip(said, values, strict=True))
        return filled(phrase.translation, dict(zip(phrase.holes, shown, strict=True)))
    return None


def _values(phrase: _Phrase, text: str) -> list[str] | None:
    """The values in the holes, each as short as it can be; None where the text is no instance of the phrase."""
    first, *others = phrase.pieces
    if not text.startswith(first):
        return None
    if not others:
        return [] if text == first else None
    at, values = len(first), []
    for piece in others[:-1]:
        found = text.find(piece, at)
        if found < 0:
            return None
        values.append(text[at:found])
        at = found + len(piece)
    end = len(text) - len(others[-1])
    if end < at or not text.endswith(others[-1]):
        return None
    return [*values, text[at:end]]


@cache
def _sentences(language: str) -> dict[str, str]:
    """The book of a language: each sentence with its translation."""
    return dict(_read(BOOKS / language))


@cache
def _helps() -> dict[str, str]:
    """The book of helps, which is only looked up by whole texts: no error is told with it."""
    return dict(_read(HELPS))


@cache
def _book(language: str) -> tuple[_Phrase, ...]:
    """The phrases of a language, those that say most first."""
    named = re.compile(
        r"\{[a-z_]+\}"
    )  # such a sentence is looked up as it is spelt and filled, never found by its values
    phrases = [
        _phrase(sentence, said)
        for sentence, said in _sentences(language).items()
        if said not in {"", sentence} and not named.search(sentence)
    ]
    return tuple(
        sorted(
            phrases,
            key=lambda phrase: (
                phrase.sentence not in _FRAMES,
                -phrase.letters,
                -phrase.signs,
                len(phrase.holes),
            ),
        )
    )


@lru_cache(maxsize=512)
def _beginning(language: str, sign: str) -> tuple[_Phrase, ...]:
    """Those phrases of a book, in its order, that a text which begins with `sign` can be an instance of."""
    return tuple(one for one in _book(language) if not one.pieces[0] or one.pieces[0][0] == sign)


def _read(folder: Path) -> Iterator[tuple[str, str]]:
    for file in sorted(folder.glob("*.json")):
        yield from json.loads(file.read_text("utf-8")).items()


def _phrase(sentence: str, translation: str) -> _Phrase:
    parts = HOLE.split(sentence)
    pieces = tuple(parts[::2])
    quoted = tuple(
        piece != "" and (piece[-1] in _QUOTES or bool(_COMMAND.search(piece))) for piece in pieces[:-1]
    )
    return _Phrase(sentence, pieces, tuple(parts[1::2]), quoted, translation)
