"""What pydantic found in an entry of schedules.yaml, as one of Runner's errors with its place and a remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from runner.core.errors import ConfigurationError, did_you_mean
from runner.core.schedules_types import Record
from runner.core.schedules_values import is_secret_name
from runner.core.yaml_text import Document, Path

_EXPECTED: Final[Mapping[str, str]] = {
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_type": "text",
    "string_too_short": "text that is not empty",
    "string_pattern_mismatch": "letters, digits, '_', '-' and '.', beginning with a letter or digit",
    "tuple_type": "a list",
    "dict_type": "a mapping of names and values",
    "model_type": "a mapping of keys and values",
}
_OTHER_NAMES: Final = ("params", "timeout", "retries")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the file: its path, what it is called in messages, and the file's own names for renamed keys."""

    path: Path
    subject: str
    written: Mapping[str, str] = field(default_factory=dict)


def in_words(
    detail: ErrorDetails, model: type[Record], document: Document, entry: Entry
) -> ConfigurationError:
    """Return the error for one finding of pydantic in an entry."""
    place, path = _written_path(detail["loc"], entry.written), entry.path
    kind, context = detail["type"], detail.get("ctx", {})
    key = str(place[-1]) if place and isinstance(place[-1], str) else str(place[0]) if place else ""
    is_unknown = kind == "extra_forbidden"
    at = document.key_position(*path, *place) if is_unknown else document.position(*path, *place)
    code, expected, hint = "SCHED_VALUE", "", "correct the value"
    if kind.startswith("SCHED_"):
        code, expected, hint = kind, context["expected"], context["hint"]
        says_its_name = not key or code == "SCHED_TZ"
        what = context["what"] if says_its_name else f"'{key}' {context['what']}"
    elif is_unknown:
        known = _known_keys(model, detail["loc"][:-1])
        code, expected = "SCHED_UNKNOWN_KEY", "one of " + ", ".join(known)
        what = f"unknown key '{key}'"
        hint = did_you_mean(key, known) or "remove it"
    elif kind == "missing":
        code, what, expected, hint = (
            "SCHED_MISSING_KEY",
            f"'{key}' is missing",
            f"a value for '{key}'",
            "add it",
        )
    else:
        what = f"'{key}' is {_shown(key, detail['input'])}"
        expected = _expected(kind, context, detail["msg"])
        if kind == "enum":
            known_words = re.findall(r"\w+", str(context.get("expected", "")))
            hint = did_you_mean(str(detail["input"]), known_words) or hint
    return ConfigurationError(
        f"{entry.subject}, line {at.line}: {what}",
        expected=expected,
        hint=hint,
        where=document.where(at),
        code=code,
    )


def _written_path(location: tuple[int | str, ...], written: Mapping[str, str]) -> Path:
    """Translate a place in the model to the place in the file, where a key may have another name."""
    if not location or location[0] not in written:
        return location
    name = written[str(location[0])]
    return (name,) if name == "retries" else (name, *location[1:])


def _known_keys(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    inner: Any = model
    for part in location:
        field = inner.model_fields.get(part) if isinstance(part, str) else None
        inner = (_record_in(field.annotation) if field is not None else None) or inner
    names = list(inner.model_fields)
    others = _OTHER_NAMES if "time_limit" in names else ()
    return [*names, *others, *(("calendar",) if "calendars" in names else ())]


def _record_in(annotation: Any) -> type[BaseModel] | None:
    """Return the record that a field holds, alone or beside None."""
    if isinstance(annotation, type):
        return annotation if issubclass(annotation, BaseModel) else None
    return next((found for part in get_args(annotation) if (found := _record_in(part)) is not None), None)


def _expected(kind: str, context: Mapping[str, Any], message: str) -> str:
    for word, sign in (("gt", ">"), ("ge", ">="), ("lt", "<"), ("le", "<=")):
        if word in context:
            return f"must be {sign} {context[word]}"
    if kind == "enum":
        return "one of " + ", ".join(re.findall(r"'([^']*)'", str(context.get("expected", ""))))
    return _EXPECTED.get(kind, message)


def _shown(key: str, value: object) -> str:
    """Show a value as it stands in the file, short, and never one that may be a secret."""
    if is_secret_name(key):
        return "not shown"
    if value is None:
        return "empty"
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = f"{value}"[:60]
    return f"'{text}'" if isinstance(value, str) else text
