"""Who uses the desk: people, their roles, their one-time links, sign-ins and tokens. Secrets are kept as hashes only."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Final

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from runner.desk.roles import Role

LONGEST_SIGN_IN: Final = timedelta(hours=12)
LONGEST_IDLE: Final = timedelta(minutes=30)
CONFIRMED_FOR: Final = timedelta(minutes=10)  # that long after the password nothing asks for it again


class Person(AbstractBaseUser):
    """Somebody who may sign in. `username` is the `by` of what they decide, and never changes.

    `language` is ``en``, ``zh-hans`` or empty (the browser's); `zone` an IANA name or empty (this machine's).
    """

    username = models.CharField(max_length=150, unique=True)
    name = models.CharField(max_length=200, default="", blank=True)
    email = models.EmailField(max_length=254, default="", blank=True)
    role = models.CharField(max_length=20, default=Role.VIEWER)
    language = models.CharField(max_length=10, default="", blank=True)
    zone = models.CharField(max_length=64, default="", blank=True)
    theme = models.CharField(max_length=10, default="auto")
    is_active = models.BooleanField(default=True)
    created = models.DateTimeField()
    created_by = models.CharField(max_length=150, default="")

    objects = BaseUserManager["Person"]()
    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        """Listed by name."""

        ordering = ("username",)

    def __str__(self) -> str:
        return self.username

    @property
    def shown_name(self) -> str:
        """The name that others see."""
        return self.name or self.username


class ProcessRole(models.Model):
    """The role of a person in one process; it takes the place of their own role there, whether higher or lower."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="process_roles")
    process = models.CharField(max_length=200)
    role = models.CharField(max_length=20)

    class Meta:
        """One role per person and process."""

        constraints = (models.UniqueConstraint(fields=["person", "process"], name="one_role_per_process"),)

    def __str__(self) -> str:
        return f"{self.person_id}: {self.role} in {self.process}"


class OneTimeLink(models.Model):
    """A link with which a person sets their password, once, until it expires. `hash` is the SHA-256 of its token.

    A link without a `person` is that of the first visit: whoever opens it becomes the first admin.
    """

    hash = models.CharField(max_length=64, primary_key=True)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, null=True, related_name="links")
    made = models.DateTimeField()
    made_by = models.CharField(max_length=150, default="")
    expires = models.DateTimeField()
    used = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"link for {self.person_id or 'the first admin'} until {self.expires:%Y-%m-%d %H:%M} UTC"


class SignIn(models.Model):
    """One signed-in browser. `session` is the key of Django's session; without this row the session is worth nothing."""

    session = models.CharField(max_length=40, unique=True)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="sign_ins")
    started = models.DateTimeField()
    seen = models.DateTimeField()
    confirmed = models.DateTimeField()  # when the password was last given
    address = models.CharField(max_length=45, default="")
    agent = models.CharField(max_length=300, default="")

    class Meta:
        """The newest first."""

        ordering = ("-started",)

    @property
    def browser(self) -> str:
        """The browser and its system, as far as it says them: ``Firefox, Windows``."""
        names = ("Edg", "OPR", "Firefox", "Chrome", "Safari")
        shown = {"Edg": "Edge", "OPR": "Opera"}
        systems = ("Windows", "Android", "iPhone", "iPad", "Mac OS X", "Linux")
        browser = next((shown.get(one, one) for one in names if f"{one}/" in self.agent), "")
        system = next((one for one in systems if one in self.agent), "")
        return ", ".join(part for part in (browser, system) if part) or self.agent[:60]

    def __str__(self) -> str:
        return f"{self.person_id} since {self.started:%Y-%m-%d %H:%M} UTC"


class ApiCall(models.Model):
    """A call that made something, under the `Idempotency-Key` it came with: sent again, it gets the same answer.

    `digest` is the SHA-256 of the call itself. Kept for a week.
    """

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="calls")
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    status = models.IntegerField()
    answer = models.JSONField(default=dict)
    at = models.DateTimeField(db_index=True)

    class Meta:
        """One answer per person and key."""

        constraints = (models.UniqueConstraint(fields=["person", "key"], name="one_answer_per_key"),)

    def __str__(self) -> str:
        return f"{self.key} of {self.person_id}"


class ApiToken(models.Model):
    """A key with which a program acts for a person. `hash` is the SHA-256 of it, `shown` its first letters.

    `scopes` are names of permissions; the token may do what both its scopes and its person's role allow.
    """

    hash = models.CharField(max_length=64, unique=True)
    shown = models.CharField(max_length=12)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    scopes = models.JSONField(default=list)
    made = models.DateTimeField()
    expires = models.DateTimeField(null=True)
    last_used = models.DateTimeField(null=True)
    revoked = models.DateTimeField(null=True)

    class Meta:
        """The newest first."""

        ordering = ("-made",)

    def __str__(self) -> str:
        return f"{self.name} of {self.person_id}"
