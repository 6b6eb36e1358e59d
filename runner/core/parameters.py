"""Values that somebody filled in for a bot, checked against its JSON Schema, with one error for each field."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model

from runner.core.errors import ErrorReport, RunnerError, UsageError, did_you_mean
from runner.core.schedules_values import check_parameters, is_reference, is_secret_name

_FORMATS: Final[Mapping[str, Any]] = {
    "date": date,
    "date-time": datetime,
    "time": time,
    "duration": timedelta,
    "uuid": UUID,
}
_LIMITS: Final[Mapping[str, str]] = {
    "minimum": "ge", "maximum": "le", "exclusiveMinimum": "gt", "exclusiveMaximum": "lt", "multipleOf": "multiple_of",
    "minLength": "min_length", "maxLength": "max_length", "pattern": "pattern", "minItems": "min_length",
    "maxItems": "max_length",
}  # fmt: skip
_LENIENT: Final = ConfigDict(coerce_numbers_to_str=True)


def check_values(schema: Mapping[str, Any], values: Mapping[str, Any], bot: str) -> dict[str, Any]:
    """`values` (JSON values, or texts as a form sends them) as JSON values of the types that `schema` asks for.

    What is left out keeps the bot's default; an empty text counts as left out where text is not what is wanted. Secret
    references and date templates pass as they are. The bot's own model has the last word when the run starts.
    Raises ErrorReport with one UsageError per field: its `where` is ``parameters.NAME``, its code PARAM_UNKNOWN,
    PARAM_MISSING, PARAM_VALUE, or that of a path or a secret that schedules.yaml would not take either.
    """
    fields: Mapping[str, Any] = schema.get("properties", {})
    definitions: Mapping[str, Any] = schema.get("$defs", {})
    errors: list[RunnerError] = []
    valid: dict[str, Any] = {}
    for path, wrong in check_parameters(values, "parameters", None):
        where = ".".join(str(part) for part in path)
        errors.append(
            UsageError(
                wrong.what, expected=wrong.expected, hint=wrong.hint, where=where, code=wrong.stable_code
            )
        )
    refused = {error.where.split(".")[1] for error in errors}
    for name, value in values.items():
        if name not in fields:
            errors.append(_unknown(name, fields, bot))
        elif name not in refused and not _is_left_out(value, fields[name]):
            try:
                valid[name] = _valid(value, fields[name], definitions)
            except ValidationError as error:
                errors.append(_wrong(name, value, error))
    missing = [name for name in schema.get("required", ()) if name not in valid]
    named = {error.where.split(".")[1] for error in errors}
    errors += [_missing(name, fields.get(name, {}), bot) for name in missing if name not in named]
    if errors:
        order = {name: number for number, name in enumerate(fields)}
        raise ErrorReport(sorted(errors, key=lambda error: order.get(error.where.split(".")[1], len(order))))
    return valid


def model_of(schema: Mapping[str, Any], name: str) -> type[BaseModel]:
    """A model that checks what a JSON Schema says of an object's fields: types, choices, limits.

    For where the model itself, which is a bot's code, is not at hand; that one has the last word. Further fields are refused.
    """
    definitions: Mapping[str, Any] = schema.get("$defs", {})
    required = set(schema.get("required", ()))
    fields: dict[str, Any] = {}
    for field, rules in schema.get("properties", {}).items():
        made = _type_of(rules, definitions)
        is_needed = field in required
        told = {"title": rules.get("title"), "description": rules.get("description")}
        fields[field] = (
            made if is_needed else made | None,
            Field(... if is_needed else rules.get("default"), **told),
        )
    return create_model(name, __config__=ConfigDict(coerce_numbers_to_str=True, extra="forbid"), **fields)


def _valid(value: Any, field: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
    if isinstance(value, str) and ("{{" in value or is_reference(value)):
        return value
    adapter: TypeAdapter[Any] = TypeAdapter(_type_of(field, definitions), config=_LENIENT)
    found = (
        adapter.validate_json(value)
        if _is_json_text(value, field, definitions)
        else adapter.validate_python(value)
    )
    return adapter.dump_python(found, mode="json")


def _type_of(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
    """The Python type of a field; anything for a shape that only the bot's own model can check."""
    field = _resolved(field, definitions)
    options = field.get("anyOf")
    if options:
        return _one_of(options, definitions)
    if "enum" in field or "const" in field:
        return Literal[tuple(field.get("enum") or [field["const"]])]
    kind: Any = field.get("type")
    plain = {"string": str, "integer": int, "number": float, "boolean": bool, "null": None}
    if kind == "array":
        made: Any = list[_type_of(field.get("items", {}), definitions)]  # type: ignore[misc]
    elif kind == "object":
        return dict[str, Any]
    elif kind in plain:
        made = _FORMATS.get(field.get("format", ""), plain[kind]) if kind == "string" else plain[kind]
    else:
        return Any
    fitting = {ours: field[theirs] for theirs, ours in _LIMITS.items() if theirs in field}
    return Annotated[made, Field(**fitting)] if fitting else made


def _one_of(options: list[Mapping[str, Any]], definitions: Mapping[str, Any]) -> Any:
    kinds = {option.get("type") for option in options}
    if {"number", "string"} <= kinds:
        number = next(option for option in options if option.get("type") == "number")
        fitting = {ours: number[theirs] for theirs, ours in _LIMITS.items() if theirs in number}
        made: Any = (
            Annotated[Decimal, Field(**fitting)] if fitting else Decimal
        )  # how pydantic describes a Decimal
        rest = [option for option in options if option.get("type") not in {"number", "string"}]
    else:
        made, rest = _type_of(options[0], definitions), options[1:]
    for option in rest:
        made = made | _type_of(option, definitions) if option.get("type") != "null" else made | None
    return made


def _resolved(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    name = str(field.get("$ref", "")).removeprefix("#/$defs/")
    return {**definitions[name], **field} if name in definitions else field


def _kinds(field: Mapping[str, Any]) -> set[Any]:
    return {option.get("type") for option in (field, *field.get("anyOf", ()))}


def _is_left_out(value: Any, field: Mapping[str, Any]) -> bool:
    is_empty = isinstance(value, str) and not value.strip()
    return is_empty and ("string" not in _kinds(field) or "null" in _kinds(field) or "format" in field)


def _is_json_text(value: Any, field: Mapping[str, Any], definitions: Mapping[str, Any]) -> bool:
    kinds = _kinds(_resolved(field, definitions))
    return isinstance(value, str) and bool(kinds & {"array", "object"}) and "string" not in kinds


def _unknown(name: str, fields: Mapping[str, Any], bot: str) -> UsageError:
    return UsageError(
        f"bot '{bot}' has no parameter '{name}'",
        expected=f"its parameters are: {', '.join(fields) or 'none'}",
        hint=did_you_mean(name, fields) or "remove it",
        where=f"parameters.{name}",
        code="PARAM_UNKNOWN",
    )


def _missing(name: str, field: Mapping[str, Any], bot: str) -> UsageError:
    return UsageError(
        f"parameter '{name}' is missing",
        expected=str(field.get("description") or f"bot '{bot}' needs it"),
        hint="fill it in",
        where=f"parameters.{name}",
        code="PARAM_MISSING",
    )


def _wrong(name: str, value: Any, error: ValidationError) -> UsageError:
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"] if isinstance(part, int))
    shown = "not shown" if is_secret_name(name) else repr(value)[:80]
    return UsageError(
        f"parameter '{name}' is {shown}",
        expected=str(first["msg"]),
        hint="correct the value",
        where=f"parameters.{name}{'.' if place else ''}{place}",
        code="PARAM_VALUE",
    )
