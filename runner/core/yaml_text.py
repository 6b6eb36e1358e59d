"""YAML as plain values that remember where they stand, with the traps of YAML 1.1 refused instead of guessed.

Values are resolved as YAML 1.2 says (``yes`` is text, ``12:30`` is text), with two exceptions that protect
data: a whole number with a leading zero stays text (``01067`` is a postcode), and so does one of more than 18
digits. A plain ``12:30``, which YAML 1.1 reads as 750, comes out as `Sexagesimal`, so that its reader can refuse it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from runner.core.errors import ConfigurationError, ErrorReport
from runner.core.yaml_problems import explain_bad_character, explain_yaml_error

Path = tuple[str | int, ...]

LARGEST_FILE: Final = 10_000_000
DEEPEST: Final = 40
MOST_UNFOLDED: Final = 20_000

_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]{1,3})?")
_TOO_DEEP = re.compile(rf"(?:[\[{{]\s*){{{DEEPEST + 1}}}")
_SEXAGESIMAL = re.compile(r"[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+")
_WORDS: Final[dict[str, bool | None]] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_STANDARD_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "seq", "map", "timestamp")
)


class Sexagesimal(str):
    """A plain scalar such as ``12:30`` that YAML 1.1 readers take for a number in base 60."""

    __slots__ = ()

    @property
    def number(self) -> int:
        """The number that a YAML 1.1 reader sees: 750 for ``12:30``."""
        total = 0
        for part in self.lstrip("+-").replace("_", "").split(":"):
            total = total * 60 + int(part)
        return -total if self.startswith("-") else total


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file; line and column count from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Document:
    """One YAML document: its value, and the position of every key and value by path.

    A path is a tuple of keys and list indexes: ``("schedules", 3, "cron")``.
    """

    name: str
    value: Any = None
    values: dict[Path, Position] = field(default_factory=dict)
    keys: dict[Path, Position] = field(default_factory=dict)

    def position(self, *path: str | int) -> Position:
        """Where the value of `path` stands, or the nearest thing around it that the file has."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, Position(1, 1))

    def key_position(self, *path: str | int) -> Position:
        """Where the key of `path` stands, or its value where it has none (a list entry)."""
        return self.keys.get(path) or self.position(*path)

    def where(self, at: Position) -> str:
        """``schedules.yaml:4:11``, the `where` of an error."""
        return f"{self.name}:{at.line}:{at.column}"


def parse_yaml(text: str, name: str) -> Document:
    """Read the one document in `text`; `name` is the file's name in errors. An empty file has the value None.

    Raises ErrorReport with all errors: SCHED_YAML (not YAML, a tag, an unknown alias), SCHED_DUP_KEY (a key twice
    in one mapping, both lines named), SCHED_YAML_LIMIT (too big, too deep, aliases that unfold to more than 20,000
    values).
    """
    if len(text) > LARGEST_FILE:
        raise ErrorReport([
            ConfigurationError(
                f"the file has {len(text):,} characters",
                expected=f"the limit is {LARGEST_FILE:,}",
                hint="split it or remove what is not a schedule",
                where=name,
                code="SCHED_YAML_LIMIT",
            )
        ])  # fmt: skip
    builder = _Builder(Document(name))
    deep = _TOO_DEEP.search(text)
    if deep is not None:  # the parser would need a second for what one look shows
        builder.too_deep(Position(text.count("\n", 0, deep.start()) + 1, 1))
        raise ErrorReport(builder.errors)
    try:
        for event in _events(text):
            builder.take(event)
    except MarkedYAMLError as error:
        builder.errors.append(explain_yaml_error(error, text, name))
    except YAMLError as error:  # a character that YAML doesn't allow has no mark, only an offset
        builder.errors.append(explain_bad_character(error, text, name))
    except _Stop:
        pass
    if builder.errors:
        raise ErrorReport(builder.errors)
    return builder.document


class _Stop(Exception):
    """Raised when reading on makes no sense."""


def _events(text: str) -> Iterator[Event]:
    yield from YAML(typ="safe", pure=True).parse(text)


@dataclass(slots=True)
class _Open:
    """A list or mapping that is being read."""

    value: list[Any] | dict[Any, Any]
    path: Path
    anchor: str | None
    at: Position
    key: str | None = None  # the key whose value comes next
    merged: list[dict[Any, Any]] = field(default_factory=list)


class _Builder:
    """Builds the value of a document from the parser's events, without recursion."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.errors: list[ConfigurationError] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._unfolded = 0
        self._documents = 0

    def take(self, event: Event) -> None:
        """Take one event of the parser."""
        if isinstance(event, ScalarEvent):
            self._scalar(event)
        elif isinstance(event, MappingStartEvent):
            self._begin(event, {})
        elif isinstance(event, SequenceStartEvent):
            self._begin(event, [])
        elif isinstance(event, (MappingEndEvent, SequenceEndEvent)):
            self._end()
        elif isinstance(event, AliasEvent):
            self._alias(event)
        elif isinstance(event, DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._refuse(
                    _at(event), "a second document begins with '---'", "one document", "remove the '---'"
                )

    def too_deep(self, at: Position) -> None:
        """Record that values are nested too deep."""
        self.errors.append(
            ConfigurationError(
                f"line {at.line}: nested deeper than {DEEPEST} levels",
                expected="that is the limit",
                hint="flatten it",
                where=self.document.where(at),
                code="SCHED_YAML_LIMIT",
            )
        )

    def _scalar(self, event: ScalarEvent) -> None:
        self._check_tag(event)
        plain = event.implicit[0] and event.style is None
        value = _resolve(event.value) if plain else event.value
        top = self._open[-1] if self._open else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            self._key(top, event, plain=plain)
            return
        if event.anchor:
            self._anchors[event.anchor] = (value, 1)
        self._place(value, _at(event))

    def _key(self, top: _Open, event: ScalarEvent, *, plain: bool) -> None:
        key, at = event.value, _at(event)
        if plain and key == "<<":
            top.key = key
            return
        first = self.document.keys.get((*top.path, key))
        if first is not None:
            self.errors.append(
                ConfigurationError(
                    f"line {at.line}: duplicate key '{key}', first defined at line {first.line}",
                    expected="each key once",
                    hint="remove one of the two lines",
                    where=self.document.where(at),
                    code="SCHED_DUP_KEY",
                )
            )
        else:
            self.document.keys[(*top.path, key)] = at
        top.key = key

    def _begin(
        self, event: MappingStartEvent | SequenceStartEvent, value: list[Any] | dict[Any, Any]
    ) -> None:
        self._check_tag(event)
        if len(self._open) >= DEEPEST:
            self.too_deep(_at(event))
            raise _Stop
        if self._open and isinstance(self._open[-1].value, dict) and self._open[-1].key is None:
            self._refuse(
                _at(event), "a key is a list or a mapping", "keys are plain words", "write the key as text"
            )
        self._open.append(_Open(value, self._path(), event.anchor, _at(event)))

    def _end(self) -> None:
        done = self._open.pop()
        if isinstance(done.value, dict):
            for source in done.merged:
                for key, value in source.items():
                    done.value.setdefault(key, value)
        if done.anchor:
            self._anchors[done.anchor] = (done.value, _size(done.value))
        self._place(done.value, done.at)

    def _alias(self, event: AliasEvent) -> None:
        at = _at(event)
        if event.anchor not in self._anchors:
            key = self._open[-1].key if self._open else None
            subject = f"the value of {key}" if key else "a value"
            self._refuse(
                at,
                f"{subject} starts with '*' without quotes, so it reads as a reference to "
                f"'{event.anchor}', which is not defined above",
                "text",
                "put the expression in quotes",
            )
        value, size = self._anchors[event.anchor]
        self._unfolded += size
        if self._unfolded > MOST_UNFOLDED:
            self._refuse(
                at,
                f"the aliases (&name, *name) of this file unfold to more than {MOST_UNFOLDED:,} values",
                "that is the limit",
                "write the values out",
                "SCHED_YAML_LIMIT",
            )
        if self._open and isinstance(self._open[-1].value, dict) and self._open[-1].key is None:
            self._refuse(at, "a key starts with '*'", "keys are plain words", "put the key in quotes")
        self._place(value, at)

    def _place(self, value: Any, at: Position) -> None:
        path = self._path()
        self.document.values[path] = at
        if not self._open:
            self.document.value = value
            return
        top = self._open[-1]
        if isinstance(top.value, list):
            top.value.append(value)
        elif top.key == "<<":
            top.merged.extend(
                part for part in (value if isinstance(value, list) else [value]) if isinstance(part, dict)
            )
        else:
            top.value[top.key] = value
        top.key = None

    def _path(self) -> Path:
        if not self._open:
            return ()
        top = self._open[-1]
        return (*top.path, len(top.value) if isinstance(top.value, list) else str(top.key))

    def _check_tag(self, event: ScalarEvent | MappingStartEvent | SequenceStartEvent) -> None:
        tag = event.tag
        if tag and tag != "!" and tag not in _STANDARD_TAGS:
            shown = str(tag).replace("tag:yaml.org,2002:", "!!")
            self._refuse(_at(event), f"tag '{shown}' is not allowed", "plain values only", "remove the tag")

    def _refuse(
        self, at: Position, what: str, expected: str, hint: str, code: str = "SCHED_YAML"
    ) -> NoReturn:
        self.errors.append(
            ConfigurationError(
                f"line {at.line}: {what}",
                expected=expected,
                hint=hint,
                where=self.document.where(at),
                code=code,
            )
        )
        raise _Stop


def _at(event: Event) -> Position:
    return Position(event.start_mark.line + 1, event.start_mark.column + 1)


def _resolve(text: str) -> Any:
    """Return the value of a plain scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return Sexagesimal(text) if _SEXAGESIMAL.fullmatch(text) else text


def _size(value: Any) -> int:
    """Count the values that `value` unfolds to, only as far as the limit needs."""
    left, count = [value], 0
    while left and count <= MOST_UNFOLDED:
        one = left.pop()
        count += 1
        if isinstance(one, dict):
            left.extend(one.values())
        elif isinstance(one, list):
            left.extend(one)
    return count
