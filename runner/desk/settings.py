"""The Django settings of the desk: those of the store, and what pages, people and safety need beside them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from runner.core.errors import ConfigurationError
from runner.core.settings import Settings
from runner.store.open import django_options

AREAS: Final = (
    "queue", "problems", "runs", "schedules", "bots", "recordings", "queues", "processes", "search", "health", "audit",
    "secrets",
    "api", "webhooks", "errors",
)  # fmt: skip
LANGUAGES: Final = (("en", "English"), ("zh-hans", "简体中文"))
LOCK_AFTER: Final = 5  # wrong passwords in a row
LOCKED_FOR: Final = timedelta(minutes=15)
LARGEST_BODY: Final = 10 * 1024 * 1024
_HERE: Final = Path(__file__).parent
_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


def desk_options(settings: Settings, secret_key: str) -> dict[str, Any]:
    """All Django settings of a desk on `settings.store`; `secret_key` signs its cookies and links.

    Raises ConfigurationError (DESK_URL) for a `desk_url` that is no address.
    """
    store = django_options(settings.store)
    return {
        **store,
        "INSTALLED_APPS": [
            *store["INSTALLED_APPS"],
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django.contrib.sessions",
            "django.contrib.messages",
            "axes",
            "django_htmx",
            "runner.desk",
            "runner.desk.people.apps.PeopleApp",
            *(f"runner.desk.{area}" for area in AREAS),
        ],
        "SECRET_KEY": secret_key,
        "DEBUG": False,
        "ROOT_URLCONF": "runner.desk.urls",
        "APPEND_SLASH": False,
        "MIDDLEWARE": [
            "runner.desk.safety.SecurityHeaders",
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "django_htmx.middleware.HtmxMiddleware",
            "runner.desk.signed_in.WhoIsAsking",
            "runner.desk.refusals.Refusals",
            "axes.middleware.AxesMiddleware",
        ],
        "TEMPLATES": [_templates()],
        **_people(),
        **_safety(settings),
        **_languages(),
    }


def secret_key_of(home: Path) -> str:
    """The key in `home` with which the desk signs, readable by its owner only; made when there is none yet."""
    path = home / "desk.key"
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text("ascii")
    with os.fdopen(file, "w", encoding="ascii") as out:
        key = secrets.token_urlsafe(64)
        out.write(key)
    return key


def public_host(settings: Settings) -> str:
    """The host name under which a proxy shows the desk; empty without one. Raises ConfigurationError (DESK_URL)."""
    if not settings.desk_url:
        return ""
    parts = urlsplit(settings.desk_url)
    if parts.scheme != "https" or not parts.hostname:
        raise ConfigurationError(
            f"'{settings.desk_url}' is not an address that people can open safely",
            expected="https://, a host name, and nothing after it",
            hint="set desk_url to what people type into the browser",
            where="desk_url",
            code="DESK_URL",
        )
    return parts.hostname


def _templates() -> Mapping[str, Any]:
    return {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": [
                "django.templatetags.i18n",
                "runner.desk.templatetags.desk",
                "runner.desk.templatetags.times",
                "runner.desk.templatetags.drawings",
                "runner.desk.errors.templatetags.errors",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csrf",
                "django.contrib.messages.context_processors.messages",
                "runner.desk.navigation.around_every_page",
            ],
        },
    }


def _people() -> Mapping[str, Any]:
    return {
        "AUTH_USER_MODEL": "people.Person",
        "AUTHENTICATION_BACKENDS": [
            "axes.backends.AxesStandaloneBackend",
            "django.contrib.auth.backends.ModelBackend",
        ],
        "PASSWORD_HASHERS": [
            "django.contrib.auth.hashers.Argon2PasswordHasher",
            "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        ],
        "AUTH_PASSWORD_VALIDATORS": [
            {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
            {
                "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
                "OPTIONS": {"min_length": 10},
            },
            {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
            {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
        ],
        "LOGIN_URL": "/sign-in",
        "AXES_FAILURE_LIMIT": LOCK_AFTER,
        "AXES_COOLOFF_TIME": LOCKED_FOR,
        "AXES_LOCKOUT_PARAMETERS": ["username"],
        "AXES_LOCKOUT_CALLABLE": "runner.desk.people.locked.locked_out",
        "AXES_CLIENT_IP_CALLABLE": "runner.desk.people.locked.address_of",
        "AXES_RESET_ON_SUCCESS": True,
        "AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT": False,
        "AXES_ENABLE_ADMIN": False,
        "AXES_VERBOSE": False,
        "AXES_DISABLE_ACCESS_LOG": True,
        "SILENCED_SYSTEM_CHECKS": ["axes.W006"],
    }


def _safety(settings: Settings) -> Mapping[str, Any]:
    host = public_host(settings)
    behind_tls = bool(host)
    return {
        "ALLOWED_HOSTS": [*_LOOPBACK, *([host] if host else [])],
        "CSRF_TRUSTED_ORIGINS": [settings.desk_url.rstrip("/")] if host else [],
        "CSRF_FAILURE_VIEW": "runner.desk.refusals.foreign_request",
        "CSRF_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_SAMESITE": "Strict",
        "CSRF_COOKIE_SECURE": behind_tls,
        "CSRF_COOKIE_NAME": "runner_csrf",
        "SESSION_COOKIE_NAME": "runner_session",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": behind_tls,
        "SESSION_COOKIE_AGE": 12 * 3600,
        "SESSION_EXPIRE_AT_BROWSER_CLOSE": False,
        "MESSAGE_STORAGE": "django.contrib.messages.storage.session.SessionStorage",
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https") if settings.desk_proxy else None,
        "SECURE_REFERRER_POLICY": "same-origin",
        "SECURE_HSTS_SECONDS": 31_536_000 if behind_tls else 0,
        "X_FRAME_OPTIONS": "DENY",
        "DATA_UPLOAD_MAX_MEMORY_SIZE": LARGEST_BODY,
        "FILE_UPLOAD_MAX_MEMORY_SIZE": 1024 * 1024,
        "DATA_UPLOAD_MAX_NUMBER_FIELDS": 5000,
        "DATA_UPLOAD_MAX_NUMBER_FILES": 20,
    }


def _languages() -> Mapping[str, Any]:
    return {
        "USE_I18N": True,
        "LANGUAGE_CODE": "en",
        "LANGUAGES": LANGUAGES,
        "LANGUAGE_COOKIE_NAME": "runner_language",
        "LANGUAGE_COOKIE_SAMESITE": "Lax",
        "LOCALE_PATHS": [str(_HERE / "locale")],
        "USE_THOUSAND_SEPARATOR": True,
    }
