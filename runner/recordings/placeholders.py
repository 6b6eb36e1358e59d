"""Placeholders in what a recording types: ``{{order_no}}``, ``{{amount|0.00}}``, ``{{due|%d.%m.%Y}}``; and ``${secret:NAME}``."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from runner.core.errors import ConfigurationError, did_you_mean
from runner.recordings.model import Recording, Step

SECRET: Final = re.compile(r"\$\{secret:([^{}\s]+)\}")
PLACEHOLDER: Final = re.compile(r"\{\{\s*([^\W\d]\w*)\s*(?:\|([^{}|]*))?\}\}")
_NUMBER_FORMAT: Final = re.compile(r"(#([.,' ])##)?0(?:([.,])(0+))?")

M = TypeVar("M", bound=BaseModel)


def names_in(recording: Recording) -> list[str]:
    """The placeholders of a recording, each once, in the order of its steps."""
    return list(dict.fromkeys(name for text in _texts_of(recording.steps) for name in _names(text)))


def secrets_in(recording: Recording) -> list[str]:
    """The secrets that a recording refers to, each once."""
    return list(dict.fromkeys(name for text in _texts_of(recording.steps) for name in SECRET.findall(text)))


def secrets_of_step(step: Step) -> list[str]:
    """The secrets that one step refers to, each once."""
    return list(dict.fromkeys(name for text in _texts_of([step]) for name in SECRET.findall(text)))


def holds_placeholder(step: Step) -> bool:
    """Whether a step types, opens or expects what a placeholder stands for."""
    return any(PLACEHOLDER.search(text) for text in _texts_of([step]))


def fill(text: str, values: Mapping[str, object], secret: Callable[[str], str] | None = None) -> str:
    """`text` with each placeholder replaced by its value, and each secret where `secret` gives it.

    None and a blank become an empty text. Raises ConfigurationError (REC_PLACEHOLDER) for a name without a value and for
    a format that does not fit the value.
    """
    filled = PLACEHOLDER.sub(lambda found: written(_value(found[1], values), found[2] or "", found[1]), text)
    return SECRET.sub(lambda found: secret(found[1]), filled) if secret else filled


def written(value: object, form: str = "", name: str = "") -> str:  # noqa: PLR0911 - a table of cases
    """A value as it is typed into a page.

    Without a format: dates as 2026-12-01, numbers without grouping, yes/no as true/false. A format is that of `strftime`
    for dates, and ``0``, ``0.00``, ``0,00``, ``#,##0.00`` for numbers.
    """
    if value is None:
        return ""
    if isinstance(value, dt.date | dt.time) and form:
        return value.strftime(form)
    if isinstance(value, dt.datetime) and value.time() == dt.time(0):
        return value.date().isoformat()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    if form:
        return _number(value, form, name)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def with_values(step: Step, put: Callable[[str], str]) -> Step:
    """The step with `put` applied to every text in which a placeholder can stand."""
    plain = step.model_dump(by_alias=True, exclude_unset=True)
    for holder, name in _places(plain):
        holder[name] = (
            [put(one) for one in holder[name]] if isinstance(holder[name], list) else put(holder[name])
        )
    return type(step).model_validate(plain)


def _texts_of(steps: list[Any]) -> Iterator[str]:
    for step in steps:
        for holder, name in _places(step.model_dump(by_alias=True)):
            yield from holder[name] if isinstance(holder[name], list) else [holder[name]]


def _places(plain: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Where texts with placeholders can stand: values, addresses, files, the names in selectors are left alone."""
    for holder in (plain, plain.get("parameters")):
        if isinstance(holder, dict):
            for name in ("value", "url", "files", "text"):
                if isinstance(holder.get(name), str | list):
                    yield holder, name


def _names(text: str) -> list[str]:
    return [found[1] for found in PLACEHOLDER.finditer(text)]


def _value(name: str, values: Mapping[str, object]) -> object:
    if name not in values:
        raise ConfigurationError(
            f"there is no value for '{{{{{name}}}}}'",
            expected=f"one of {', '.join(values) or 'none'}",
            hint=did_you_mean(name, values) or f"give it: --set {name}=VALUE",
            code="REC_PLACEHOLDER",
        )
    return values[name]


def _number(value: object, form: str, name: str) -> str:
    found = _NUMBER_FORMAT.fullmatch(form)
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        found = None
    if found is None or not number.is_finite():
        raise ConfigurationError(
            f"'{{{{{name}|{form}}}}}' can't be written for {value!r}",
            expected="a number with a format such as 0.00, or a date with one such as %d.%m.%Y",
            hint="correct the format in the recording",
            code="REC_PLACEHOLDER",
        )
    digits = len(found[4] or "")
    text = f"{number:,.{digits}f}" if found[1] else f"{number:.{digits}f}"
    whole, _, rest = text.partition(".")
    return whole.replace(",", found[2] or "") + (f"{found[3]}{rest}" if rest else "")
