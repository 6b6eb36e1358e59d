"""The named places of a workbook: Excel tables and named ranges."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from runner.core.errors import WorkbookError, did_you_mean
from runner.sheets.package import Package
from runner.sheets.placed import whole_number
from runner.sheets.sheetxml import span
from runner.sheets.workbook import SheetPart, Workbook, parse, relations

_PLACE = re.compile(
    r"^(?:'((?:[^']|'')+)'|([^'!\[\]]+))!(\$?[A-Za-z]{1,3}\$?\d+(?::\$?[A-Za-z]{1,3}\$?\d+)?)$"
)


@dataclass(frozen=True)
class Table:
    """An Excel table: its part, its area with header and totals, and its headings; `is_linked`: fed by a query or an XML map."""

    name: str
    part: str
    sheet: SheetPart
    area: tuple[int, int, int, int]
    header_rows: int
    totals_rows: int
    headings: tuple[str, ...]
    is_linked: bool

    @property
    def first(self) -> int:
        """The first row of data."""
        return self.area[0] + self.header_rows

    @property
    def last(self) -> int:
        """The last row of data."""
        return self.area[2] - self.totals_rows


@dataclass(frozen=True)
class NamedRange:
    """A name for one area of one sheet."""

    name: str
    sheet: str
    area: tuple[int, int, int, int]


def tables_of(package: Package, sheet: SheetPart) -> list[Table]:
    """The Excel tables on a sheet."""
    found = []
    for kind, target in relations(package, sheet.part).values():
        part = package.find(target) if kind == "table" else None
        if part is None:
            continue
        root = parse(package, part)
        area = span(root.get("ref", ""))
        if area is None:
            continue
        headings = tuple(one.get("name", "") for one in root.iter() if one.tag.endswith("}tableColumn"))
        linked = root.get("tableType", "worksheet") != "worksheet"
        found.append(
            Table(
                root.get("displayName") or root.get("name") or "",
                part.name,
                sheet,
                area,
                whole_number(root.get("headerRowCount", "1"), part.name),
                whole_number(root.get("totalsRowCount", "0"), part.name),
                headings,
                linked,
            )
        )
    return found


def find_table(package: Package, workbook: Workbook, name: str) -> Table:
    """The table called `name`; WB_TABLE names those that are there."""
    every = [table for sheet in workbook.worksheets for table in tables_of(package, sheet)]
    for table in every:
        if table.name.casefold() == name.casefold():
            return table
    raise _none(package.name, f"table '{name}'", name, [table.name for table in every])


def named_ranges(package: Package, workbook: Workbook) -> list[NamedRange]:
    """The names that stand for one area of one sheet, those of print areas and filters left out."""
    found = []
    for element in parse(package, workbook.main).iter():
        if not element.tag.endswith("}definedName") or element.get("name", "").startswith("_xlnm."):
            continue
        place = _PLACE.match((element.text or "").strip())
        area = span(place[3]) if place else None
        if place and area:
            sheet = (place[1] or place[2]).replace("''", "'")
            found.append(NamedRange(element.get("name", ""), sheet, area))
    return found


def find_range(package: Package, workbook: Workbook, name: str) -> NamedRange:
    """A named range by its name, or an area written as ``Sheet1!B2:F9``; WB_RANGE names those that are there."""
    place = _PLACE.match(name.strip())
    area = span(place[3]) if place else None
    if place and area:
        return NamedRange(name, (place[1] or place[2]).replace("''", "'"), area)
    every = named_ranges(package, workbook)
    for one in every:
        if one.name.casefold() == name.casefold():
            return one
    raise _none(package.name, f"named range '{name}'", name, [one.name for one in every])


def _none(file: str, what: str, name: str, known: Sequence[str]) -> WorkbookError:
    kind = what.split(maxsplit=1)[0]
    return WorkbookError(
        f"there is no {what}",
        expected=f"one of {', '.join(repr(one) for one in known)}" if known else f"a workbook with a {kind}",
        hint=did_you_mean(name, known) or "correct the name",
        where=file,
        code="WB_TABLE" if kind == "table" else "WB_RANGE",
    )
