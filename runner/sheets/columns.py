"""The columns of what is written: their headings, their values as cells hold them, and how wide they are shown."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from runner.core.errors import WorkbookError
from runner.sheets.cellxml import Formula, Value, refused
from runner.sheets.header import shown_name

ROWS_MEASURED = 200
NARROWEST, WIDEST = 8, 60
_FORBIDDEN = "[]:*?/\\"


@dataclass(frozen=True)
class Column:
    """One column of a report: the key of its values in a row, its heading, its number format and width where not automatic."""

    key: str
    heading: str = ""
    number_format: str = ""
    width: float = 0


def check_sheet_name(name: str, file: str) -> None:
    """Raise WB_VALUE for a sheet name that Excel refuses."""
    if not 0 < len(name) <= 31 or set(name) & set(_FORBIDDEN) or name.startswith("'") or name.endswith("'"):
        raise refused(
            file,
            f"a sheet called '{name}'",
            f"Excel wants 1 to 31 characters without {_FORBIDDEN}",
            "shorten it",
        )


def chosen_columns(
    given: Sequence[Column | str] | None, model: type[BaseModel] | None, first: Sequence[object]
) -> list[Column]:
    """The columns given, or those that follow from the model or the first row; WB_COLUMN where neither says them."""
    if model is None and first and isinstance(first[0], BaseModel):
        model = type(first[0])
    fields = model.model_fields if model else {}
    if given is not None:
        plain = [column if isinstance(column, Column) else Column(column) for column in given]
        return [_named(column, fields) for column in plain]
    if fields:
        return [_named(Column(name), fields) for name in fields]
    if first and isinstance(first[0], Mapping):
        return [_named(Column(str(key)), {}) for key in first[0]]
    raise WorkbookError(
        "the columns of the report are not known",
        expected="columns=…, model=… or a first row that is a model or a mapping",
        hint="name the columns",
        code="WB_COLUMN",
    )


def _named(column: Column, fields: Mapping[str, Any]) -> Column:
    if column.heading:
        return column
    heading = shown_name(column.key, fields[column.key]) if column.key in fields else column.key
    return replace(column, heading=heading)


def mapped(row: object, columns: Sequence[Column]) -> Mapping[str, Any]:
    """A row by the keys of its columns."""
    if isinstance(row, Mapping):
        return row
    if isinstance(row, BaseModel):
        return {column.key: getattr(row, column.key, None) for column in columns}
    if isinstance(row, Sequence) and not isinstance(row, str):
        return {column.key: value for column, value in zip(columns, row, strict=False)}
    raise TypeError(f"a row of a report is a model, a mapping or a sequence, not {type(row).__name__}")


def plain_value(value: Any) -> Value:
    """What a cell can hold of a value: enums by their value, what is unknown as text."""
    if isinstance(value, enum.Enum):
        return plain_value(value.value)
    if value is None or isinstance(
        value, str | bool | int | float | Decimal | dt.date | dt.time | dt.timedelta | Formula
    ):
        return value
    return str(value)


def width_of(column: Column, rows: Iterable[Mapping[str, Any]]) -> float:
    """The width that shows the heading and the rows measured, within bounds."""
    longest = max((length_of(row.get(column.key)) for row in rows), default=0)
    return float(min(WIDEST, max(NARROWEST, longest, length_of(column.heading) + 2)) + 1)


def length_of(value: Any) -> int:
    """How wide a value is shown: Chinese characters count twice."""
    if isinstance(value, dt.datetime):
        return 19
    if isinstance(value, Formula):
        return NARROWEST
    lines = str("" if value is None else value).splitlines()
    return max((sum(2 if sign > "\u2e80" else 1 for sign in line) for line in lines), default=0)
