"""Forms made of a JSON Schema: of a bot's signature, of a queue's model. A field for each property, its errors beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict
from django.utils.html import format_html
from django.utils.translation import gettext as _

from runner.core.errors import ErrorReport, RunnerError
from runner.core.schedules_values import is_secret_name
from runner.desk.errors.telling import line_of

PREFIX: Final = "p"
_PATHS: Final = frozenset({"path", "file-path", "directory-path"})
_LONG: Final = 200  # characters from which on a text gets an area of several lines
_NO_FILE: Final = ("folder", "directory", "dir")  # names of paths that no file is sent for


@dataclass(frozen=True, slots=True)
class Shape:
    """What a property of a schema asks for: its kind (a key of `_FIELDS`), its choices, whether nothing is allowed."""

    kind: str
    schema: Mapping[str, Any]
    choices: tuple[Any, ...] = ()
    nullable: bool = False


class SchemaForm(forms.Form):
    """A form for one object of `schema`.

    `start` are values to begin with, `secrets` names that a secret can be chosen from, `labels` what fields are called
    whose names are Runner's own.

    Nothing is checked but what the browser can check: `values` are for a function that knows the rules, whose
    ErrorReport comes back with `refuse`. Files that were sent are given to `keep`, which says where they are now.
    """

    def __init__(
        self, schema: Mapping[str, Any], data: Any = None, files: MultiValueDict[str, UploadedFile[Any]] | None = None, *,
        start: Mapping[str, Any] | None = None, secrets: Sequence[str] = (), keep: Callable[[UploadedFile[Any]], str] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(data, files, prefix=PREFIX, label_suffix="")
        self._keep = keep
        self.shapes = {name: shape_of(field, schema) for name, field in schema.get("properties", {}).items()}
        required = set(schema.get("required", ()))
        for name, shape in self.shapes.items():
            given = (start or {}).get(name, shape.schema.get("default"))
            self.fields[name] = _field(name, shape, given, secrets, takes_files=keep is not None)
            ours = (labels or {}).get(name)
            self.fields[name].label = ours or format_html('<span class="data">{}</span>', spoken(name))
            told = shape.schema.get("description", "")
            self.fields[name].help_text = format_html('<span class="data">{}</span>', told) if told else ""
            if name in required and shape.kind != "boolean" and not isinstance(self.fields[name], PathField):
                self.fields[name].widget.attrs["required"] = True

    def values(self) -> dict[str, Any]:
        """What was filled in, by name: JSON values and texts; fields that were left empty are left out.

        Call it when the form `is_valid`. Files are kept here.
        """
        found: dict[str, Any] = {}
        for name, shape in self.shapes.items():
            value = self.cleaned_data.get(name)
            if isinstance(value, UploadedFile):
                value = self._keep(value) if self._keep else ""
            if shape.kind == "list" and isinstance(value, str):
                value = [line.strip() for line in value.splitlines() if line.strip()] or None
            if shape.kind == "boolean" and not shape.nullable:
                found[name] = bool(value)
            elif value not in {None, ""} if not isinstance(value, list) else True:
                found[name] = value
        return found

    def refuse(self, report: RunnerError) -> None:
        """Show each error at the field that its `where` names (``parameters.NAME``, ``/NAME``, ``NAME``)."""
        for error in report.errors if isinstance(report, ErrorReport) else (report,):
            path = [
                part
                for part in error.where.replace("/", ".").split(".")
                if part not in {"", "parameters", "data"}
            ]
            name = path[0] if path else ""
            shape = self.shapes.get(name)
            text = words_of(error, shape) if shape else line_of(error)
            self.add_error(name if shape else None, text)


class PathWidget(forms.TextInput):
    """The place of a file as text, and beside it a file to send instead."""

    template_name = "desk/path_widget.html"
    needs_multipart_form = True

    def value_from_datadict(self, data: Mapping[str, Any], files: MultiValueDict[str, UploadedFile[Any]], name: str) -> Any:  # fmt: skip
        """The file that was sent, or the text."""
        return files.get(f"{name}-file") or super().value_from_datadict(data, files, name)


class PathField(forms.Field):
    """A path as text, or a file that was sent."""

    widget = PathWidget

    def clean(self, value: Any) -> Any:
        """As it came: the file is judged where it is kept."""
        return value.strip() if isinstance(value, str) else value


def shape_of(field: Mapping[str, Any], schema: Mapping[str, Any]) -> Shape:
    """What a property asks for; `schema` holds the definitions that it refers to."""
    definitions = schema.get("$defs", {})
    whole = _resolved(field, definitions)
    options = [_resolved(one, definitions) for one in whole.get("anyOf", (whole,))]
    nullable = any(one.get("type") == "null" for one in options)
    real = [one for one in options if one.get("type") != "null"]
    merged = {**(real[0] if real else {}), **{k: v for k, v in whole.items() if k not in {"anyOf", "$ref"}}}
    kinds = {one.get("type") for one in real}
    if len(real) == 1 and ("enum" in merged or "const" in merged):
        return Shape("choice", merged, tuple(merged.get("enum") or (merged["const"],)), nullable)
    if kinds == {"number", "string"}:  # how a Decimal is described
        return Shape("number", merged, (), nullable)
    if len(kinds) != 1:
        return Shape("text", merged, (), nullable)
    return Shape(_kind(next(iter(kinds)), merged, definitions), merged, (), nullable)


def _kind(kind: str | None, merged: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    if kind == "string":
        form = merged.get("format", "")
        known = {"date", "date-time", "time", "password", "email", "uri"}
        return "path" if form in _PATHS else form if form in known else "text"
    if kind == "array":
        inner = _resolved(merged.get("items", {}), definitions)
        return "list" if inner.get("type") in {"string", "integer", "number"} else "json"
    return {"integer": "integer", "number": "number", "boolean": "boolean", "object": "json"}.get(
        kind or "", "text"
    )


def _resolved(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    name = str(field.get("$ref", "")).removeprefix("#/$defs/")
    return {**definitions.get(name, {}), **field}


def spoken(name: str) -> str:
    """A name as people would write it: ``order_date`` is ``Order date``."""
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def _field(name: str, shape: Shape, given: Any, secrets: Sequence[str], *, takes_files: bool) -> forms.Field:
    initial = _as_typed(given, shape)
    if shape.kind == "boolean" and not shape.nullable:
        return forms.BooleanField(required=False, initial=bool(given))
    if shape.kind == "boolean":
        return _chosen(
            [("true", _("Yes")), ("false", _("No"))], str(given).lower() if given is not None else ""
        )
    if shape.kind == "choice":
        known = [(str(one), str(one)) for one in shape.choices]
        return _chosen(known, initial, empty=shape.nullable or given is None)
    if shape.kind == "password" or (shape.kind == "text" and is_secret_name(name)):
        return _chosen([(f"${{secret:{one}}}", one) for one in secrets], initial)
    if shape.kind == "path":
        sends = takes_files and shape.schema.get("format") != "directory-path" and not name.endswith(_NO_FILE)
        widget: forms.Widget = PathWidget() if sends else forms.TextInput()
        return PathField(required=False, initial=initial, widget=widget)
    return forms.CharField(required=False, initial=initial, widget=_widget(shape, initial))


def _chosen(known: Sequence[tuple[str, str]], initial: str, *, empty: bool = True) -> forms.Field:
    offered = [*([("", "–")] if empty else []), *known]
    if initial and initial not in dict(offered):
        offered.append((initial, initial))
    return forms.CharField(required=False, initial=initial, widget=forms.Select(choices=offered))


def _widget(shape: Shape, initial: str) -> forms.Widget:
    if shape.kind in {"list", "json"}:
        return forms.Textarea(attrs={"rows": 3 if shape.kind == "list" else 4, "spellcheck": "false"})
    if shape.kind == "text" and (
        len(initial) > _LONG or shape.schema.get("maxLength", 0) > _LONG or "\n" in initial
    ):
        return forms.Textarea(attrs={"rows": 4})
    kinds = {
        "date": "date",
        "date-time": "datetime-local",
        "time": "time",
        "integer": "number",
        "email": "email",
        "uri": "url",
    }
    attributes: dict[str, Any] = {"autocomplete": "off"}
    limits = {"minimum": "min", "maximum": "max", "minLength": "minlength", "maxLength": "maxlength"}
    attributes |= {ours: shape.schema[theirs] for theirs, ours in limits.items() if theirs in shape.schema}
    if shape.kind == "number":
        attributes["inputmode"] = "decimal"
    if shape.kind in {"date-time", "time"}:
        attributes["step"] = "1"
    widget = forms.TextInput(attrs=attributes)
    is_template = (
        "{{" in initial
    )  # a date that is worked out when it runs: the browser's own input would lose it
    widget.input_type = "text" if is_template else kinds.get(shape.kind, "text")
    return widget


def _as_typed(value: Any, shape: Shape) -> str:
    if value is None:
        return ""
    if shape.kind == "list" and isinstance(value, list):
        return "\n".join(str(one) for one in value)
    if shape.kind == "json" and not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False, indent=1) if value else ""
    return str(value)


def words_of(error: RunnerError, shape: Shape) -> str:
    """What is wrong with a value, in the language of the page, as far as the kind of the field tells."""
    if error.stable_code in {"PARAM_MISSING", "ITEM_MISSING"}:
        return _("Please fill this in.")
    if error.stable_code in {"PARAM_VALUE", "ITEM_VALUE"}:
        return expected_of(shape) or error.expected
    known = {
        "SCHED_PATH": _("It must be inside the project, or an absolute path."),
        "SCHED_SECRET_INLINE": _("A secret is not typed in here: choose one of the vault by its name."),
    }
    return known.get(error.stable_code) or line_of(error)


def expected_of(shape: Shape) -> str:
    """What a field takes, as a sentence; empty where its kind does not say it."""
    low, high = (shape.schema.get(key) for key in ("minimum", "maximum"))
    if shape.kind in {"integer", "number"} and low is not None and high is not None:
        return _("This must be a number from %(low)s to %(high)s.") % {"low": low, "high": high}
    if shape.kind in {"integer", "number"} and low is not None:
        return _("This must be a number, at least %(low)s.") % {"low": low}
    if shape.kind in {"integer", "number"} and high is not None:
        return _("This must be a number, at most %(high)s.") % {"high": high}
    sentences = {
        "integer": _("This must be a whole number."),
        "number": _("This must be a number."),
        "date": _("This must be a date, such as 2026-11-24."),
        "date-time": _("This must be a date and a time, such as 2026-11-24 14:30."),
        "time": _("This must be a time, such as 14:30."),
        "boolean": _("This must be yes or no."),
        "json": _("This must be JSON of the right shape."),
        "list": _("One value in each line, all of the right kind."),
    }  # fmt: skip
    if shape.kind == "choice":
        return _("This must be one of: %(choices)s.") % {"choices": ", ".join(map(str, shape.choices))}
    return sentences.get(shape.kind, "")
