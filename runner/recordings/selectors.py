"""Selectors as recordings write them: ``aria/Name``, ``text/…``, ``xpath/…``, ``pierce/…``, css, and locators of Playwright.

The first five are those of the Chrome DevTools Recorder. ``playwright/[…]`` holds a chain of locator calls as JSON, for what
the others can't say (the second of several, inside a frame); it stands in steps of Runner's own only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

PLAYWRIGHT: Final = "playwright/"
_ARIA_ATTRIBUTE: Final = re.compile(
    r"\[\s*(\w+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)')\s*\]\s*$"
)
_POSITION: Final = re.compile(
    r":(?:nth-(?:last-)?(?:child|of-type)|first-(?:child|of-type)|last-(?:child|of-type))\b"
)
_TEST_ID: Final = re.compile(r"^\[data-(?:testid|test-id|test|cy|qa)=[\"']?(.+?)[\"']?\]$")
_XPATH_HOLD: Final = re.compile(r"@|text\(\)|contains\(|\.\s*=|normalize-space")


class SelectorKind(StrEnum):
    """What a selector goes by."""

    ARIA = "aria"
    TEXT = "text"
    XPATH = "xpath"
    PIERCE = "pierce"
    CSS = "css"
    PLAYWRIGHT = "playwright"


class Part(BaseModel):
    """One call of a chain of Playwright locators: ``{"by": "role", "value": "button", "name": "Save"}``.

    `by` is role, label, text, test id, placeholder, alt, title, css, nth (value: the number), first, last, frame (into the
    frame just found), has-text or has-not-text.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: str
    value: str = ""
    name: str | None = None
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Selector:
    """One selector, taken apart. `role` belongs to aria; `inner` are further css selectors, each inside a shadow root."""

    kind: SelectorKind
    value: str
    role: str = ""
    inner: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()

    @property
    def is_position(self) -> bool:
        """Whether it goes by the place on the page only, so that anything inserted before it breaks it."""
        if self.kind in {SelectorKind.CSS, SelectorKind.PIERCE}:
            return not any(mark in self.value for mark in "#.[") and bool(
                _POSITION.search(self.value) or re.search(r"[\s>+~]", self.value.strip())
            )
        return self.kind is SelectorKind.XPATH and not _XPATH_HOLD.search(self.value)

    @property
    def name(self) -> str:
        """What people would call the element: its name or text; empty where the selector has none."""
        if self.kind in {SelectorKind.ARIA, SelectorKind.TEXT}:
            return self.value
        if self.kind is SelectorKind.PLAYWRIGHT:
            named = (part.name or part.value for part in reversed(self.parts) if part.by in _NAMING)
            return next(named, "")
        match = _TEST_ID.match(self.value)
        return match[1] if match else ""


_NAMING: Final = frozenset({"role", "label", "text", "test id", "placeholder", "alt", "title", "has-text"})


def parse_selector(text: str | Sequence[str]) -> Selector:
    """A selector of a recording; a list of several is a way through shadow roots, from the outside in.

    Raises ValueError for an empty one and for a chain of locators that is none.
    """
    outer, *inner = [text] if isinstance(text, str) else list(text) or [""]
    if not outer.strip() or not all(one.strip() for one in inner):
        raise ValueError("an empty selector")
    found = _one(outer)
    if not inner:
        return found
    return Selector(found.kind, found.value, found.role, tuple(_css(one) for one in inner), found.parts)


def aria(name: str, role: str = "") -> str:
    """``aria/Name[role="button"]``."""
    quoted = role and f'[role="{role}"]'
    return f"aria/{name}{quoted}"


def playwright(parts: Sequence[Part]) -> str:
    """A chain of locators as the text that a step holds."""
    plain = [part.model_dump(exclude_defaults=True) for part in parts]
    return PLAYWRIGHT + json.dumps(plain, ensure_ascii=False)


def _one(text: str) -> Selector:
    kind, slash, rest = text.partition("/")
    if slash and kind == "aria":
        return _aria(rest)
    if slash and kind in {"text", "xpath", "pierce"}:
        return Selector(SelectorKind(kind), rest)
    if text.startswith(PLAYWRIGHT):
        try:
            parts = tuple(Part.model_validate(part) for part in json.loads(rest))
        except (ValidationError, ValueError, TypeError) as error:
            raise ValueError(f"'{text}' is no chain of locators") from error
        return Selector(SelectorKind.PLAYWRIGHT, rest, parts=parts)
    return Selector(SelectorKind.CSS, text)


def _aria(rest: str) -> Selector:
    name, role = rest, ""
    while (found := _ARIA_ATTRIBUTE.search(name)) and found[1] in {"role", "name"}:
        value = re.sub(r"\\(.)", r"\1", found[2] if found[2] is not None else found[3])
        before = name[: found.start()]
        if found[1] == "role":
            role, name = value, before
        else:
            name = before or value
            if not before:
                break
    return Selector(SelectorKind.ARIA, name.strip(), role)


def _css(text: str) -> str:
    return text.removeprefix("pierce/")
