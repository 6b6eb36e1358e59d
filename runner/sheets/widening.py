"""New columns to the right of a table: they get a width, and a filter or an Excel table that ends beside them takes them in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from runner.sheets.draft import Draft
from runner.sheets.passing import SheetPass
from runner.sheets.placed import Document, Element, whole_number
from runner.sheets.sheetxml import letters, span
from runner.sheets.tables import Table, tables_of
from runner.sheets.workbook import SheetPart

_PLAIN = re.compile(r"[^\n\r\t]+")


@dataclass(frozen=True)
class NewColumns:
    """Columns side by side: the row of their headings, and by column the heading and how wide its texts are."""

    header: int
    headings: Mapping[int, str]
    widths: Mapping[int, float]


def widen(draft: Draft, page: SheetPart, new: NewColumns) -> None:
    """Give the columns their widths where nobody gave one, and take them into the table or the filter that they continue.

    A table fed by a query, one with a heading of the same name and one that has a neighbour there stay as they are.
    """
    if not new.headings:
        return
    first, last = min(new.headings), max(new.headings)
    tables = tables_of(draft.package, page)
    table = next((one for one in tables if one.area[0] == new.header and one.area[3] == first - 1), None)
    if table is not None and _takes(table, tables, new):
        _extend_table(draft, table, new)

    def head(document: Document) -> None:
        _set_widths(document, new.widths)

    def tail(document: Document) -> None:
        for element in document.root.children:
            area = span(element.get("ref")) if element.name == "autoFilter" else None
            if area and area[0] == new.header and area[3] == first - 1:
                document.set(element, "ref", _wider(element.get("ref"), last))
                _extend_filter_name(draft, page, last)

    draft.passes(page.part.name, SheetPass(head=head, tail=tail))


def _takes(table: Table, tables: list[Table], new: NewColumns) -> bool:
    first, last = min(new.headings), max(new.headings)
    known = {one.casefold() for one in table.headings}
    names = [one.casefold() for one in new.headings.values()]
    beside = any(
        other is not table
        and not (other.area[2] < table.area[0] or other.area[0] > table.area[2])
        and not (other.area[3] < first or other.area[1] > last)
        for other in tables
    )
    return (
        table.header_rows == 1
        and not table.is_linked
        and not beside
        and known.isdisjoint(names)
        and len(set(names)) == len(names)
        and all(_PLAIN.fullmatch(one) for one in new.headings.values())
        and sorted(new.headings) == list(range(first, last + 1))
    )


def _extend_table(draft: Draft, table: Table, new: NewColumns) -> None:
    document = draft.document(table.part)
    root, last = document.root, max(new.headings)
    document.set(root, "ref", _wider(root.get("ref"), last))
    for element in root.children:
        if element.name == "autoFilter":
            document.set(element, "ref", _wider(element.get("ref"), last))
        elif element.name == "tableColumns":
            number = max(
                (whole_number(one.get("id") or "0", table.part) for one in element.children), default=0
            )
            for heading in (new.headings[column] for column in sorted(new.headings)):
                number += 1
                xml = f'<{element.prefix}tableColumn id="{number}" name={quoteattr(heading)}/>'
                document.append(element, xml.encode())
            document.set(element, "count", str(len(element.children) + len(new.headings)))


def _extend_filter_name(draft: Draft, page: SheetPart, last: int) -> None:
    """The hidden name that repeats the area of a filter."""
    main = draft.document(draft.workbook.main.name)
    index = str([one.part.name for one in draft.workbook.sheets].index(page.part.name))
    for element in main.root.walk():
        if element.get("name") == "_xlnm._FilterDatabase" and element.get("localSheetId") == index:
            sheet, bang, area = element.text.rpartition("!")
            main.set_text(element, sheet + bang + _wider(area, last))


def _wider(area: str, last: int) -> str:
    found = re.fullmatch(r"(\$?[A-Z]+\$?\d+):(\$?)[A-Z]+(\$?\d+)", area)
    return f"{found[1]}:{found[2]}{letters(last)}{found[3]}" if found else area


def _set_widths(document: Document, widths: Mapping[int, float]) -> None:
    """Columns in groups, as the file has them; a group is split where one of its columns gets a width of its own."""
    group = next((one for one in document.root.children if one.name == "cols"), None)
    groups = (
        [_Group(_border(document, c, "min"), _border(document, c, "max"), _others(c)) for c in group.children]
        if group
        else []
    )
    changed = False
    for column, width in sorted(widths.items()):
        own = {"width": f"{width:.2f}", "customWidth": "1"}
        known = next((one for one in groups if one.first <= column <= one.last), None)
        if known is None:
            groups.append(_Group(column, column, own))
        elif "customWidth" in known.attributes or "hidden" in known.attributes:
            continue
        else:
            groups.remove(known)
            groups += [
                _Group(known.first, column - 1, known.attributes),
                _Group(column, column, {**known.attributes, **own}),
                _Group(column + 1, known.last, known.attributes),
            ]
            groups = [one for one in groups if one.first <= one.last]
        changed = True
    data = document.root.find("sheetData")
    if changed and data is not None:
        prefix = document.root.prefix
        inside = "".join(one.xml(prefix) for one in sorted(groups, key=lambda one: one.first))
        xml = f"<{prefix}cols>{inside}</{prefix}cols>".encode()
        if group is not None:
            document.replace(group, xml)
        else:
            document.before(data, xml)


@dataclass(frozen=True)
class _Group:
    first: int
    last: int
    attributes: Mapping[str, str]

    def xml(self, prefix: str) -> str:
        rest = "".join(f" {name}={quoteattr(value)}" for name, value in self.attributes.items())
        return f'<{prefix}col min="{self.first}" max="{self.last}"{rest}/>'


def _border(document: Document, element: Element, name: str) -> int:
    return whole_number(element.get(name), document.part)


def _others(element: Element) -> dict[str, str]:
    return {name: value for name, value in element.attributes.items() if name not in {"min", "max"}}
