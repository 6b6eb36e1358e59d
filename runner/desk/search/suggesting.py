"""What the search offers while somebody types: names and values that go on from the last word, and the best hits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from runner.desk.search.conditions import data_fields
from runner.desk.search.names import IS, KINDS, NAMES, Name, name_of
from runner.store.models import Bot, Queue

_LAST: Final = re.compile(r"(?:(?P<name>[^\W\d][\w.]*)[:：])?(?P<begin>[^\s:：\"“”]*)$")
_MOST: Final = 6
_TIMES: Final = ("<today", "today", "yesterday", ">-7d")


@dataclass(frozen=True, slots=True)
class Completion:
    """How the query could go on: the whole text, the part that is offered, and what it means."""

    text: str
    offered: str
    title: str


def completions(text: str) -> list[Completion]:
    """Names that begin as the last word does, or the values of the field that stands there. At most one query."""
    last = _LAST.search(text)
    if last is None or not last[0]:
        return []
    before, minus = text[: last.start()], ""
    name, begin = last["name"], last["begin"].casefold()
    if name is None:
        names = [(one.key, str(one.title)) for one in NAMES] + [(one, "") for one in ("is", "in")]
        names += [(one, "") for one in data_fields()] if begin else []
        found = [
            (f"{key}:", title)
            for key, title in names
            if key.casefold().startswith(begin) or title.casefold().startswith(begin)
        ]
        return [Completion(f"{before}{minus}{offered}", offered, title) for offered, title in found[:3]]
    found = [
        (value, said)
        for value, said in _values(name)
        if value.startswith(begin) or said.casefold().startswith(begin)
    ]
    return [
        Completion(f"{before}{name}:{_quoted(value)} ", f"{name}:{_quoted(value)}", said)
        for value, said in found[:_MOST]
        if value != begin
    ]


def _values(name: str) -> list[tuple[str, str]]:
    if name == "is":
        return [(key, str(said)) for key, said in IS.items()]
    if name == "in":
        return [(key, str(said)) for key, said in KINDS.items()]
    one = name_of(name)
    return [] if one is None else _values_of(one)


def _values_of(one: Name) -> list[tuple[str, str]]:
    if one.values == "choice":
        return list(one.choices().items())
    if one.values == "time":
        return [(value, "") for value in _TIMES]
    if one.values == "person":
        return [("me", ""), ("nobody", "")]
    if one.key == "queue":
        return [(name, "") for name in Queue.objects.order_by("name").values_list("pk", flat=True)[:200]]
    if one.key == "bot":
        return [(name, "") for name in Bot.objects.order_by("name").values_list("pk", flat=True)[:200]]
    return []


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value else value
