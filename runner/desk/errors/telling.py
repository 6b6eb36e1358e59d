"""Errors in the language of the page: what the code means, with the values and the place; the technical words stay at hand.

Journals and the store hold what an error said when it happened, in English. On an English page that is what people
read. On another one they read the sentence of its code; what a bot's author wrote (a code or a language of their own) stays
as it is. Values in it (a cell, a heading, the name of a bot) can be in any language.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from runner.core import phrase_book
from runner.core.errors import ErrorReport, RunnerError
from runner.desk.errors.phrases import phrase_of
from runner.desk.errors.sentences import SENTENCES
from runner.recordings.failing import step_failure

_QUOTED: Final = re.compile(r"(?<!\w)['‘\"“]([^'’\"”\n]{1,60})['’\"”]")
_IN_QUOTES: Final = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|‘[^’\n]*’|“[^”\n]*”")
_MOST_VALUES: Final = 3
_FOREIGN: Final = frozenset({"BOT_ERROR", "OS_ERROR", "UNEXPECTED", "CONNECTION", "TIMEOUT"})
_TECHNICAL: Final = re.compile(
    r"\b(?:Locator|Page|Frame|Browser\w*|ElementHandle)\.\w+:|\bCall log\b|Timeout \S+ exceeded|strict mode violation|net::|Errno"
    r"|waiting for (?:get_by_|locator\()|\b(?:get_by_\w+|locator)\(|^[A-Z]\w*(?:Error|Exception): |Target (?:page|closed)"
)


@dataclass(frozen=True, slots=True)
class Told:
    """What people read, and the error's own words where those are others (empty: they are what people read)."""

    text: str
    technical: str = ""

    def __str__(self) -> str:
        return self.text


def told(error: Mapping[str, Any] | None, message: str = "") -> Told:
    """An error as a journal has it ({code, message, where, …}); `message` is what it said, where that is kept apart."""
    facts = error or {}
    said = message or str(facts.get("message") or facts.get("what") or "")
    return _told(str(facts.get("code") or ""), said, str(facts.get("where") or ""))


def told_error(error: RunnerError) -> Told:
    """An error that was raised just now; of several the first three."""
    if isinstance(error, ErrorReport):
        parts = [told_error(one) for one in error.errors[:3]]
        technical = "\n".join(part.technical for part in parts if part.technical)
        return Told(" ".join(part.text for part in parts), technical)
    whole = f"{error.what} - {error.expected}" if error.expected else error.what
    found = _told(error.stable_code, error.what, error.where, phrase_of(whole, error.where) or _both(error))
    if found.technical:
        return Told(found.text, str(error))
    return Told(": ".join(part for part in (error.where, error.what) if part))


def _both(error: RunnerError) -> str:
    """What is wrong, and what was expected or is to be done, in the reader's language; empty where it has not all of it."""
    if is_english():
        return ""
    what = phrase_book.told_whole(error.what, language_now())
    more = [phrase_book.told_whole(part, language_now()) for part in (error.expected, error.hint) if part]
    return (
        _("%(what)s. %(more)s") % {"what": what, "more": _(", ").join(more).rstrip("?？。")}
        if what and all(more) and more
        else what
    )


def said_here(text: str) -> str:
    """A text of Runner's own, with its values, in the language of the page; as it is where the phrase book does not have it."""
    return phrase_book.told(text, language_now())


def lines_of(error: RunnerError) -> list[str]:
    """Each error as what is wrong – what was expected – what to do, in the language of the page."""
    found = error.errors if isinstance(error, ErrorReport) else (error,)
    return [
        " – ".join(said_here(part) for part in (one.what, one.expected, one.hint) if part) for one in found
    ]


def line_of(error: RunnerError) -> str:
    """The error as its one line with place and code, in the language of the page."""
    return phrase_book.line_of(error, language_now())


def language_now() -> str:
    """The language of the page."""
    return get_language() or "en"


def sentence_of(code: str) -> str:
    """What a code means, in the language of the page; empty for one that is not Runner's."""
    return str(SENTENCES.get(code, ""))


def is_technical(said: str) -> bool:
    """Whether words are those of a browser driver or of Python, which nobody but a developer reads with profit."""
    return bool(_TECHNICAL.search(said))


def _told(code: str, said: str, where: str, phrase: str = "") -> Told:
    sentence = sentence_of(code)
    if not sentence:
        return Told(said)
    foreign = code in _FOREIGN or is_technical(said)
    phrase = phrase or phrase_of(said, where)
    if not phrase and is_english() and not (foreign or is_value(code)):
        return Told(said)
    phrase = phrase or ("" if foreign else phrase_book.told_whole(said, language_now()))
    if not phrase and _is_of_a_person(said):
        return Told(said)
    if phrase and "!" in where and where not in phrase:
        place = _("(%(named)s)") % {"named": _("at %(where)s") % {"where": where}}
        return Told(_("%(sentence)s %(named)s") % {"sentence": phrase, "named": place}, said)
    if phrase:
        field = f"{where}: " if where.isidentifier() and where not in phrase and is_value(code) else ""
        return Told(f"{field}{phrase}", said)
    values = list(dict.fromkeys(_QUOTED.findall(said)))[:_MOST_VALUES]
    named = [_("“%(value)s”") % {"value": value} for value in values]
    if where:
        named.append(_("at %(where)s") % {"where": where})
    listed = _("(%(named)s)") % {"named": _(", ").join(named)}
    return Told(
        _("%(sentence)s %(named)s") % {"sentence": sentence, "named": listed} if named else sentence, said
    )


def _is_of_a_person(said: str) -> bool:
    """Whether words are not English, though Runner and its libraries say everything in English: a bot's author wrote them.

    What stands in quotes is a value, in whatever language.
    """
    if is_technical(said) or step_failure(said):
        return False
    return any(sign.isalpha() and not sign.isascii() for sign in _IN_QUOTES.sub("", said))


def is_value(code: str) -> bool:
    """Whether the error is about the value of a field, which `where` names."""
    return code in {"ITEM_DATA", "ITEM_VALUE", "PARAM_VALUE"}


def is_english() -> bool:
    """Whether the page is in English, the language of the errors themselves."""
    return language_now().startswith("en")
