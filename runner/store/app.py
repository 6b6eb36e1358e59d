"""The Django application that holds the store's models."""

from __future__ import annotations

from django.apps import AppConfig


class StoreApp(AppConfig):
    """Runner's tables."""

    name = "runner.store"
    label = "store"
    default_auto_field = "django.db.models.BigAutoField"
