"""Turns what a bot puts into a queue into journal rows: good ones with key and data, bad ones with what is wrong."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel, ValidationError

from runner.core.errors import RunnerError
from runner.kit.item import as_json

M = TypeVar("M", bound=BaseModel)
M_co = TypeVar("M_co", bound=BaseModel, covariant=True)
ROWS_A_LINE = 500


@runtime_checkable
class GoodRow(Protocol[M_co]):
    """A row of a workbook that became a model, with where it stands."""

    @property
    def data(self) -> M_co: ...  # noqa: D102
    @property
    def source(self) -> object: ...  # noqa: D102


@runtime_checkable
class BadRow(Protocol):
    """A row of a workbook that is not of the model: its cells by field name, and what is wrong."""

    @property
    def raw(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def errors(self) -> Sequence[RunnerError]: ...  # noqa: D102
    @property
    def source(self) -> object: ...  # noqa: D102


def journal_lines(
    rows: Iterable[M | Mapping[str, Any] | GoodRow[M] | BadRow], model: type[M], key: str
) -> Iterator[dict[str, Any]]:
    """The `data` of one items.put line per 500 rows, at least one; reads `rows` as a stream.

    Raises TypeError for a row that is neither a model of the queue nor a mapping nor a workbook row.
    """
    file = str(getattr(rows, "path", "") or "")
    stream = enumerate(rows, start=1)
    for first in itertools.count():
        chunk = list(itertools.islice(stream, ROWS_A_LINE))
        if not chunk and first:
            return
        judged = [_judge(row, number, model, key) for number, row in chunk]
        line = {
            "items": [row for row in judged if "data" in row],
            "bad": [row for row in judged if "raw" in row],
        }
        yield {**line, "file": file} if file else line


def field_errors(error: ValidationError) -> list[dict[str, str]]:
    """What pydantic found, one error record per field: code, what, expected, hint, where (the field)."""
    return [
        {
            "code": "ITEM_DATA",
            "what": "missing" if found["type"] == "missing" else f"the value is {_seen(found['input'])}",
            "expected": found["msg"],
            "hint": "correct the value and retry",
            "where": ".".join(str(part) for part in found["loc"]),
        }
        for found in error.errors(include_url=False)
    ]


def _judge(row: object, number: int, model: type[BaseModel], key: str) -> dict[str, Any]:
    source = ""
    if not isinstance(row, BaseModel | Mapping):
        source = str(getattr(row, "source", ""))
        if isinstance(row, BadRow):
            return _bad(row.raw, [_record(e) for e in row.errors], source, key)
        if not isinstance(row, GoodRow):
            raise TypeError(
                f"put() got a {type(row).__name__} as row {number}: it takes {model.__name__} or rows of a workbook"
            )
        row = row.data
    if isinstance(row, Mapping):
        try:
            row = model.model_validate(dict(row))
        except ValidationError as error:
            return _bad(dict(row), field_errors(error), f"row {number}", key)
    if not isinstance(row, model):
        raise TypeError(f"put() got a {type(row).__name__} as row {number}: the queue takes {model.__name__}")
    value = getattr(row, key)
    name = "" if value is None else str(value)
    if not name.strip():
        blank = {
            "code": "ITEM_KEY",
            "what": f"the key '{key}' is blank",
            "expected": "a value that tells this row from all others",
            "hint": "fill it in",
            "where": key,
        }
        return _bad(row.model_dump(mode="json"), [blank], source or f"row {number}", key)
    return {"key": name, "data": row.model_dump(mode="json"), "source": source}


def _bad(raw: Mapping[str, Any], errors: list[dict[str, str]], source: str, key: str) -> dict[str, Any]:
    name = raw.get(key)
    return {
        "key": str(name) if name is not None and str(name).strip() else source,
        "raw": {str(k): _plain(v) for k, v in raw.items()},
        "source": source,
        "errors": errors,
    }


def _record(error: RunnerError) -> dict[str, str]:
    return {
        "code": error.stable_code,
        "what": error.what,
        "expected": error.expected,
        "hint": error.hint,
        "where": error.where,
    }


def _plain(value: object) -> object:
    try:
        return as_json(value, "value")
    except TypeError:
        return repr(value)


def _seen(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
