"""A small XML part as a tree whose elements know their place in the bytes, so that a change touches only what it means."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape

from runner.core.errors import WorkbookError
from runner.sheets.sheetxml import ATTRIBUTES

_OPEN_TAG = re.compile(rb"<[^\s/>]+" + ATTRIBUTES)


@dataclass(eq=False, slots=True)
class Element:
    """One element: local name, name as written, attributes by name as written, and its borders in the bytes."""

    name: str
    tag: str
    attributes: dict[str, str]
    start: int
    inner: int
    parent: Element | None
    inner_end: int = 0
    end: int = 0
    children: list[Element] = field(default_factory=list)
    text: str = ""

    @property
    def prefix(self) -> str:
        """The namespace prefix as it is written, with its colon."""
        return self.tag[: len(self.tag) - len(self.name)]

    def get(self, name: str) -> str:
        """An attribute by its local name; empty where there is none."""
        return next((v for k, v in self.attributes.items() if k.rpartition(":")[2] == name), "")

    def walk(self) -> Iterator[Element]:
        """This element and all below it, in order."""
        yield self
        for child in self.children:
            yield from child.walk()

    def find(self, name: str) -> Element | None:
        """The first element below this one with a local name."""
        return next((one for one in self.walk() if one.name == name and one is not self), None)


def whole_number(text: str, where: str) -> int:
    """A number that a part has to have; WB_DAMAGED where it is none."""
    try:
        return int(text)
    except ValueError:
        raise WorkbookError(
            f"part '{where}' has {text.strip()[:40]!r} where a number should be",
            expected="a whole number",
            hint="the workbook is damaged: open it in Excel and save it again",
            where=where,
        ) from None


class Document:
    """The parsed part and the changes to it; `content()` are the old bytes where nothing was changed.

    Raises WorkbookError (WB_DAMAGED) for XML that is not well-formed or not UTF-8.
    """

    def __init__(self, data: bytes, part: str) -> None:
        self.data = data
        self.part = part
        self._changes: dict[object, tuple[int, int, bytes]] = {}
        self.root = _parsed(data, part)

    @property
    def is_changed(self) -> bool:
        """Whether anything was changed."""
        return bool(self._changes)

    def set(self, element: Element, name: str, value: str) -> None:
        """Give an attribute (its name as written, or the local one) another value, or add it."""
        if element.get(name) == value:
            return
        for known in element.attributes:
            if name in {known, known.rpartition(":")[2]}:
                name = known
        key = (id(element), name)
        found = re.search(rb"\s" + name.encode() + rb"\s*=\s*(\"[^\"]*\"|'[^']*')", self._tag(element))
        plain = escape(value, {'"': "&quot;"}).encode()
        if found:
            at = element.start + found.start(1)
            self._changes[key] = (at, element.start + found.end(1), b'"' + plain + b'"')
        else:
            at = element.inner - (2 if self._is_empty(element) else 1)
            self._changes[key] = (at, at, b" " + name.encode() + b'="' + plain + b'"')
        element.attributes[name] = value

    def set_text(self, element: Element, text: str) -> None:
        """Put another text in the place of all content of an element that has one."""
        if element.text != text:
            self._changes[id(element), ""] = (element.inner, element.inner_end, escape(text).encode())
            element.text = text

    def remove(self, element: Element) -> None:
        """Take an element out."""
        self._add(element.start, element.end, b"")

    def replace(self, element: Element, xml: bytes) -> None:
        """Put XML in the place of an element."""
        self._add(element.start, element.end, xml)

    def before(self, element: Element, xml: bytes) -> None:
        """Put XML in front of an element."""
        self._add(element.start, element.start, xml)

    def after(self, element: Element, xml: bytes) -> None:
        """Put XML behind an element."""
        self._add(element.end, element.end, xml)

    def append(self, element: Element, xml: bytes) -> None:
        """Put XML at the end of the content of an element."""
        if not self._is_empty(element):
            self._add(element.inner_end, element.inner_end, xml)
            return
        key, closing = (id(element), "append"), f"</{element.tag}>".encode()
        if key in self._changes:
            start, end, before = self._changes[key]
            self._changes[key] = (start, end, before.removesuffix(closing) + xml + closing)
        else:
            at = element.start + len(self._tag(element)[:-2].rstrip())
            self._changes[key] = (at, element.inner, b">" + xml + closing)

    def insert(self, parent: Element, xml: bytes, order: str) -> None:
        """Put XML among the children of `parent`: behind those that come before it in `order` (names, the new one first).

        `order` is the list of the names that may follow, as the schema has it.
        """
        following = set(order.split())
        later = next((child for child in parent.children if child.name in following), None)
        if later is not None:
            self.before(later, xml)
        else:
            self.append(parent, xml)

    def content(self) -> bytes:
        """The part with all changes."""
        out, at = [], 0
        for start, end, new in sorted(self._changes.values(), key=lambda change: change[:2]):
            out += [self.data[at:start], new]
            at = max(at, end)
        return b"".join([*out, self.data[at:]])

    def _add(self, start: int, end: int, new: bytes) -> None:
        self._changes[len(self._changes), "added"] = (start, end, new)

    def _tag(self, element: Element) -> bytes:
        return self.data[element.start : element.inner]

    def _is_empty(self, element: Element) -> bool:
        return element.inner == element.end


def _parsed(data: bytes, part: str) -> Element:
    parser = expat.ParserCreate()
    parser.ordered_attributes = False
    parser.buffer_text = True
    stack: list[Element] = []
    roots: list[Element] = []

    def opened(tag: str, attributes: dict[str, str]) -> None:
        start = parser.CurrentByteIndex
        found = _OPEN_TAG.match(data, start)
        if found is None:
            raise WorkbookError(
                f"part '{part}' has an element that is not written at its place (byte {start})",
                hint="open it in Excel and save it again",
                where=part,
            )
        inner = found.end()
        parent = stack[-1] if stack else None
        element = Element(tag.rpartition(":")[2], tag, attributes, start, inner, parent)
        if found[2]:
            element.inner_end = element.end = inner
        (parent.children if parent else roots).append(element)
        stack.append(element)

    def closed(_tag: str) -> None:
        element = stack.pop()
        if not element.end:
            element.inner_end = parser.CurrentByteIndex
            element.end = data.index(b">", element.inner_end) + 1

    def said(text: str) -> None:
        stack[-1].text += text

    parser.StartElementHandler, parser.EndElementHandler = opened, closed
    parser.CharacterDataHandler = said
    try:
        data.decode()
        parser.Parse(data, True)
    except (expat.ExpatError, UnicodeDecodeError, LookupError) as broken:
        raise WorkbookError(
            f"part '{part}' is damaged or not UTF-8: {broken}",
            hint="open it in Excel and save it again",
            where=part,
        ) from broken
    return roots[0]
