"""A binding: what makes a bot of a recording. The file `recordings/X.yaml`, its model, how it is read and written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from runner.core.clock import Duration, duration_text
from runner.core.errors import ConfigurationError, ErrorReport, RunnerError, did_you_mean
from runner.core.yaml_text import Document, parse_yaml
from runner.recordings.forms import Kind, fits
from runner.recordings.library import Place, replace_text
from runner.recordings.model import Read, Recording
from runner.recordings.placeholders import forms_in, names_in, secrets_in
from runner.recordings.reading import text_of
from runner.recordings.wording import words_of

FIELD_NAME: Final = re.compile(r"[^\W\d]\w*")


_TYPES: Final[dict[Kind, type]] = {
    Kind.TEXT: str, Kind.WHOLE: int, Kind.NUMBER: Decimal, Kind.DATE: date, Kind.YES_NO: bool,
}  # fmt: skip


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class BoundField(_Record):
    """A placeholder's column in the workbook: its heading, what it holds, and whether a cell may be empty."""

    column: str
    kind: Kind = Kind.TEXT
    optional: bool = False


class Tries(_Record):
    """How often an item is tried again after an application exception, and how long is waited."""

    times: int = Field(3, ge=0, le=100)
    wait: Duration = timedelta(seconds=2)
    longest_wait: Duration = timedelta(seconds=60)


class Binding(_Record):
    """How a recording works as a bot.

    `each_from` is the first step done for each row; those before it sign in, once per session. `irreversible` is the step
    that must not happen twice. `values` are what was typed while recording, by placeholder. `outputs` gives the heading for
    what a step reads; `pictures`: of a recording without any they are taken while its first row is done; `results`: beside the rows of a copy, or of the workbook itself. `already_done` names a recording that only
    looks, and goes through just where the row was entered before.
    """

    fingerprint: str
    title: str = ""
    process: str = ""
    for_each: str | None = None
    sheet: str | None = None
    key: str | None = None
    fields: dict[str, BoundField] = {}
    values: dict[str, str] = {}
    each_from: int = Field(1, ge=1)
    irreversible: int | None = Field(None, ge=1)
    already_done: str | None = None
    outputs: dict[str, str] = {}
    results: Literal["copy", "in place"] = "copy"
    address: str | None = None
    secrets: tuple[str, ...] = ()
    time_limit: Duration | None = None
    pictures: bool = True
    stop_after: int | None = Field(5, ge=1)
    lanes: int = Field(1, ge=1, le=64)
    retry: Tries = Tries()


def item_model(binding: Binding, name: str) -> type[BaseModel]:
    """The model of one row: a field for each placeholder, called by the heading of its column where people see it."""
    fields: dict[str, Any] = {}
    for field, bound in binding.fields.items():
        kind = _TYPES[bound.kind]
        fields[field] = (
            (kind | None, Field(None, title=bound.column))
            if bound.optional
            else (kind, Field(title=bound.column))
        )
    made: type[BaseModel] = create_model(f"{_camel(name)}Row", __config__=ConfigDict(frozen=True), **fields)
    return made


def read_binding(place: Place) -> Binding:
    """The binding of a recording, checked against the recording itself.

    Raises ErrorReport with every mistake, at its line: REC_BINDING, SCHED_YAML; and what reading the recording raises.
    """
    recording = place.read()
    name = f"recordings/{place.name}.yaml"
    document = parse_yaml(text_of(place.binding, name), name)
    if not isinstance(document.value, dict):
        raise ErrorReport(
            [_wrong(document, (), "the file holds no settings", "for_each, key, fields …", "bind it again")]
        )
    try:
        binding = Binding.model_validate(document.value)
    except ValidationError as error:
        raise ErrorReport([_field(document, found) for found in error.errors()]) from error
    errors = list(_check(binding, recording, document))
    if errors:
        raise ErrorReport(errors)
    return binding


def typed_values(place: Place) -> dict[str, str]:
    """What was typed while recording, by placeholder, as far as a binding still tells: also one that fits no more."""
    try:
        name = f"recordings/{place.name}.yaml"
        found = parse_yaml(text_of(place.binding, name), name).value
    except (ErrorReport, ConfigurationError):
        return {}
    values = found.get("values") if isinstance(found, dict) else None
    return {str(key): str(value) for key, value in values.items()} if isinstance(values, dict) else {}


def write_binding(place: Place, binding: Binding, recording: Recording) -> None:
    """Write the binding with a comment at each part, so that it can be edited by hand."""
    replace_text(place.binding, binding_text(binding, recording, place.name))


def binding_text(binding: Binding, recording: Recording, name: str) -> str:
    """The text of a binding file."""
    words = [words_of(step) for step in recording.steps]

    def told(number: int | None) -> str:
        return f"  # {words[number - 1]}" if number else ""

    lines = [
        f"# What makes a bot of recordings/{name}.json. Made by: runner recordings bind {name}. Every key: docs/recordings.md",
        f"fingerprint: {_quoted(binding.fingerprint)}  # of the recording's steps: bind again when they change",
        f"title: {_quoted(binding.title)}",
    ]
    lines += [f"process: {_quoted(binding.process)}"] if binding.process else []
    if binding.for_each is not None:
        lines += [
            f"for_each: {_quoted(binding.for_each)}  # the workbook, in the project; each row is one item",
            *([f"sheet: {_quoted(binding.sheet)}"] if binding.sheet else []),
            f"key: {binding.key}  # tells one row from all others, in this run and in all later ones",
            "fields:  # placeholder: its column, and what it holds (text, whole number, number, date, yes/no)",
            *(f"  {field}: {_flow(bound)}" for field, bound in binding.fields.items()),
            f"each_from: {binding.each_from}{told(binding.each_from)}" + _once(binding.each_from),
        ]
    lines += ["values:  # what was typed while recording; `runner replay` uses it"] if binding.values else []
    lines += [f"  {field}: {_quoted(value)}" for field, value in binding.values.items()]
    if binding.irreversible:
        lines.append(
            f"irreversible: {binding.irreversible}{told(binding.irreversible)}; never repeated on a guess"
        )
    lines += [f"already_done: {_quoted(binding.already_done)}"] if binding.already_done else []
    lines += ["outputs:  # what a step reads: the heading of its column"] if binding.outputs else []
    lines += [f"  {output}: {_quoted(heading)}" for output, heading in binding.outputs.items()]
    if binding.for_each is not None:
        lines.append(
            f'results: "{binding.results}"  # "copy": in NAME.result.xlsx beside it; "in place": in the workbook itself'
        )
    lines += [f"address: {_quoted(binding.address)}"] if binding.address else []
    lines += [f"secrets: {json.dumps(list(binding.secrets))}"] if binding.secrets else []
    lines += [f"time_limit: {duration_text(binding.time_limit)}"] if binding.time_limit else []
    lines += (
        []
        if binding.pictures
        else ["pictures: false  # the first row that goes through does not give the steps pictures"]
    )
    lines += [f"stop_after: {binding.stop_after}  # failures in a row: the site is down, the rest waits"]
    lines += [f"lanes: {binding.lanes}"] if binding.lanes > 1 else []
    lines.append(
        f"retry: {{times: {binding.retry.times}, wait: {duration_text(binding.retry.wait)}, "
        f"longest_wait: {duration_text(binding.retry.longest_wait)}}}"
    )
    return "\n".join(lines) + "\n"


def _check(binding: Binding, recording: Recording, document: Document) -> Iterator[RunnerError]:
    if binding.fingerprint != recording.fingerprint:
        yield _wrong(
            document, ("fingerprint",), "the recording has other steps than when it was bound",
            f"fingerprint {recording.fingerprint}", "bind it again, or correct the step numbers and then this line",
        )  # fmt: skip
    for key in ("each_from", "irreversible"):
        number = getattr(binding, key)
        if number is not None and number > len(recording.steps):
            yield _wrong(document, (key,), f"'{key}' is {number}", f"a step from 1 to {len(recording.steps)}")
    if binding.irreversible is not None and binding.irreversible < binding.each_from:
        yield _wrong(
            document, ("irreversible",), "'irreversible' comes before 'each_from'", "a step done for each row"
        )
    if binding.irreversible is not None and binding.for_each is None:
        yield _wrong(
            document,
            ("irreversible",),
            "'irreversible' without 'for_each'",
            "a workbook whose rows are items",
        )
    yield from _check_names(binding, recording, document)


def _check_names(binding: Binding, recording: Recording, document: Document) -> Iterator[RunnerError]:
    for field in binding.fields:
        if not FIELD_NAME.fullmatch(field):
            yield _wrong(
                document, ("fields", field), f"'{field}' can't be a placeholder", "letters, digits and '_'"
            )
    if binding.for_each is not None and binding.key not in binding.fields:
        seen = f"'key' is '{binding.key}'" if binding.key else "'key' is missing"
        hint = did_you_mean(binding.key or "", binding.fields)
        yield _wrong(
            document, ("key",), seen, f"one of the fields: {', '.join(binding.fields) or 'none'}", hint
        )
    known = binding.fields if binding.for_each is not None else binding.values
    for name in names_in(recording):
        if name not in known:
            yield _wrong(
                document, ("fields",), f"the recording has '{{{{{name}}}}}', which has no column",
                f"an entry for '{name}'", did_you_mean(name, known),
            )  # fmt: skip
    for name, form in forms_in(recording):
        if name in binding.fields and not fits(form, binding.fields[name].kind):
            yield _wrong(
                document, ("fields", name), f"the recording has '{{{{{name}|{form}}}}}', and its column holds: {binding.fields[name].kind}",
                "a form for what the column holds", "choose another: runner recordings bind --form, or on the desk",
            )  # fmt: skip
    yield from _check_outside(binding, recording, document)


def _check_outside(binding: Binding, recording: Recording, document: Document) -> Iterator[RunnerError]:
    for name in secrets_in(recording):
        if name not in binding.secrets:
            yield _wrong(
                document, ("secrets",), f"the recording needs the secret '{name}'", f'secrets: ["{name}"]'
            )
    read = {step.parameters.output for step in recording.steps if isinstance(step, Read)}
    for name in binding.outputs:
        if name not in read:
            yield _wrong(
                document, ("outputs", name), f"no step reads '{name}'", f"one of {', '.join(sorted(read)) or 'none'}",
                did_you_mean(name, read),
            )  # fmt: skip


def _field(document: Document, found: Any) -> RunnerError:
    path = tuple(found["loc"])
    key = ".".join(str(part) for part in path)
    if found["type"] == "extra_forbidden":
        near = did_you_mean(str(path[-1]), Binding.model_fields)
        return _wrong(
            document, path, f"unknown key '{key}'", f"one of {', '.join(Binding.model_fields)}", near
        )
    seen = "is missing" if found["type"] == "missing" else f"is {str(found['input'])[:60]!r}"
    return _wrong(document, path, f"'{key}' {seen}", found["msg"])


def _wrong(
    document: Document, path: tuple[Any, ...], what: str, expected: str, hint: str = ""
) -> ConfigurationError:
    where = document.where(document.key_position(*path))
    return ConfigurationError(
        what, expected=expected, hint=hint or "see docs/recordings.md", where=where, code="REC_BINDING"
    )


def _quoted(text: str | None) -> str:
    return json.dumps(text or "", ensure_ascii=False)


def _flow(bound: BoundField) -> str:
    kind = (
        ""
        if bound.kind is Kind.TEXT
        else f", kind: {bound.kind if bound.kind is not Kind.YES_NO else _quoted(bound.kind)}"
    )
    return f"{{column: {_quoted(bound.column)}{kind}{', optional: true' if bound.optional else ''}}}"


def _once(each_from: int) -> str:
    return "" if each_from == 1 else f"; steps 1 to {each_from - 1} are done once, they sign in"


def _camel(name: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in re.findall(r"[^\W_]+", name)) or "Recorded"
