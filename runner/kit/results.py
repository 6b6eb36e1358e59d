"""Turns what the worker knows of items into results beside the rows they came from."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from pydantic import BaseModel

from runner import sheets
from runner.journal.redact import MASK
from runner.kit.rows import BadRow, GoodRow, judged_rows

M = TypeVar("M", bound=BaseModel)
_AMOUNT: Final = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?")  # 2 is 2.0; 007 is not 7
_MOST_SAID: Final = 3  # values of a row
NOT_PUT: Final[Mapping[str, Any]] = {"status": "not put", "message": "this row was not put into the queue"}


class PutRow(NamedTuple):
    """A row of a sheet as an item: its number, the item's key, and the data that was put.

    `fits` is False for a row that is not of the model: `data` has its cells as they are then.
    """

    number: int
    key: str
    data: Mapping[str, Any]
    fits: bool = True


def put_rows(rows: Iterable[GoodRow[M] | BadRow], model: type[M], key: str) -> list[PutRow]:
    """The rows as items.

    Raises TypeError for a row that comes from no sheet.
    """
    rows = list(rows)
    numbers = [_number(row) for row in rows]
    judged = judged_rows(rows, model, key)
    return [
        PutRow(number, one["key"], one["data"] if "data" in one else one["raw"], "data" in one)
        for number, one in zip(numbers, judged, strict=True)
    ]


def sheet_results(
    rows: Sequence[PutRow],
    items: Mapping[str, Mapping[str, Any]],
    model: type[BaseModel],
    locale: str | None = None,
) -> list[sheets.Result]:
    """One result per row; `items` has status, message, output and data by key.

    Where an item was worked on with other values than its row has now, the message says so: the row was changed since it
    was put, or a person has corrected the item. `locale` is how the text cells of the sheet are written.
    """
    results = []
    for row in rows:
        item = items.get(row.key, NOT_PUT)
        output = {name: _cell(value) for name, value in (item.get("output") or {}).items()}
        otherwise = _otherwise(row, item.get("data"), partial(_says, model, locale))
        message = "; ".join(filter(None, (item["message"], otherwise)))
        results.append(sheets.Result(row.number, item["status"], message, output))
    return results


def _otherwise(row: PutRow, item: Mapping[str, Any] | None, says: Callable[[str, Any, Any], bool]) -> str:
    """What an item has otherwise than its row; empty where it is the same, or can't be compared."""
    had = row.data
    if item is None or had == item:
        return ""
    said = [
        f"{name} was {_shown(item[name])}, the row has {_shown(had[name])}"
        for name in had
        if name in item
        and not _same(had[name], item[name])
        and (row.fits or not says(name, had[name], item[name]))
    ]
    return ", ".join(said[:_MOST_SAID]) + (", …" if len(said) > _MOST_SAID else "")


def _says(model: type[BaseModel], locale: str | None, name: str, cell: Any, value: Any) -> bool:
    from runner.sheets.alike import cell_says

    field = model.model_fields.get(name)
    return field is not None and cell_says(field, cell, value, locale)


def _same(row: Any, item: Any) -> bool:
    if row == item or item == MASK.decode():  # a secret is not kept
        return True
    texts = str(row), str(item)
    return all(map(_AMOUNT.fullmatch, texts)) and Decimal(texts[0]) == Decimal(texts[1])


def _number(row: object) -> int:
    number = getattr(getattr(row, "source", None), "row", None)
    if not isinstance(number, int):
        raise TypeError(f"a {type(row).__name__} has no row number: results() takes rows of sheets.read")
    return number


def _shown(value: Any) -> Any:
    return "nothing" if value is None or value == "" else _cell(value)


def _cell(value: Any) -> str | int | float | bool | None:
    """A JSON value as a cell can hold it: lists and objects as JSON text."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return json.dumps(value, ensure_ascii=False)
