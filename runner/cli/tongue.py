"""The language of what ops staff read on the command line: Chinese where the terminal speaks it, in the words of the desk.

Sentences come from the phrase book (`runner.core.phrase_book`), words for states and kinds from the desk.
`RUNNER_LANG` (``zh``, ``en``) goes before the locale of the terminal. ``--json`` is the same in every language.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from runner.core import phrase_book
from runner.core.errors import RunnerError

_LOCALE: Final = ("LC_ALL", "LC_MESSAGES", "LANG")


def in_chinese(environment: Mapping[str, str] | None = None) -> bool:
    """Whether to speak Chinese; the first variable that is set decides."""
    known = os.environ if environment is None else environment
    asked = next((known[name] for name in ("RUNNER_LANG", *_LOCALE) if known.get(name)), "")
    return asked.lower().startswith("zh")


def language() -> str:
    """The language of the terminal, ``en`` or ``zh``."""
    return "zh" if in_chinese() else "en"


def said(text: str, **values: object) -> str:
    """A sentence of the phrase book in the language of the terminal, with its values."""
    return phrase_book.sentence(text, language(), values)


def told(text: str) -> str:
    """A text that has its values in it already, in the language of the terminal; as it is where the book has no such sentence."""
    found = phrase_book.told(text, language())
    if found != text or "\n" not in text:
        return found
    return "\n".join(phrase_book.told(line, language()) for line in text.split("\n"))


def and_exceptions(number: int) -> str:
    """``, 1 exception`` or ``, 4 exceptions`` in the language of the terminal."""
    return told(", 1 exception") if number == 1 else told(f", {number} exceptions")


def told_error(error: RunnerError) -> str:
    """An error as its one line, in the language of the terminal."""
    return phrase_book.line_of(error, language())


def word(noun: str, value: str) -> str:
    """The word of the desk for a state or a kind; in English the value itself, which options and ``--json`` take."""
    if not in_chinese():
        return value
    _speak()
    from runner.desk.words import word as desk_word

    return desk_word(noun, value)


def told_message(error: Mapping[str, Any] | None, message: str) -> str:
    """The message of a failure in plain words, as the desk has them."""
    _speak()
    from runner.desk.errors.telling import told

    return str(told(error, message))


def told_title(title: str, parts: Mapping[str, Any] | None) -> str:
    """The title of a problem as the desk has it."""
    _speak()
    from runner.desk.errors.titles import title_of

    return title_of(title, parts)


def told_reason(reason: str, calendars: Mapping[str, Any] | None = None) -> str:
    """Why a due time ends as it does."""
    if not in_chinese():
        return reason
    _speak()
    from runner.desk.schedules.reasons import told

    return told(reason, calendars or {})


@cache
def _speak() -> None:
    """Let Django speak the terminal's language with the catalogues of the desk; the store is open by then."""
    from django.conf import settings
    from django.utils import translation

    desk = Path(__file__).resolve().parents[1] / "desk"
    settings.LOCALE_PATHS = [str(path) for path in (desk / "locale", *sorted(desk.glob("*/locale")))]
    translation.activate("zh-hans" if in_chinese() else "en")
