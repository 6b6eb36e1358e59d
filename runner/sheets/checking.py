"""Checking one row against a model: cell by cell, then the model's own rules, every error with its cell."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, partial
from itertools import repeat
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from runner.core.errors import WorkbookError
from runner.sheets.bands import Band, CellValue, Loose
from runner.sheets.grid import Grid
from runner.sheets.header import Header, shown_name
from runner.sheets.judged import BadRow, GoodRow, Json, SourceRow
from runner.sheets.plain_models import limits_of, maker_of
from runner.sheets.quick import Wish, has_all, ready, rows_of
from runner.sheets.sheetxml import letters
from runner.sheets.values import SAFE_DIGITS, converter, describe, kind_of, masked_text, plain_type
from runner.sheets.wording import Locale, Trouble

M = TypeVar("M", bound=BaseModel)
_good: Callable[[tuple[Any, SourceRow]], GoodRow[Any]] = partial(tuple.__new__, GoodRow)
_source: Callable[[tuple[Path, str, int]], SourceRow] = partial(tuple.__new__, SourceRow)


@dataclass(frozen=True)
class Field:
    """One field of the model with its column and the function that reads its cells."""

    name: str
    column: int
    at: int
    convert: Callable[[CellValue], object]
    plain: type | None
    is_required: bool


class RowCheck(Generic[M]):
    """The rules for the rows of one grid under one header."""

    def __init__(self, model: type[M], grid: Grid, header: Header, locale: Locale | None, file: Path) -> None:
        self.model = model
        self._file = file
        self._grid = grid
        self._has_facts = bool(grid.facts.errors or grid.facts.unsolved)
        self._fields = [
            Field(
                name,
                column,
                column - 1,
                converter(info.annotation, locale),
                plain_type(info.annotation),
                info.is_required(),
            )
            for name, column in header.columns.items()
            for info in [model.model_fields[name]]
        ]

        self._validate = partial(model.__pydantic_validator__.validate_python, by_alias=False, by_name=True)
        every_field = len(self._fields) == len(model.model_fields)
        self._make = maker_of(model) if every_field else None
        self._limits = [(name, limit) for name, found in (limits_of(model) or {}).items() for limit in found]
        self._width = max((field.at + 1 for field in self._fields), default=0)
        self._plan = [
            (field.name, field.at, field.plain, kind_of(model.model_fields[field.name].annotation))
            for field in self._fields
        ]
        self.wishes = [
            Wish(name, at + 1, plain, kind, field.is_required, self._takes_none(field))
            for field, (name, at, plain, kind) in zip(self._fields, self._plan, strict=True)
        ]

    def rows(self, band: Band | Loose) -> Iterator[GoodRow[M] | BadRow]:
        """Each row of `band` that holds something for the model."""
        columns = ready(band, self.wishes) if isinstance(band, Band) else None
        if columns is None or not isinstance(band, Band):
            return self._one_by_one(band)
        data = rows_of(columns)
        if self._make is not None and has_all(band, self.wishes) and self._are_within(columns):
            return map(_good, zip(self._make(data), self._sources(band), strict=False))
        return self._at_once(band, data)

    def count(self, band: Band | Loose) -> int:
        """How many rows of `band` hold something for the model."""
        if isinstance(band, Band):
            columns = [band.columns[field.column] for field in self._fields if field.column in band.columns]
            if any(cells.kind == "number" for cells in columns):
                return len(band.numbers)
        return sum(self.is_used(number, band.row(index)) for index, number in enumerate(band.numbers))

    def _at_once(
        self, band: Band | Loose, data: Iterator[dict[str, object]]
    ) -> Iterator[GoodRow[M] | BadRow]:
        """The rows of a band whose data is ready: what is done for each of them is done without a call of Python."""
        sources = self._sources(band)
        rows = map(
            _good, zip(map(self._validate, data), sources, strict=False)
        )  # the model first: it may be refused
        while True:
            try:
                yield from rows
            except ValidationError as wrong:
                source = next(sources)
                cells = band.row(bisect_left(band.numbers, source.row))
                yield BadRow(
                    self.raw(source.row, cells), tuple(self._named(source.row, cells, wrong)), source
                )
            else:
                return

    def _are_within(self, columns: Mapping[str, Sequence[object]]) -> bool:
        return all(limit.holds(columns[name]) for name, limit in self._limits)

    def _sources(self, band: Band | Loose) -> Iterator[SourceRow]:
        return map(_source, zip(repeat(self._file), repeat(self._grid.sheet), band.numbers))

    def _one_by_one(self, band: Band | Loose) -> Iterator[GoodRow[M] | BadRow]:
        for index, number in enumerate(band.numbers):
            cells = band.row(index)
            if not self.is_used(number, cells):
                continue
            found, source = self.checked(number, cells), SourceRow(self._file, self._grid.sheet, number)
            if isinstance(found, tuple):
                yield BadRow(self.raw(number, cells), found, source)
            else:
                yield GoodRow(found, source)

    def checked(self, number: int, cells: Sequence[CellValue]) -> M | tuple[WorkbookError, ...]:
        """The row as an instance of the model, or all that is wrong with it."""
        data = None if self._has_facts else self._plainly(cells)
        if data is None:
            data, troubles = self._converted(number, cells)
            if troubles:
                return tuple(troubles)
        try:
            row: M = self._validate(data)
        except ValidationError as wrong:
            return tuple(self._named(number, cells, wrong))
        return row

    def is_used(self, number: int, cells: Sequence[CellValue]) -> bool:
        """Whether any cell of the model's columns holds something."""
        width = len(cells)
        for field in self._fields:
            value = cells[field.at] if field.at < width else ""
            if value != "" and not (isinstance(value, str) and value.isspace()):
                return True
        return self._has_facts and any(self._fact(number, field.column) for field in self._fields)

    def raw(self, number: int, cells: Sequence[CellValue]) -> dict[str, Json]:
        """The cells by field name, as JSON can hold them."""
        return {
            field.name: (self._has_facts and self._fact(number, field.column))
            or _json(self._value(cells, field.column))
            for field in self._fields
        }

    @cached_property
    def _masks(self) -> dict[tuple[int, int], str]:
        return self._grid.masks({field.column for field in self._fields if field.plain is str})

    def _plainly(self, cells: Sequence[CellValue]) -> dict[str, object] | None:
        """The usual row, fast: every cell filled and of the kind of its field; None where one needs a closer look."""
        data: dict[str, object] = {}
        if len(cells) < self._width:
            return None
        for name, at, plain, kind in self._plan:
            value = cells[at]
            if isinstance(value, str):
                if plain is not str or not value or value.isspace():
                    return None
                data[name] = value
            elif type(value) is plain:
                data[name] = value
            elif type(value) is not float:
                return None
            elif kind is Decimal:
                data[name] = Decimal(f"{value:.15g}")
            elif kind is int and value.is_integer() and abs(value) < SAFE_DIGITS:
                data[name] = int(value)
            else:
                return None
        return data

    def _converted(
        self, number: int, cells: Sequence[CellValue]
    ) -> tuple[dict[str, object], list[WorkbookError]]:
        data: dict[str, object] = {}
        troubles: list[WorkbookError] = []
        width, has_facts = len(cells), self._has_facts
        for field in self._fields:
            value = cells[field.at] if field.at < width else ""
            try:
                if has_facts and self._fact(number, field.column):
                    troubles.append(self._fact_error(number, field.column))
                elif type(value) is field.plain and (field.plain is not str or str(value).strip()):
                    data[field.name] = value
                elif value == "" or (isinstance(value, str) and value.isspace()):
                    self._blank(data, field)
                elif field.plain is str and not isinstance(value, str):
                    data[field.name] = masked_text(value, self._masks.get((number, field.column), ""))
                else:
                    data[field.name] = field.convert(value)
            except Trouble as trouble:
                troubles.append(self._cell_error(number, field.column, trouble))
        return data, troubles

    def _blank(self, data: dict[str, object], field: Field) -> None:
        info = self.model.model_fields[field.name]
        if not field.is_required:
            return
        if self._takes_none(field):
            data[field.name] = None
            return
        raise Trouble("is empty", f"a value for '{shown_name(field.name, info)}'", "fill in the cell")

    def _takes_none(self, field: Field) -> bool:
        return type(None) in getattr(self.model.model_fields[field.name].annotation, "__args__", ())

    def _fact(self, number: int, column: int) -> str:
        place = (number, column)
        return self._grid.facts.errors.get(place) or self._grid.facts.unsolved.get(place) or ""

    def _fact_error(self, number: int, column: int) -> WorkbookError:
        where = self._grid.where(number, letters(column))
        shown = self._grid.facts.errors.get((number, column))
        if shown:
            return WorkbookError(
                f"cell {letters(column)}{number} shows the error {shown}",
                expected="a value",
                hint="fix the formula, or what it refers to",
                where=where,
                code="WB_CELL_ERROR",
            )
        return WorkbookError(
            f"the formula {self._fact(number, column)[:80]} in {letters(column)}{number} has no stored result",
            expected="a workbook that was calculated when it was saved",
            hint="open and save it in Excel",
            where=where,
            code="WB_NO_CACHED",
        )

    def _cell_error(
        self, number: int, column: int, trouble: Trouble, code: str = "WB_CELL_TYPE"
    ) -> WorkbookError:
        address = f"{letters(column)}{number}"
        verb = "" if trouble.what.startswith("is ") else "holds "
        return WorkbookError(
            f"cell {address} {verb}{trouble.what}",
            expected=trouble.expected,
            hint=trouble.hint,
            where=self._grid.where(number, letters(column)),
            code="WB_CELL" if verb == "" else code,
        )

    def _named(self, number: int, cells: Sequence[CellValue], wrong: ValidationError) -> list[WorkbookError]:
        columns = {field.name: field.column for field in self._fields}
        out = []
        for error in wrong.errors(include_url=False, include_context=False):
            field = str(error["loc"][0]) if error["loc"] else ""
            is_type = error["type"].endswith(("_parsing", "_type", "_inexact", "from_float"))
            if field in columns:
                value = self._value(cells, columns[field])
                trouble = Trouble(describe(value), error["msg"], "correct the cell")
                out.append(
                    self._cell_error(
                        number, columns[field], trouble, "WB_CELL_TYPE" if is_type else "WB_CELL"
                    )
                )
            else:
                out.append(
                    WorkbookError(
                        f"row {number}: {error['msg']}",
                        hint="correct the row",
                        where=self._grid.where(number),
                        code="WB_ROW",
                    )
                )
        return out

    def _value(self, cells: Sequence[CellValue], column: int) -> CellValue:
        at = column - 1
        return cells[at] if 0 <= at < len(cells) else ""


def _json(value: CellValue) -> Json:
    if value == "":
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return value if isinstance(value, str | int | float | bool) else str(value)
