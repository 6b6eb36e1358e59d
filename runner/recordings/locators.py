"""Chains of Playwright locators as selectors of a recording: plain ones in DevTools' own words, the others as a chain."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from runner.recordings.model import RawSelector
from runner.recordings.selectors import Part, aria, playwright

TEST_ID: Final = "data-testid"
_ATTRIBUTES: Final = {"placeholder": "placeholder", "alt": "alt", "title": "title", "test id": TEST_ID}


def selectors_for(parts: Sequence[Part]) -> tuple[list[RawSelector], bool]:
    """The selectors that say the same as a chain of locators, and whether DevTools understands them."""
    if len(parts) == 1 and (plain := _plain(parts[0])):
        return list(plain), True
    return [playwright(parts)], False


def _plain(part: Part) -> Sequence[str]:
    if part.by == "role" and part.name:
        return [aria(part.name, part.value)]
    if part.by == "label":
        return [aria(part.value)]
    if part.by == "text":
        return [f"text/{part.value}"]
    if part.by == "css":
        return [f"xpath/{part.value}" if part.value.startswith(("//", "(//")) else part.value]
    if part.by in _ATTRIBUTES:
        return [f"[{_ATTRIBUTES[part.by]}={json.dumps(part.value, ensure_ascii=False)}]"]
    return []
