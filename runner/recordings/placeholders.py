"""Placeholders in what a recording types: ``{{order_no}}``, ``{{amount|0.00}}``, ``{{due|%d.%m.%Y}}``; and ``${secret:NAME}``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from runner.core.errors import ConfigurationError, did_you_mean
from runner.recordings.forms import written
from runner.recordings.model import Recording, Step

SECRET: Final = re.compile(r"\$\{secret:([^{}\s]+)\}")
PLACEHOLDER: Final = re.compile(r"\{\{\s*([^\W\d]\w*)\s*(?:\|\s*([^{}|]*?)\s*)?\}\}")

M = TypeVar("M", bound=BaseModel)


def names_in(recording: Recording) -> list[str]:
    """The placeholders of a recording, each once, in the order of its steps."""
    return list(dict.fromkeys(name for text in _texts_of(recording.steps) for name in _names(text)))


def forms_in(recording: Recording) -> list[tuple[str, str]]:
    """The placeholders of a recording that have a form, each with it, once."""
    every = (found for text in _texts_of(recording.steps) for found in PLACEHOLDER.finditer(text))
    return list(dict.fromkeys((found[1], found[2]) for found in every if found[2]))


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
    a form that does not fit the value.
    """
    filled = PLACEHOLDER.sub(lambda found: _written(found[1], found[2] or "", _value(found[1], values)), text)
    return SECRET.sub(lambda found: secret(found[1]), filled) if secret else filled


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


def _written(name: str, form: str, value: object) -> str:
    text = written(value, form)
    if text is None:
        raise ConfigurationError(
            f"'{{{{{name}|{form}}}}}' can't be written for {value!r}",
            expected="a number with a form such as 0.00, or a date with one such as %d.%m.%Y",
            hint="choose another form: runner recordings bind --form, or on the desk",
            code="REC_PLACEHOLDER",
        )
    return text
