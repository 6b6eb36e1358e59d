"""What is wrong with a request, all of it at once: pydantic's findings in the words of Runner's errors."""

from __future__ import annotations

import difflib
import json
import math
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, StringConstraints

from runner.core.errors import ErrorReport, RunnerError, UsageError, did_you_mean
from runner.core.schedules_values import is_secret_name

if (
    TYPE_CHECKING
):  # trigger URLs need this file too, and not the package, which is loaded when a program first calls
    from ninja.errors import ValidationErrorContext

DEEPEST: Final = 50  # levels of JSON inside each other
_LIMIT: Final = "a number from 1 to 500"
_EXPECTED: Final[Mapping[str, str]] = {
    "missing": "a value",
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "list_type": "a list",
    "timezone_aware": "a time with its zone, such as 2026-11-24T10:00:00Z",
    "datetime_type": "a time such as 2026-11-24T10:00:00Z",
    "datetime_parsing": "a time such as 2026-11-24T10:00:00Z",
    "datetime_from_date_parsing": "a time such as 2026-11-24T10:00:00Z",
    "datetime_object_invalid": "a time such as 2026-11-24T10:00:00Z",
}


def _storable(text: str) -> str:
    """A text that every store takes. Raises ValueError for a null byte and for half of a surrogate pair."""
    if "\x00" in text:
        raise ValueError("it holds a null byte; expected text without one")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("it holds half a sign (a lone surrogate); expected text in Unicode") from None
    return text


def _storable_values(value: Any) -> Any:
    """JSON that every store takes, all the way down: its texts, its names, its numbers, and not too deep."""
    left: list[tuple[Any, int]] = [(value, 0)]
    while left:
        one, depth = left.pop()
        if depth > DEEPEST:
            raise ValueError(f"it is nested more than {DEEPEST} levels deep")
        if isinstance(one, str):
            _storable(one)
        elif isinstance(one, float) and not math.isfinite(one):
            raise ValueError("it holds a number that is too large for JSON")
        elif isinstance(one, Mapping):
            left += [(name, depth) for name in one]
            left += [(inner, depth + 1) for inner in one.values()]
        elif isinstance(one, list):
            left += [(inner, depth + 1) for inner in one]
    return value


def _near(at: datetime) -> datetime:
    """An instant in UTC that every calendar can count with."""
    if not 1970 <= at.year <= 9000:
        raise ValueError("expected a year from 1970 to 9000")
    return at.astimezone(UTC)


Text = Annotated[str, AfterValidator(_storable)]
Note = Annotated[str, StringConstraints(max_length=4000), AfterValidator(_storable)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_storable)]
Values = Annotated[dict[str, Any], AfterValidator(_storable_values)]
Moment = Annotated[AwareDatetime, AfterValidator(_near)]


class Said(BaseModel):
    """The body of a request; a field that is not known is an error, as it is mostly a typing error."""

    model_config = ConfigDict(extra="forbid")


def parsed(body: bytes) -> Any:
    """The JSON of a body. Raises UsageError (API_JSON) that says where it ends to be JSON."""
    try:
        return json.loads(body, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        shown = f"line {error.lineno}, column {error.colno}"
        what = f"the body is not JSON: {error.msg} at position {error.pos} ({shown})"
    except UnicodeDecodeError as error:
        what = f"the body is not JSON: no UTF-8 at position {error.start}"
    except RecursionError:
        what = "the body is not JSON that can be read: it is nested too deep"
    except ValueError as error:
        what = f"the body is not JSON: {error}"
    raise UsageError(what, expected="one JSON object", hint="correct it", where="body", code="API_JSON")


def report_of(contexts: Sequence[ValidationErrorContext[Any]]) -> ErrorReport:
    """Everything that is wrong with a request, in the order of its parts."""
    return ErrorReport([error for context in contexts for error in _errors(context)])


def unknown_names(given: Iterable[str], known: Sequence[str]) -> list[RunnerError]:
    """An error for each name in the query that the operation does not know."""
    return [_unknown(name, name, known) for name in given if name not in known]


def _errors(context: ValidationErrorContext[Any]) -> Iterator[RunnerError]:
    model: Any = context.model
    source = model.__ninja_param_source__
    names = model.__ninja_flatten_map_reverse__
    for found in context.pydantic_validation_error.errors(include_url=False):
        place = tuple(names.get(found["loc"], found["loc"]))
        path = place[1:] if source == "body" else place
        yield _error(found, ".".join(str(part) for part in path) or "body", model, place)


def _error(found: Any, where: str, model: type[BaseModel], place: tuple[Any, ...]) -> RunnerError:
    name = where.rpartition(".")[2]
    kind = found["type"]
    if kind == "extra_forbidden":
        return _unknown(name, where, _fields_at(model, place[:-1]))
    code, hint = "API_SCHEMA", "correct the value"
    if name in {"limit", "cursor"}:
        code, hint = "API_PAGE", "leave it out for 100 rows"
    if kind == "missing":
        return UsageError(f"'{where}' is missing", expected="a value", hint="add it", where=where, code=code)
    shown = "not shown" if is_secret_name(name) else _shown(found["input"])
    expected = _LIMIT if name == "limit" else _EXPECTED.get(kind, "") or _worded(found)
    return UsageError(f"'{where}' is {shown}", expected=expected, hint=hint, where=where, code=code)


def _unknown(name: str, where: str, known: Sequence[str]) -> UsageError:
    return UsageError(
        f"there is no field '{name}'",
        expected=did_you_mean(name, known) or f"one of {', '.join(sorted(known)) or 'none'}",
        hint="correct its name, or leave it out",
        where=where,
        code="API_SCHEMA",
    )


def _worded(found: Mapping[str, Any]) -> str:
    text = str(found["msg"]).removeprefix("Value error, ")
    given = found["input"]
    if found["type"] in {"literal_error", "enum"} and isinstance(given, str):
        choices = (
            str(found.get("ctx", {}).get("expected", "")).replace("'", "").replace(" or ", ", ").split(", ")
        )
        near = difflib.get_close_matches(given, choices, n=1)
        return f"one of {', '.join(choices)}{f': did you mean {near[0]}?' if near else ''}"
    return text[:1].lower() + text[1:]


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return ascii(value)[:80] if value is not None else "null"


def _fields_at(model: type[BaseModel], place: tuple[Any, ...]) -> list[str]:
    """The names of the fields at a place inside a model."""
    found: Any = model
    for part in place:
        if isinstance(part, str) and hasattr(found, "model_fields") and part in found.model_fields:
            found = _inner(found.model_fields[part].annotation)
    return list(found.model_fields) if hasattr(found, "model_fields") else []


def _inner(annotation: Any) -> Any:
    """The model inside ``X | None``, ``list[X]`` and the like."""
    if typing.get_origin(annotation) in {typing.Union, types.UnionType, list, Annotated}:
        parts = [_inner(part) for part in typing.get_args(annotation)]
        return next((part for part in parts if hasattr(part, "model_fields")), None)
    return annotation


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")
