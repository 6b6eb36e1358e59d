"""Models that ask for nothing but the types of their fields: rows whose cells have these types are made without asking again.

A validator that has nothing to compare, to strip or to call gives back what it got, and takes two thirds of the time of a row for it.
Whatever a model asks beyond types (a limit, a pattern, a validator, a setting) makes it an ordinary one, which pydantic validates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

from pydantic import BaseModel

M = TypeVar("M", bound=BaseModel)
_LEAVES: Final = frozenset({"str", "decimal", "int", "float", "bool", "date", "datetime", "time"})
_SAYS_NOTHING: Final = frozenset({"metadata", "microseconds_precision", "ref"})
_OF_A_MODEL: Final = frozenset({"type", "cls", "schema", "custom_init", "root_model", "config", "ref", "metadata"})  # fmt: skip


def maker_of(model: type[M]) -> Callable[[Iterator[dict[str, object]]], Iterator[M]] | None:
    """What makes models of complete rows, every field there with a value of its type; None where pydantic has to look at them.

    The models are those that pydantic would give: same values, same fields set.
    """
    if not _is_plain(model):
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


def _is_plain(model: type[BaseModel]) -> bool:
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
        and all(_is_type_alone(field.get("schema") or {}) for field in inner.get("fields", {}).values())
    )


def _is_type_alone(schema: Mapping[str, Any]) -> bool:
    """Whether a field asks for one type, or for nothing."""
    if schema.get("type") == "default":  # only for a field that is not there
        return _is_type_alone(schema["schema"])
    if schema.get("type") == "nullable":
        return schema.keys() - _SAYS_NOTHING == {"type", "schema"} and _is_type_alone(schema["schema"])
    return schema.get("type") in _LEAVES and schema.keys() - _SAYS_NOTHING == {"type"}
