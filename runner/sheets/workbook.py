"""What a package says about its workbook: the sheets and their parts, the date system, number formats."""

from __future__ import annotations

import posixpath
import xml.etree.ElementTree as ET  # document type declarations were refused by the guard
from dataclasses import dataclass

from runner.core.errors import WorkbookError, did_you_mean
from runner.sheets.package import Package, Part

BUILTIN_FORMATS = {
    0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 14: "yyyy-mm-dd", 15: "d-mmm-yy",
    16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 22: "yyyy-mm-dd h:mm",
    45: "mm:ss", 46: "[h]:mm:ss", 47: "mmss.0", 49: "@",
}  # fmt: skip


@dataclass(frozen=True)
class SheetPart:
    """One entry of the workbook's list of sheets."""

    name: str
    kind: str
    visible: bool
    part: Part


@dataclass(frozen=True)
class Workbook:
    """The sheets in their order, and the parts that cells refer to."""

    main: Part
    sheets: tuple[SheetPart, ...]
    date1904: bool
    shared_strings: Part | None
    styles: Part | None

    @property
    def worksheets(self) -> tuple[SheetPart, ...]:
        """The sheets that have cells: no chart, dialog or macro sheets."""
        return tuple(sheet for sheet in self.sheets if sheet.kind == "worksheet")


def describe(package: Package) -> Workbook:
    """Read the structure of `package`.

    Raises WorkbookError: WB_NOT_XLSX (a zip file without a workbook), WB_PART_MISSING (a sheet is listed and its part
    is not there), WB_DAMAGED.
    """
    main = _main_part(package)
    root = parse(package, main)
    found = relations(package, main)
    sheets = []
    for element in root.iter():
        if _local(element.tag) == "sheet":
            target = found.get(_relation_id(element), ("", ""))
            sheets.append(_sheet(package, element, *target))
    if not sheets:
        raise package.error(
            "WB_DAMAGED", "the workbook lists no sheets", hint="the workbook is damaged: export it again"
        )
    date1904 = any(
        element.get("date1904", "0") in {"1", "true"}
        for element in root.iter()
        if _local(element.tag) == "workbookPr"
    )
    strings = _single(package, found, "sharedStrings")
    if strings is None and any(kind == "sharedStrings" for kind, _ in found.values()):
        raise package.error(
            "WB_DAMAGED",
            "the shared strings are listed but missing: the workbook is damaged",
            hint="export it again",
        )
    return Workbook(main, tuple(sheets), date1904, strings, _single(package, found, "styles"))


def choose(package: Package, workbook: Workbook, name: str | None) -> SheetPart:
    """The worksheet called `name`, or the first visible one; WB_SHEET where there is none."""
    if name is None:
        visible = [sheet for sheet in workbook.worksheets if sheet.visible] or list(workbook.worksheets)
        if visible:
            return visible[0]
        raise package.error(
            "WB_SHEET", "the workbook has no worksheet", expected="at least one sheet with cells"
        )
    for sheet in workbook.worksheets:
        if sheet.name.casefold() == name.casefold():
            return sheet
    raise no_such_sheet(package.name, name, [sheet.name for sheet in workbook.worksheets])


def no_such_sheet(file: str, name: str, names: list[str]) -> WorkbookError:
    """The error for a sheet that is not there, naming those that are."""
    return WorkbookError(
        f"there is no sheet '{name}'",
        expected="one of " + ", ".join(f"'{known}'" for known in names),
        hint=did_you_mean(name, names) or "correct the name of the sheet",
        where=file,
        code="WB_SHEET",
    )


def number_formats(package: Package, workbook: Workbook) -> list[str]:
    """The number format of each cell style, by its index (`s` of a cell)."""
    return [
        code if code is not None else BUILTIN_FORMATS.get(number, "General")
        for number, code in format_ids(package, workbook)
    ]


def format_ids(package: Package, workbook: Workbook) -> list[tuple[int, str | None]]:
    """The number and, where it is one of the workbook's own, the code of each cell style's number format."""
    if workbook.styles is None:
        return []
    own: dict[str, str] = {}
    numbers: list[str] = []
    for element in parse(package, workbook.styles).iter():
        tag = _local(element.tag)
        if tag == "numFmt":
            own.setdefault(element.get("numFmtId", ""), element.get("formatCode", ""))
        elif tag == "cellXfs":
            numbers = [xf.get("numFmtId", "0") for xf in element]
    return [(int(number) if number.isdigit() else 0, own.get(number)) for number in numbers]


def relations(package: Package, part: Part | None) -> dict[str, tuple[str, str]]:
    """Relation id → (last word of its type, name of the part it points to)."""
    folder = posixpath.dirname(part.name) if part else ""
    rels = package.find(relations_part(part.name if part else ""))
    if rels is None:
        return {}
    found = {}
    for element in parse(package, rels).iter():
        if _local(element.tag) == "Relationship" and element.get("TargetMode") != "External":
            kind = element.get("Type", "").rpartition("/")[2]
            target = posixpath.normpath(
                posixpath.join("/", folder, element.get("Target", "").replace("\\", "/"))
            )
            found[element.get("Id", "")] = (kind, target.lstrip("/"))
    return found


def relations_part(part: str) -> str:
    """The name of the part that lists the relations of `part` (empty: of the package)."""
    folder, base = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{base}.rels")


def parse(package: Package, part: Part) -> ET.Element:
    """The XML tree of a small part; WB_DAMAGED names the part and the place where it is not well-formed."""
    try:
        return ET.fromstring(package.read(part.name))  # noqa: S314 - no DTD passes the guard
    except (ET.ParseError, LookupError, ValueError) as broken:
        raise package.error(
            "WB_DAMAGED",
            f"part '{part.name}' is damaged: {broken}",
            hint="open it in Excel and save it again",
        ) from broken


def _main_part(package: Package) -> Part:
    if package.find("_rels/.rels") is not None:
        for kind, target in relations(package, None).values():
            part = package.find(target)
            if kind == "officeDocument" and part is not None:
                return part
    part = package.find("xl/workbook.xml")
    if part is None:
        raise package.error(
            "WB_NOT_XLSX",
            f"{package.name} is a zip file without a workbook in it",
            expected="an .xlsx or .xlsm file",
            hint="unpack it, or save as .xlsx in Excel",
        )
    return part


def _single(package: Package, related: dict[str, tuple[str, str]], kind: str) -> Part | None:
    return next((package.find(target) for found, target in related.values() if found == kind), None)


def _sheet(package: Package, element: ET.Element, kind: str, target: str) -> SheetPart:
    name = element.get("name", "")
    part = package.find(target) if target else None
    if part is None:
        raise package.error(
            "WB_PART_MISSING",
            f"sheet '{name}' is listed but missing (part '{target or 'unknown'}'): the workbook is damaged",
            expected="every listed sheet",
            hint="export or download the workbook again",
        )
    return SheetPart(name, kind, element.get("state", "visible") == "visible", part)


def _relation_id(element: ET.Element) -> str:
    return next((value for key, value in element.attrib.items() if key.endswith("}id")), "")


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
