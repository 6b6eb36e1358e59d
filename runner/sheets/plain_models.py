"""Models that ask for the types of their fields and for limits: rows whose cells have these types are made without asking again.

A validator that has nothing to strip or to call gives back what it got, and takes two thirds of the time of a row for it. A limit
(`ge`, `gt`, `le`, `lt`, the length of a text) is held against the least and the greatest of a thousand cells at once.
Whatever else a model asks (a pattern, a validator, a setting) makes it an ordinary one, which pydantic validates.
"""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias, TypeVar

from pydantic import BaseModel

M = TypeVar("M", bound=BaseModel)
_LEAVES: Final = frozenset({"str", "decimal", "int", "float", "bool", "date", "datetime", "time"})
_Compare: TypeAlias = Callable[[Any, Any], bool]
_Outermost: TypeAlias = Callable[[Any], Any]
_BOUNDS: Final[Mapping[str, tuple[_Outermost, _Compare]]] = {
    "gt": (min, operator.gt), "ge": (min, operator.ge), "lt": (max, operator.lt), "le": (max, operator.le)
}  # fmt: skip
_LENGTHS: Final[Mapping[str, tuple[_Outermost, _Compare]]] = {
    "min_length": (min, operator.ge), "max_length": (max, operator.le)
}  # fmt: skip
_BOUND_BY: Final[Mapping[str, tuple[type, ...]]] = {
    "decimal": (int, Decimal), "int": (int,), "float": (float,), "date": (dt.date,)
}  # fmt: skip
_SAYS_NOTHING: Final = frozenset({"metadata", "microseconds_precision", "ref"})
_OF_A_MODEL: Final = frozenset({"type", "cls", "schema", "custom_init", "root_model", "config", "ref", "metadata"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of a field: how its least or greatest value, or length, compares with the bound."""

    is_of_length: bool
    outermost: _Outermost
    compare: _Compare
    bound: Any

    def holds(self, values: Sequence[Any]) -> bool:
        """Whether every one of `values` keeps it; they are all None (an optional field without a column), or none of them is."""
        if values[0] is None:
            return True
        return self.compare(self.outermost(map(len, values) if self.is_of_length else values), self.bound)


def limits_of(model: type[BaseModel]) -> Mapping[str, Sequence[Limit]] | None:
    """The limits of each field that has any; None where the model asks for more than types and limits."""
    if not _has_fields_alone(model):
        return None
    fields = model.__dict__["__pydantic_core_schema__"]["schema"].get("fields", {})
    found = {name: _limits(field.get("schema") or {}) for name, field in fields.items()}
    if any(limits is None for limits in found.values()):
        return None
    return {name: limits for name, limits in found.items() if limits}


def maker_of(model: type[M]) -> Callable[[Iterator[dict[str, object]]], Iterator[M]] | None:
    """What makes models of complete rows, every field there with a value of its type and within its limits.

    The models are those that pydantic would give: same values, same fields set. None where pydantic has to look at them.
    """
    if limits_of(model) is None:
        return None
    names = set(model.model_fields)

    def made(rows: Iterator[dict[str, object]]) -> Iterator[M]:
        new, put, copied = model.__new__, object.__setattr__, names.copy
        for values in rows:
            row = new(model)
            put(row, "__dict__", values)
            put(row, "__pydantic_fields_set__", copied())
            put(row, "__pydantic_extra__", None)
            put(row, "__pydantic_private__", None)
            yield row

    return made


def _has_fields_alone(model: type[BaseModel]) -> bool:
    schema: Mapping[str, Any] = model.__dict__.get("__pydantic_core_schema__") or {}
    inner = schema.get("schema") or {}
    return (
        schema.get("type") == "model"
        and schema.keys() <= _OF_A_MODEL
        and schema.get("cls") is model
        and not schema.get("custom_init")
        and not schema.get("root_model")
        and (schema.get("config") or {}).keys() <= {"title"}
        and model.__new__ is BaseModel.__new__
        and inner.get("type") == "model-fields"
        and inner.keys() <= {"type", "fields", "model_name", "computed_fields"}
    )


def _limits(schema: Mapping[str, Any]) -> Sequence[Limit] | None:
    """The limits of a field that asks for one type, or for nothing; None where it asks for something else."""
    if schema.get("type") == "default":  # only for a field that is not there
        return _limits(schema["schema"])
    if schema.get("type") == "nullable":
        is_known = schema.keys() - _SAYS_NOTHING == {"type", "schema"}
        return _limits(schema["schema"]) if is_known else None
    kind = schema.get("type")
    if kind not in _LEAVES:
        return None
    asked = schema.keys() - _SAYS_NOTHING - {"type"}
    found = [limit for word in asked if (limit := _limit(kind, word, schema[word]))]
    return found if len(found) == len(asked) else None


def _limit(kind: str, word: str, bound: Any) -> Limit | None:
    if kind == "str" and word in _LENGTHS and type(bound) is int:
        return Limit(True, *_LENGTHS[word], bound)
    if word in _BOUNDS and type(bound) in _BOUND_BY.get(kind, ()):
        return Limit(False, *_BOUNDS[word], bound)
    return None
