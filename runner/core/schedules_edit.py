"""Edits of schedules.yaml by program: one schedule's keys are set or removed, and every other byte stays."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from runner.core.errors import ConflictError, UsageError, did_you_mean
from runner.core.yaml_text import parse_yaml


class _Remove:
    """The value that removes a key."""


REMOVE: Final = _Remove()
_UNPRINTABLE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_OTHER_NAMES: Final = {"parameters": "params", "time_limit": "timeout", "calendars": "calendar"}


def edit_schedule(text: str, schedule: str, changes: Mapping[str, Any], name: str = "schedules.yaml") -> str:
    """Return the file's text with keys of one schedule set to new values (`REMOVE` takes a key out).

    ``parameters.NAME`` is one parameter. Keys keep the name that the entry writes them by (``params``, ``timeout``).

    Comments, order, quotes and line ends of everything else are kept. A new key goes below the entry's last one.
    Raises UsageError for an unknown schedule, ErrorReport where `text` is not YAML, ConflictError where the entry is
    written in a way that can't be edited safely (a reference, one line in braces): then nothing is changed.
    """
    parse_yaml(text, name)
    for asked, given in changes.items():
        entry = _entry(text, schedule)
        key, value = _as_written(entry, asked), given
        if "." in key:
            key, value, new = _nested(text, entry, key, value, _entry_value(text, schedule, name))
        else:
            new = edited(text, entry, key, value)
        wanted = _expected(parse_yaml(text, name).value, schedule, {key: value})
        text = new
        if parse_yaml(text, name).value != wanted:
            raise _cannot(schedule, key)
    return text


def _entry(text: str, schedule: str) -> MappingNode:
    root = YAML(typ="safe", pure=True).compose(text)
    entries = value_of(root, "schedules")
    known: list[str] = []
    for entry in entries.value if isinstance(entries, SequenceNode) else []:
        found = value_of(entry, "id")
        if isinstance(found, ScalarNode):
            known.append(str(found.value))
            if found.value == schedule:
                if entry.flow_style:
                    raise _cannot(schedule, "its one line in braces")
                return entry  # type: ignore[no-any-return]
    raise UsageError(
        f"unknown schedule '{schedule}'",
        expected="one of " + (", ".join(known) or "none"),
        hint=did_you_mean(schedule, known),
        code="CLI_SCHEDULE",
    )


def _as_written(entry: MappingNode, key: str) -> str:
    """The key as the entry writes it: the other name of the same where it uses that."""
    used = {node.value for node, _ in entry.value}
    head, dot, rest = key.partition(".")
    other = _OTHER_NAMES.get(head)
    return f"{other if other in used and head not in used else head}{dot}{rest}"


def _entry_value(text: str, schedule: str, name: str) -> dict[str, Any]:
    entries = parse_yaml(text, name).value["schedules"]
    found: dict[str, Any] = next(
        one for one in entries if isinstance(one, dict) and one.get("id") == schedule
    )
    return found


def _nested(
    text: str, entry: MappingNode, key: str, value: object, now: Mapping[str, Any]
) -> tuple[str, Any, str]:
    """One key inside a mapping of the entry: the outer key, the mapping as it must be, and the text."""
    outer, _, inner = key.partition(".")
    before = now.get(outer) or {}
    if not isinstance(before, dict):
        raise _cannot(str(now.get("id")), outer)
    whole: Any = {**before, inner: value}
    whole = {name: one for name, one in whole.items() if one is not REMOVE} or REMOVE
    node = value_of(entry, outer)
    is_block = isinstance(node, MappingNode) and bool(node.value) and not node.flow_style
    if whole is REMOVE or not isinstance(node, MappingNode) or not is_block:
        return outer, whole, edited(text, entry, outer, whole)
    return outer, whole, edited(text, node, inner, value)


def edited(text: str, entry: MappingNode, key: str, value: object) -> str:
    """The text with one key of a block mapping set, or taken out where `value` is `REMOVE`; all else stays.

    Raises ConflictError where that can't be done safely.
    """
    said = None if value is REMOVE else written(value)
    newline = "\r\n" if "\r\n" in text else "\n"
    for key_node, value_node in entry.value:
        if key_node.value != key:
            continue
        start, end = key_node.start_mark.index, end_of(value_node)
        if said is not None:
            return f"{text[:start]}{key}: {said}{text[end:]}"
        line_end = text.find("\n", end) + 1 or len(text)
        line_start = text.rfind("\n", 0, start) + 1
        if text[line_start:start].strip():  # the key stands behind the '-' of its entry
            follower = text.find(text[line_start:start].replace("-", " "), line_end)
            if follower != line_end:
                raise _cannot("", key)
            return text[:start] + text[line_end + start - line_start :]
        return text[:line_start] + text[line_end:]
    if said is None:
        return text
    last_key, last_value = entry.value[-1]
    line_end = text.find("\n", end_of(last_value)) + 1
    indent = " " * last_key.start_mark.column
    if not line_end:
        return f"{text}{newline}{indent}{key}: {said}{newline}"
    return f"{text[:line_end]}{indent}{key}: {said}{newline}{text[line_end:]}"


def written(value: object) -> str:
    """A value on one line, as JSON, which YAML reads alike; what a YAML file may not contain is escaped."""
    text = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def end_of(node: Node) -> int:
    """Where the last character of a value stands; a block's own end mark lies behind the comments after it."""
    if isinstance(node, (MappingNode, SequenceNode)) and not node.flow_style and node.value:
        last = node.value[-1]
        return end_of(last[1] if isinstance(last, tuple) else last)
    end: int = node.end_mark.index
    return end


def value_of(node: Node | None, key: str) -> Node | None:
    """The node under a key of a mapping; None where there is none."""
    if not isinstance(node, MappingNode):
        return None
    found: Node | None = next((value for name, value in node.value if name.value == key), None)
    return found


def _expected(value: Any, schedule: str, changes: Mapping[str, Any]) -> Any:
    """Return what the file must mean after the edit."""
    entries = [
        {**entry, **changes} if isinstance(entry, dict) and entry.get("id") == schedule else entry
        for entry in (value or {}).get("schedules") or []
    ]
    cleaned = [
        {key: inner for key, inner in entry.items() if inner is not REMOVE}
        if isinstance(entry, dict)
        else entry
        for entry in entries
    ]
    return {**value, "schedules": cleaned} if isinstance(value, dict) else value


def _cannot(schedule: str, what: str) -> ConflictError:
    return ConflictError(
        f"schedule '{schedule}': {what} can't be edited here without touching other lines",
        expected="one key a line",
        hint="edit the file by hand",
        code="SCHED_EDIT",
    )
