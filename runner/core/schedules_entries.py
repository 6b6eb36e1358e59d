"""Edits of schedules.yaml by program that add or remove: schedules, calendars, days and windows; all else stays."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from runner.core.errors import ConflictError, UsageError, did_you_mean
from runner.core.schedules_edit import REMOVE, edited, end_of, value_of, written
from runner.core.yaml_text import parse_yaml

_PLAIN: Final = re.compile(r"[A-Za-z_][\w-]*")
_FILE: Final = "schedules.yaml"


def add_schedule(text: str, entry: Mapping[str, Any], name: str = _FILE) -> str:
    """The file's text with one more schedule, below the last one; mappings in it are written a key a line.

    Raises ErrorReport where `text` is not YAML, UsageError where there is a schedule of that id, ConflictError where the
    list is written in a way that can't be added to safely.
    """
    if any(one.get("id") == entry["id"] for one in _schedules(_value(text, name))):
        raise UsageError(
            f"there is a schedule '{entry['id']}' already", hint="choose another id", code="SCHED_DUP_ID"
        )

    def expected(value: dict[str, Any]) -> None:
        value["schedules"] = [*_schedules(value), dict(entry)]

    return _checked(text, _with_entry(text, entry), expected, f"schedule '{entry['id']}'", name)


def remove_schedule(text: str, schedule: str, name: str = _FILE) -> str:
    """The file's text without a schedule, nor the comment lines that stand directly above it.

    Raises UsageError for an unknown schedule, otherwise as `add_schedule`.
    """
    entries = _sequence(_root(text), "schedules")
    nodes = {_scalar(value_of(entry, "id")): number for number, entry in enumerate(entries)}
    if schedule not in nodes:
        raise UsageError(
            f"unknown schedule '{schedule}'",
            expected="one of " + (", ".join(nodes) or "none"),
            hint=did_you_mean(schedule, nodes),
            code="CLI_SCHEDULE",
        )
    node = entries[nodes[schedule]]

    def expected(value: dict[str, Any]) -> None:
        value["schedules"] = [one for one in _schedules(value) if one.get("id") != schedule]

    return _checked(text, _without(text, node), expected, f"schedule '{schedule}'", name)


def add_calendar(text: str, calendar: str, entry: Mapping[str, Any], name: str = _FILE) -> str:
    """The file's text with one more calendar. Raises UsageError where there is one of that name, else as `add_schedule`."""
    if calendar in (_value(text, name).get("calendars") or {}):
        raise UsageError(
            f"there is a calendar '{calendar}' already", hint="choose another name", code="SCHED_DUP_KEY"
        )

    def expected(value: dict[str, Any]) -> None:
        value["calendars"] = {**(value.get("calendars") or {}), calendar: dict(entry)}

    newline = _newline(text)
    node = value_of(_root(text), "calendars")
    lines = [f"{_key(calendar)}: {written(dict(entry))}"]
    if isinstance(node, MappingNode) and node.value and not node.flow_style:
        indent = " " * node.value[-1][0].start_mark.column
        new = _after_line(text, end_of(node.value[-1][1]), [f"{indent}{line}" for line in lines])
    elif node is None:
        new = newline.join([text.rstrip("\r\n"), "", "calendars:", f"  {lines[0]}", ""])
    else:
        raise _cannot(f"calendar '{calendar}'")
    return _checked(text, new, expected, f"calendar '{calendar}'", name)


def add_to_calendar(text: str, calendar: str, key: str, item: str, value: str = "") -> str:
    """The text with one more day or window in a calendar's list (`closed`, `open`, `blackouts`) or in its `half_days`.

    `value` is when the work of a half day ends. Raises UsageError for an unknown calendar and for what is there already.
    """
    before = _calendar_value(text, calendar, _FILE).get(key)
    items = [*before] if isinstance(before, dict) else _listed(before)
    if item in items:
        raise UsageError(f"'{item}' is in {key} of '{calendar}' already", code="SCHED_CALENDAR")
    added: Any = {**(before or {}), item: value} if key == "half_days" else [*items, item]

    def expected(whole: dict[str, Any]) -> None:
        whole["calendars"][calendar] = {**(whole["calendars"][calendar] or {}), key: added}

    node = value_of(_calendar_node(text, calendar), key)
    piece = f"{written(item)}: {written(value)}" if key == "half_days" else written(item)
    if isinstance(node, (SequenceNode, MappingNode)) and node.value:
        new = _one_more(text, node, piece)
    else:
        new = _set_in_calendar(text, calendar, key, added)
    return _checked(text, new, expected, f"calendar '{calendar}'", _FILE)


def remove_from_calendar(text: str, calendar: str, key: str, item: str, name: str = _FILE) -> str:
    """The text without one day or window of a calendar. Raises UsageError for an unknown calendar, or where it is not there."""
    before = _calendar_value(text, calendar, name).get(key)
    items = [*before] if isinstance(before, dict) else _listed(before)
    if item not in items:
        near = did_you_mean(item, items)
        what = f"'{item}' is not in {key} of '{calendar}'"
        raise UsageError(what, expected=", ".join(items) or "none is", hint=near, code="SCHED_CALENDAR")
    left: Any = [one for one in items if one != item]
    if isinstance(before, dict):
        left = {one: before[one] for one in left}

    def expected(whole: dict[str, Any]) -> None:
        entry = {**whole["calendars"][calendar], key: left}
        whole["calendars"][calendar] = entry if left else {k: v for k, v in entry.items() if k != key}

    node = value_of(_calendar_node(text, calendar), key)
    if isinstance(node, (SequenceNode, MappingNode)) and len(items) > 1:
        new = _one_less(text, node, items.index(item))
    else:
        new = _set_in_calendar(text, calendar, key, REMOVE)
    return _checked(text, new, expected, f"calendar '{calendar}'", name)


def _checked(text: str, new: str, expected: Callable[[dict[str, Any]], None], what: str, name: str) -> str:
    """`new`, where it means what it should and nothing else. Raises ConflictError."""
    wanted = deepcopy(_value(text, name))
    expected(wanted)
    found = _value(new, name)
    for value in (wanted, found):
        for part in ("schedules", "calendars"):
            value[part] = value.get(part) or None
    if found != wanted:
        raise _cannot(what)
    return new


def _with_entry(text: str, entry: Mapping[str, Any]) -> str:
    newline, entries = _newline(text), _sequence(_root(text), "schedules")
    lines = _entry_lines(entry)
    if entries:
        if _is_flow(entries[-1]):
            return _after_line(
                text, end_of(entries[-1]), [f"{_indent_of(text, entries[-1])}- {written(dict(entry))}"]
            )
        indent = _indent_of(text, entries[-1])
        return _after_line(text, end_of(entries[-1]), ["", *(f"{indent}{line}" for line in lines)])
    found = re.search(r"^schedules:[ \t]*(\[\][ \t]*)?(#.*)?\r?$", text, re.MULTILINE)
    if found is None:
        raise _cannot(f"schedule '{entry['id']}'")
    head = f"schedules:{'  ' + found[2] if found[2] else ''}"
    below = newline.join([head, *(f"  {line}" for line in lines)])
    return text[: found.start()] + below + text[found.end() :]


def _entry_lines(entry: Mapping[str, Any]) -> list[str]:
    lines = []
    for key, value in entry.items():
        if isinstance(value, dict) and value and key == "parameters":
            lines.append(f"{key}:")
            lines += [f"  {_key(name)}: {written(inner)}" for name, inner in value.items()]
        else:
            lines.append(f"{key}: {written(value)}")
    return [f"{'- ' if number == 0 else '  '}{line}" for number, line in enumerate(lines)]


def _without(text: str, node: Node) -> str:
    start = text.rfind("\n", 0, node.start_mark.index) + 1
    end = text.find("\n", end_of(node)) + 1 or len(text)
    if text[start : node.start_mark.index].strip() != "-":
        raise _cannot("a schedule")
    indent = _indent_of(text, node)
    while start:
        above = text.rfind("\n", 0, start - 1) + 1
        if not text[above:start].startswith(f"{indent}#"):
            break
        start = above
    blank = re.match(r"[ \t]*\r?\n", text[end:])
    return text[:start] + text[end + (blank.end() if blank else 0) :]


def _one_more(text: str, node: Node, piece: str) -> str:
    last = node.value[-1]
    key, end = (last[0], end_of(last[1])) if isinstance(last, tuple) else (last, end_of(last))
    if _is_flow(node):
        return f"{text[:end]}, {piece}{text[end:]}"
    indent = _indent_of(text, key)
    dash = "" if isinstance(last, tuple) else "- "
    return _after_line(text, end, [f"{indent}{dash}{piece}"])


def _one_less(text: str, node: Node, number: int) -> str:
    spans = [
        (one[0].start_mark.index, end_of(one[1]))
        if isinstance(one, tuple)
        else (one.start_mark.index, end_of(one))
        for one in node.value
    ]
    start, end = spans[number]
    if _is_flow(node):
        if number + 1 < len(spans):
            return text[:start] + text[spans[number + 1][0] :]
        return text[: spans[number - 1][1]] + text[end:]
    line = text.rfind("\n", 0, start) + 1
    return text[:line] + text[text.find("\n", end) + 1 or len(text) :]


def _set_in_calendar(text: str, calendar: str, key: str, value: object) -> str:
    node = _calendar_node(text, calendar)
    if isinstance(node, MappingNode) and node.value and not node.flow_style:
        return edited(text, node, key, value)
    if node is None or not (isinstance(node, MappingNode) or _scalar(node) == ""):
        raise _cannot(f"calendar '{calendar}'")
    entry = dict(_calendar_value(text, calendar, _FILE))
    entry = {**entry, key: value} if value is not REMOVE else {k: v for k, v in entry.items() if k != key}
    start, end = node.start_mark.index, node.end_mark.index
    return f"{text[:start].rstrip(' ')} {written(entry)}{text[end:]}"


def _calendar_node(text: str, calendar: str) -> Node | None:
    return value_of(value_of(_root(text), "calendars"), calendar)


def _calendar_value(text: str, calendar: str, name: str) -> dict[str, Any]:
    calendars = _value(text, name).get("calendars") or {}
    if calendar not in calendars:
        raise UsageError(
            f"unknown calendar '{calendar}'",
            expected="one of " + (", ".join(calendars) or "none"),
            hint=did_you_mean(calendar, calendars) or "add it first",
            code="SCHED_CALENDAR",
        )
    return dict(calendars[calendar] or {})


def _after_line(text: str, index: int, lines: list[str]) -> str:
    """The text with lines below the one in which `index` lies."""
    newline = _newline(text)
    line_end = text.find("\n", index) + 1
    added = "".join(f"{line}{newline}" for line in lines)
    return f"{text[:line_end]}{added}{text[line_end:]}" if line_end else f"{text}{newline}{added}"


def _value(text: str, name: str) -> dict[str, Any]:
    value = parse_yaml(text, name).value
    return value if isinstance(value, dict) else {}


def _schedules(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [one for one in value.get("schedules") or [] if isinstance(one, dict)]


def _root(text: str) -> Node | None:
    node: Node | None = YAML(typ="safe", pure=True).compose(text)
    return node


def _sequence(root: Node | None, key: str) -> list[Node]:
    node = value_of(root, key)
    return list(node.value) if isinstance(node, SequenceNode) else []


def _scalar(node: Node | None) -> str:
    return str(node.value) if isinstance(node, ScalarNode) else ""


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(one) for one in value or ()]


def _is_flow(node: Node) -> bool:
    return isinstance(node, CollectionNode) and bool(node.flow_style)


def _indent_of(text: str, node: Node) -> str:
    line = text.rfind("\n", 0, node.start_mark.index) + 1
    found = re.match(r"[ \t]*", text[line:])
    return found[0] if found else ""


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _key(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else written(name)


def _cannot(what: str) -> ConflictError:
    return ConflictError(
        f"{what} can't be edited here without touching other lines",
        expected="entries that are written a key a line",
        hint="edit the file by hand",
        code="SCHED_EDIT",
    )
