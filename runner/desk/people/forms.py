"""The forms of people: a password, a profile, a new person, a key for a program."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runner.core.errors import did_you_mean
from runner.desk.asking import Access
from runner.desk.people.models import Person
from runner.desk.roles import PERMISSIONS, Role
from runner.desk.settings import LANGUAGES
from runner.desk.words import choices

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


class ProfileForm(forms.Form):
    """What people say about themselves."""

    name = forms.CharField(label=gettext_lazy("Your name, as others see it"), max_length=200, required=False)
    email = forms.EmailField(label=gettext_lazy("E-mail"), required=False)
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        required=False,
        choices=[("", gettext_lazy("that of the browser")), *LANGUAGES],
    )
    zone = forms.CharField(
        label=gettext_lazy("Time zone"), required=False, widget=forms.TextInput(attrs={"list": "zones"}),
        help_text=gettext_lazy("A name such as Europe/Berlin; empty: that of the machine."),
    )  # fmt: skip
    theme = forms.ChoiceField(
        label=gettext_lazy("Look"),
        choices=[
            ("auto", gettext_lazy("as the system")),
            ("light", gettext_lazy("light")),
            ("dark", gettext_lazy("dark")),
        ],
    )

    def __init__(self, data: Any = None, *, person: Person) -> None:
        self.person = person
        super().__init__(
            data, label_suffix="", initial={name: getattr(person, name) for name in self.base_fields}
        )

    def save(self) -> Person:
        """Keep what was said."""
        for name in self.fields:
            setattr(self.person, name, self.cleaned_data[name])
        self.person.save(update_fields=list(self.fields))
        return self.person

    def clean_zone(self) -> str:
        """A zone that this machine knows."""
        zone = str(self.cleaned_data["zone"])
        if zone and zone not in zoneinfo.available_timezones():
            near = did_you_mean(zone, zoneinfo.available_timezones())
            raise ValidationError(_("This time zone is not known.") + (f" {near}" if near else ""))
        return zone


class PersonForm(forms.Form):
    """Somebody new. Nobody gives a role above their own."""

    username = forms.CharField(
        label=gettext_lazy("Name to sign in with"), max_length=150, validators=[NAME_RULE],
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )  # fmt: skip
    name = forms.CharField(label=gettext_lazy("Shown name"), max_length=200, required=False)
    email = forms.EmailField(label=gettext_lazy("E-mail"), required=False)
    role = forms.ChoiceField(label=gettext_lazy("Role"))

    def __init__(self, data: Any = None, *, giver: Role) -> None:
        super().__init__(data, label_suffix="", initial={"role": Role.VIEWER})
        self.fields["role"] = forms.ChoiceField(label=gettext_lazy("Role"), choices=roles_up_to(giver))

    def clean_username(self) -> str:
        """A name that nobody has yet."""
        name = str(self.cleaned_data["username"])
        if Person.objects.filter(username__iexact=name).exists():
            raise ValidationError(_("Somebody has this name already."))
        return name


class RoleForm(forms.Form):
    """A role, everywhere (no process) or in one process."""

    role = forms.ChoiceField(label=gettext_lazy("Role"))
    process = forms.CharField(
        label=gettext_lazy("Process"), max_length=200, required=False,
        widget=forms.TextInput(attrs={"list": "processes"}),
    )  # fmt: skip

    def __init__(self, data: Any = None, *, giver: Role, role: str = "") -> None:
        super().__init__(data, label_suffix="", initial={"role": role})
        self.fields["role"] = forms.ChoiceField(label=gettext_lazy("Role"), choices=roles_up_to(giver))


class TokenForm(forms.Form):
    """A key for a program: what for, what it may do, until when."""

    name = forms.CharField(label=gettext_lazy("What is it for?"), max_length=100)
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("It may"),
        widget=forms.CheckboxSelectMultiple,
        choices=[(one, one) for one in PERMISSIONS],
    )
    days = forms.ChoiceField(
        label=gettext_lazy("Valid for"),
        choices=[
            ("30", gettext_lazy("30 days")),
            ("90", gettext_lazy("90 days")),
            ("365", gettext_lazy("a year")),
            ("0", gettext_lazy("until it is revoked")),
        ],
    )

    def __init__(self, data: Any = None, *, access: Access) -> None:
        super().__init__(data, label_suffix="", initial={"days": "90"})
        allowed = [(one, one) for one in PERMISSIONS if access.may(one)]
        self.fields["scopes"] = forms.MultipleChoiceField(
            label=gettext_lazy("It may"), widget=forms.CheckboxSelectMultiple, choices=allowed
        )


def roles_up_to(giver: Role) -> list[tuple[str, str]]:
    """The roles that somebody with the role `giver` can give, with their words."""
    return [(value, shown) for value, shown in choices("role") if Role(value).rank <= giver.rank]
