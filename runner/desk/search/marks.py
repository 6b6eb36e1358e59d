"""Texts of hits with the words that were looked for marked in them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from runner.store.words import spellings

_LONGEST: Final = 200  # characters of a text that are shown
_BEFORE: Final = 60  # of them before the first word


def marked(text: str, words: Iterable[str]) -> SafeString:
    """The part of `text` around the first of the words, with each of them in ``<mark>``; its begin where none occurs."""
    plain = " ".join(text.split())
    wanted = sorted({said for word in words for said in spellings(word) if said}, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, wanted)), re.IGNORECASE) if wanted else None
    first = pattern.search(plain) if pattern else None
    begin = max(0, first.start() - _BEFORE) if first and first.end() > _LONGEST else 0
    shown = plain[begin : begin + _LONGEST]
    pieces: list[tuple[str, str]] = []
    at = 0
    for found in pattern.finditer(shown) if pattern else ():
        pieces.append((shown[at : found.start()], found[0]))
        at = found.end()
    return format_html(
        "{}{}{}{}",
        "… " if begin else "",
        format_html_join("", "{}<mark>{}</mark>", pieces),
        shown[at:],
        " …" if begin + _LONGEST < len(plain) else "",
    )
