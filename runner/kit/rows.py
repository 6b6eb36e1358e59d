"""Turns what a bot puts into a queue into journal rows: good ones with key and data, bad ones with what is wrong."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

import orjson
from pydantic import BaseModel, ValidationError

from runner.core.errors import RunnerError
from runner.kit.item import as_json

M = TypeVar("M", bound=BaseModel)
M_co = TypeVar("M_co", bound=BaseModel, covariant=True)
ROWS_A_LINE = 500


@runtime_checkable
class GoodRow(Protocol[M_co]):
    """A row of a workbook that became a model, as `runner.sheets` reads it.

    Known by its shape, so that a bot without workbooks need not load that room.
    """

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
    stream = judged_rows(rows, model, key)
    for first in itertools.count():
        judged = list(itertools.islice(stream, ROWS_A_LINE))
        if not judged and first:
            return
        line = {
            "items": [row for row in judged if "data" in row],
            "bad": [row for row in judged if "raw" in row],
        }
        yield {**line, "file": file} if file else line


def place_in_words(rows: object) -> str:
    """Where rows of a workbook were read, and what else is on that sheet: `` from Data!A1:B9 (not read: D1:E5)``; else nothing."""
    area, others = getattr(rows, "area", ""), getattr(rows, "other_tables", ())
    if not isinstance(area, str) or not area:
        return ""
    sheet = getattr(rows, "sheet", "")
    left_out = (
        f" (not read: {', '.join(map(str, others[:5]))}{' …' if len(others) > 5 else ''})" if others else ""
    )
    return f" from {sheet}!{area}{left_out}" if sheet else f" from {area}{left_out}"


def judged_rows(
    rows: Iterable[M | Mapping[str, Any] | GoodRow[M] | BadRow], model: type[M], key: str
) -> Iterator[dict[str, Any]]:
    """Each row as the journal has it, in the order of `rows`.

    A row whose key an earlier row has with other data is a bad one under its source: which of the two is right is for a
    person to say. A row that is the same as an earlier one is known, like one from an earlier run.
    """
    first_with: dict[str, tuple[bytes, str]] = {}
    for number, row in enumerate(rows, start=1):
        judged = _judge(row, number, model, key)
        content = hashlib.blake2b(
            orjson.dumps(judged.get("data", judged.get("raw"))), digest_size=16
        ).digest()
        place = judged["source"] or f"row {number}"
        seen, seen_at = first_with.setdefault(judged["key"], (content, place))
        yield judged if seen == content else _second(judged, place, seen_at, key)


def corrected(model: type[M], data: Mapping[str, Any]) -> M:
    """The data of an item that a person has corrected, as its model sees it; raises ValidationError.

    A row that could not be read has None for each empty cell. Where the model has a default and takes no None, the cell
    stands for that default, as it does in a row that can be read.
    """
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        known = {field.alias or name: field for name, field in model.model_fields.items()}
        empty = {
            found["loc"][0]
            for found in error.errors(include_url=False)
            if len(found["loc"]) == 1 and found["loc"][0] in data and found["input"] is None
        }
        empty = {name for name in empty if name in known and not known[str(name)].is_required()}
        if not empty:
            raise
        return model.model_validate({name: value for name, value in data.items() if name not in empty})


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


def _second(judged: Mapping[str, Any], place: str, first: str, key: str) -> dict[str, Any]:
    twice = {
        "code": "ITEM_TWICE",
        "what": f"{key} '{judged['key']}' is in {first} already, with other data",
        "expected": f"a {key} that tells this row from all others",
        "hint": "correct it, or reject one of the two",
        "where": place,
    }
    raw = judged.get("data", judged.get("raw"))
    return {"key": place, "raw": raw, "source": place, "errors": [twice, *judged.get("errors", ())]}


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
