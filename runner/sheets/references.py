"""What becomes of references when rows are put into a sheet: areas move, stretch and grow, in formulas too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from runner.core.errors import WorkbookLoss
from runner.sheets.sheetxml import MAX_ROWS, column_of, letters

_CELL = r"(\$?)([A-Za-z]{1,3})(\$?)(\d{1,7})"
_ONE = re.compile(rf"{_CELL}(#?)")
_AREA = re.compile(rf"{_CELL}:{_CELL}")
_ROWS = re.compile(r"(\$?)(\d{1,7}):(\$?)(\d{1,7})")

Area = tuple[int, int, int, int]


@dataclass(frozen=True)
class Growth:
    """`count` rows more below row `last` of a table whose header is in row `header` and whose columns go from `left` to `right`."""

    header: int
    last: int
    left: int
    right: int
    count: int

    def concerns(self, area: Area) -> bool:
        """Whether an area is a part of the table from its top to its last row."""
        top, first, bottom, last = area
        return (
            self.header <= top <= self.header + 1
            and top <= bottom == self.last
            and self.left <= first
            and last <= self.right
        )


@dataclass(frozen=True)
class Movement:
    """Rows put into the sheet `sheet`: `inserts` are (row, count), rows at and below `row` move down by `count`."""

    sheet: str
    inserts: tuple[tuple[int, int], ...] = ()
    growths: tuple[Growth, ...] = ()

    def row(self, row: int) -> int:
        """The new number of a row."""
        moved = row + sum(count for at, count in self.inserts if row >= at)
        if moved > MAX_ROWS >= row:
            raise WorkbookLoss(
                f"row {row} would be moved out of the sheet",
                expected=f"at most {MAX_ROWS:,} rows",
                hint="nothing was written",
                where=self.sheet,
            )
        return moved

    def area(self, area: Area, *, grows: bool = True) -> Area:
        """The new place of an area; `grows`: it is one that follows the table it covers."""
        more = sum(growth.count for growth in self.growths if grows and growth.concerns(area))
        bottom = area[2] if area[2] >= MAX_ROWS else self.row(area[2]) + more
        return self.row(area[0]), area[1], bottom, area[3]

    def reference(self, text: str, *, grows: bool = True) -> str:
        """``A1``, ``A1:B7``, ``$A$1`` or ``3:5`` at its new place; anything else as it is."""
        if found := _AREA.fullmatch(text):
            area = (
                int(found[4]),
                column_of(found[2].upper().encode()),
                int(found[8]),
                column_of(found[6].upper().encode()),
            )
            top, _, bottom, _ = self.area(area, grows=grows)
            return f"{found[1]}{found[2]}{found[3]}{top}:{found[5]}{found[6]}{found[7]}{bottom}"
        if found := _ONE.fullmatch(text):
            return f"{found[1]}{found[2]}{found[3]}{self.row(int(found[4]))}{found[5]}"
        if found := _ROWS.fullmatch(text):
            return f"{found[1]}{self.row(int(found[2]))}:{found[3]}{self.row(int(found[4]))}"
        return text

    def areas(self, text: str, *, grows: bool = True) -> str:
        """A list of references with spaces between them (``sqref``); a single cell of a table of one row grows, too."""
        return " ".join(self._listed(one, grows=grows) for one in text.split())

    def _listed(self, text: str, *, grows: bool) -> str:
        found = _ONE.fullmatch(text)
        if not found or not grows:
            return self.reference(text, grows=grows)
        row, column = int(found[4]), column_of(found[2].upper().encode())
        new = self.area((row, column, row, column))
        first = f"{letters(column)}{new[0]}"
        return first if new[0] == new[2] else f"{first}:{letters(column)}{new[2]}"

    def formula(self, text: str, *, own: bool) -> str:
        """A formula (without its ``=``) after the move; `own`: it stands in the moved sheet, where references need no name."""
        if not self._may_concern(text, own=own):
            return text
        tokens = _tokens(text)
        if tokens is None:
            raise WorkbookLoss(
                f"the formula ={text[:80]} can't be taken apart",
                expected="formulas whose references are known",
                hint="rows can't be put into this workbook; nothing was written",
                where=self.sheet,
            )
        return "".join(self._token(value, is_reference=kind, own=own) for value, kind in tokens)

    def _may_concern(self, text: str, *, own: bool) -> bool:
        if not own and self.sheet.casefold() not in text.replace("''", "'").casefold():
            return False
        if self.inserts:
            return True
        return any(str(growth.last) in text for growth in self.growths)

    def _token(self, value: str, *, is_reference: bool, own: bool) -> str:
        if not is_reference:
            return value
        prefix, bang, place = value.rpartition("!")
        if "[" in value:
            return value
        name = prefix.strip("'").replace("''", "'")
        if bang and ":" in name and self.inserts:
            raise WorkbookLoss(
                f"a formula refers to several sheets at once ({value})",
                expected="references to one sheet each",
                hint="rows can't be put into this workbook; nothing was written",
                where=self.sheet,
            )
        concerned = name.casefold() == self.sheet.casefold() if bang else own
        return prefix + bang + self.reference(place) if concerned else value


@lru_cache(maxsize=4096)
def _tokens(text: str) -> tuple[tuple[str, bool], ...] | None:
    """The pieces of a formula and whether each is a reference; joined they are the formula. None where that fails."""
    from openpyxl.formula import Tokenizer
    from openpyxl.formula.tokenizer import Token, TokenizerError

    try:
        items = Tokenizer(f"={text}").items
    except (TokenizerError, IndexError):
        return None
    if "".join(item.value for item in items) != text:
        return None
    return tuple(_pieces(items, Token.OPERAND, Token.RANGE))


def _pieces(items: list, operand: str, kind: str) -> Iterator[tuple[str, bool]]:  # type: ignore[type-arg]
    for item in items:
        if item.type == operand and item.subtype == kind:
            yield item.value, True
        elif ":" in item.value and item.value.endswith("("):  # A1:INDEX(
            head, colon, rest = item.value.partition(":")
            yield head, True
            yield colon + rest, False
        else:
            yield item.value, False


def copied(text: str, origin: str, target: str) -> str:
    """A formula (without its ``=``) as it is when it is filled from cell `origin` to cell `target`."""
    from openpyxl.formula.translate import Translator

    return str(Translator(f"={text}", origin=origin).translate_formula(target)).removeprefix("=")
