"""The record of who wrote what, inside the workbook itself: a custom part that spreadsheet programs keep and don't show."""

from __future__ import annotations

import datetime as dt
import posixpath
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

from runner.sheets.draft import Draft
from runner.sheets.grid import XML_SUFFIXES, load
from runner.sheets.package import Package, Part
from runner.sheets.placed import Document
from runner.sheets.sheetxml import span
from runner.sheets.witness import Author, areas_of

NAMESPACE = "urn:rpa-runner:provenance:1"
MOST_MARKS = 1000


@dataclass(frozen=True)
class Mark:
    """One save as the workbook tells it: who, when, which cells of which sheet."""

    author: Author
    time: dt.datetime
    sheet: str
    cells: tuple[str, ...]

    def covers(self, sheet: str, row: int, column: int) -> bool:
        """Whether the save wrote a cell."""
        return sheet.casefold() == self.sheet.casefold() and any(
            is_within(area, row, column) for area in self.cells
        )


def is_within(area: str, row: int, column: int) -> bool:
    """Whether a cell lies in an area such as ``H2:H101``."""
    place = span(area)
    return place is not None and place[0] <= row <= place[2] and place[1] <= column <= place[3]


def mark(draft: Draft, author: Author, sheets: Mapping[str, Mapping[int, Collection[int]]]) -> None:
    """Note in the workbook that `author` writes these cells, by sheet; the newest `MOST_MARKS` notes are kept."""
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    new = [
        f"<write time={quoteattr(now)} run={quoteattr(author.run)} bot={quoteattr(author.bot)} "
        f"version={quoteattr(author.version)} item={quoteattr(author.item)} sheet={quoteattr(sheet)} "
        f"cells={quoteattr(' '.join(areas_of(cells)))}/>"
        for sheet, cells in sheets.items()
    ]
    xml = "".join(new).encode()
    part = _part(draft.package)
    if part is None:
        _add_part(draft, xml)
        return
    document = draft.document(part.name)
    document.append(document.root, xml)
    for old in document.root.children[: max(0, len(document.root.children) + len(new) - MOST_MARKS)]:
        document.remove(old)


def marks_of(path: Path) -> list[Mark]:
    """What a workbook tells about who wrote it, the newest first; empty for workbooks without a record."""
    if path.suffix.lower() not in XML_SUFFIXES:
        return []
    package = Package(load(path).data, path.name)
    part = _part(package)
    if part is None:
        return []
    root = Document(package.read(part.name), part.name).root
    return [
        Mark(
            Author(one.get("run"), one.get("bot"), one.get("version"), one.get("item")),
            dt.datetime.fromisoformat(one.get("time")),
            one.get("sheet"),
            tuple(one.get("cells").split()),
        )
        for one in reversed(root.children)
        if one.name == "write"
    ]


def _part(package: Package) -> Part | None:
    for part in package.parts:
        if part.name.lower().startswith("customxml/item") and part.size < (64 << 20):
            head = b"".join(package.chunks(part))[:400]
            if NAMESPACE.encode() in head:
                return part
    return None


def _add_part(draft: Draft, xml: bytes) -> None:
    taken = {part.name.lower() for part in draft.package.parts}
    name = next(one for n in range(1, 100_000) if (one := f"customXml/item{n}.xml").lower() not in taken)
    head = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<provenance xmlns="{NAMESPACE}">'
    draft.added[name] = head.encode() + xml + b"</provenance>"
    draft.relate(draft.workbook.main.name, "customXml", posixpath.normpath(name))
    types = draft.document("[Content_Types].xml")
    has_default = any(
        one.name == "Default" and one.get("Extension").lower() == "xml" for one in types.root.children
    )
    if not has_default:
        draft.declare(name, "application/xml")
