"""The form that starts a bot: its signature, and when, how urgently and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runner.cases.run_requests import RunWish, new_token
from runner.core.bot_sources import is_recorded
from runner.core.clock import now
from runner.core.errors import EnvironmentProblem, RunnerError
from runner.core.vault import Vault
from runner.desk.kept_files import keep_file
from runner.desk.outside import place
from runner.desk.schema_form import SchemaForm
from runner.store.models import Bot, Run

_URGENCY = (
    ("0", gettext_lazy("normal")),
    ("10", gettext_lazy("before others")),
    ("-10", gettext_lazy("when there is room")),
)


def labels_of(bot: Bot) -> dict[str, str]:
    """What the parameters of a recording are called, which nobody has named; a script's have the names that its author gave."""
    named = {"workbook": _("Workbook"), "address": _("Address of the site")}
    return named if is_recorded(bot.file) else {}


class _Options(forms.Form):
    """What is asked beside the parameters."""

    token = forms.CharField(widget=forms.HiddenInput)
    like = forms.CharField(required=False, widget=forms.HiddenInput)
    note = forms.CharField(
        label=gettext_lazy("Why (shown with the run)"), required=False, max_length=500,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    not_before = forms.DateTimeField(
        label=gettext_lazy("Not before"), required=False, help_text=gettext_lazy("Empty: as soon as a worker is free."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": gettext_lazy("This must be a date and a time, such as 2026-11-24 14:30.")},
    )  # fmt: skip
    priority = forms.ChoiceField(label=gettext_lazy("Urgency"), choices=_URGENCY, required=False)
    lanes = forms.IntegerField(
        label=gettext_lazy("Lanes"), required=False, min_value=1, max_value=32,
        help_text=gettext_lazy("How many processes share the work. Empty: as the bot says."),
        error_messages={
            "invalid": gettext_lazy("This must be a whole number."),
            "min_value": gettext_lazy("At least 1."),
            "max_value": gettext_lazy("At most 32."),
        },
    )  # fmt: skip

    def clean_not_before(self) -> datetime | None:
        """A time that is still to come."""
        at: datetime | None = self.cleaned_data["not_before"]
        if at is not None and at <= now():
            raise forms.ValidationError(_("This time has passed."))
        return at


class RunForm:
    """The whole form for one bot; `like` is the run whose parameters it begins with."""

    def __init__(
        self, bot: Bot, data: Any = None, files: MultiValueDict[str, UploadedFile[Any]] | None = None, *, like: Run | None = None,
        start: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        settings = place().settings
        self.bot = bot
        self.like = like
        begin: Mapping[str, Any] = start or (like.parameters if like else {})
        self.parameters = SchemaForm(
            bot.description.get("parameters", {}), data, files, start=begin, secrets=secret_names(),
            keep=lambda sent: keep_file(settings.home, sent).as_posix(), labels=labels_of(bot),
        )  # fmt: skip
        self.options = _Options(
            data,
            label_suffix="",
            initial={"token": new_token(now()), "like": like.pk if like else "", "priority": "0"},
        )

    def wish(self) -> RunWish | None:
        """What was asked for; None where a field is wrong, which the form then says."""
        fits = [self.options.is_valid(), self.parameters.is_valid()]
        if not all(fits):
            return None
        asked = self.options.cleaned_data
        try:
            values = self.parameters.values()
        except RunnerError as error:
            self.refuse(error)
            return None
        return RunWish(
            self.bot.pk,
            values,
            lanes=asked["lanes"] or int(self.bot.description.get("lanes") or 1),
            priority=int(asked["priority"] or 0),
            not_before=asked["not_before"],
            like=asked["like"],
            note=asked["note"],
            token=asked["token"],
        )

    def refuse(self, error: RunnerError) -> None:
        """Show what was refused where it belongs."""
        self.parameters.refuse(error)


def secret_names() -> tuple[str, ...]:
    """The names of the secrets in the vault; none where it can't be opened (the check-up says why)."""
    return tuple(secret_hosts())


def secret_hosts() -> dict[str, tuple[str, ...] | None]:
    """The sites that each secret of the vault is for, by its name; nothing where it can't be opened."""
    here = place()
    try:
        return Vault(here.settings.vault, here.environment).hosts()
    except EnvironmentProblem:
        return {}
