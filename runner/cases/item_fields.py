"""The fields of an item as its queue's model describes them (JSON Schema): their kinds, choices, and what does not fit."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from runner.core.errors import UsageError, did_you_mean

_PLAIN: Final = {"string": "text", "integer": "integer", "number": "number", "boolean": "boolean"}
_TRUE: Final = frozenset({"true", "yes", "1", "x", "是", "真", "wahr"})
_FALSE: Final = frozenset({"false", "no", "0", "否", "假", "falsch"})


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """One field. `kind`: text, integer, number, decimal, boolean, date, datetime, choice or json (lists, nested values)."""

    name: str
    title: str
    kind: str
    choices: tuple[str, ...] = ()
    is_required: bool = False
    may_be_empty: bool = False
    description: str = ""
    rules: Mapping[str, Any] = field(default_factory=dict)

    def read(self, cell: Any) -> Any:
        """A cell, or a text that somebody typed, as the JSON value that the model takes.

        Raises UsageError (ITEM_DATA) with the value seen and what was expected; `where` is the field's name.
        """
        if cell is None or (isinstance(cell, str) and not cell.strip()):
            return self._empty(cell)
        value = _READ[self.kind](self, cell)
        self._check(value)
        return value

    def _empty(self, cell: Any) -> Any:
        if self.may_be_empty:
            return None
        if self.kind == "text" and not self.rules.get("minLength") and not self.is_required:
            return "" if cell is None else str(cell)
        if not self.is_required:
            return self.rules.get("default")
        raise self.wrong("it is empty", "a value")

    def _check(self, value: Any) -> None:
        """The rules of JSON Schema that a form can tell of; the model itself has the last word."""
        rules = self.rules
        if self.choices and str(value) not in self.choices:
            raise self.wrong(
                f"the value is '{value}'",
                did_you_mean(str(value), self.choices) or f"one of {', '.join(self.choices)}",
            )
        if isinstance(value, str) and self.kind == "text":
            if len(value) < rules.get("minLength", 0):
                raise self.wrong(f"'{value}' is too short", f"at least {rules['minLength']} characters")
            if len(value) > rules.get("maxLength", 1 << 30):
                raise self.wrong(f"'{value[:40]}…' is too long", f"at most {rules['maxLength']} characters")
            if "pattern" in rules and not _matches(rules["pattern"], value):
                raise self.wrong(f"the value is '{value}'", f"the form {rules['pattern']}")
        if self.kind in {"integer", "number", "decimal"}:
            self._check_limits(Decimal(str(value)))

    def _check_limits(self, number: Decimal) -> None:
        limits = {
            "minimum": (number.__ge__, "at least"),
            "maximum": (number.__le__, "at most"),
            "exclusiveMinimum": (number.__gt__, "more than"),
            "exclusiveMaximum": (number.__lt__, "less than"),
        }
        for name, (holds, words) in limits.items():
            if name in self.rules and not holds(Decimal(str(self.rules[name]))):
                raise self.wrong(f"the value is {number}", f"{words} {self.rules[name]}")

    def wrong(self, what: str, expected: str) -> UsageError:
        """The refusal of a value of this field."""
        return UsageError(
            what, expected=expected, hint="correct the value", where=self.name, code="ITEM_DATA"
        )


def fields_of(schema: Mapping[str, Any]) -> tuple[FieldFacts, ...]:
    """The fields of a queue's model, in its order; empty where the model says nothing."""
    required = set(schema.get("required") or ())
    kinds = schema.get("$defs") or {}
    return tuple(
        _facts(name, rules, kinds, name in required)
        for name, rules in (schema.get("properties") or {}).items()
    )


def same_value(one: Any, other: Any, kind: str = "text") -> bool:
    """Whether two JSON values of a field say the same: as numbers 12.50 is 12.5 (as texts it is not); nothing is ``""``."""
    if _is_nothing(one) or _is_nothing(other):
        return _is_nothing(one) and _is_nothing(other)
    if isinstance(one, bool) or isinstance(other, bool) or kind not in {"integer", "number", "decimal"}:
        return type(one) is type(other) and bool(one == other)
    try:
        return Decimal(str(one)) == Decimal(str(other))
    except InvalidOperation:
        return bool(one == other)


def _is_nothing(value: Any) -> bool:
    return value is None or value == ""


def _facts(name: str, rules: Mapping[str, Any], kinds: Mapping[str, Any], is_required: bool) -> FieldFacts:
    options, empty = _options(rules, kinds)
    merged: dict[str, Any] = {
        key: value for key, value in rules.items() if key not in {"anyOf", "$ref", "allOf"}
    }
    for option in reversed(options):
        merged = {
            **merged,
            **option,
            **{k: merged[k] for k in ("title", "default", "description") if k in merged},
        }
    choices = tuple(
        str(one) for one in merged.get("enum") or ([merged["const"]] if "const" in merged else [])
    )
    return FieldFacts(
        name=name,
        title=str(rules.get("title") or name),
        kind="choice" if choices else _kind(options),
        choices=choices,
        is_required=is_required,
        may_be_empty=empty,
        description=str(rules.get("description") or ""),
        rules=merged,
    )


def _options(rules: Mapping[str, Any], kinds: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], bool]:
    """What the value may be, references followed; and whether nothing is allowed too."""
    found: list[Mapping[str, Any]] = []
    empty = False
    for option in rules.get("anyOf") or rules.get("oneOf") or rules.get("allOf") or [rules]:
        while "$ref" in option:
            option = kinds.get(str(option["$ref"]).rpartition("/")[2], {})  # noqa: PLW2901 - the same option, followed
        if option.get("type") == "null":
            empty = True
        else:
            found.append(option)
    return found or [{}], empty


def _kind(options: list[Mapping[str, Any]]) -> str:
    types = {str(option.get("type")) for option in options}
    if types == {"number", "string"}:
        return "decimal"  # how pydantic describes one
    if len(types) > 1:
        return "json" if types & {"array", "object"} else "text"
    form = options[0].get("format")
    if types == {"string"} and form in {"date", "date-time"}:
        return "date" if form == "date" else "datetime"
    return _PLAIN.get(next(iter(types)), "text" if "None" in types else "json")


def _text(_one: FieldFacts, cell: Any) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def _number(one: FieldFacts, cell: Any) -> Decimal:
    if isinstance(cell, bool):
        raise one.wrong(f"the value is '{cell}'", "a number")
    try:
        found = Decimal(str(cell).strip())
    except InvalidOperation:
        raise one.wrong(f"the value is '{cell}'", "a number, as in 12.50") from None
    if not found.is_finite():
        raise one.wrong(f"the value is '{cell}'", "a number, as in 12.50")
    return found


def _integer(one: FieldFacts, cell: Any) -> int:
    number = _number(one, cell)
    if number != number.to_integral_value():
        raise one.wrong(f"the value is '{cell}'", "a whole number")
    return int(number)


def _decimal(one: FieldFacts, cell: Any) -> str:
    number = _number(one, cell)
    return format(number.normalize(), "f") if isinstance(cell, float) else str(cell).strip()


def _boolean(one: FieldFacts, cell: Any) -> bool:
    if isinstance(cell, bool):
        return cell
    word = _text(one, cell).strip().casefold()
    if word in _TRUE | _FALSE:
        return word in _TRUE
    raise one.wrong(f"the value is '{cell}'", "TRUE or FALSE")


def _date(one: FieldFacts, cell: Any) -> str:
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat()
    if isinstance(cell, dt.date):
        return cell.isoformat()
    try:
        return dt.date.fromisoformat(str(cell).strip()[:10]).isoformat()
    except ValueError:
        raise one.wrong(f"the value is '{cell}'", "a date, as in 2026-11-24") from None


def _datetime(one: FieldFacts, cell: Any) -> str:
    if isinstance(cell, dt.datetime):
        return cell.isoformat()
    if isinstance(cell, dt.date):
        return dt.datetime.combine(cell, dt.time()).isoformat()
    try:
        return dt.datetime.fromisoformat(str(cell).strip()).isoformat()
    except ValueError:
        raise one.wrong(f"the value is '{cell}'", "a date and time, as in 2026-11-24 08:00") from None


def _json(one: FieldFacts, cell: Any) -> Any:
    try:
        return json.loads(cell) if isinstance(cell, str) else cell
    except ValueError:
        raise one.wrong(f"the value is '{cell}'", 'JSON, as in ["a", "b"]') from None


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.search(pattern, value) is not None
    except re.error:  # a pattern of another dialect: the model judges
        return True


_READ: Final[Mapping[str, Any]] = {
    "text": _text,
    "choice": _text,
    "integer": _integer,
    "number": lambda one, cell: float(_number(one, cell)),
    "decimal": _decimal,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "json": _json,
}
