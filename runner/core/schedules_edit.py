"""Edits of schedules.yaml by program: one schedule's keys are set or removed, and every other byte stays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from runner.core.errors import ConflictError, UsageError, did_you_mean
from runner.core.yaml_text import parse_yaml


class _Remove:
    """The value that removes a key."""


REMOVE: Final = _Remove()


def edit_schedule(text: str, schedule: str, changes: Mapping[str, Any], name: str = "schedules.yaml") -> str:
    """Return the file's text with keys of one schedule set to new values (`REMOVE` takes a key out).

    Comments, order, quotes and line ends of everything else are kept. A new key goes below the entry's last one.
    Raises UsageError for an unknown schedule, ErrorReport where `text` is not YAML, ConflictError where the entry is
    written in a way that can't be edited safely (a reference, one line in braces): then nothing is changed.
    """
    parse_yaml(text, name)
    for key, value in changes.items():
        wanted = _expected(parse_yaml(text, name).value, schedule, {key: value})
        text = _edited(text, _entry(text, schedule), key, value)
        if parse_yaml(text, name).value != wanted:
            raise _cannot(schedule, key)
    return text


def _entry(text: str, schedule: str) -> MappingNode:
    root = YAML(typ="safe", pure=True).compose(text)
    entries = _value_of(root, "schedules")
    known: list[str] = []
    for entry in entries.value if isinstance(entries, SequenceNode) else []:
        found = _value_of(entry, "id")
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


def _edited(text: str, entry: MappingNode, key: str, value: object) -> str:
    """Return the text with one key changed."""
    written = None if value is REMOVE else json.dumps(value, ensure_ascii=False)
    newline = "\r\n" if "\r\n" in text else "\n"
    for key_node, value_node in entry.value:
        if key_node.value != key:
            continue
        start, end = key_node.start_mark.index, _end(value_node)
        if written is not None:
            return f"{text[:start]}{key}: {written}{text[end:]}"
        line_end = text.find("\n", end) + 1 or len(text)
        line_start = text.rfind("\n", 0, start) + 1
        if text[line_start:start].strip():  # the key stands behind the '-' of its entry
            follower = text.find(text[line_start:start].replace("-", " "), line_end)
            if follower != line_end:
                raise _cannot("", key)
            return text[:start] + text[line_end + start - line_start :]
        return text[:line_start] + text[line_end:]
    if written is None:
        return text
    last_key, last_value = entry.value[-1]
    line_end = text.find("\n", _end(last_value)) + 1
    indent = " " * last_key.start_mark.column
    if not line_end:
        return f"{text}{newline}{indent}{key}: {written}{newline}"
    return f"{text[:line_end]}{indent}{key}: {written}{newline}{text[line_end:]}"


def _end(node: Node) -> int:
    """Return where the last character of a value stands; a block's own end mark lies behind the comments after it."""
    if isinstance(node, (MappingNode, SequenceNode)) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    end: int = node.end_mark.index
    return end


def _value_of(node: Node, key: str) -> Node | None:
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
