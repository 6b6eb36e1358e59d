"""Rows that a program wrote evenly, one after the other, taken by the block: cells are put behind the last one of each.

Where anything in a block is written in another way, or is to be done in another place, nothing is done here: the answer is None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from runner.sheets.columnwise import Edits
from runner.sheets.sheetxml import MAX_ROWS, Block, Tags, column_of

_ROW_END = b"</row>"
_ROW = re.compile(rb'<row r="([1-9]\d{0,6})"((?: [\w:]+="[^"]*")*)>')
_CELL = re.compile(rb'<c r="([A-Z]{1,3})\d{1,7}"[^>]*(?:/>|(?<!/)>.*</c>)', re.DOTALL)
_SPANS = re.compile(rb'( spans=")(\d+):(\d+)(")')


class Beside(NamedTuple):
    """New cells for one row as XML, and the column of the last of them."""

    text: bytes
    last: int


Maker: TypeAlias = Callable[[int, int], Beside | None]
"""Makes the new cells of a row, all behind a column; None where they don't all belong there."""


class Appended(NamedTuple):
    """A block with its new cells, how many of its rows got any, and the number of its last row."""

    text: bytes
    edited: int
    last: int


@dataclass(frozen=True, slots=True)
class EvenRows:
    """A block as it falls into rows: each up to its end tag, and what is behind the last one."""

    pieces: list[bytes]

    @classmethod
    def of(cls, block: Block, tags: Tags) -> EvenRows | None:
        """The rows of a block; None where they have a prefix, comments between them, or no cells."""
        text = block.text
        if tags.prefix or block.mask is not text:
            return None
        pieces = text.split(_ROW_END)
        return cls(pieces) if text.count(b"<row") == len(pieces) - 1 else None

    @property
    def last_row(self) -> int:
        """The number of the last row; 0 where there is none."""
        row = _ROW.match(self.pieces[-2]) if len(self.pieces) > 1 else None
        return int(row[1]) if row else 0

    def appended(self, after: int, waiting: Sequence[int], beside: Maker) -> Appended | None:
        """The block with what `beside` makes behind the last cell of each row that is edited.

        `after`: the number of the row before the block. `waiting`: the edited rows that were not met yet, in order.
        """
        made: list[bytes] = []
        edited, last, starts = 0, after, dict[tuple[bytes, int], bytes]()
        for piece in self.pieces[:-1]:
            row = _ROW.match(piece)
            number = int(row[1]) if row else 0
            following = waiting[edited] if edited < len(waiting) else MAX_ROWS + 1
            if row is None or number <= last or following < number:
                return None
            last = number
            if following > number:
                made.append(piece)
                continue
            last_cell = _last_column(piece)
            new = beside(number, last_cell) if last_cell else None
            if new is None:
                return None
            edited += 1
            if b"spans=" not in row[2]:
                made.append(piece + new.text)
                continue
            key = row[2], new.last
            if key not in starts:
                starts[key] = _with_span(*key)
            made.append(b'<row r="%d"%b>%b%b' % (number, starts[key], piece[row.end() :], new.text))
        return Appended(_ROW_END.join([*made, self.pieces[-1]]), edited, last)

    def ends_with(self, edits: Edits, beside: Maker) -> int | None:
        """How many edited rows there are, where each of them ends with what `beside` makes; None where one does not."""
        seen = 0
        for piece in self.pieces[:-1]:
            row = _ROW.match(piece)
            if row is None:
                return None
            number = int(row[1])
            if number in edits:
                new = beside(number, 0)
                if new is None or not piece.endswith(new.text):
                    return None
                seen += 1
        return seen


def _last_column(piece: bytes) -> int:
    """The column of the last cell of a row; 0 where it has none, or something else at its end."""
    at = piece.rfind(b'<c r="')
    cell = _CELL.fullmatch(piece, at) if at >= 0 else None
    return column_of(cell[1]) if cell and piece.find(b"<c", at + 1) < 0 else 0


def _with_span(attributes: bytes, last: int) -> bytes:
    return _SPANS.sub(
        lambda found: b"%b%d:%d%b" % (found[1], int(found[2]), max(int(found[3]), last), found[4]), attributes
    )
