"""Turns what the worker knows of items into results beside the rows they came from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from runner import sheets
from runner.kit.rows import BadRow, GoodRow, judged_rows

M = TypeVar("M", bound=BaseModel)
NOT_PUT: Final[Mapping[str, Any]] = {"status": "not put", "message": "this row was not put into the queue"}


def row_keys(rows: Iterable[GoodRow[M] | BadRow], model: type[M], key: str) -> tuple[list[int], list[str]]:
    """The row number and the item key of each row.

    Raises TypeError for a row that comes from no sheet.
    """
    rows = list(rows)
    numbers = [_number(row) for row in rows]
    return numbers, [judged["key"] for judged in judged_rows(rows, model, key)]


def sheet_results(
    numbers: Sequence[int], keys: Sequence[str], items: Mapping[str, Mapping[str, Any]]
) -> list[sheets.Result]:
    """One result per row; `items` has status, message and output by key."""
    known = [(number, items.get(key, NOT_PUT)) for number, key in zip(numbers, keys, strict=True)]
    return [
        sheets.Result(
            number,
            item["status"],
            item["message"],
            {name: _cell(value) for name, value in (item.get("output") or {}).items()},
        )
        for number, item in known
    ]


def _number(row: object) -> int:
    number = getattr(getattr(row, "source", None), "row", None)
    if not isinstance(number, int):
        raise TypeError(f"a {type(row).__name__} has no row number: results() takes rows of sheets.read")
    return number


def _cell(value: Any) -> str | int | float | bool | None:
    """A JSON value as a cell can hold it: lists and objects as JSON text."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return json.dumps(value, ensure_ascii=False)
