"""Which column belongs to which field: finding the header row and matching its words to a model."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import AliasChoices, BaseModel
from pydantic.fields import FieldInfo

from runner.core.errors import UsageError, WorkbookError, did_you_mean
from runner.sheets.grid import Grid
from runner.sheets.sheetxml import letters

ROWS_SEARCHED = 20
LONGEST_HEADING = 200


@dataclass(frozen=True)
class Header:
    """The header row found: its number, the words in it by column number, and the column number of each field."""

    row: int
    words: dict[int, str]
    columns: dict[str, int]


def find_header(
    grid: Grid,
    model: type[BaseModel],
    *,
    header_row: int | None = None,
    aliases: Mapping[str, Sequence[str]] | None = None,
    columns: tuple[int, int] | None = None,
    rows: range | None = None,
) -> Header:
    """The header row of `grid` for `model`: the one among the first 20 that names the most fields.

    `columns`: only those from the first to the second are looked at; `rows`: other ones than the first 20. A heading that spans
    several rows counts in each of them, and one that spans several columns goes before those below it: ``Address`` over ``City``
    is ``City`` and ``Address City``.
    Raises WorkbookError: WB_COLUMN where a required field has no column, WB_COLUMN_DUP where a field has two; and
    UsageError where `aliases` speaks of a field that the model doesn't have.
    """
    names = field_names(model, aliases or {})
    if header_row or rows is None:
        start = header_row or grid.first_row
        rows = range(start, start + (1 if header_row else ROWS_SEARCHED))
    best, above = Header(rows.start, {}, {}), dict[int, str]()
    most = -1
    wanted = [set(words) for words in names.values()]
    for number, words, over in _candidates(grid, rows, columns):
        present = {normal(word) for word in (*words.values(), *over.values())}
        found = sum(not present.isdisjoint(one) for one in wanted)
        if found > most:
            best, above, most = Header(number, words, {}), over, found
    plain = {column: normal(word) for column, word in best.words.items()}
    whole = {column: normal(word) for column, word in above.items()}
    for field in names:
        found_in = [column for column, word in whole.items() if word in names[field]]
        found_in = found_in or [column for column, word in plain.items() if word and word in names[field]]
        if len(found_in) > 1:
            raise _twice(grid, best, found_in)
        if found_in:
            best.columns[field] = found_in[0]
    missing = [f for f, info in model.model_fields.items() if f not in best.columns and info.is_required()]
    if missing:
        raise _missing(grid, best, shown_name(missing[0], model.model_fields[missing[0]]), names[missing[0]])
    if not best.columns:
        first = next(iter(model.model_fields), "")
        info = model.model_fields.get(first)
        raise _missing(grid, best, shown_name(first, info) if info else first, names.get(first, []))
    return best


def normal(text: object) -> str:
    """A heading without what people vary: case, spaces, punctuation, full-width forms."""
    words = str(text)
    return _normal(words) if len(words) < LONGEST_HEADING else _normal.__wrapped__(words)


@lru_cache(maxsize=4096)
def _normal(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(sign for sign in plain if sign.isalnum())


def shown_name(field: str, info: FieldInfo) -> str:
    """How an error calls the column of a field: its title, its alias, or its name with a capital letter."""
    text = info.title or info.alias or field.replace("_", " ")
    return text[:1].upper() + text[1:]


def field_names(model: type[BaseModel], aliases: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The words under which each field may be found, in their normal form."""
    for field in aliases:
        if field not in model.model_fields:
            raise UsageError(
                f"aliases are given for '{field}'",
                expected="a field of " + model.__name__ + ": " + ", ".join(model.model_fields),
                hint=did_you_mean(field, model.model_fields),
                code="WB_ALIAS",
            )
    return {
        field: list(dict.fromkeys(normal(word) for word in _words_of(field, info, aliases.get(field, ()))))
        for field, info in model.model_fields.items()
    }


def _words_of(field: str, info: FieldInfo, more: Sequence[str]) -> list[str]:
    words: list[str] = [field, *([more] if isinstance(more, str) else more)]
    words += [word for word in (info.alias, info.title) if word]
    if isinstance(info.validation_alias, AliasChoices):
        words += [choice for choice in info.validation_alias.choices if isinstance(choice, str)]
    elif isinstance(info.validation_alias, str):
        words.append(info.validation_alias)
    extra: Any = info.json_schema_extra
    if isinstance(extra, dict) and isinstance(extra.get("aliases"), list | tuple):
        words += [str(word) for word in extra["aliases"]]
    return words


def _candidates(
    grid: Grid, numbers: range, columns: tuple[int, int] | None
) -> list[tuple[int, dict[int, str], dict[int, str]]]:
    """Rows that may be the header: number, words by column, and by column the words with those of the rows above."""
    first, last = columns or (1, 1 << 14)
    merged = [one for one in grid.facts.merged if one[0] < numbers.stop and one[2] >= numbers.start - 1]
    found = []
    for number in numbers:
        words = {at: str(cell) for at, cell in enumerate(grid.row(number), 1) if str(cell).strip()}
        over: dict[int, str] = {}
        for top, left, bottom, right in merged:
            if top <= number <= bottom:  # a heading over several rows
                word = _cell(grid, top, left)
                words |= {at: word for at in range(left, left + 1) if word and at not in words}
            elif bottom == number - 1 and left < right:  # a heading over several columns
                word = _cell(grid, top, left)
                over |= {at: f"{word} {words[at]}" for at in range(left, right + 1) if word and at in words}
        words = {at: word for at, word in sorted(words.items()) if first <= at <= last}
        if words:
            found.append((number, words, {at: word for at, word in over.items() if at in words}))
    return found


def _cell(grid: Grid, row: int, column: int) -> str:
    cells = grid.row(row)
    return str(cells[column - 1]).strip() if column <= len(cells) else ""


def _twice(grid: Grid, header: Header, columns: Sequence[int]) -> WorkbookError:
    word = header.words[columns[0]].strip()
    places = " and ".join(letters(column) for column in columns)
    other = {header.words[column].strip() for column in columns} - {word}
    also = f" (also as {', '.join(repr(o) for o in sorted(other))})" if other else ""
    return WorkbookError(
        f"column '{word}' appears twice{also}: in {places} of row {header.row}",
        expected="one column with this name",
        hint="rename or delete one of them",
        where=grid.where(header.row, letters(columns[1])),
        code="WB_COLUMN_DUP",
    )


def _missing(grid: Grid, header: Header, name: str, names: Sequence[str]) -> WorkbookError:
    words = [word.strip() for word in header.words.values()]
    by_normal = {normal(word): word for word in words}
    near = next((did_you_mean(n, by_normal) for n in names if did_you_mean(n, by_normal)), "")
    for plain, word in by_normal.items():
        near = near.replace(f"'{plain}'", f"'{word}'")
    place = f"sheet '{grid.sheet}'" if grid.sheet else grid.file
    return WorkbookError(
        f"column '{name}' not found in row {header.row} of {place}",
        expected="one of the headings found there: "
        + (", ".join(f"'{word}'" for word in words[:30]) or "none"),
        hint=near or "correct the heading, or give the column's name as an alias",
        where=grid.where(header.row),
        code="WB_COLUMN",
    )
