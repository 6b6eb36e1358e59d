"""The desk's Django settings as a module, for tools that ask for one (type checker, `makemigrations people`)."""

from __future__ import annotations

from pathlib import Path

from runner.core.settings import Settings
from runner.desk.settings import desk_options
from runner.store.open import django_options

_OPTIONS = desk_options(Settings(project=Path(), home=Path()), "only-for-tools")
globals().update(_OPTIONS)
DATABASES = django_options(":memory:")[
    "DATABASES"
]  # a tool that looks for migrations must leave no file behind
SECRET_KEY = "only-for-tools"  # noqa: S105 (no page is served with these settings)
INSTALLED_APPS = _OPTIONS["INSTALLED_APPS"]
AUTH_USER_MODEL = "people.Person"
USE_TZ = True
