"""What guards a save: areas that must not be written to, and the comparison of the new file with the old one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.parsers import expat

from runner.core.errors import WorkbookLoss
from runner.sheets.columnwise import Edits
from runner.sheets.draft import Draft
from runner.sheets.package import Package, Part
from runner.sheets.patch import SheetPatch, mismatch
from runner.sheets.rewrite import differences
from runner.sheets.sheetxml import SheetStream, address, span
from runner.sheets.tables import tables_of
from runner.sheets.workbook import SheetPart, parse, relations


def refuse_fixed_areas(draft: Draft, page: SheetPart, edits: Edits) -> None:
    """Raise WorkbookLoss where a cell is a heading of a table or lies in a pivot table.

    A table lists its headings in a part of its own, and Excel calls the file damaged where the two differ; a pivot table is
    drawn anew from its source, and what was written there is gone.
    """
    for table in tables_of(draft.package, page):
        for row in range(table.area[0], table.first):
            for column in edits.get(row, {}):
                if table.area[1] <= column <= table.area[3]:
                    raise WorkbookLoss(
                        f"cell {address(row, column)} is a heading of the table '{table.name}'",
                        expected="a cell that is no table heading",
                        hint="rename the heading in Excel; nothing was written",
                        where=page.name,
                    )
    for kind, target in relations(draft.package, page.part).values():
        part = draft.package.find(target) if kind == "pivotTable" else None
        if part is not None:
            _refuse_pivot(draft.package, part, page, edits)


def _refuse_pivot(package: Package, part: Part, page: SheetPart, edits: Edits) -> None:
    root = parse(package, part)
    places = [one for one in root.iter() if one.tag.endswith("}location")]
    area = span(places[0].get("ref", "")) if places else None
    for row, cells in edits.items() if area else ():
        for column in cells:
            if area and area[0] <= row <= area[2] and area[1] <= column <= area[3]:
                raise WorkbookLoss(
                    f"cell {address(row, column)} is part of the pivot table '{root.get('name', '')}'",
                    expected="a cell outside of it: it is drawn anew from its source",
                    hint="write to the source of the pivot table; nothing was written",
                    where=page.name,
                )


def compare(draft: Draft, temporary: Path, changed: set[str], patches: Mapping[str, SheetPatch]) -> None:
    """Read the new file again: unconcerned parts byte for byte, changed ones well-formed, each written cell as given."""
    package = draft.package
    fresh = Package(temporary.read_bytes(), package.name)
    wrong = differences(package, fresh, changed)
    for name in sorted(changed):
        part = fresh.find(name)
        if (part is None) != (name in draft.removed):
            wrong.append(name)
        elif part is not None and not wrong:
            wrong += _faults(fresh, part, patches.get(name))
    if wrong:
        raise WorkbookLoss(
            f"reading the new file again found differences in {', '.join(wrong[:5])}",
            expected="the old content and the new cells",
            hint="nothing was written; keep the workbook and report it",
            where=package.name,
        )


def _faults(package: Package, part: Part, patch: SheetPatch | None) -> list[str]:
    pieces = _well_formed(package.chunks(part))
    try:
        stream = SheetStream(pieces, package.name) if patch else None
        cell = mismatch(patch, stream) if patch and stream else ""
        for _ in stream.tail() if stream else pieces:
            pass
    except (expat.ExpatError, LookupError) as broken:
        return [f"{part.name} ({broken})"]
    return [f"cell {cell}"] if cell else []


def _well_formed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces of a part as they pass a parser. Raises ExpatError, or LookupError for an encoding that it does not know."""
    parser = expat.ParserCreate()
    for piece in pieces:
        parser.Parse(piece, False)
        yield piece
    parser.Parse(b"", True)
