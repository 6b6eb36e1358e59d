"""The part of a schedule's form that says when it runs: a kind, and plain fields for it, instead of keys of the file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runner.core.clock import duration
from runner.core.errors import RunnerError
from runner.desk.errors.telling import lines_of
from runner.desk.schedules.policy_words import ENDINGS, PERIODS, weekdays
from runner.desk.schedules.when_start import begin
from runner.desk.words import Word
from runner.timetable.cron_text import parse_cron
from runner.timetable.local_time import read_time

KINDS: Final[Mapping[str, Word]] = {
    "days": gettext_lazy("On days of the week"),
    "every": gettext_lazy("Again and again"),
    "month": gettext_lazy("On a day of the month"),
    "workday": gettext_lazy("On a working day of the month"),
    "dates": gettext_lazy("On certain dates"),
    "file": gettext_lazy("When a file arrives"),
    "queue": gettext_lazy("When items wait"),
    "after": gettext_lazy("After another schedule"),
    "manual": gettext_lazy("Only by hand"),
    "cron": gettext_lazy("A cron expression"),
}
_DAYS: Final = tuple((str(n % 7), n) for n in range(1, 8))  # as cron numbers them, Monday first
_UNITS: Final[Mapping[str, Word]] = {
    "s": gettext_lazy("seconds"),
    "m": gettext_lazy("minutes"),
    "h": gettext_lazy("hours"),
    "d": gettext_lazy("days"),
    "w": gettext_lazy("weeks"),
}
_ENDS_OF_MONTH: Final[Mapping[str, Word]] = {
    "L": gettext_lazy("the last day"),
    "LW": gettext_lazy("the last Monday-to-Friday day"),
}
_NTH: Final[Mapping[str, Word]] = {
    "1": gettext_lazy("the first"), "2": gettext_lazy("the 2nd"), "3": gettext_lazy("the 3rd"), "4": gettext_lazy("the 4th"),
    "5": gettext_lazy("the 5th"), "10": gettext_lazy("the 10th"), "-1": gettext_lazy("the last"), "-2": gettext_lazy("the last but one"),
    "-3": gettext_lazy("the last but two"), "-5": gettext_lazy("the last but four"),
}  # fmt: skip
_TIME: Final = re.compile(r"([01]?\d|2[0-3])[:：]([0-5]\d)")
_USUAL: Final[Mapping[str, Any]] = {
    "kind": "days",
    "unit": "h",
    "weekdays": list("12345"),
    "endings": ["succeeded"],
}
_OWN: Final[Mapping[str, Sequence[str]]] = {
    "days": ("weekdays", "times"), "every": ("count", "unit", "anchor"), "month": ("month_day", "month_times"),
    "workday": ("nth", "period", "workday_times"), "dates": ("dates",), "file": ("glob", "file_parameter", "stable", "archive", "rejected"),
    "queue": ("queue", "pending", "oldest", "again"), "after": ("after", "endings"), "manual": (), "cron": ("cron",),
}  # fmt: skip


def _text(label: Word, hint: Word = "", placeholder: str = "", **more: Any) -> forms.CharField:
    attributes = {"autocomplete": "off", "placeholder": placeholder, "spellcheck": "false"}
    return forms.CharField(label=label, required=False, help_text=hint, widget=forms.TextInput(attrs=attributes), **more)  # type: ignore[arg-type]  # fmt: skip


def _chosen(label: Word, choices: Mapping[str, Word], hint: Word = "") -> forms.ChoiceField:
    return forms.ChoiceField(label=label, required=False, choices=list(choices.items()), help_text=hint)  # type: ignore[arg-type]


class WhenForm(forms.Form):
    """A kind of trigger with its fields; those of the other kinds keep what was typed and are not looked at.

    `schedules` and `queues` are what can be chosen, `parameters` the names of the bot's parameters.
    """

    kind = forms.ChoiceField(
        choices=list(KINDS.items()), widget=forms.RadioSelect, label=gettext_lazy("When")
    )
    weekdays = forms.MultipleChoiceField(
        label=gettext_lazy("Days"), required=False, widget=forms.CheckboxSelectMultiple, choices=()
    )
    times = _text(gettext_lazy("Times"), gettext_lazy("Several with commas between them."), "08:30, 14:00")
    count = forms.IntegerField(
        label=gettext_lazy("Every"), required=False, min_value=1, max_value=9999,
        error_messages={"invalid": gettext_lazy("This must be a whole number."), "min_value": gettext_lazy("At least 1.")},
    )  # fmt: skip
    unit = _chosen(gettext_lazy("Unit"), _UNITS)
    anchor = forms.CharField(
        label=gettext_lazy("Counted from"), required=False, help_text=gettext_lazy("Empty: from midnight of a Monday."),
        widget=forms.TextInput(attrs={"type": "datetime-local"}),
    )  # fmt: skip
    month_day = forms.ChoiceField(label=gettext_lazy("Day"), required=False, choices=())
    month_times = _text(gettext_lazy("Times"), gettext_lazy("Several with commas between them."), "18:00")
    nth = _chosen(gettext_lazy("Which one"), _NTH)
    period = _chosen(gettext_lazy("Working day"), PERIODS)
    workday_times = _text(gettext_lazy("Times"), gettext_lazy("Several with commas between them."), "18:00")
    dates = forms.CharField(
        label=gettext_lazy("Dates and times"), required=False, help_text=gettext_lazy("One in each line, such as 2026-12-30 20:00."),
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )  # fmt: skip
    glob = _text(gettext_lazy("Files"), gettext_lazy("A folder and a pattern of names. Each file starts one run."), "inbox/*.xlsx")  # fmt: skip
    file_parameter = forms.ChoiceField(label=gettext_lazy("The bot gets it as"), required=False, choices=())
    stable = _text(
        gettext_lazy("Unchanged for"), gettext_lazy("So that no half-written file is taken."), "5s"
    )
    archive = _text(gettext_lazy("Afterwards moved to"), gettext_lazy("A folder beside it."), "archive")
    rejected = _text(
        gettext_lazy("After a failure moved to"), gettext_lazy("A folder beside it."), "rejected"
    )
    queue = forms.ChoiceField(label=gettext_lazy("Work queue"), required=False, choices=())
    pending = forms.IntegerField(
        label=gettext_lazy("So many items wait"), required=False, min_value=1,
        error_messages={"invalid": gettext_lazy("This must be a whole number."), "min_value": gettext_lazy("At least 1.")},
    )  # fmt: skip
    oldest = _text(gettext_lazy("or the oldest waits for"), placeholder="30m")
    again = _text(gettext_lazy("Not again within"), placeholder="5m")
    after = forms.ChoiceField(label=gettext_lazy("Schedule"), required=False, choices=())
    endings = forms.MultipleChoiceField(
        label=gettext_lazy("When its run"), required=False, widget=forms.CheckboxSelectMultiple, choices=list(ENDINGS.items())
    )  # fmt: skip
    cron = _text(
        gettext_lazy("Minute, hour, day of the month, month, day of the week"), placeholder="30 8 * * 1-5"
    )

    def __init__(
        self, data: Any = None, *, start: Mapping[str, Any] | None = None, schedules: Sequence[str] = (), queues: Sequence[str] = (),
        parameters: Sequence[str] = (),
    ) -> None:  # fmt: skip
        initial = {**_USUAL, **(begin(start) if start is not None else {})}
        super().__init__(data, prefix="w", label_suffix="", initial=initial)
        names = dict(zip((key for key, _n in _DAYS), weekdays(), strict=True))
        self._offer("weekdays", list(names.items()))
        month = [(str(n), str(n)) for n in range(1, 32)]
        self._offer("month_day", [*month, *((key, str(said)) for key, said in _ENDS_OF_MONTH.items())])
        self._offer("file_parameter", [(name, name) for name in parameters or ("workbook",)])
        self._offer("queue", [("", "–"), *((name, name) for name in queues)])
        self._offer("after", [("", "–"), *((name, name) for name in schedules)])
        for name in ("nth", "file_parameter", "queue", "after"):
            self._keep(name)

    @property
    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The kinds with their fields, for the page."""
        return [(kind, [self[name] for name in own]) for kind, own in _OWN.items()]

    @property
    def is_changed(self) -> bool:
        """Whether the kind or one of its fields is not as it was shown at the beginning."""
        kind = self.data.get(self.add_prefix("kind"), "")
        return bool({"kind", *_OWN.get(kind, ())} & set(self.changed_data))

    def keys(self) -> dict[str, Any]:
        """The trigger as keys of the file; empty where a field is wrong, which the form then says."""
        if not self.is_valid():
            return {}
        kind = self.cleaned_data["kind"]
        made: dict[str, Any] = getattr(self, f"_{kind}")(self.cleaned_data)
        return {} if self.errors else made

    def clean(self) -> dict[str, Any]:
        """Forget what is wrong in the fields of other kinds."""
        found: dict[str, Any] = super().clean() or {}
        mine = {"kind", *_OWN.get(found.get("kind", ""), ())}
        for name in [name for name in self.errors if name not in mine]:
            del self.errors[name]
        return found

    def _days(self, given: Mapping[str, Any]) -> dict[str, Any]:
        times, days = self._times("times"), sorted(int(one) for one in given["weekdays"])
        if not days:
            self.add_error("weekdays", _("Choose at least one day."))
        if not times or not days:
            return {}
        if len(days) == 7:
            return {"at": times[0] if len(times) == 1 else times}
        return self._cron_of("times", times, "*", _week(days))

    def _every(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if not given.get("count"):
            self._missing("count")
            return {}
        made: dict[str, Any] = {"every": f"{given['count']}{given['unit'] or 'h'}"}
        if given.get("anchor"):
            try:
                made["anchor"] = f"{datetime.fromisoformat(given['anchor']):%Y-%m-%d %H:%M}"
            except ValueError:
                self.add_error("anchor", _("This must be a date and a time, such as 2026-11-24 14:30."))
        return made

    def _month(self, given: Mapping[str, Any]) -> dict[str, Any]:
        times = self._times("month_times")
        return self._cron_of("month_times", times, given["month_day"] or "1", "*") if times else {}

    def _workday(self, given: Mapping[str, Any]) -> dict[str, Any]:
        times = self._times("workday_times")
        at = times[0] if len(times) == 1 else times
        return {"workday": {"nth": int(given["nth"] or 1), "of": given["period"] or "month", "at": at}} if times else {}  # fmt: skip

    def _dates(self, given: Mapping[str, Any]) -> dict[str, Any]:
        lines = [line.strip() for line in given["dates"].splitlines() if line.strip()]
        if not lines:
            self._missing("dates")
        for line in lines:
            try:
                read_time(line)
            except RunnerError:
                self.add_error("dates", _("“%(line)s” is no date with a time, such as 2026-12-30 20:00.") % {"line": line})  # fmt: skip
        return {"at": lines[0] if len(lines) == 1 else lines}

    def _file(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if not given["glob"].strip():
            self._missing("glob")
        made = {"glob": given["glob"].strip(), "parameter": given["file_parameter"] or "workbook"}
        if given["stable"].strip():
            made["stable"] = self._length("stable")
        return {"file": made | {name: given[name].strip() for name in ("archive", "rejected") if given[name].strip()}}  # fmt: skip

    def _queue(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if not given["queue"]:
            self._missing("queue")
        if not given.get("pending") and not given["oldest"].strip():
            self.add_error("pending", _("Say how many items, or how long the oldest waits."))
        made: dict[str, Any] = {"name": given["queue"]}
        if given.get("pending"):
            made["pending"] = given["pending"]
        return {
            "queue": made | {name: self._length(name) for name in ("oldest", "again") if given[name].strip()}
        }

    def _after(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if not given["after"]:
            self._missing("after")
        endings = given["endings"] or ["succeeded"]
        return {"after": {"schedule": given["after"], "when": endings}}

    def _manual(self, given: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002 (all of one form)
        return {"manual": True}

    def _cron(self, given: Mapping[str, Any]) -> dict[str, Any]:
        text = given["cron"].strip()
        if not text:
            self._missing("cron")
            return {}
        try:
            parse_cron(text)
        except RunnerError as error:
            self.add_error(
                "cron", _("The expression can't be understood: %(why)s") % {"why": lines_of(error)[0]}
            )
        return {"cron": text}

    def _times(self, name: str) -> list[str]:
        """The times of a field as ``08:30``, in their order."""
        parts = [part for part in re.split(r"[\s,;,、;]+", self.cleaned_data[name]) if part]
        if not parts:
            self._missing(name)
        found = []
        for part in parts:
            time = _TIME.fullmatch(part)
            if time is None:
                self.add_error(name, _("“%(part)s” is no time, such as 08:30.") % {"part": part})
            else:
                found.append(f"{int(time[1]):02}:{time[2]}")
        return sorted(set(found)) if len(found) == len(parts) else []

    def _cron_of(self, name: str, times: Sequence[str], day: str, week: str) -> dict[str, Any]:
        """The times of some days as one expression: all of them at the same minute of their hours."""
        minutes = {time[3:] for time in times}
        if len(minutes) > 1:
            self.add_error(
                name, _("On chosen days all times must have the same minute (08:30, 14:30). Choose every day, or make a schedule for each.")
            )  # fmt: skip
            return {}
        hours = ",".join(str(int(time[:2])) for time in times)
        return {"cron": f"{int(minutes.pop())} {hours} {day} * {week}"}

    def _length(self, name: str) -> str:
        text = self.cleaned_data[name].strip()
        if not is_length(text):
            self.add_error(name, length_wanted())
        return str(text)

    def _missing(self, name: str) -> None:
        self.add_error(name, _("Please fill this in."))

    def _offer(self, name: str, choices: Sequence[tuple[str, str]]) -> None:
        field: Any = self.fields[name]
        field.choices = choices

    def _keep(self, name: str) -> None:
        """Offer what the file says, too, where it is none of the usual choices."""
        field: Any = self.fields[name]
        said = self.initial.get(name)
        if said and str(said) not in {str(key) for key, _words in field.choices}:
            field.choices = [*field.choices, (str(said), str(said))]


def is_length(text: str) -> bool:
    """Whether a text is a length such as ``30m`` or ``1h30m``, longer than nothing."""
    try:
        return duration(text).total_seconds() > 0
    except (ValueError, OverflowError):
        return False


def length_wanted() -> str:
    """What a field for a length takes."""
    return _("This must be a length, such as 30m, 2h or 1h30m.")


def _week(days: Sequence[int]) -> str:
    """``1-5`` for days in a row, Monday first, otherwise ``1,3,5``."""
    ordered = sorted((day or 7) for day in days)
    if len(ordered) > 2 and ordered == list(range(ordered[0], ordered[-1] + 1)):
        return f"{ordered[0]}-{ordered[-1]}"
    return ",".join(str(day) for day in ordered)
