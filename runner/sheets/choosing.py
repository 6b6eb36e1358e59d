"""Which table of a sheet a model means, and where that table ends, when there are several."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from pydantic import BaseModel

from runner.core.errors import WorkbookError
from runner.sheets.bands import CellValue
from runner.sheets.blocks import Block, blocks, is_blank
from runner.sheets.grid import Grid
from runner.sheets.header import ROWS_SEARCHED, Header, field_names, find_header, normal
from runner.sheets.sheetxml import MAX_ROWS

SEVERAL = "WB_TABLES"
MOST_SEARCHED = 300
_NO_VALUE = frozenset(
    {
        "na", "nan", "nil", "none", "null", "tbd", "tba", "unknown", "missing", "pending", "unbekannt", "fehlt", "keine", "ka",
        "无", "暂无", "未知", "待定", "空", "缺",
    }
)  # fmt: skip
_DATE = re.compile(r"\d{1,4}\s*(?:[./-]\s*\d{1,2}\s*[./-]\s*\d{1,4}|年.*)")


class Verdict(Enum):
    """What a block below a table is."""

    SAME = "the rest of the table"
    ANOTHER = "another table"
    UNCLEAR = "not to be told"


@dataclass(frozen=True)
class Chosen:
    """A header, the area of its table (header included), and the areas of the sheet's other tables.

    `last`: the last row that may belong to the table; beyond `area`, where nothing follows. `unclear`: what follows it may be
    another table or its rest; it is not read, and that must be said.
    """

    header: Header
    area: Block
    last: int
    others: tuple[Block, ...] = ()
    unclear: Block | None = None


def choose_table(
    grid: Grid,
    model: type[BaseModel],
    *,
    header_row: int | None = None,
    aliases: Mapping[str, Sequence[str]] | None = None,
) -> Chosen:
    """The table of `grid` whose header names the most fields of `model`.

    Tables are parted by blank rows or blank columns. A table may have blank rows and columns within: columns apart are taken
    together where no block alone has as many fields, and rows below a blank one belong to the table until another begins.
    Raises WorkbookError: WB_TABLES where two tables fit equally well, else what `find_header` raises.
    """
    every = blocks(grid)
    whole, unfit = None, None
    try:
        whole = find_header(grid, model, header_row=header_row, aliases=aliases)
    except WorkbookError as error:
        unfit = error
    if len(every) > 1:
        found, nearest = _candidates(grid, model, every, header_row, aliases)
        unfit = unfit and (nearest or unfit)
        most = max((len(header.columns) for _, header in found), default=0)
        if found and (whole is None or len(whole.columns) <= most):
            best = [(block, header) for block, header in found if len(header.columns) == most]
            if len(best) > 1:
                raise _several(grid, model, best)
            return _with_end(grid, best[0][1], best[0][0], every)
    if whole is None:
        raise unfit or WorkbookError("there is no table", expected="a header row", code="WB_COLUMN")
    columns = whole.columns.values()
    home = Block(whole.row, min(columns), whole.row, max(columns))
    around = [block for block in every if _holds_row(block, whole.row) and block.meets(home.left, home.right)]
    return _with_end(grid, whole, _hull([home, *around]), every)


def _candidates(
    grid: Grid,
    model: type[BaseModel],
    every: Sequence[Block],
    header_row: int | None,
    aliases: Mapping[str, Sequence[str]] | None,
) -> tuple[list[tuple[Block, Header]], WorkbookError | None]:
    """The blocks with a header that has all the fields that the model requires; and why the one that has most of them is none.

    The latter only where it has more of them than the first rows of the sheet: it is that block that people meant, then.
    """
    names = [frozenset(words) for words in field_names(model, aliases or {}).values()]
    found: list[tuple[Block, Header]] = []
    top = _hull(every)._replace(top=grid.first_row)
    most = max(_hits(grid, row, top, names) for row in range(top.top, top.top + ROWS_SEARCHED))
    nearest = None
    for block in every[:MOST_SEARCHED]:
        rows = range(block.top, min(block.bottom + 1, block.top + ROWS_SEARCHED))
        if header_row is not None:
            rows = range(header_row, header_row + (1 if _holds_row(block, header_row) else 0))
        hits = max((_hits(grid, row, block, names) for row in rows), default=0)
        if not hits and not grid.facts.merged:
            continue
        try:
            header = find_header(grid, model, aliases=aliases, columns=(block.left, block.right), rows=rows)
        except WorkbookError as unfit:
            if hits > most:
                nearest, most = unfit, hits
            continue
        found.append((block, header))
    return found, nearest


def _hits(grid: Grid, row: int, block: Block, names: Sequence[frozenset[str]]) -> int:
    """How many fields a row names."""
    words = {normal(cell) for cell in _cells(grid, row, block) if isinstance(cell, str) and cell}
    return sum(not words.isdisjoint(one) for one in names)


def unclear_error(grid: Grid, chosen: Chosen) -> WorkbookError:
    """What is said of the first row that may belong to the table or not."""
    block = chosen.unclear or chosen.area
    name = f"{grid.sheet}!" if grid.sheet else ""
    return WorkbookError(
        f"row {block.top} looks like the headings of another table ({block}): it and what is below were not read",
        expected="the rows of one table, or another one that can be told from it",
        hint=f'delete the blank row above it if it belongs to the table; if not, have the bot ask for area="{name}{chosen.area}"',
        where=grid.where(block.top),
        code=SEVERAL,
    )


def _several(grid: Grid, model: type[BaseModel], found: Sequence[tuple[Block, Header]]) -> WorkbookError:
    areas = [str(block._replace(top=header.row)) for block, header in found]
    name = f"{grid.sheet}!" if grid.sheet else ""
    shown = f"{', '.join(areas[:-1])} and {areas[-1]}" if len(areas) < 6 else f"{', '.join(areas[:5])} …"
    place = f"sheet '{grid.sheet}'" if grid.sheet else grid.file
    return WorkbookError(
        f"{len(areas)} tables of {place} have the columns of {model.__name__}: {shown}",
        expected="one table with these headings",
        hint=f'say which one, as in area="{name}{areas[0]}", or move the others to sheets of their own',
        where=grid.where(found[0][1].row),
        code=SEVERAL,
    )


def _with_end(grid: Grid, header: Header, home: Block, every: Sequence[Block]) -> Chosen:
    """The table below `header`, which begins in the block `home`."""
    bottom, last, unclear = home.bottom, MAX_ROWS, None
    held: Block | None = None
    for block in every:
        if block.top <= home.bottom or not block.meets(home.left, home.right):
            continue
        if _is_title(grid, block):
            held = held or block
            continue
        verdict = _verdict(grid, block, header, home)
        if verdict is not Verdict.SAME:
            last = (held or block).top - 1
            unclear = block if verdict is Verdict.UNCLEAR else None
            break
        bottom, held = max(bottom, block.bottom), None
    if held and last == MAX_ROWS:
        bottom = max(bottom, held.bottom)
    area = home._replace(top=header.row, bottom=min(bottom, last))
    others = tuple(
        block
        for block in every
        if block.bottom > block.top
        and block.right > block.left
        and (block.top > area.bottom or block.bottom < area.top or not block.meets(area.left, area.right))
    )
    return Chosen(header, area, last, others, unclear)


def _verdict(grid: Grid, block: Block, header: Header, home: Block) -> Verdict:
    """Whether a block below a table is a table of its own or the rest of that one.

    It is one of its own where its first row (titles before it left out) has a different text over every column, and either two of
    them are headings of the table, or a column of the block lies outside the table, or below two of the texts there are only
    numbers or dates, in columns that aren't mixed in the table. Where that holds for one column alone, as in a row with a text
    in place of its amount, the look of the cells says it: that of the table's headings, or that of its rows.
    """
    top = block.top
    while top < block.bottom and _is_title(grid, block._replace(top=top, bottom=top)):
        top += 1
    heads = _cells(grid, top, block)
    words = {normal(head) for head in heads}
    if top == block.bottom or not 1 < len(words) == len(heads) or not all(map(_is_word, heads)):
        return Verdict.SAME
    if len(words & {normal(word) for word in header.words.values()}) > 1:
        return Verdict.ANOTHER
    if block.left < home.left or block.right > home.right:
        return Verdict.ANOTHER
    below = _columns(grid, range(top + 1, min(block.bottom, top + ROWS_SEARCHED) + 1), block)
    above = _columns(grid, range(header.row + 1, min(home.bottom, header.row + ROWS_SEARCHED) + 1), block)
    turns = sum(
        bool(values) and not any(map(_is_word, values)) and len(set(map(_is_word, before))) == 1
        for values, before in zip(below, above, strict=True)
    )
    if turns == 0:
        return Verdict.SAME
    return Verdict.ANOTHER if turns > 1 else _by_look(grid, block, top, header)


def _by_look(grid: Grid, block: Block, top: int, header: Header) -> Verdict:
    """The verdict by styles: a row that looks like the table's headings begins another one, one that looks like its rows doesn't."""
    styles = grid.styles({header.row, header.row + 1, top})
    looks = [
        [styles.get((row, column), 0) for column in range(block.left, block.right + 1)]
        for row in (header.row, header.row + 1, top)
    ]
    if looks[0] != looks[1] and looks[2] in looks[:2]:
        return Verdict.ANOTHER if looks[2] == looks[0] else Verdict.SAME
    return Verdict.UNCLEAR


def _is_title(grid: Grid, block: Block) -> bool:
    """Whether a block is a line of its own, as a title or a note is."""
    filled = [cell for cell in _cells(grid, block.top, block) if not is_blank(cell)]
    return block.top == block.bottom and len(filled) == 1 and _is_word(filled[0])


def _is_word(value: CellValue) -> bool:
    """Whether a cell may be a heading: text with letters, no date and none of the words that stand for a missing value."""
    if not isinstance(value, str) or not any(map(str.isalpha, value)) or _DATE.fullmatch(value.strip()):
        return False
    return normal(value) not in _NO_VALUE


def _columns(grid: Grid, rows: range, block: Block) -> list[list[CellValue]]:
    """The cells that hold something, column by column."""
    found: list[list[CellValue]] = [[] for _ in range(block.left, block.right + 1)]
    for row in rows:
        for column, cell in zip(found, _cells(grid, row, block), strict=True):
            if not is_blank(cell):
                column.append(cell)
    return found


def _cells(grid: Grid, row: int, block: Block) -> list[CellValue]:
    """The cells of a row in the columns of a block."""
    cells = list(grid.row(row)[block.left - 1 : block.right])
    return cells + [""] * (block.right - block.left + 1 - len(cells))


def _holds_row(block: Block, row: int) -> bool:
    return block.top <= row <= block.bottom


def _hull(found: Sequence[Block]) -> Block:
    """The smallest area around all of them."""
    return Block(
        min(one.top for one in found),
        min(one.left for one in found),
        max(one.bottom for one in found),
        max(one.right for one in found),
    )
