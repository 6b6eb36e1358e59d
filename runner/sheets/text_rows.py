"""Rows of text that come from elsewhere, such as the table of a web page, read as the rows of a sheet are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from runner.sheets.bands import Loose, Sheet
from runner.sheets.checking import RowCheck
from runner.sheets.grid import Fingerprint, Grid, Source
from runner.sheets.header import find_header
from runner.sheets.reading import Rows, RowsPlace
from runner.sheets.wording import locale_of

M = TypeVar("M", bound=BaseModel)


def text_rows(
    place: str,
    rows: Sequence[Sequence[str]],
    model: type[M],
    *,
    aliases: Mapping[str, Sequence[str]] | None = None,
    locale: str | None = None,
) -> Rows[M]:
    """`rows`, of which the first one is the header, each checked against `model`; errors call them ``PLACE!C7``.

    The rules are those of `sheets.read` for a text table: headings, aliases, numbers and dates by `locale`.
    Raises WorkbookError (WB_COLUMN, WB_COLUMN_DUP) for a header that does not fit, UsageError (WB_LOCALE).
    """
    content = Sheet((Loose(range(1, len(rows) + 1), [list(row) for row in rows]),))
    grid = Grid(place, "", content, is_text=True)
    header = find_header(grid, model, header_row=1, aliases=aliases)
    source = Source(Path(place), b"", Fingerprint("", 0, 0))
    return Rows(
        source, RowsPlace(grid, header), RowCheck(model, grid, header, locale_of(locale), source.path)
    )
