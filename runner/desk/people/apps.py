"""The Django application that holds the desk's people."""

from __future__ import annotations

from django.apps import AppConfig


class PeopleApp(AppConfig):
    """People, their links, sign-ins and tokens."""

    name = "runner.desk.people"
    label = "people"
    default_auto_field = "django.db.models.BigAutoField"
