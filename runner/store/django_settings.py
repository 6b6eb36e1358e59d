"""The store's Django settings as a module, for tools that ask for one (type checker, `makemigrations`)."""

from __future__ import annotations

from runner.store.open import django_options

SECRET_KEY = "only-for-tools"  # noqa: S105 (no page is served with these settings)
globals().update(django_options(":memory:"))
INSTALLED_APPS = ["runner.store.app.StoreApp"]
DATABASES = django_options(":memory:")["DATABASES"]
USE_TZ = True
