"""The forms of people: signing in, a new password, a new person."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runner.desk.people.models import Person

NAME_RULE = RegexValidator(
    r"^[\w.@+-]+\Z", gettext_lazy("Letters, digits and . @ + - _ only, without spaces.")
)


class PasswordForm(forms.Form):
    """A new password, twice. With `asks_name` it also asks for the name of a person who is not there yet."""

    username = forms.CharField(
        label=gettext_lazy("Name to sign in with"), max_length=150, validators=[NAME_RULE],
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True}),
    )  # fmt: skip
    name = forms.CharField(label=gettext_lazy("Your name, as others see it"), max_length=200, required=False)
    password = forms.CharField(
        label=gettext_lazy("Password"), strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )  # fmt: skip
    again = forms.CharField(
        label=gettext_lazy("The password again"), strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )  # fmt: skip
    zone = forms.CharField(required=False, widget=forms.HiddenInput(attrs={"data-zone": True}))

    def __init__(self, data: Any = None, *, person: Person | None) -> None:
        super().__init__(data, label_suffix="")
        self._person = person
        if person is not None:
            del self.fields["username"], self.fields["name"]

    def clean_username(self) -> str:
        """A name that nobody has yet."""
        name = str(self.cleaned_data["username"])
        if Person.objects.filter(username__iexact=name).exists():
            raise ValidationError(_("Somebody has this name already."))
        return name

    def clean_zone(self) -> str:
        """The browser's time zone, where it is one that this machine knows."""
        zone = str(self.cleaned_data["zone"])
        return zone if zone in zoneinfo.available_timezones() else ""

    def clean(self) -> dict[str, Any]:
        """Both passwords are the same, and not one that is easily guessed."""
        given = super().clean() or {}
        password, again = given.get("password"), given.get("again")
        if password and again and password != again:
            self.add_error("again", _("This is not the same password."))
        if password:
            person = self._person or Person(username=given.get("username", ""), name=given.get("name", ""))
            try:
                validate_password(password, person)
            except ValidationError as error:
                self.add_error("password", error)
        return given
