"""The form of a whole schedule: what, when, with which parameters, on which days, and its policies; and the edit it asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runner.core.bot_sources import is_recorded
from runner.core.errors import ErrorReport, RunnerError
from runner.core.parameters import check_values
from runner.core.schedules_file import ALIASES
from runner.core.schedules_model import Policies
from runner.core.schedules_pilot import read_deadline, read_sample
from runner.desk.bots.run_form import labels_of, secret_names
from runner.desk.errors.telling import lines_of
from runner.desk.schedules.policy_words import MISSED, OVERLAP, POLICIES, SHIFT, STAGE, value_words
from runner.desk.schedules.when_form import WhenForm, is_length, length_wanted
from runner.desk.schema_form import SchemaForm
from runner.store.models import Bot, Queue
from runner.timetable import edits
from runner.timetable.loading import Timetable

_ID: Final = re.compile(r"\w[\w.-]*")
_LENGTHS: Final = ("grace", "time_limit", "jitter", "retry_wait")
_DAYS: Final = ("calendars", "shift", "timezone")
_CHOICES: Final = {"shift": SHIFT, "missed": MISSED, "overlap": OVERLAP, "stage": STAGE}
_FOLDED: Final = (
    "missed", "grace", "max_catchup", "overlap", "time_limit", "deadline", "priority", "jitter", "concurrency", "retry_times", "retry_wait", "stage", "sample",
)  # fmt: skip
_HINTS: Final = {
    "grace": gettext_lazy("Such as 15m."), "time_limit": gettext_lazy("Such as 30m."), "jitter": gettext_lazy("Such as 5m: so that not everything starts at once."),
    "deadline": gettext_lazy("A time of day (17:00), or a length after the due time (2h). You are warned before."),
    "priority": gettext_lazy("From -100 to 100: higher goes first when runs wait."),
    "concurrency": gettext_lazy("Names of accounts or programs that only one run may use at a time, with commas between them."),
    "sample": gettext_lazy("Of a pilot: 10 items, 5 %, or 5 % evenly."),
}  # fmt: skip


class AboutForm(forms.Form):
    """What a schedule is called, and why it is changed."""

    id = forms.CharField(
        label=gettext_lazy("Name"), max_length=80, help_text=gettext_lazy("Letters, digits, - and _, such as post-orders. It can't be changed later."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}), error_messages={"required": gettext_lazy("Please fill this in.")},
    )  # fmt: skip
    description = forms.CharField(
        label=gettext_lazy("What it is for"), required=False, max_length=2000, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )  # fmt: skip
    note = forms.CharField(
        label=gettext_lazy("Why it is changed (shown in the history)"), required=False, max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )  # fmt: skip

    def clean_id(self) -> str:
        """A name that the file can hold."""
        name: str = self.cleaned_data["id"].strip()
        if not _ID.fullmatch(name):
            raise forms.ValidationError(
                _("Letters, digits, “-”, “_” and “.” only, beginning with a letter or digit.")
            )
        return name  # fmt: skip


class PolicyForm(forms.Form):
    """The days and the policies; an empty field leaves it to the defaults of the file."""

    def __init__(self, data: Any, timetable: Timetable, start: Mapping[str, Any]) -> None:
        super().__init__(data, prefix="o", label_suffix="", initial=_start(start))
        usual = timetable.file.defaults
        known = [(name, name) for name in timetable.calendars]
        self.fields["calendars"] = forms.MultipleChoiceField(
            label=_("Calendars"), required=False, choices=known, widget=forms.CheckboxSelectMultiple,
            help_text=_("Days off of these calendars are left out, or moved."),
        )  # fmt: skip
        self.fields["timezone"] = _plain(_("Time zone"), usual.timezone)
        for name in ("shift", *_FOLDED):
            self.fields[name] = _field(name, usual)

    @property
    def days(self) -> list[forms.BoundField]:
        """The fields about days."""
        return [self[name] for name in _DAYS if name != "calendars" or self.fields["calendars"].choices]  # type: ignore[attr-defined]

    @property
    def folded(self) -> list[forms.BoundField]:
        """The policies."""
        return [self[name] for name in _FOLDED]

    @property
    def is_open(self) -> bool:
        """Whether one of the policies says something, or is wrong."""
        return any(name in self.initial or name in self.errors for name in _FOLDED)

    def clean(self) -> dict[str, Any]:
        """Lengths, deadlines and samples in the forms that the file takes."""
        found: dict[str, Any] = super().clean() or {}
        for name in _LENGTHS:
            if found.get(name) and not is_length(found[name]):
                self.add_error(name, length_wanted())
        for name, read, wanted in (
            ("deadline", read_deadline, _("This must be a time of day (17:00) or a length (2h).")),
            (
                "sample",
                read_sample,
                _("This must be a number of items or a share: 10 items, 5 %, 5 % evenly."),
            ),
        ):
            try:
                if found.get(name):
                    read(found[name])
            except (ValueError, OverflowError):
                self.add_error(name, wanted)
        return found

    def changes(self) -> dict[str, Any]:
        """The keys that are not as they were shown; None takes one out of the file."""
        asked: dict[str, Any] = {}
        for name in self.changed_data:
            value: Any = self.cleaned_data.get(name)
            if name == "concurrency":
                value = [part for part in re.split(r"[,,、\s]+", value or "") if part]
            key = {"retry_times": "retry.times", "retry_wait": "retry.wait"}.get(name, name)
            asked[key] = value if value not in (None, "", []) else None
        return asked


class EntryForm:
    """The form for one schedule. `was` are its keys as they were shown first; None: it is a new one."""

    def __init__(
        self, bot: Bot | None, timetable: Timetable, data: Any = None, *, was: Mapping[str, Any] | None = None, name: str = ""
    ) -> None:  # fmt: skip
        self.bot, self.timetable, self.name = bot, timetable, name
        self.was = plain_keys(was) if was is not None else None
        start = self.was or {}
        schema = bot.description.get("parameters", {}) if bot else {}
        self.about = AboutForm(data, prefix="a", label_suffix="", initial={"id": name or _free_name(bot, timetable), "description": start.get("description", "")})  # fmt: skip
        if self.was is not None:
            del self.about.fields["id"]
        others = [one.schedule.id for one in timetable.planned if one.schedule.id != name]
        queues = list(Queue.objects.order_by("pk").values_list("pk", flat=True))
        self.when = WhenForm(
            data, start=start if self.was is not None else None, schedules=others, queues=queues, parameters=list(schema.get("properties", {}))
        )  # fmt: skip
        self.policies = PolicyForm(data, timetable, start)
        self.parameters = SchemaForm(
            schema, data, start=start.get("parameters") or {}, secrets=secret_names(),
            labels=labels_of(bot) if bot else None,
        )  # fmt: skip
        self.other_errors: list[str] = []

    @property
    def is_wrong(self) -> bool:
        """Whether something was refused."""
        forms_ = (self.about, self.when, self.policies, self.parameters)
        return bool(self.other_errors) or any(form.is_bound and form.errors for form in forms_)

    def edit(self) -> edits.Edit | None:
        """What the form asks for, which may be a change of nothing; None where a field is wrong, which the form then says."""
        fits = [self.about.is_valid(), self.policies.is_valid(), self.parameters.is_valid()]
        keys = self.when.keys()
        values = self._values(keys) if fits[-1] else None
        if not all(fits) or not keys or values is None or self.is_wrong:
            return None
        if self.was is None:
            return edits.add(self._entry(keys, values))
        return edits.set_keys(self.name, self._changes(keys, values))

    def refuse(self, error: RunnerError) -> None:
        """Show what the file's own rules refuse: there are no fields of ours for it, but for a name that is taken."""
        if error.stable_code == "SCHED_DUP_ID":
            self.about.add_error("id", _("There is a schedule of this name already: choose another name."))
            return
        self.other_errors += lines_of(error)

    def _values(self, keys: Mapping[str, Any]) -> dict[str, Any] | None:
        """The parameters as the bot takes them; None where one is wrong. What an arriving file brings is not asked for."""
        if self.bot is None:
            return {}
        brought = (
            str((keys.get("file") or {}).get("parameter", "")) if isinstance(keys.get("file"), dict) else ""
        )
        schema = dict(self.bot.description.get("parameters", {}))
        schema["required"] = [name for name in schema.get("required", ()) if name != brought]
        values = {name: value for name, value in self.parameters.values().items() if name != brought}
        try:
            return check_values(schema, values, self.bot.pk)
        except ErrorReport as report:
            self.parameters.refuse(report)
            return None

    def _entry(self, keys: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
        said = self.about.cleaned_data
        runs = {"recording": self.bot.pk} if self.bot and is_recorded(self.bot.file) else {"bot": self.bot.pk if self.bot else ""}  # fmt: skip
        entry: dict[str, Any] = {"id": said["id"], "description": said["description"].strip(), **runs, **keys}
        for key, value in self.policies.changes().items():
            outer, _dot, inner = key.partition(".")
            if value is not None and inner:
                entry.setdefault(outer, {})[inner] = value
            elif value is not None:
                entry[outer] = value
        wanted = {name: value for name, value in values.items() if self._is_needed(name, value)}
        return {**entry, "parameters": wanted}

    def _is_needed(self, name: str, value: Any) -> bool:
        schema = self.bot.description.get("parameters", {}) if self.bot else {}
        field = schema.get("properties", {}).get(name, {})
        return name in schema.get("required", ()) or not _same(value, field.get("default"))

    def _changes(self, keys: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
        was = self.was or {}
        found: dict[str, Any] = {}
        if "description" in self.about.changed_data:
            found["description"] = self.about.cleaned_data["description"].strip() or None
        if self.when.is_changed:
            found |= keys
            if "anchor" in was and "anchor" not in keys:
                found["anchor"] = None
        found |= self.policies.changes()
        before = was.get("parameters") or {}
        for name in self.parameters.shapes:
            if name in values:
                shown = before[name] if name in before else self.parameters.shapes[name].schema.get("default")
                if not _same(values[name], shown):
                    found[f"parameters.{name}"] = values[name]
            elif name in before and name in self.parameters.changed_data:
                found[f"parameters.{name}"] = None
        return found


def plain_keys(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of an entry by today's names, whatever other names the file uses."""
    found: dict[str, Any] = {}
    for key, value in entry.items():
        path = ALIASES.get(key, (key,))
        name = str(path[0])
        found[name] = value if len(path) == 1 else {**(entry.get(name) or {}), str(path[1]): value}
    return found


def _start(entry: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: entry[name] for name in (*_DAYS, *_FOLDED) if entry.get(name) is not None}
    for name in ("calendars", "concurrency"):
        if isinstance(found.get(name), str):
            found[name] = [found[name]]
    if "concurrency" in found:
        found["concurrency"] = ", ".join(found["concurrency"])
    retry = entry.get("retry") or {}
    found |= {f"retry_{key}": retry[key] for key in ("times", "wait") if key in retry}
    return found


def _field(name: str, usual: Policies) -> forms.Field:
    title = {"retry_times": _("Start a failed run again: times"), "retry_wait": _("… after")}.get(
        name
    ) or str(POLICIES[name])
    if name in _CHOICES:
        words = _CHOICES[name]
        default = _("as usual: %(what)s") % {"what": value_words(name, getattr(usual, name))}
        return forms.ChoiceField(label=title, required=False, choices=[("", default), *words.items()], help_text=_hint(name))  # fmt: skip
    if name in {"max_catchup", "priority", "retry_times"}:
        low, high = {"max_catchup": (1, 1000), "priority": (-100, 100), "retry_times": (0, 20)}[name]
        shown = usual.retry.times if name == "retry_times" else getattr(usual, name)
        wrong = _("This must be a number from %(low)s to %(high)s.") % {"low": low, "high": high}
        return forms.IntegerField(
            label=title, required=False, min_value=low, max_value=high, help_text=_hint(name), widget=forms.NumberInput(attrs={"placeholder": str(shown)}),
            error_messages={"invalid": wrong, "min_value": wrong, "max_value": wrong},
        )  # fmt: skip
    length: Any = usual.retry.wait if name == "retry_wait" else getattr(usual, name)
    return _plain(title, value_words(name, length) if length else "", _hint(name))


def _plain(title: str, usual: str, hint: str = "") -> forms.CharField:
    attributes = {"autocomplete": "off", "spellcheck": "false", "placeholder": usual}
    return forms.CharField(
        label=title, required=False, help_text=hint, widget=forms.TextInput(attrs=attributes)
    )


def _hint(name: str) -> str:
    return str(_HINTS.get(name, ""))


def _free_name(bot: Bot | None, timetable: Timetable) -> str:
    """The bot's name as a schedule would be called, with a number where it is taken."""
    base = bot.pk.replace("_", "-") if bot else ""
    taken = {one.schedule.id for one in timetable.planned}
    name, number = base, 2
    while name and name in taken:
        name, number = f"{base}-{number}", number + 1
    return name


def _same(one: Any, other: Any) -> bool:
    return one == other or (one is not None and other is not None and str(one) == str(other))
