"""A sheet added to an existing workbook: its part, its entry in the list of sheets, its content type."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from runner.core.errors import WorkbookError
from runner.sheets.cellxml import Value
from runner.sheets.columns import (
    ROWS_MEASURED,
    Column,
    check_sheet_name,
    chosen_columns,
    mapped,
    plain_value,
    width_of,
)
from runner.sheets.draft import Draft
from runner.sheets.patch import SheetPatch
from runner.sheets.placed import whole_number
from runner.sheets.sheetxml import MAX_ROWS, Tags, address
from runner.sheets.writing import DATE_FORMATS

_WORKSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_STRICT = "http://purl.oclc.org/ooxml/officeDocument/relationships"
_PLAIN = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


class NewSheet:
    """One sheet to be added to a draft. Raises WB_SHEET where its name is taken, WB_VALUE where Excel refuses it."""

    def __init__(self, draft: Draft, name: str) -> None:
        check_sheet_name(name, draft.package.name)
        self._draft, self._name = draft, name
        self._main = draft.document(draft.workbook.main.name)
        known = [one.get("name") for one in self._main.root.walk() if one.name == "sheet"] + draft.new_sheets
        if name.casefold() in {one.casefold() for one in known}:
            raise WorkbookError(
                f"there is a sheet '{name}' already",
                expected="a name that is free",
                hint="choose another name; nothing was written",
                where=draft.package.name,
                code="WB_SHEET",
            )
        draft.new_sheets.append(name)

    def write(self, rows: Iterable[Any], columns: Sequence[Column | str] | None) -> None:
        """Put the rows in, below a row of headings in bold."""
        stream = iter(rows)
        first = list(itertools.islice(stream, ROWS_MEASURED))
        chosen = chosen_columns(columns, None, first) if first or columns else []
        measured = [mapped(row, chosen) for row in first]
        every = itertools.chain(measured, (mapped(row, chosen) for row in stream))
        self._register(self._xml(chosen, measured, every))

    def _xml(
        self,
        columns: Sequence[Column],
        measured: Sequence[Mapping[str, Any]],
        rows: Iterable[Mapping[str, Any]],
    ) -> bytes:
        styles = self._draft.styles
        moments = {
            kind: style
            for kind, number in DATE_FORMATS.items()
            if (style := styles.of_format(number)) is not None
        }
        cells = SheetPatch(self._name, {}, self._draft.workbook.date1904, moments, frozenset())
        cells.use(Tags.of(b""))
        bold = str(styles.of_format(0, bold=True) or "").encode()
        space = self._main.root.attributes.get(
            f"xmlns:{self._main.root.prefix[:-1]}" if self._main.root.prefix else "xmlns", ""
        )
        out = [
            b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<worksheet xmlns=%b>'
            % quoteattr(space).encode()
        ]
        if columns:
            widths = [column.width or width_of(column, measured) for column in columns]
            inside = (
                f'<col min="{at}" max="{at}" width="{wide}" customWidth="1"/>'
                for at, wide in enumerate(widths, 1)
            )
            out.append(f"<cols>{''.join(inside)}</cols>".encode())
        out.append(b"<sheetData>")
        number = 0
        if columns:
            number = 1
            out.append(_row(cells, 1, [column.heading for column in columns], bold))
        for row in rows:
            number += 1
            if number > MAX_ROWS:
                raise WorkbookError(
                    f"sheet '{self._name}' has more than {MAX_ROWS:,} rows",
                    expected="fewer rows",
                    where=self._name,
                    code="WB_VALUE",
                )
            out.append(_row(cells, number, [plain_value(row.get(column.key)) for column in columns], b""))
        out.append(b"</sheetData></worksheet>")
        if number and columns:
            self._draft.new_areas[self._name] = f"A1:{address(number, len(columns))}"
        return b"".join(out)

    def _register(self, xml: bytes) -> None:
        draft, main = self._draft, draft_main(self._draft)
        folder = f"{main.rpartition('/')[0]}/worksheets" if "/" in main else "worksheets"
        taken = {part.name.lower() for part in draft.package.parts} | {name.lower() for name in draft.added}
        part = next(one for n in range(1, 100_000) if (one := f"{folder}/sheet{n}.xml").lower() not in taken)
        draft.added[part] = xml
        draft.declare(part, _WORKSHEET)
        key = draft.relate(main, "worksheet", part)
        every = [one for one in self._main.root.walk() if one.name == "sheets"]
        ids = [whole_number(one.get("sheetId") or "0", main) for one in every[0].children]
        number = max(ids, default=0) + len(draft.new_sheets)
        spaces = {
            value: name.partition(":")[2]
            for name, value in self._main.root.attributes.items()
            if name.startswith("xmlns:")
        }
        prefix = spaces.get(_PLAIN) or spaces.get(_STRICT)
        declared = "" if prefix else f' xmlns:r="{_PLAIN}"'
        xml_entry = f'<{every[0].prefix}sheet name={quoteattr(self._name)} sheetId="{number}"{declared} {prefix or "r"}:id="{key}"/>'
        self._main.append(every[0], xml_entry.encode())


def draft_main(draft: Draft) -> str:
    """The name of the workbook's main part."""
    return draft.workbook.main.name


def _row(cells: SheetPatch, number: int, values: Sequence[Value], style: bytes) -> bytes:
    inside = b"".join(
        cells.cell(number, at, style, value) for at, value in enumerate(values, 1) if value is not None
    )
    return b'<row r="%d">%b</row>' % (number, inside)
