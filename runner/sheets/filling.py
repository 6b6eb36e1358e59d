"""Templates: values in the places of ``{{name}}``, and rows repeated for lists."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from runner.core.errors import WorkbookError, did_you_mean
from runner.sheets.cellxml import Formula, Styled, Value
from runner.sheets.columns import plain_value
from runner.sheets.draft import Draft
from runner.sheets.grid import Grid
from runner.sheets.passing import SheetPass
from runner.sheets.placed import Document
from runner.sheets.references import Growth, Movement, copied
from runner.sheets.regions import RowLook, looks_of
from runner.sheets.sheetxml import address, letters, span
from runner.sheets.workbook import SheetPart

_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
_HEADERS = {"oddHeader", "oddFooter", "evenHeader", "evenFooter", "firstHeader", "firstFooter"}


@dataclass
class Filling:
    """What is put into one sheet: values by cell, and rows that are repeated (by number, one mapping of cells for each time)."""

    draft: Draft
    page: SheetPart
    grid: Grid
    edits: dict[int, dict[int, Value | Styled]] = field(default_factory=dict)
    repeated: dict[int, list[dict[int, Value]]] = field(default_factory=dict)

    @property
    def is_changed(self) -> bool:
        """Whether there was a placeholder."""
        return bool(self.edits or self.repeated)

    @property
    def inserts(self) -> list[tuple[int, int]]:
        """The rows put in, as (row, count)."""
        return [(row + 1, len(times) - 1) for row, times in self.repeated.items() if len(times) > 1]

    @property
    def growths(self) -> list[Growth]:
        """What grows with the repeated rows."""
        return [
            Growth(row - 1, row, 1, 1 << 14, len(times) - 1)
            for row, times in self.repeated.items()
            if len(times) > 1
        ]

    def repeat(
        self, movement: Movement, out: dict[int, dict[int, Value | Styled]], like: dict[int, bytes]
    ) -> None:
        """The cells of the repeated rows at their new places, with styles, constants, formulas and merged cells."""
        looks = looks_of(self.draft.package, self.page, set(self.repeated)) if self.repeated else {}
        for row, times in self.repeated.items():
            first = movement.row(row)
            out.setdefault(first, {}).update(times[0] if times else {})
            for number, values in enumerate(times[1:], first + 1):
                like[number] = looks[row].attributes
                out[number] = self._copy(row, number, values, looks[row], movement)
        copies = {movement.row(row): len(times) - 1 for row, times in self.repeated.items() if len(times) > 1}
        if copies:
            self.draft.passes(self.page.part.name, SheetPass(tail=lambda tail: _repeat_merged(tail, copies)))

    def _copy(
        self, row: int, number: int, values: Mapping[int, Value], look: RowLook, movement: Movement
    ) -> dict[int, Value | Styled]:
        constants = {column: value for column, value in enumerate(self.grid.row(row), 1) if value != ""}
        cells: dict[int, Value | Styled] = {}
        for column, (style, formula) in look.cells.items():
            value: Value = None
            if column in values:
                value = values[column]
            elif formula:
                moved = movement.formula(formula, own=True)
                value = Formula(copied(moved, address(movement.row(row), column), address(number, column)))
            elif column in constants:
                value = plain_value(constants[column])
            cells[column] = Styled(value, style)
        return cells


@dataclass
class Template:
    """The values and how a placeholder finds its own."""

    draft: Draft
    values: Mapping[str, Any]

    def fill(self, filling: Filling) -> None:
        """Find the placeholders of a sheet and note what takes their places."""
        for number, row in filling.grid.content.rows():
            texts = {
                c: v
                for c, v in enumerate(row, 1)
                if isinstance(v, str) and "{{" in v and _PLACEHOLDER.search(v)
            }
            if not texts:
                continue
            where = f"{filling.page.name}!"
            name = self._list_of(texts.values(), f"{where}{number}")
            if name is None:
                cells = {c: self._value(text, f"{where}{address(number, c)}") for c, text in texts.items()}
                filling.edits.setdefault(number, {}).update(cells)
                continue
            filling.repeated[number] = [
                {
                    c: self._value(text, f"{where}{address(number, c)}", {name: entry})
                    for c, text in texts.items()
                }
                for entry in self.values[name]
            ] or [dict.fromkeys(texts)]
        self.draft.passes(
            filling.page.part.name, SheetPass(tail=lambda tail: self._headers(tail, filling.page.name))
        )

    def fill_drawings(self) -> None:
        """Fill the texts of text boxes, shapes and chart titles."""
        for part in self.draft.package.parts:
            name = part.name.lower()
            if name.endswith(".xml") and ("/drawings/drawing" in name or "/charts/chart" in name):
                if not self.draft.mentions(part, "{{"):
                    continue
                document = self.draft.document(part.name)
                for element in document.root.walk():
                    if element.name == "t" and not element.children:
                        document.set_text(element, self._text(element.text, part.name))

    def _headers(self, tail: Document, sheet: str) -> None:
        for element in tail.root.walk():
            if element.name in _HEADERS:
                tail.set_text(element, self._text(element.text, sheet))

    def _list_of(self, texts: Any, where: str) -> str | None:
        """The list over whose entries a row is repeated."""
        roots = {found[1].partition(".")[0] for text in texts for found in _PLACEHOLDER.finditer(text)}
        lists = sorted(root for root in roots if _is_list(self.values.get(root)))
        if len(lists) > 1:
            raise WorkbookError(
                f"the row has placeholders of {' and '.join(lists)}",
                expected="placeholders of one list in a row",
                hint="put them into rows of their own",
                where=where,
                code="WB_PLACEHOLDER",
            )
        return lists[0] if lists else None

    def _value(self, text: str, where: str, entry: Mapping[str, Any] = {}) -> Value:
        whole = _PLACEHOLDER.fullmatch(text.strip())
        if whole:
            return plain_value(self._found(whole[1], where, entry))
        return self._text(text, where, entry)

    def _text(self, text: str, where: str, entry: Mapping[str, Any] = {}) -> str:
        def shown(found: re.Match[str]) -> str:
            value = plain_value(self._found(found[1], where, entry))
            return "" if value is None else str(value)

        return _PLACEHOLDER.sub(shown, text)

    def _found(self, name: str, where: str, entry: Mapping[str, Any]) -> Any:
        value: Any = {**self.values, **entry}
        for word in name.split("."):
            known = _names(value)
            if word not in known:
                raise WorkbookError(
                    f"the placeholder {{{{{name}}}}} has no value",
                    expected="one of " + (", ".join(known) or "no names at all"),
                    hint=did_you_mean(word, known) or "give it a value, or take it out of the template",
                    where=where,
                    code="WB_PLACEHOLDER",
                )
            value = value[word] if isinstance(value, Mapping) else getattr(value, word)
        return value


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _names(value: object) -> list[str]:
    if isinstance(value, Mapping):
        return [str(key) for key in value]
    return list(type(value).model_fields) if isinstance(value, BaseModel) else []


def _repeat_merged(tail: Document, copies: Mapping[int, int]) -> None:
    """Merge in each copy of a row what is merged in the row itself; the tail has moved already."""
    merged = tail.root.find("mergeCells")
    if merged is None:
        return
    new = []
    for child in merged.children:
        area = span(child.get("ref"))
        for number in range(copies.get(area[0], 0)) if area and area[0] == area[2] else ():
            row = (area[0] if area else 0) + number + 1
            new.append(
                f'<{child.tag} ref="{letters(area[1] if area else 1)}{row}:{letters(area[3] if area else 1)}{row}"/>'
            )
    if new:
        tail.append(merged, "".join(new).encode())
        if merged.get("count"):
            tail.set(merged, "count", str(len(merged.children) + len(new)))
