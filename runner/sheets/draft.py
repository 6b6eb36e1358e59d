"""A workbook as it will be: which parts are changed, added or taken out, before anything is written."""

from __future__ import annotations

import html
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from runner.core.errors import WorkbookLoss
from runner.sheets.grid import Source
from runner.sheets.package import Package, Part
from runner.sheets.placed import Document
from runner.sheets.sheetxml import SheetStream
from runner.sheets.styles import Styles
from runner.sheets.workbook import Workbook, describe, relations, relations_part

AFTER_CALCULATION = "oleSize customWorkbookViews pivotCaches smartTagPr smartTagTypes webPublishing fileRecoveryPr webPublishObjects extLst"


class Pass(Protocol):
    """One thing done to a worksheet while it streams by."""

    def run(self, stream: SheetStream) -> Iterator[bytes]:
        """The changed worksheet."""
        ...


@dataclass
class Draft:
    """The package and all changes to it; nothing is written before `replaced` is used."""

    package: Package
    workbook: Workbook
    added: dict[str, bytes] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    new_sheets: list[str] = field(default_factory=list)
    new_areas: dict[str, str] = field(default_factory=dict)
    _documents: dict[str, Document] = field(default_factory=dict)
    _passes: dict[str, list[Pass]] = field(default_factory=dict)

    @classmethod
    def of(cls, source: Source) -> Draft:
        """The draft of a file that was read. Raises what the guard raises, and WorkbookLoss for a signed workbook."""
        package = Package(source.data, source.path.name)
        if any(part.name.lower().startswith("_xmlsignatures/") for part in package.parts):
            raise WorkbookLoss(
                "the workbook is digitally signed: any change would break the signature",
                expected="an unsigned workbook",
                hint="remove the signature in Excel; nothing was written",
                where=package.name,
            )
        return cls(package, describe(package))

    def document(self, name: str) -> Document:
        """A small part as a tree; all changes to it are collected there."""
        part = self.package.find(name)
        key = part.name if part else name
        if key not in self._documents:
            self._documents[key] = Document(self.package.read(key), key)
        return self._documents[key]

    @cached_property
    def styles(self) -> Styles:
        """The styles, to which new ones can be added."""
        part = self.workbook.styles
        return Styles(self.document(part.name) if part else None)

    def passes(self, part: str, *wanted: Pass) -> None:
        """Let a worksheet go through passes, after those it has already."""
        self._passes.setdefault(part, []).extend(wanted)

    def mentions(self, part: Part, text: str) -> bool:
        """Whether a part may name a sheet: its name is in there, as it is or escaped."""
        wanted = {text.encode(), html.escape(text, quote=False).encode(), html.escape(text).encode()}
        wanted |= {one.replace(b"'", b"''") for one in wanted}
        tail = b""
        for piece in self.package.chunks(part):
            window = tail + piece
            if any(one in window for one in wanted):
                return True
            tail = window[-max(map(len, wanted)) :]
        return False

    def drop_calculation_chain(self) -> None:
        """Take out the list of formulas in the order of calculation, which programs make anew; it names cells that moved."""
        for key, (kind, target) in relations(self.package, self.workbook.main).items():
            part = self.package.find(target)
            if kind != "calcChain" or part is None or part.name in self.removed:
                continue
            self.removed.add(part.name)
            listed = self.document(relations_part(self.workbook.main.name))
            for element in listed.root.children:
                if element.get("Id") == key:
                    listed.remove(element)
            types = self.document("[Content_Types].xml")
            for element in types.root.children:
                if element.get("PartName").lower().lstrip("/") == part.name.lower():
                    types.remove(element)

    def relate(self, part: str, kind: str, target: str) -> str:
        """A new relation of `part` to the part `target`; its id."""
        name = relations_part(part)
        root = self.document(self.workbook.main.name).root
        base = _STRICT if _STRICT in root.attributes.values() else _RELATIONS
        if self.package.find(name) is None and name not in self.added:
            self.added[name] = (
                f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Relationships xmlns="{_PACKAGE}"/>'.encode()
            )
        document = self._added_document(name) if name in self.added else self.document(name)
        known = {child.get("Id") for child in document.root.children}
        key = next(f"rId{n}" for n in range(1, 100_000) if f"rId{n}" not in known)
        path = posixpath.relpath(target, posixpath.dirname(part))
        xml = f'<Relationship Id="{key}" Type="{base}/{kind}" Target="{path}"/>'.encode()
        document.append(document.root, xml)
        if name in self.added:
            self.added[name] = document.content()
        else:
            document.root.children.append(Document(xml, name).root)
        return key

    def declare(self, part: str, content_type: str) -> None:
        """The content type of an added part."""
        types = self.document("[Content_Types].xml")
        types.append(
            types.root,
            f'<{types.root.prefix}Override PartName="/{part}" ContentType="{content_type}"/>'.encode(),
        )

    def replaced(self) -> dict[str, Iterable[bytes]]:
        """The parts that change, with their new content; worksheets as streams."""
        out: dict[str, Iterable[bytes]] = {
            name: [document.content()]
            for name, document in self._documents.items()
            if document.is_changed and name not in self.removed
        }
        for name, passes in self._passes.items():
            part = self.package.find(name)
            if part is not None:
                out[part.name] = _through(self.package.chunks(part), passes, self.package.name)
        return out

    @property
    def changed_documents(self) -> Mapping[str, Document]:
        """The small parts that change."""
        return {name: one for name, one in self._documents.items() if one.is_changed}

    def _added_document(self, name: str) -> Document:
        return Document(self.added[name], name)

    def ask_for_calculation(self) -> None:
        """Programs that open the file calculate all formulas anew; stored results stay until then."""
        main = self.document(self.workbook.main.name)
        found = next((child for child in main.root.children if child.name == "calcPr"), None)
        if found is None:
            prefix = main.root.prefix
            main.insert(main.root, f'<{prefix}calcPr fullCalcOnLoad="1"/>'.encode(), AFTER_CALCULATION)
        elif found.get("fullCalcOnLoad") not in {"1", "true"}:
            main.set(found, "fullCalcOnLoad", "1")


def _through(chunks: Iterator[bytes], passes: Iterable[Pass], name: str) -> Iterator[bytes]:
    for one in passes:
        chunks = one.run(SheetStream(chunks, name))
    return chunks


_STRICT = "http://purl.oclc.org/ooxml/officeDocument/relationships"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
