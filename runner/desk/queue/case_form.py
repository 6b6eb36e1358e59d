"""The form for an item's data, made of the JSON Schema of its queue's model; what comes back keeps the types of JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

from django.utils.translation import gettext as _

from runner.core.errors import ErrorReport, RunnerError
from runner.desk.errors.field_words import expectation
from runner.desk.errors.telling import lines_of
from runner.desk.outside import place
from runner.store.models import Item

PREFIX: Final = "data."
_LONG: Final = 90  # characters from which on a text gets a field of several lines
_ISO_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class Entry:
    """One field: `kind` is text, long, number, date, choice or json; `shown` its value as text.

    `fixed`: the key, which stays. `was` is the value as first put, where that was another one.
    """

    name: str
    title: str
    kind: str
    value: Any
    shown: str
    choices: Sequence[str] = ()
    required: bool = False
    nullable: bool = False
    fixed: bool = False
    hint: str = ""
    was: str = ""
    error: str = ""

    @property
    def input_name(self) -> str:
        """Its name in the form."""
        return f"{PREFIX}{self.name}"


@dataclass(frozen=True, slots=True)
class DataForm:
    """The fields of an item, and what is wrong that belongs to none of them."""

    entries: Sequence[Entry]
    errors: Sequence[str] = ()

    @property
    def can_be_changed(self) -> bool:
        """Whether there is anything in it beside the key."""
        return any(not one.fixed for one in self.entries)

    @property
    def is_refused(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.errors) or any(one.error for one in self.entries)


@dataclass(frozen=True, slots=True)
class Sent:
    """What somebody sent: the whole data, whether anything of it is new, and the form to show again if it is refused."""

    data: dict[str, Any]
    changed: bool
    form: DataForm = field(repr=False)


def form_of(item: Item, error: Mapping[str, Any] | None = None) -> DataForm:
    """The form for an item as it is; the field that the failure names carries its message."""
    schema: Mapping[str, Any] = item.queue.fields or {}
    properties: Mapping[str, Any] = schema.get("properties", {})
    names = list(dict.fromkeys([*properties, *item.data]))
    entries = [_entry(item, name, schema, properties.get(name, {})) for name in names]
    return DataForm(_with_failure(entries, error or {}))


def read_form(item: Item, posted: Mapping[str, str]) -> Sent:
    """What came back for an item. A text that is as it was shown keeps the value that it was shown for."""
    form = form_of(item)
    data, entries = dict(item.data), []
    for one in form.entries:
        text = posted.get(one.input_name, one.shown)
        if one.fixed or _same(text, one.shown):
            entries.append(one)
            continue
        try:
            value = _value(one, text)
        except ValueError:
            entries.append(
                replace(
                    one, shown=text, error=_("This can't be read: JSON is expected here, as it was shown.")
                )
            )
            continue
        entries.append(replace(one, shown=text))
        if value is _LEFT_OUT:
            data.pop(one.name, None)
        else:
            data[one.name] = value
    return Sent(data, data != item.data, DataForm(entries))


def validated(item: Item, sent: Sent) -> tuple[dict[str, Any], DataForm]:
    """The data as the queue's model sees it, asked of the bot's own code; and the form with an error at each field."""
    if sent.form.is_refused:
        return sent.data, sent.form
    try:
        valid = place().outside.validate_item(item.queue.bot_file, item.queue_id, sent.data)
    except ErrorReport as report:
        return sent.data, refused(sent.form, report.errors)
    return valid, sent.form


def refused(form: DataForm, errors: Sequence[RunnerError]) -> DataForm:
    """The form with these errors at their fields; those of no field above them."""
    entries, loose = {one.name: one for one in form.entries}, []
    for error in errors:
        name, _dot, inside = error.where.partition(".")
        if name in entries:
            words = expectation(error.expected or error.what)
            entries[name] = replace(entries[name], error=f"{inside}: {words}" if inside else words)
        else:
            loose += lines_of(error)
    return DataForm(list(entries.values()), loose)


_LEFT_OUT: Final = object()


def _entry(item: Item, name: str, schema: Mapping[str, Any], field_schema: Mapping[str, Any]) -> Entry:
    value = item.data.get(name, field_schema.get("default"))
    shape, nullable = _resolved(field_schema, schema.get("$defs", {}))
    kind, options = _kind(shape, value)
    original = item.original.get(name)
    is_key = name == item.queue.key and str(item.data.get(name)) == item.key
    return Entry(
        name=name,
        title=_title(field_schema, name),
        kind=kind,
        value=value,
        shown=_text(value),
        choices=options,
        required=name in schema.get("required", ()),
        nullable=nullable,
        fixed=is_key,
        hint=str(field_schema.get("description") or ""),
        was=_text(original) if name in item.original and original != item.data.get(name) else "",
    )


def _title(field_schema: Mapping[str, Any], name: str) -> str:
    return str(field_schema.get("title") or name.replace("_", " ").capitalize())


def _resolved(shape: Mapping[str, Any], definitions: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """What a field takes besides nothing, and whether it takes nothing."""
    if "$ref" in shape:
        return _resolved(definitions.get(str(shape["$ref"]).rpartition("/")[2], {}), definitions)
    options = [*shape.get("anyOf", ()), *shape.get("oneOf", ())]
    if not options and len(shape.get("allOf", ())) == 1:
        return _resolved(shape["allOf"][0], definitions)
    if not options:
        return shape, False
    real = [one for one in options if one.get("type") != "null"]
    kinds = {one.get("type") for one in real}
    if kinds and kinds <= {"number", "integer", "string"} and len(real) > 1 and "number" in kinds:
        return {"type": "number"}, len(real) < len(options)  # a Decimal, as pydantic describes it
    if len(real) == 1:
        return _resolved(real[0], definitions)[0], len(real) < len(options)
    return {}, len(real) < len(options)


def _kind(shape: Mapping[str, Any], value: Any) -> tuple[str, Sequence[str]]:
    if "enum" in shape or "const" in shape:
        return "choice", [_text(one) for one in shape.get("enum", [shape.get("const")])]
    if isinstance(value, dict | list) or shape.get("type") in {"array", "object"}:
        return "json", ()
    if shape.get("type") == "boolean":
        return "choice", ["true", "false"]
    if shape.get("type") in {"number", "integer"}:
        return "number", ()
    text = _text(value)
    if shape.get("format") == "date" and (not text or _is_date(text)):
        return "date", ()
    return ("long" if len(text) > _LONG or "\n" in text else "text"), ()


def _is_date(text: str) -> bool:
    """Whether a browser's field for dates can show it; 2026-02-30 it can't, and would show nothing."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return bool(_ISO_DATE.fullmatch(text))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _same(sent: str, shown: str) -> bool:
    return sent.replace("\r\n", "\n") == shown.replace("\r\n", "\n")


def _value(one: Entry, text: str) -> Any:
    """The value that a text stands for. Raises ValueError for JSON that is none."""
    if not text.strip() and one.kind != "text":
        return None if one.nullable else ("" if one.required else _LEFT_OUT)
    if one.kind == "json":
        return json.loads(text)
    if one.kind == "choice" and text in {"true", "false"} and set(one.choices) == {"true", "false"}:
        return text == "true"
    if not text and one.nullable:
        return None
    return text.strip() if one.kind in {"number", "date", "choice"} else text.replace("\r\n", "\n")


def _with_failure(entries: list[Entry], error: Mapping[str, Any]) -> list[Entry]:
    """Mark the field that the failure is about: named by it, or holding the value that its message quotes."""
    where = str(error.get("where") or "").partition(".")[0]
    message = str(error.get("message") or "")
    if any(one.name == where for one in entries):
        return [replace(one, error=expectation(message)) if one.name == where else one for one in entries]
    quoted = [one.name for one in entries if len(one.shown) > 2 and not one.fixed and one.shown in message]
    note = _("The message names this value.")
    return [
        replace(one, error=note) if len(quoted) == 1 and one.name == quoted[0] else one for one in entries
    ]
