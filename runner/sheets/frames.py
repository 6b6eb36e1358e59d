"""Rows as a data frame of polars or pandas, with the types of the model's fields."""

from __future__ import annotations

import datetime as dt
import importlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from runner.core.errors import EnvironmentProblem
from runner.sheets.values import kind_of

Columns = Mapping[str, Sequence[Any]]


def columns_of(model: type[BaseModel], rows: Sequence[BaseModel]) -> dict[str, list[Any]]:
    """The values of each field; what is a model itself, a list or a mapping is JSON text."""
    return {name: [_plain(getattr(row, name)) for row in rows] for name in model.model_fields}


def polars_frame(model: type[BaseModel], columns: Columns) -> Any:
    """A polars DataFrame: Decimal, Date, Datetime, Time, Duration, Int64, Float64, Boolean, String."""
    polars = _loaded("polars")
    kinds: dict[object, Any] = {
        str: polars.String, int: polars.Int64, float: polars.Float64, bool: polars.Boolean, dt.date: polars.Date,
        dt.datetime: polars.Datetime("us"), dt.time: polars.Time, dt.timedelta: polars.Duration("us"),
        Decimal: polars.Decimal(38, _scale(columns)),
    }  # fmt: skip
    schema = {
        name: kinds.get(kind_of(info.annotation), polars.String) for name, info in model.model_fields.items()
    }
    texts = {name for name, kind in schema.items() if kind == polars.String}
    return polars.DataFrame(
        {name: _texts(values) if name in texts else values for name, values in columns.items()}, schema=schema
    )


def pandas_frame(model: type[BaseModel], columns: Columns) -> Any:
    """A pandas DataFrame: Int64, Float64, boolean and string with missing values, dates as datetime64, Decimal as objects."""
    pandas = _loaded("pandas")
    kinds: dict[object, str] = {
        str: "string", int: "Int64", float: "Float64", bool: "boolean", dt.date: "datetime64[us]",
        dt.datetime: "datetime64[us]", dt.timedelta: "timedelta64[us]",
    }  # fmt: skip
    out = {}
    for name, info in model.model_fields.items():
        kind = kinds.get(kind_of(info.annotation), "object")
        values = _texts(columns[name]) if kind == "string" else list(columns[name])
        out[name] = pandas.Series(values, dtype="object").astype(kind)
    return pandas.DataFrame(out)


def _loaded(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as missing:
        raise EnvironmentProblem(
            f"{name} is not installed",
            expected="the extra 'dataframes'",
            hint=f"install rpa-runner[dataframes], or {name} itself",
            code="WB_FRAMES",
        ) from missing


def _scale(columns: Columns) -> int:
    """The most digits behind the point that a Decimal among the values has."""
    numbers = (value for values in columns.values() for value in values if isinstance(value, Decimal))
    places = (number.as_tuple().exponent for number in numbers)
    return min(38, max((-place for place in places if isinstance(place, int)), default=2))


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump_json()
    return getattr(value, "value", value)


def _texts(values: Sequence[Any]) -> list[Any]:
    return [value if value is None or isinstance(value, str) else str(value) for value in values]
