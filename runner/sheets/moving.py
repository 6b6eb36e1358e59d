"""Rows put into a sheet, and all that must follow: formulas, merged cells, rules, tables, names, charts, comments, drawings."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from runner.core.errors import WorkbookError, WorkbookLoss
from runner.sheets.draft import Draft
from runner.sheets.passing import SheetPass
from runner.sheets.placed import Document, Element, whole_number
from runner.sheets.references import Movement, copied
from runner.sheets.sheetxml import Block, Cell, Row, Tags, address, attribute, cells, rows, span
from runner.sheets.workbook import SheetPart, relations

GROWS = {
    "autoFilter",
    "conditionalFormatting",
    "dataValidation",
    "protectedRange",
    "ignoredError",
    "sqref",
    "table",
}
NEVER_MOVED = {"scenarios", "customSheetViews", "dataConsolidate"}
_FORMULAS = {"f", "formula", "formula1", "formula2", "calculatedColumnFormula", "totalsRowFormula"}
_FORMULA = re.compile(rb"<((?:[\w.-]+:)?)f((?:\s[^>]*?)?)(?:/>|>([^<]*)</(?:[\w.-]+:)?f\s*>)")
_NUMBER = re.compile(rb"""(\sr\s*=\s*["'])([A-Z]*)(\d+)(["'])""")


def move(draft: Draft, page: SheetPart, movement: Movement) -> None:
    """Let everything in the package follow `movement` of `page`.

    Raises WorkbookLoss for what can't follow, before anything is written: another table or an array formula that would be torn
    apart, a pivot table's area, scenarios, references over several sheets.
    """
    mover = _Mover(movement, own=True)
    draft.passes(page.part.name, SheetPass(mover.head, mover.block, mover.tail))
    for other in draft.workbook.worksheets:
        if other is not page and draft.mentions(other.part, page.name):
            there = _Mover(movement, own=False)
            draft.passes(other.part.name, SheetPass(None, there.block, there.tail))
    for kind, target in relations(draft.package, page.part).values():
        follow = _FOLLOWERS.get(kind)
        if follow and draft.package.find(target):
            follow(_readable(draft, target, page.name), movement)
    main = draft.document(draft.workbook.main.name)
    for name in main.root.walk():
        if name.name == "definedName":
            main.set_text(name, movement.formula(name.text, own=False))
    _move_charts_and_pivots(draft, movement)
    if movement.inserts:
        draft.drop_calculation_chain()


def _readable(draft: Draft, part: str, sheet: str) -> Document:
    """A part that has to follow. Old comment boxes are sometimes no XML (``<br>``): programs show them, but they can't follow."""
    try:
        return draft.document(part)
    except WorkbookError as broken:
        raise WorkbookLoss(
            f"rows can't be put into sheet '{sheet}': {broken.what}, so that what it says about cells can't move with them",
            expected="parts that are well-formed",
            hint="open it in Excel and save it again; nothing was written",
            where=sheet,
        ) from broken


@dataclass
class _Mover:
    """Moves one sheet's own content; `own`: it is the sheet into which rows are put."""

    movement: Movement
    own: bool
    shared: dict[bytes, tuple[str, str, bool]] = field(default_factory=dict)
    last: int = 0

    def head(self, document: Document) -> None:
        """The used area; the selection stays where it is."""
        dimension = document.root.find("dimension")
        if dimension:
            document.set(dimension, "ref", self.movement.reference(dimension.get("ref"), grows=False))

    def tail(self, document: Document) -> None:
        """Everything behind the rows that names cells."""
        move_elements(document, self.movement, own=self.own)

    def block(self, block: Block, prefix: bytes) -> bytes:
        """A block of rows at its new place."""
        text, mask, tags, out, at = block.text, block.mask, Tags.of(prefix), [], 0
        has_formulas = b"<" + prefix + b"f" in mask
        for row in rows(tags, mask, self.last):
            self.last = row.number
            new = self.movement.row(row.number) if self.own else row.number
            is_concerned = has_formulas and mask.find(b"<" + prefix + b"f", row.start, row.end) >= 0
            if new != row.number or is_concerned:
                out += [text[at : row.start], self._row(text, mask, tags, row, new)]
                at = row.end
        return b"".join([*out, text[at:]])

    def _row(self, text: bytes, mask: bytes, tags: Tags, row: Row, new: int) -> bytes:
        tag = text[row.start : row.tag_end]
        if new != row.number:
            if not attribute(row.attributes, b"r"):
                raise self._loss(f"row {row.number} has no number in the file", "rows with numbers")
            tag = _NUMBER.sub(lambda found: found[1] + found[2] + str(new).encode() + found[4], tag, count=1)
        out, at = [tag], row.tag_end
        for cell in cells(tags, mask, row):
            start = text[cell.start : cell.inner]
            inner = text[cell.inner : cell.inner_end]
            if new != row.number:
                start = _NUMBER.sub(
                    lambda found: found[1] + found[2] + str(new).encode() + found[4], start, count=1
                )
            if b"<" + tags.prefix + b"f" in inner:
                inner = self._inner(inner, row.number, cell)
            out += [text[at : cell.start], start, inner]
            at = cell.inner_end
        return b"".join([*out, text[at : row.end]])

    def _inner(self, inner: bytes, row: int, cell: Cell) -> bytes:
        found = _FORMULA.search(inner)
        if found is None:
            return inner
        place = address(row, cell.column)
        text = html.unescape((found[3] or b"").decode())
        kind, number = attribute(found[2], b"t"), attribute(found[2], b"si")
        if kind == b"shared":
            new = self._shared(number, text, place)
            if new is None:
                return inner
            made = b"<%bf>%b</%bf>" % (found[1], escape(new).encode(), found[1])
        else:
            new = self.movement.formula(text, own=self.own)
            attributes = self._placed(found[2], place) if kind else found[2]
            if new == text and attributes == found[2]:
                return inner
            made = b"<%bf%b>%b</%bf>" % (found[1], attributes, escape(new).encode(), found[1])
        return inner[: found.start()] + made + inner[found.end() :]

    def _shared(self, number: bytes, text: str, place: str) -> str | None:
        """The formula of a cell that shares one, once it must have its own; None while the group stays right."""
        is_first = bool(text)
        if is_first:
            self.shared[number] = (text, place, self.own and bool(self.movement.inserts))
        if number not in self.shared:
            raise self._loss(f"the shared formula of cell {place} is missing", "a sound workbook")
        origin, first, is_broken = self.shared[number]
        full = text if is_first else copied(origin, first, place)
        new = self.movement.formula(full, own=self.own)
        if new == full and not is_broken:
            return None
        if is_first:
            self.shared[number] = (text, place, True)
        return new

    def _placed(self, attributes: bytes, place: str) -> bytes:
        """The attributes of an array formula or a data table: where it spills, which cells it takes."""
        area = span(attribute(attributes, b"ref").decode())
        for at, _ in self.movement.inserts if self.own and area else ():
            if area and area[0] < at <= area[2]:
                raise self._loss(
                    f"the array formula in {place} would be torn apart", "arrays that stay in one piece"
                )
        if not self.own:
            return attributes

        def moved(found: re.Match[bytes]) -> bytes:
            return found[1] + self.movement.reference(found[2].decode(), grows=False).encode() + found[3]

        return re.sub(rb"""(\s(?:ref|r1|r2)\s*=\s*["'])([^"']*)(["'])""", moved, attributes)

    def _loss(self, what: str, expected: str) -> WorkbookLoss:
        return WorkbookLoss(what, expected=expected, hint="nothing was written", where=self.movement.sheet)


def move_elements(document: Document, movement: Movement, *, own: bool) -> None:
    """Let every reference in a tree follow: areas in attributes and texts (only of the sheet itself), and formulas."""
    for element in document.root.walk():
        if element.name in _FORMULAS and not element.children:
            document.set_text(element, movement.formula(element.text, own=own))
        elif element.name == "hyperlink" and element.get("location"):
            document.set(element, "location", movement.formula(element.get("location"), own=False))
        if own:
            _move_places(document, element, movement)


def _move_places(document: Document, element: Element, movement: Movement) -> None:
    if element.name in NEVER_MOVED and movement.inserts:
        raise WorkbookLoss(
            f"the sheet has '{element.name}', which name cells that would move",
            expected="a sheet without them",
            hint="rows can't be put into this sheet; nothing was written",
            where=movement.sheet,
        )
    grows = element.name in GROWS
    for name in ("ref", "sqref"):
        if element.get(name):
            document.set(element, name, movement.areas(element.get(name), grows=grows))
    if element.name == "sqref" and not element.children:
        document.set_text(element, movement.areas(element.text))
    elif element.name == "brk" and element.parent and element.parent.name == "rowBreaks":
        document.set(
            element, "id", str(movement.row(whole_number(element.get("id") or "0", document.part) + 1) - 1)
        )
    elif element.name == "row" and element.parent and element.parent.name in {"from", "to"}:
        document.set_text(element, str(movement.row(whole_number(element.text, document.part) + 1) - 1))


def _move_table(document: Document, movement: Movement) -> None:
    area = span(document.root.get("ref"))
    for at, _ in movement.inserts if area else ():
        if (
            area
            and area[0] < at <= area[2]
            and not any(
                growth.last + 1 == at
                for growth in movement.growths
                if _is_of(area, growth.header, growth.left)
            )
        ):
            raise WorkbookLoss(
                f"the table '{document.root.get('displayName')}' would be torn apart by rows put in above row {at}",
                expected="no other table beside the one that grows",
                hint="move one of them to a sheet of its own; nothing was written",
                where=movement.sheet,
            )
    move_elements(document, movement, own=True)


def _is_of(area: tuple[int, int, int, int], header: int, left: int) -> bool:
    return area[0] == header and area[1] <= left <= area[3]


def _move_drawing(document: Document, movement: Movement) -> None:
    for anchor in document.root.children:
        if anchor.get("editAs") == "absolute":
            continue
        corners = [child for child in anchor.children if child.name in {"from", "to"}]
        places = [row for corner in corners if (row := corner.find("row"))]
        shift = 0
        for number, place in enumerate(places):
            old = whole_number(place.text, document.part)
            if number == 0 or anchor.get("editAs") != "oneCell":
                shift = movement.row(old + 1) - 1 - old
            document.set_text(place, str(old + shift))


def _move_comments(document: Document, movement: Movement) -> None:
    for element in document.root.walk():
        if element.name in {"comment", "threadedComment"}:
            document.set(element, "ref", movement.reference(element.get("ref"), grows=False))


def _move_notes(document: Document, movement: Movement) -> None:
    """The boxes of comments and form controls, in the old drawing language."""
    for element in document.root.walk():
        if element.name == "Row" and element.text.strip().isdigit():
            document.set_text(element, str(movement.row(whole_number(element.text, document.part) + 1) - 1))
        elif element.name == "Anchor" and element.text.count(",") == 7:
            numbers = [whole_number(one, document.part) for one in element.text.split(",")]
            for at in (2, 6):
                numbers[at] = movement.row(numbers[at] + 1) - 1
            document.set_text(element, ", ".join(map(str, numbers)))


def _move_pivot(document: Document, movement: Movement) -> None:
    place = document.root.find("location")
    area = span(place.get("ref")) if place else None
    if place is None or area is None:
        return
    if any(area[0] < at <= area[2] for at, _ in movement.inserts):
        raise WorkbookLoss(
            f"the pivot table in {place.get('ref')} would be torn apart",
            expected="no pivot table beside the table that grows",
            hint="move it to a sheet of its own; nothing was written",
            where=movement.sheet,
        )
    document.set(place, "ref", movement.reference(place.get("ref"), grows=False))


_FOLLOWERS: dict[str, Callable[[Document, Movement], None]] = {
    "table": _move_table,
    "drawing": _move_drawing,
    "comments": _move_comments,
    "threadedComment": _move_comments,
    "vmlDrawing": _move_notes,
    "pivotTable": _move_pivot,
}


def _move_charts_and_pivots(draft: Draft, movement: Movement) -> None:
    for part in draft.package.parts:
        name = part.name.lower()
        if "/charts/chart" in name and name.endswith(".xml") and draft.mentions(part, movement.sheet):
            document = draft.document(part.name)
            for element in document.root.walk():
                if element.name == "f" and not element.children:
                    document.set_text(element, movement.formula(element.text, own=False))
        elif "pivotcachedefinition" in name and name.endswith(".xml"):
            document = draft.document(part.name)
            source = document.root.find("worksheetSource")
            if source and source.get("sheet").casefold() == movement.sheet.casefold() and source.get("ref"):
                document.set(source, "ref", movement.reference(source.get("ref")))
